"""The examples and the README, run as a reader runs them, in a process of their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_fashion_mnist_on_the_sample():
    done = run("examples/fashion_mnist.py", "--sample", "--epochs", "2")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "2,000 images to train on, 500 to test with"
    assert lines[1] == 'Model: "sequential"'
    assert any(line.startswith("Epoch 2/2 - 63/63 - ") for line in lines)
    assert re.search(r"An image of shape \(1, 28, 28, 1\): \d+% [A-Z][\w/ -]+ \(it is: [A-Z][\w/ -]+\)", done.stdout)
    assert re.fullmatch(r"Test accuracy: 0\.\d{4}", lines[-1])
    again = run("examples/fashion_mnist.py", "--sample", "--epochs", "2")
    assert again.stdout.splitlines()[-1] == lines[-1]


def test_custom_layer():
    done = run("examples/custom_layer.py")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    wrong, right, trained = re.split(r"\n\d\. .*\n", done.stdout)[-3:]
    assert "Gradient check of FirstTry 'first_try' for inputs of shape (5, 4): WRONG" in wrong
    assert wrong.count("\nWRONG  ") == 2, "both mistakes are found"
    assert "Likely cause, first_try.b: every element is off by a factor equal to the batch size" in wrong
    assert "Gradient check of Swish 'swish' for inputs of shape (5, 4): right" in right
    assert float(re.search(r"Test accuracy: (0\.\d{4})", trained)[1]) > 0.8


def test_fashion_mnist_with_every_option(tmp_path):
    options = "--sample --epochs 1 --batch-size 100 --units 32,16 --activation tanh --no-normalize --seed 3"
    done = run("examples/fashion_mnist.py", *options.split(), "--backend", "numpy", "--data-dir", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "(None, 32)" in done.stdout
    assert "(None, 16)" in done.stdout
    assert "20/20" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Test accuracy: 0.")


def test_fashion_mnist_falls_back_to_the_sample_loudly_where_the_data_cannot_be_had(tmp_path):
    # No package manager on an empty PATH, and a proxy that is not there instead of the mirrors.
    proxies = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    where = {"TINYNET_DATA": str(tmp_path / "empty"), "PATH": str(tmp_path), "no_proxy": "", **proxies}
    done = run("examples/fashion_mnist.py", "--epochs", "1", **where)
    assert done.returncode == 0, done.stderr
    assert "Fashion-MNIST is not on this machine and could not be fetched." in done.stderr
    assert "apt-get is not on this machine" in done.stderr
    assert "Training on the SAMPLE of 2,000 images instead" in done.stderr
    assert done.stdout.startswith("2,000 images")


@pytest.mark.parametrize("options", ["--units 0", "--units a", "--epochs 0", "--batch-size 0", "--seed -1"])
def test_fashion_mnist_refuses_nonsense_in_one_line(options):
    done = run("examples/fashion_mnist.py", "--sample", *options.split())
    assert done.returncode == 2
    assert "error:" in done.stderr
    assert "Traceback" not in done.stderr


def test_training_loop_learns():
    done = run("examples/training_loop.py")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 10
    accuracies = [float(line.rpartition(" ")[2]) for line in lines]
    assert accuracies[-1] > 0.78
    assert accuracies[0] < accuracies[-1]


def test_the_training_loop_does_what_fit_does():
    import numpy as np

    import tinynet as tn

    (x, y), _ = tn.datasets.fashion_mnist.load_data(sample=True)
    x = x[:100].reshape(-1, 784).astype("float32") / 255
    loss, optimizer = tn.losses.SparseCategoricalCrossentropy(from_logits=True), tn.optimizers.Adam()
    models = [
        tn.Sequential([tn.Input((784,)), tn.layers.Dense(16, activation="relu"), tn.layers.Dense(10)], seed=0)
        for _ in range(2)
    ]
    models[0].compile("adam", loss)
    models[0].fit(x, y[:100], shuffle=False, epochs=2, verbose=0)
    for _ in range(2):
        for rows in np.split(np.arange(100), range(32, 100, 32)):
            logits, caches = models[1].forward(x[rows], training=True)
            _, cache = loss.forward(y[rows], logits)
            models[1].backward(loss.backward(y[rows], cache, 1 / len(rows)), caches)
            optimizer.apply(models[1].weight_gradients, models[1].weights)
    for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        assert np.array_equal(a, b)


def test_import_loads_nothing_slow_that_is_needed_only_later():
    slow = "cupy difflib gzip hashlib json matplotlib numpy.random shutil subprocess tempfile urllib.request"
    code = "import sys, numpy; before = set(sys.modules); import tinynet; print(*(set(sys.modules) - before))"
    done = run("-c", code)
    assert done.returncode == 0, done.stderr
    assert "tinynet.model" in done.stdout.split()
    assert not set(slow.split()) & set(done.stdout.split())
