"""The jobs of benchmarks/gpu.py: what they answer, how they fail, and that the gate holds what is timed."""

import contextlib
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
import strict_cupy

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks" / "jobs"))

import gpu
import gpu_common
import gpu_job
import gpu_reference
import gpu_tinynet
import gpu_torch
from gpu_job import Failed, Job, environment

import tinynet.kernels

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "gpu.py"


def test_a_job_counts_one_epoch_or_says_why_not(monkeypatch):
    done = []
    variant = SimpleNamespace(epoch=lambda: done.append("epoch"), wait=lambda: done.append("wait"))

    @contextlib.contextmanager
    def counted():
        done.append("begin")
        yield gpu_common.cupti.Counts(launches=5)
        done.append("end")

    monkeypatch.setattr(gpu_common.cupti, "counted", counted)
    assert gpu_common.count(variant)["counts"]["launches"] == 5
    assert done == ["begin", "epoch", "wait", "end"]
    monkeypatch.undo()
    monkeypatch.setattr(gpu_common.cupti, "libraries", list)
    assert gpu_common.count(variant)["uncounted"].startswith("no CUPTI: python -m pip install ")


@pytest.mark.parametrize(("seconds", "fill", "number"), [([4, 2], 10, 2), ([4, 2], 1, 1), ([4, 2, 2, 2, 2, 2], 21, 5)])
def test_a_turn_times_as_many_epochs_as_fill_it_after_one_that_is_not_timed(monkeypatch, seconds, fill, number):
    clock, done = [0.0], []

    def epoch():
        clock[0] += seconds[len(done)]
        done.append("epoch")
        return float(len(done)), 0.5

    variant = SimpleNamespace(epoch=epoch, wait=lambda: None)
    monkeypatch.setattr(gpu_common.time, "perf_counter", lambda: clock[0])
    seconds.extend([2] * number)
    found = gpu_common.turn(variant, fill)
    assert found == {
        "seconds": 2,
        "epochs": number,
        "loss": [float(n + 1) for n in range(number + 1)],
        "accuracy": [0.5] * (number + 1),
    }


def test_a_job_that_ends_or_is_silent():
    job = Job(["gpu_tinynet.py", "--nonsense"], rehearse=True)
    with pytest.raises(Failed, match=r"^ended with status 2: .*: unrecognized arguments: --nonsense") as failed:
        job.answer(60)
    assert failed.value.said.startswith("usage: ")
    with pytest.raises(Failed, match="no answer within 0 s"):
        job.ask(0, do="epoch")
    job.close()


def program(monkeypatch, tmp_path, text):
    """A job that runs this program."""
    monkeypatch.setattr(gpu_job, "JOBS", tmp_path)
    jobs = str(SCRIPT.parent / "jobs")
    (tmp_path / "job.py").write_text(f"import os, sys, time\nsys.path.insert(0, {jobs!r})\n{text}")
    return Job(["job.py"], rehearse=True)


SAID = ["first", "ValueError: no GPU", "----", "For simplicity, frames were removed."]


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("sys.exit(3)", "ended with status 3: ValueError: no GPU"),
        ("os.kill(os.getpid(), 9)", "ended by SIGKILL: ValueError: no GPU"),
        ("print('{}', flush=True); time.sleep(60)", "no answer within 0 s: ValueError: no GPU"),
    ],
)
def test_the_reason_is_the_line_that_names_an_error(monkeypatch, tmp_path, end, reason):
    job = program(monkeypatch, tmp_path, f"print(*{SAID}, sep=chr(10), file=sys.stderr, flush=True); {end}")
    if "sleep" in end:
        job.answer(60)
    with pytest.raises(Failed) as failed:
        job.answer(0 if "sleep" in end else 60)
    assert str(failed.value) == reason
    assert failed.value.said.splitlines() == SAID
    job.process.kill()
    job.close()


def test_without_an_error_the_reason_is_the_last_line():
    assert gpu_job.telling("a\nb\n\n") == "b"
    assert gpu_job.telling("") == ""


