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

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks" / "jobs"))

import gpu
from gpu_job import Failed
from gpu_table import table

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "gpu.py"


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
    assert len(output) == 3, "at the beginning and above the table"
    assert re.search(r"^    tinynet +\d\.\de-0[678]   right$", output[1], re.M)
    heads, names, *rows = output[2].strip("\n").splitlines()
    assert heads.endswith("an epoch:")
    assert re.split(" {2,}", names.strip())[:5] == ["batch", "units", "variant", "median (range)", "median"]
    assert names.split()[6:] == ["tinynet's", "timed", "kernels", "graphs", "up", "down", "waits"]
    number = r"[\d,]+\.\d"
    for batch, units, remark in ((32, 16, "needs a GPU"), (128, 16, r"-( +-){4}"), (32, 32, r"-( +-){4}")):
        mine = [row for row in rows if re.match(rf" +{batch} +{units}  ", row)]
        times = rf"{number} \({number}-{number}\) +{number} +1\.00 +2 +{remark}"
        assert re.fullmatch(rf" +{batch} +{units}  tinynet +{times}", mine[0])
        assert any(re.fullmatch(rf" +{batch} +{units}  PyTorch, CUDA graph +needs a GPU", row) for row in mine)
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["rehearsal"] is True
    assert [len(sample["seconds"]["tinynet"]) for sample in found["samples"]] == [2, 2, 2]


@pytest.mark.parametrize(
    ("driver", "reason"),
    [((0, None), "there is no NVIDIA driver"), ((0, 13), "the NVIDIA driver finds no device")],
)
def test_without_a_gpu_it_stops_at_once(monkeypatch, driver, reason):
    monkeypatch.setattr(gpu.cupti, "driver", lambda: driver)
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    with pytest.raises(SystemExit, match=f"needs an NVIDIA GPU: {reason} here. --rehearse"):
        gpu.main()


def test_the_table():
    labels = {"tinynet": "tinynet", "torch": "PyTorch, eager", "torch-graph": "PyTorch, CUDA graph", "jax": "JAX, scan"}
    samples = [
        {"batch": 10, "units": 256, "seconds": {"tinynet": [0.5], "torch": [0.25], "torch-graph": []}},
        {"batch": 20, "units": 128, "seconds": {"tinynet": [0.01, 0.03, 0.02], "torch": [0.05, 0.07]}},
        {"batch": 10, "units": 128, "seconds": {"tinynet": [], "torch": [1.0]}},
    ]
    kinds = {"launches": 335, "graph_launches": 10, "uploads": 2, "downloads": 3, "synchronizations": 4}
    counts = [
        {"batch": 20, "units": 128, "name": "tinynet", "counts": {**kinds, "copies": 99, "fills": 98}},
        {"batch": 20, "units": 128, "name": "torch", "uncounted": "no CUPTI: python -m pip install it"},
    ]
    lines = table(samples, counts, labels, images=205).splitlines()[2:]
    assert [re.split(r" {2,}", line.strip()) for line in lines] == [
        ["10", "128", "PyTorch, eager", "50,000.0 (50,000.0-50,000.0)", "1,000.0", "-", "1", *"-----"],
        ["20", "128", "tinynet", "2,000.0 (1,000.0-3,000.0)", "20.0", "1.00", "3", "33.5", "1.0", "2", "3", "4"],
        ["20", "128", "PyTorch, eager", "6,000.0 (5,000.0-7,000.0)", "60.0", "3.00", "2", counts[1]["uncounted"]],
        ["10", "256", "tinynet", "25,000.0 (25,000.0-25,000.0)", "500.0", "1.00", "1", *"-----"],
        ["10", "256", "PyTorch, eager", "12,500.0 (12,500.0-12,500.0)", "250.0", "0.50", "1", *"-----"],
    ]
    assert len({line.index("PyTorch") for line in lines if "PyTorch" in line}) == 1


class Asked:
    """Stands in for a Job whose answers are known; it keeps the questions."""

    def __init__(self, answer):
        self.known, self.questions, self.seconds, self.killed = answer, [], [], False
        self.process = SimpleNamespace(kill=lambda: setattr(self, "killed", True))

    def ask(self, seconds, **question):
        self.questions.append(question)
        self.seconds.append(seconds)
        return self.known(question) if callable(self.known) else self.known


def test_a_variant_whose_weights_are_wrong_is_left_out(tmp_path, capsys):
    wrong, missing = Asked({"difference": 2e-4}), Asked({"difference": float("nan")})
    jobs, left_out = {"tinynet": Asked({"difference": 9e-5}), "torch": wrong, "jax": missing}, {}
    found = gpu.gate(jobs, tmp_path / "reference.npz", time.monotonic() + 60, left_out, rehearse=True)
    assert list(jobs) == ["tinynet"]
    assert set(found) == {"tinynet", "torch", "jax"}
    assert left_out["torch"]["reason"] == "WRONG: its weights differ by 2.0e-04; 0.0001 would do"
    assert "nan" in left_out["jax"]["reason"]
    assert wrong.killed
    assert missing.killed
    assert "JAX, scan is left out: WRONG" in capsys.readouterr().out


def timed(rounds, seconds, answers):
    """What gpu.timed finds in so many seconds, in which order, and what it leaves out; {name: answer to nth epoch}."""
    order, left_out = [], {}

    def job(name, epoch):
        def answer(question):
            if question["do"] == "configure":
                return {"configured": True}
            order.append(name)
            return {"seconds": epoch(order.count(name))}

        return Asked(answer)

    jobs = {name: job(name, epoch) for name, epoch in answers.items()}
    plan = {"settings": [(32, 128), (64, 256)], "images": 100}
    return gpu.timed(jobs, plan, rounds, time.monotonic() + seconds, left_out), order, left_out


def test_variants_take_turns_and_one_that_fails_is_left_out():
    def fails(count):
        if count == 2:
            raise Failed("out of memory", "the end of stderr")
        return 0.5

    samples, order, left_out = timed(3, 60, {"tinynet": float, "torch": fails, "jax": float})
    first = ["tinynet", "torch", "jax", "torch", "jax", "tinynet", "tinynet", "jax"]
    assert order == [*first, "tinynet", "jax", "jax", "tinynet", "tinynet", "jax"]
    assert left_out == {"torch": {"reason": "out of memory", "stderr": "the end of stderr"}}
    assert samples == [
        {"batch": 32, "units": 128, "seconds": {"tinynet": [1.0, 2.0, 3.0], "torch": [0.5], "jax": [1.0, 2.0, 3.0]}},
        {"batch": 64, "units": 256, "seconds": {"tinynet": [4.0, 5.0, 6.0], "jax": [4.0, 5.0, 6.0]}},
    ]


@pytest.mark.parametrize(("rounds", "seconds"), [(3, 0.05), (1, 0.3)])  # it is up, or would be in the next setting
def test_when_the_time_is_up_every_variant_has_an_epoch_and_the_rest_is_named(rounds, seconds, capsys):
    def slow(_):
        time.sleep(0.1)
        return 0.1

    samples, order, left_out = timed(rounds, seconds, {"tinynet": slow, "jax": slow})
    assert order == ["tinynet", "jax"]
    assert [sample["seconds"] for sample in samples] == [{"tinynet": [0.1], "jax": [0.1]}]
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
