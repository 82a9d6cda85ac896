"""The table of benchmarks/gpu.py: times, counts, and remarks in their place."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from gpu_table import table


def turns(*seconds, epochs=1):
    return [{"seconds": each, "epochs": epochs} for each in seconds]


def test_the_table():
    labels = {"tinynet": "tinynet", "torch": "PyTorch, eager", "torch-graph": "PyTorch, CUDA graph", "jax": "JAX, scan"}
    thrice = turns(0.01, 0.03, 0.02, epochs=9)
    samples = [
        {"batch": 10, "units": 256, "turns": {"tinynet": turns(0.5), "torch": turns(0.25), "torch-graph": []}},
        {"batch": 20, "units": 128, "turns": {"tinynet": thrice, "torch": turns(0.05, 0.07)}},
        {"batch": 10, "units": 128, "turns": {"tinynet": [], "torch": turns(1.0)}},
    ]
    kinds = {"launches": 335, "graph_launches": 10, "uploads": 2, "downloads": 3, "synchronizations": 4}
    counts = [
        {"batch": 20, "units": 128, "name": "tinynet", "counts": {**kinds, "copies": 99, "fills": 98}},
        {"batch": 20, "units": 128, "name": "torch", "uncounted": "no CUPTI: python -m pip install it"},
    ]
    remarks = {"torch-graph": "left out: no memory", "torch": "left out: it has times here"}
    lines = table(samples, counts, labels, 205, remarks).splitlines()[2:]
    graph = ["PyTorch, CUDA graph", "left out: no memory"]
    assert [re.split(r" {2,}", line.strip()) for line in lines] == [
        ["10", "128", "PyTorch, eager", "50,000.0 (50,000.0-50,000.0)", "1,000.0", "-", "1", *"-----"],
        ["10", "128", *graph],
        ["20", "128", "tinynet", "2,000.0 (1,000.0-3,000.0)", "20.0", "1.00", "27", "33.5", "1.0", "2", "3", "4"],
        ["20", "128", "PyTorch, eager", "6,000.0 (5,000.0-7,000.0)", "60.0", "3.00", "2", counts[1]["uncounted"]],
        ["20", "128", *graph],
        ["10", "256", "tinynet", "25,000.0 (25,000.0-25,000.0)", "500.0", "1.00", "1", *"-----"],
        ["10", "256", "PyTorch, eager", "12,500.0 (12,500.0-12,500.0)", "250.0", "0.50", "1", *"-----"],
        ["10", "256", *graph],
    ]
    early = table(samples, None, labels, 205, remarks).splitlines()
    assert [early[0].split()[-1], early[1].split()[-1]] == ["epochs", "timed"]
    assert [line.split()[-1] for line in early[2:5]] == ["1", "memory", "27"], "the same, without the counts"
    assert len({line.index("PyTorch") for line in lines if "PyTorch" in line}) == 1