def test_an_exception_in_a_job_is_its_reason_and_it_goes_on(monkeypatch, tmp_path):
    text = """
import gpu_common
class Variant:
    def __init__(self, options): pass
    def configure(self, x, y, weights, batch): self.batch = batch
    def epoch(self, order=None):
        if self.batch == 2:
            print("noise", file=sys.stderr)
            raise ZeroDivisionError("no memory\\nat all")
        return 1.5, 0.5
    def wait(self): pass
gpu_common.serve(Variant)
"""
    job = program(monkeypatch, tmp_path, text)
    assert job.answer(60) == {"ready": True}
    with pytest.raises(Failed, match=r"^ZeroDivisionError: no memory$") as failed:
        job.ask(60, do="configure", images=4, units=2, batch=2)
    assert failed.value.said.startswith("noise\nTraceback")
    assert failed.value.said.endswith("ZeroDivisionError: no memory\nat all")
    assert "failed" not in job.ask(60, do="configure", images=4, units=2, batch=4)
    job.close()


def test_an_exception_at_a_jobs_start_is_its_reason(monkeypatch, tmp_path):
    job = program(monkeypatch, tmp_path, "import gpu_common\ngpu_common.serve(lambda options: {}['name'])")
    with pytest.raises(Failed, match=r"^KeyError: 'name'$"):
        job.answer(60)
    job.close()


class Tensor:
    def __init__(self, value):
        self.value = value

    def detach(self):
        return self

    def clone(self):
        return Tensor(self.value)

    def copy_(self, other):
        self.value = other.value

    def zero_(self):
        self.value = 0


def test_the_capture_forgets_what_its_warm_up_trained(monkeypatch):
    done, weight, moment, count = [], Tensor(7), Tensor(0), Tensor(0)

    @contextlib.contextmanager
    def inside(what):
        done.append(what)
        yield
        done.append("end")

    def step(_):
        done.append("step")
        for tensor in (weight, moment, count):
            tensor.value += 1

    torch = mock.MagicMock()
    torch.arange.return_value.view.return_value = [0] * 5
    torch.cuda.Stream.return_value.wait_stream.side_effect = lambda _: done.append("it waits")
    torch.cuda.current_stream.return_value.wait_stream.side_effect = lambda _: done.append("wait for it")
    torch.cuda.stream, torch.cuda.graph = lambda _: inside("side"), lambda _: inside("graph")
    monkeypatch.setattr(gpu_torch, "torch", torch)
    monkeypatch.setattr(gpu_torch.Torch, "next_step", step)
    variant = object.__new__(gpu_torch.Torch)
    variant.x, variant.batch, variant.device = [0] * 160, 32, "cuda"
    variant.dense = SimpleNamespace(parameters=lambda: [weight])
    forget = mock.Mock(side_effect=lambda set_to_none: done.append("gradients"))
    variant.optimizer = SimpleNamespace(state={weight: {"exp_avg": moment, "step": count}}, zero_grad=forget)
    variant.capture()
    assert done == ["it waits", "side", *["step"] * 3, "end", "wait for it", "gradients", "graph", "step", "end"]
    assert (weight.value, moment.value, count.value) == (7, 0, 0)
    forget.assert_called_once_with(set_to_none=True)


