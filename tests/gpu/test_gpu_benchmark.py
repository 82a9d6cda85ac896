"""benchmarks/gpu.py without a GPU: its rehearsal, its table, and what it does where something is missing or wrong."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "jobs"))

import gpu
import gpu_machine
from gpu_job import Failed

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


def test_the_rehearsal(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--rehearse", "--rounds", "2", "--json", "found.json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    output = done.stdout.split(gpu.REHEARSAL)
    assert len(output) == 4, "at the beginning and above both tables"
    error = r"\d\.\de-(0[6-9]|1\d)"
    right = rf"^    tinynet +{error}, {error} at batch 32    {error}, {error} at batch 8,192    right$"
    assert re.search(right, output[1], re.M)
    assert re.search(r"^ +\d+ s   batch 128, 16 units: tinynet [\d,]+\.\d(;|$)", output[1], re.M)
    before = output[2].strip("\n").splitlines()
    assert before[0].endswith("epochs"), "not yet counted"
    heads, names, *rows = output[3].strip("\n").splitlines()
    assert heads.endswith("an epoch:")
    assert re.split(" {2,}", names.strip())[:5] == ["batch", "units", "variant", "median (range)", "median"]
    assert names.split()[6:] == ["tinynet's", "timed", "kernels", "graphs", "up", "down", "waits"]
    number = r"[\d,]+\.\d"
    for batch, units, remark in ((32, 16, "needs a GPU"), (128, 16, r"-( +-){4}"), (32, 32, r"-( +-){4}")):
        mine = [row for row in rows if re.match(rf" +{batch} +{units}  ", row)]
        times = rf"{number} \({number}-{number}\) +{number} +1\.00 +\d+ +{remark}"
        assert any(line.startswith(mine[0][:90]) for line in before), "the same times"
        assert re.fullmatch(rf" +{batch} +{units}  tinynet +{times}", mine[0])
        assert any(re.fullmatch(rf" +{batch} +{units}  PyTorch, CUDA graph +needs a GPU", row) for row in mine)
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["rehearsal"] is True
    for sample in found["samples"]:
        assert np.isfinite(sample["warm-up"]["tinynet"]["loss"]).all()
        assert len(sample["turns"]["tinynet"]) == 2
        for turn in sample["turns"]["tinynet"]:
            assert len(turn["loss"]) == len(turn["accuracy"]) == turn["epochs"] + 1, "and one that is not timed"
            assert np.isfinite(turn["loss"]).all()
    assert [entry["uncounted"] for entry in found["counts"] if entry["name"] == "tinynet"] == ["needs a GPU"]


@pytest.mark.parametrize(
    ("driver", "reason"),
    [((0, None), "there is no NVIDIA driver"), ((0, 13), "the NVIDIA driver finds no device")],
)
def test_without_a_gpu_it_stops_at_once(monkeypatch, driver, reason):
    monkeypatch.setattr(gpu_machine.cupti, "driver", lambda: driver)
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    with pytest.raises(SystemExit, match=f"needs an NVIDIA GPU: {reason} here. --rehearse"):
        gpu.main()


@pytest.mark.parametrize(
    ("said", "mode"),
    [("Default\nDefault", None), ("[N/A]", None), (None, None), ("Default\nExclusive_Process", "Exclusive_Process")],
)
def test_where_a_gpu_lets_one_process_in_it_stops(monkeypatch, said, mode):
    asked = []
    monkeypatch.setattr(gpu_machine.cupti, "driver", lambda: (1, 13))
    monkeypatch.setattr(gpu_machine, "nvidia_smi", lambda fields: asked.append(fields) or said)
    if mode:
        with pytest.raises(SystemExit, match=f"compute mode is {mode}, .*: nvidia-smi -c DEFAULT"):
            gpu.check()
    else:
        gpu.check()
    assert asked == ["compute_mode"]


class Asked:
    """Stands in for a Job whose answers are known; it keeps the questions."""

    def __init__(self, answer):
        self.known, self.questions, self.seconds, self.killed = answer, [], [], False
        self.process = SimpleNamespace(kill=lambda: setattr(self, "killed", True))

    def ask(self, seconds, **question):
        self.questions.append(question)
        self.seconds.append(seconds)
        return self.known(question) if callable(self.known) else self.known


def gates(*differences):
    """The answer with these differences of weights and loss, at batch 32 and at 8,192."""
    pairs = zip([(50, 32), (3, 8192)], [differences[:2], differences[2:]], strict=True)
    return {
        "gates": [{"steps": steps, "batch": batch, "weights": w, "loss": loss} for (steps, batch), (w, loss) in pairs]
    }


def test_a_variant_that_is_wrong_is_left_out(tmp_path, capsys):
    reasons = {
        "torch": ((2e-4, 0, 0, 0), "WRONG: weights after 50 steps at batch 32 off by 2.0e-04; 0.0001 would do"),
        "torch-graph": ((0, 2e-4, 0, 0), "WRONG: loss after 50 steps at batch 32 off by 2.0e-04; 0.0001 would do"),
        "jax": ((0, 0, 0, float("nan")), "WRONG: loss after 3 steps at batch 8192 off by nan; 0.0001 would do"),
    }
    wrong, left_out = {name: Asked(gates(*each)) for name, (each, _) in reasons.items()}, {}
    jobs = {"tinynet": Asked(gates(*[9e-5] * 4)), **wrong}
    found = gpu.gate(jobs, tmp_path / "reference.npz", time.monotonic() + 60, left_out, rehearse=True)
    assert list(jobs) == ["tinynet"]
    assert set(found) == {"tinynet", *reasons}
    assert {name: why["reason"] for name, why in left_out.items()} == {name: why for name, (_, why) in reasons.items()}
    assert all(job.killed for job in wrong.values())
    assert "JAX, scan is left out: WRONG" in capsys.readouterr().out


def timed(rounds, seconds, answers, losses=(2.5,)):
    """What gpu.timed finds in so many seconds, in which order, and what it leaves out; {name: time of nth turn}."""
    order, left_out = [], {}

    def job(name, epoch):
        def answer(question):
            if question["do"] == "configure":
                return {"loss": [2.5], "accuracy": [0.1]}
            assert question == {"do": "turn", "fill": 0.25}
            order.append(name)
            return {"seconds": epoch(order.count(name)), "epochs": 1, "loss": losses, "accuracy": [0.1]}

        return Asked(answer)

    jobs = {name: job(name, epoch) for name, epoch in answers.items()}
    plan = {"settings": [(32, 128), (64, 256)], "images": 320, "turn": 0.25}
    started = time.monotonic()
    return gpu.timed(jobs, plan, rounds, started, started + seconds, left_out), order, left_out


def seconds_of(samples):
    return [{name: [turn["seconds"] for turn in turns] for name, turns in each["turns"].items()} for each in samples]


def test_variants_take_turns_and_one_that_fails_is_left_out(capsys):
    def fails(count):
        if count == 2:
            raise Failed("out of memory", "the end of stderr")
        return 0.5

    samples, order, left_out = timed(3, 60, {"tinynet": float, "torch": fails, "jax": float})
    first = ["tinynet", "torch", "jax", "torch", "jax", "tinynet", "tinynet", "jax"]
    assert order == [*first, "tinynet", "jax", "jax", "tinynet", "tinynet", "jax"]
    assert left_out == {"torch": {"reason": "out of memory", "stderr": "the end of stderr"}}
    assert [(sample["batch"], sample["units"]) for sample in samples] == [(32, 128), (64, 256)]
    assert seconds_of(samples) == [
        {"tinynet": [1.0, 2.0, 3.0], "torch": [0.5], "jax": [1.0, 2.0, 3.0]},
        {"tinynet": [4.0, 5.0, 6.0], "jax": [4.0, 5.0, 6.0]},
    ]
    assert samples[1]["warm-up"]["jax"] == {"loss": [2.5], "accuracy": [0.1]}
    said = capsys.readouterr().out
    assert "0 s   batch 32, 128 units: tinynet 200,000.0; PyTorch, eager 50,000.0; JAX, scan 200,000.0" in said
    assert "0 s   batch 64, 256 units: tinynet 1,000,000.0; JAX, scan 1,000,000.0" in said


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_variant_whose_loss_is_not_finite_is_not_timed(loss):
    samples, order, left_out = timed(3, 60, {"jax": float}, losses=[2.5, loss])
    assert order == ["jax"]
    assert seconds_of(samples) == [{"jax": []}, {}]
    assert left_out["jax"]["reason"] == f"its loss became {loss}"


def test_the_times_are_written_and_shown_before_the_counting_and_tinynets_failure_is_the_status(
    monkeypatch, tmp_path, capsys
):
    def count(*_):
        found = json.loads((tmp_path / "found.json").read_text())
        assert (found["samples"], found["counts"]) == (samples, None)
        rows = capsys.readouterr().out.splitlines()[-3:]
        assert rows[0].endswith("  tinynet                left out: ValueError: why")
        assert rows[1].endswith("  PyTorch, eager         left out: " + "x" * 70 + " the ...")
        return []

    def dropped(jobs, *arguments):
        arguments[-1]["tinynet"] = {"reason": "ValueError: why", "stderr": "all of it"}
        arguments[-1]["torch"] = {"reason": "x" * 70 + " the end of a long reason", "stderr": ""}
        return samples

    samples = [{"batch": 32, "units": 128, "turns": {"tinynet": [], "jax": [{"seconds": 1.0, "epochs": 1}]}}]
    known = {"check": lambda: None, "machine": lambda _: {}, "micro": lambda *_: {"left_out": "no CuPy"}}
    known |= {"start": lambda *_: {}, "gate": lambda *_: {}, "timed": dropped, "counted": count}
    for name, function in known.items():
        monkeypatch.setattr(gpu, name, function)
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--json", str(tmp_path / "found.json")])
    with pytest.raises(SystemExit, match=r"^tinynet is left out: ValueError: why$"):
        gpu.main()
    assert json.loads((tmp_path / "found.json").read_text())["left out"]["tinynet"]["stderr"] == "all of it"
    assert "Single calls are left out: no CuPy" in capsys.readouterr().out


@pytest.mark.parametrize(("rounds", "seconds"), [(3, 0.05), (1, 0.3)])  # it is up, or would be in the next setting
def test_when_the_time_is_up_every_variant_has_an_epoch_and_the_rest_is_named(rounds, seconds, capsys):
    def slow(_):
        time.sleep(0.1)
        return 0.1

    samples, order, left_out = timed(rounds, seconds, {"tinynet": slow, "jax": slow})
    assert order == ["tinynet", "jax"]
    assert seconds_of(samples) == [{"tinynet": [0.1], "jax": [0.1]}]
    assert left_out == {}
    assert "batch 64, 256 units: left out, the time would not suffice" in capsys.readouterr().out


def test_counting_asks_a_new_job_of_each_variant_and_says_what_failed(monkeypatch):
    made = []

    class Counting(Asked):
        def __init__(self, arguments, rehearse):
            super().__init__(self.count)
            self.closed = False
            made.append(self)

        def count(self, question):
            if len(made) == 2 and question["do"] == "count":
                raise Failed("it ended", "its stderr")
            return {"counts": {"launches": 3}} if question["do"] == "count" else {"configured": True}

        def answer(self, seconds):
            return {"ready": True}

        def close(self):
            self.closed = True

    monkeypatch.setattr(gpu, "Job", Counting)
    plan = {"counted": [(32, 128), (64, 128)], "images": 100}
    assert gpu.counted(["tinynet", "jax"], plan, time.monotonic() + 60, rehearse=False) == [
        {"batch": 32, "units": 128, "name": "tinynet", "counts": {"launches": 3}},
        {"batch": 64, "units": 128, "name": "tinynet", "counts": {"launches": 3}},
        {"batch": 32, "units": 128, "name": "jax", "uncounted": "it ended", "stderr": "its stderr"},
        {"batch": 64, "units": 128, "name": "jax", "uncounted": "it ended", "stderr": "its stderr"},
    ]
    assert made[0].questions[2] == {"do": "configure", "images": 100, "units": 128, "batch": 64}
    assert 25 < made[0].seconds[0] <= 30, "half of the time, for there are two"
    assert 55 < made[1].seconds[0] <= 60, "and what that left"
    assert [job.closed for job in made] == [True, True]
    assert [job.killed for job in made] == [False, True]


def test_without_tinynet_nothing_is_measured(monkeypatch):
    made = []

    class Missing(Asked):
        def __init__(self, arguments, rehearse):
            super().__init__({"left_out": "CuPy is not installed"} if not made else {"ready": True})
            self.arguments, self.close, self.answered = arguments, lambda: None, 0
            made.append(self)

        def answer(self, seconds):
            self.answered += 1
            return self.known

    monkeypatch.setattr(gpu, "Job", Missing)
    with contextlib.ExitStack() as stack, pytest.raises(SystemExit) as stopped:
        gpu.start(False, stack, time.monotonic() + 60, {})
    assert stopped.value.code == "Nothing is measured without tinynet: CuPy is not installed"
    assert made[0].arguments == ["gpu_tinynet.py"]
    assert [job.answered for job in made] == [1, 0, 0, 0]
