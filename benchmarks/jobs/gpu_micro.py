"""Times single calls for benchmarks/gpu.py: median microseconds of the processor, a line of JSON.

Calls are made in runs of `CALLS`, fewer than a device's queue holds, so that none waits; the device is waited for
between runs, off the clock. Only the download of a number waits by its nature. --rehearse times NumPy.
"""

import json
import statistics
import sys
import time

CALLS, RUNS = 100, 30


def median(function, wait):
    """Microseconds of a call: the median of the runs."""
    found = []
    for _ in range(RUNS + 1):
        wait()
        started = time.perf_counter()
        for _ in range(CALLS):
            function()
        found.append((time.perf_counter() - started) / CALLS * 1e6)
    return statistics.median(found[1:])  # the first compiles


def on_cupy():
    """(module, launch of a small kernel, wait, what is known of the device)."""
    import cupy

    kernel = cupy.RawKernel(
        'extern "C" __global__ void next(float* x, int n) { if (threadIdx.x < n) x[threadIdx.x] += 1; }', "next"
    )
    x, n = cupy.zeros(32, "float32"), cupy.int32(32)
    properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
    device = {
        "name": properties["name"].decode(),
        "compute capability": f"{properties['major']}.{properties['minor']}",
        "CUDA of the driver": cupy.cuda.runtime.driverGetVersion(),
        "CUDA of CuPy": cupy.cuda.runtime.runtimeGetVersion(),
    }
    return cupy, lambda: kernel((1,), (32,), (x, n)), cupy.cuda.Device().synchronize, device


def on_numpy():
    import numpy

    return numpy, None, lambda: None, {"name": "the CPU"}


def main():
    try:
        xp, launch, wait, device = on_numpy() if "--rehearse" in sys.argv[1:] else on_cupy()
    except ImportError as error:
        return {"left_out": f"CuPy cannot be imported ({error})"}
    except RuntimeError as error:
        return {"left_out": f"CuPy does not work: {error}"}
    a, b = xp.zeros((32, 784), "float32"), xp.zeros((784, 128), "float32")
    number = xp.zeros((), "float32")
    calls = {
        "launch of a small RawKernel": launch,
        "add, 32 x 784": lambda: xp.add(a, a),
        "matmul, 32 x 784 @ 784 x 128": lambda: xp.matmul(a, b),
        "download of a number": number.item,
    }
    return {"device": device, "us": {what: function and median(function, wait) for what, function in calls.items()}}


if __name__ == "__main__":
    print(json.dumps(main()))