def test_a_job_gets_no_setting_that_changes_the_arithmetic(monkeypatch):
    for name in ("CUPY_TF32", "XLA_FLAGS", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "TINYNET_DATA", "CUDA_LAUNCH_BLOCKING"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("CUPY_ACCELERATORS", "cub")
    monkeypatch.setenv("CUPY_CACHE_DIR", "kernels")
    given = environment(rehearse=False)
    assert given.pop("CUPY_CACHE_DIR") == "kernels", "where the home folder cannot be written to"
    assert not [name for name in given if name.startswith(("CUPY", "XLA_FLAGS", "TORCH", "TINYNET", "CUDA_LAUNCH"))]
    assert given["NVIDIA_TF32_OVERRIDE"] == "0"
    assert given["CUDA_VISIBLE_DEVICES"] == "1"
    assert given["JAX_PLATFORMS"] == "cuda,cpu"


@pytest.mark.parametrize("given", [None, "elsewhere"])
def test_the_jobs_tinynet_is_this_checkouts_installed_or_not(monkeypatch, tmp_path, given):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    if given:
        monkeypatch.setenv("PYTHONPATH", given)
    program = "import importlib.util, sys; print(importlib.util.find_spec('tinynet').origin, sys.path)"
    done = subprocess.run(  # -S: without what is installed
        [sys.executable, "-S", "-c", program],
        env=environment(rehearse=True),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith(str(SCRIPT.parents[1] / "tinynet" / "__init__.py")), done.stderr
    assert given is None or given in done.stdout


def test_a_torch_that_finds_no_gpu_says_what_to_install_for_each_cuda(monkeypatch):
    cuda = SimpleNamespace(is_available=lambda: False)
    built = SimpleNamespace(__version__="2.13.0", version=SimpleNamespace(cuda="13.0"), cuda=cuda)
    monkeypatch.setattr(gpu_torch, "torch", built)
    with pytest.raises(gpu_common.LeftOut) as reason:
        gpu_torch.Torch(SimpleNamespace(rehearse=False, graph=False))
    assert str(reason.value) == (
        "PyTorch 2.13.0, built for CUDA 13.0, finds no GPU: python -m pip install torch, "
        "or for a driver of CUDA 12 from PyTorch's index for CUDA 12.6"
    )


@pytest.mark.parametrize(("name", "cuda"), [("requirements-gpu.txt", "13"), ("requirements-gpu-cuda12.txt", "12")])
def test_what_is_to_be_installed_is_for_one_cuda(name, cuda):
    text = (SCRIPT.parent / name).read_text()
    wanted = [line for line in text.splitlines() if not line.startswith("#")]
    assert {found for line in wanted for found in re.findall(r"cu(?:da-?)?(1\d)", line)} == {cuda}
    assert ("torch" in wanted) == (cuda == "13"), "plain torch is built for CUDA 13"


def test_the_difference_of_weights():
    expected = [np.array([[3.0, 0.0]]), np.array([4.0])]
    assert gpu_common.difference([np.array([[3.0, 0.0]]), np.array([4.5])], expected) == 0.1
    assert np.isnan(gpu_common.difference([np.array([[3.0, np.nan]]), np.array([4.0])], expected))


@pytest.mark.usefixtures("stand_in")
def test_the_gate_goes_through_the_kernel_that_cuts_the_batches(monkeypatch):
    def spoilt(name, **types):
        return right(name, **types).replace("from = order[n]", "from = 0")

    right = tinynet.kernels.text
    assert spoilt("gather", sample="float", real="float") != right("gather", sample="float", real="float")
    monkeypatch.setattr(tinynet.kernels, "text", spoilt)
    variant = gpu_tinynet.Tinynet(SimpleNamespace(rehearse=False))
    steps, batch = gpu_common.GATES[0]
    found = gpu_common.held(variant, steps, batch, gpu_reference.trained("keras", steps, batch))
    assert found["weights"] > gpu.BOUND
    assert found["loss"] > gpu.BOUND


@pytest.mark.usefixtures("stand_in")
def test_tinynets_job_passes_the_gate_on_the_strict_stand_in_for_cupy():
    variant = gpu_tinynet.Tinynet(SimpleNamespace(rehearse=False))
    steps, batch = gpu_common.GATES[0]
    x, y, order = gpu_common.gate_batches(steps, batch)
    variant.configure(x, y, gpu_common.weights(gpu_common.UNITS), batch)
    with strict_cupy.device.counted() as counts:
        loss, accuracy = variant.epoch(order)
    assert (round(loss, 2), round(accuracy, 2)) == (2.41, 0.07)
    *weights, expected = gpu_reference.trained("keras", steps, batch)
    assert gpu_common.difference(variant.weights(), weights) < 1e-6
    assert abs(loss - expected) < 1e-6
    assert counts.launches > steps
    assert counts.downloads < steps, "nothing waits in each step"
    loss, _ = variant.epoch()
    assert loss < 2.41
