"""The scripts that measure on a GPU, without one: a smoke test of each."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import strict_cupy

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path += [str(BENCHMARKS), str(BENCHMARKS / "jobs")]

import cupti  # noqa: E402
import gpu  # noqa: E402
import gpu_common  # noqa: E402
import gpu_reference  # noqa: E402
import gpu_tinynet  # noqa: E402
from gpu_table import table  # noqa: E402


@pytest.mark.slow
def test_the_rehearsal(tmp_path):
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "gpu.py"), "--rehearse", "--rounds", "2", "--json", "found.json"],
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


COUNTED = {  # names as CUPTI 13.0 gives them
    "launches": "cuLaunch cuLaunchGrid cuLaunchGridAsync cuLaunchKernel cuLaunchKernel_ptsz cuLaunchKernelEx "
    "cuLaunchKernelEx_ptsz cuLaunchCooperativeKernel_ptsz cuLaunchCooperativeKernelMultiDevice cudaLaunch_v3020 "
    "cudaLaunch_ptsz_v7000 cudaLaunchKernel_v7000 cudaLaunchKernel_ptsz_v7000 cudaLaunchKernelExC_v11060 "
    "cudaLaunchKernelExC_ptsz_v11060 cudaLaunchCooperativeKernel_v9000 __cudaLaunchKernel_v13000 "
    "__cudaLaunchKernel_ptsz_v13000",
    "graph_launches": "cuGraphLaunch cuGraphLaunch_ptsz cudaGraphLaunch_v10000 cudaGraphLaunch_ptsz_v10000",
    "uploads": "cuMemcpyHtoD cu64MemcpyHtoD cuMemcpyHtoD_v2 cuMemcpyHtoDAsync_v2 cuMemcpyHtoD_v2_ptds "
    "cuMemcpyHtoDAsync_v2_ptsz cuMemcpyHtoAAsync_v2",
    "downloads": "cuMemcpyDtoH_v2 cuMemcpyDtoHAsync_v2 cuMemcpyDtoHAsync_v2_ptsz cu64MemcpyDtoHAsync cuMemcpyAtoH_v2",
    "copies": "cuMemcpy cuMemcpyAsync_ptsz cuMemcpyDtoDAsync_v2 cuMemcpy2D_v2 cuMemcpyPeerAsync cuMemcpyBatchAsync_v2 "
    "cudaMemcpy_v3020 cudaMemcpyAsync_ptsz_v7000 cudaMemcpyToSymbol_v3020 cudaMemcpyBatchAsync_v13000",
    "fills": "cuMemsetD8_v2 cuMemsetD32Async cudaMemset_v3020 cudaMemsetAsync_v3020",
    "synchronizations": "cuCtxSynchronize cuCtxSynchronize_v2 cuStreamSynchronize_ptsz cuEventSynchronize "
    "cudaDeviceSynchronize_v3020 cudaStreamSynchronize_v3020 cudaEventSynchronize_v3020 cudaThreadSynchronize_v3020",
    None: "cuLaunchHostFunc cudaLaunchHostFunc_v10000 cuGraphUpload cuGraphAddMemcpyNode "
    "cudaGraphAddMemcpyNode1D_v11010 cuGraphAddMemsetNode cuStreamBatchMemOp_v2 cuMemPrefetchAsync cuStreamWaitEvent "
    "cuEventRecord cuEventQuery cudaGraphInstantiate_v12000 cudaMalloc_v3020 cuMemAlloc_v2 cuModuleLoadData",
}


def test_kinds_of_functions():
    for kind, names in COUNTED.items():
        assert {name: cupti.kind_of(name) for name in names.split()} == dict.fromkeys(names.split(), kind)
