"""Checks that the lesson's model, trained on all of Fashion-MNIST, predicts in onnxruntime what it predicts here.

    python -m pip install onnx onnxruntime
    python benchmarks/onnx_check.py [--quick]

Five epochs of batches of 32, seed 1; then all 10,000 test images, by `predict` and by onnxruntime from a file. Prints
how many are given the same class and how far apart the probabilities are at most, in float32 and in float64; fails
unless all classes are the same and the probabilities within 1e-5. The times are medians of seven runs.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import quick

quick.need("python -m pip install onnx onnxruntime", "onnx", "onnxruntime")

import onnx  # noqa: E402, only now is it known to be there
import onnxruntime  # noqa: E402

import tinynet as tn  # noqa: E402

WITHIN = 1e-5


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    quick.add_to(parser)
    options = parser.parse_args()
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, NumPy {np.__version__}")
    if options.quick:
        print(quick.NOTICE)
    (x, y), (x_test, _) = tn.datasets.fashion_mnist.load_data(sample=options.quick)
    x, x_test = (images.astype("float32") / 255 for images in (x, x_test))
    for dtype in ("float32", "float64"):
        compare(trained(x, y, dtype), x_test[..., None].astype(dtype))


def compare(model, images):
    """Both outputs for all images, and how long they took."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        tn.export.to_onnx(model, path)
        size = path.stat().st_size
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    ours, ours_took = timed(lambda: model.predict(images))
    theirs, theirs_took = timed(lambda: session.run(None, {"input": images})[0])
    same = int((ours.argmax(axis=1) == theirs.argmax(axis=1)).sum())
    apart = float(np.abs(ours - theirs).max())
    print(f"{model.dtype}: {size:,} bytes; the same class for {same:,} of {len(ours):,} test images,")
    print(f"    probabilities at most {apart:.1e} apart; {ours_took:.0f} ms here, {theirs_took:.0f} ms there")
    if same < len(ours) or not apart <= WITHIN:
        sys.exit(f"expected the same class for all, and probabilities within {WITHIN:g}")


def trained(x, y, dtype):
    """The lesson's model after five epochs."""
    model = tn.Sequential(
        [
            tn.layers.Flatten(input_shape=(28, 28, 1)),
            tn.layers.Dense(128, activation="relu"),
            tn.layers.Dense(10, activation="softmax"),
        ],
        seed=1,
        dtype=dtype,
    )
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x, y, epochs=5, verbose=0)
    return model


def timed(run):
    """What it gives, and the median of its milliseconds."""
    took = []
    for _ in range(7):
        begin = time.perf_counter()
        result = run()
        took.append((time.perf_counter() - begin) * 1e3)
    return result, statistics.median(took)


if __name__ == "__main__":
    main()
