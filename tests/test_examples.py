"""The examples and the README, run as a reader runs them, in a process of their own."""

import importlib.util
import os
import re
import runpy
import subprocess
import sys
import time
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


@pytest.mark.parametrize("target", ["0.88", "0.89"])
def test_speedrun_on_the_sample(target):
    done = run("examples/speedrun.py", "--sample", "--target", target, "--seed", "1")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    accuracy, took = re.fullmatch(
        r"Test accuracy: (0\.\d{4}), (\d+\.\d\d) s after the start of the process", done.stdout.splitlines()[-1]
    ).groups()
    assert float(accuracy) > 0.75
    assert float(took) < 60
    again = run("examples/speedrun.py", "--sample", "--target", target, "--seed", "1")
    assert f"Test accuracy: {accuracy}," in again.stdout


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


CELSIUS = ROOT / "examples" / "celsius_to_fahrenheit.py"


def test_celsius_to_fahrenheit_finds_the_rule():
    done = run(str(CELSIUS))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    errors = [float(error) for error in re.findall(r"^epoch +\d+: mean squared error +([\d.]+)$", done.stdout, re.M)]
    assert len(errors) == 6
    assert errors == sorted(errors, reverse=True), "it falls"
    learned = dict(re.findall(r"^(weight|bias|100 C): +(-?[\d.]+)", done.stdout, re.M))
    weight, bias, prediction = (float(learned[name]) for name in ("weight", "bias", "100 C"))
    assert abs(weight - 1.8) < 0.05
    assert abs(bias - 32) < 4
    assert abs(prediction - 212) <= 0.5
    assert prediction == pytest.approx(100 * weight + bias, abs=0.06)  # both are printed to 0.0005
    table = done.stdout.partition("Regression ")[2].splitlines()
    assert table[0].strip() == "Classification"
    rows = ["example", "output", "last layer", "loss", "how it is judged", "a prediction"]
    assert [re.split("  +", line)[0] for line in table[1:]] == rows
    assert all(len(re.split("  +", line)) == 3 for line in table[1:])
    assert f"{prediction:.1f} degrees" in table[-1]


def test_celsius_to_fahrenheit_has_exact_examples():
    example = runpy.run_path(str(CELSIUS))
    assert example["FAHRENHEIT"] == pytest.approx([1.8 * c + 32 for c in example["CELSIUS"]])


def test_celsius_to_fahrenheit_says_when_it_has_not_learned(tmp_path):
    hasty = tmp_path / "hasty.py"
    hasty.write_text(CELSIUS.read_text(encoding="utf-8").replace("EPOCHS = 500", "EPOCHS = 50"), encoding="utf-8")
    done = run(str(hasty), PYTHONPATH=paths(ROOT))
    assert done.returncode == 1
    assert re.fullmatch(r"The network has not learned the rule: \S+ is more than 0.5 from 212.\n", done.stderr)
    assert "Classification" not in done.stdout


def paths(first):
    return os.pathsep.join([str(first), *filter(None, [os.environ.get("PYTHONPATH")])])


EXERCISES = """base model, one epoch, 10 hidden units, 32 hidden units, 512 hidden units, hidden layers 256/128,
hidden layers 128/64/32, sigmoid, tanh, ELU, no activation, no hidden layer, pixels from 0 to 255"""


def exercises(picture, *options, **environment):
    done = run("examples/exercises.py", "--sample", "--picture", str(picture), *options, **environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def rows_of_exercises(output):
    row = r"^(\S.*?) +([\d,]+) +(\d+) +(0\.\d{4}) +(0\.\d{4}) +\d+\.\d$"
    return {name.replace(", ", "/"): numbers for name, *numbers in re.findall(row, output, re.M)}


def test_exercises_on_the_sample(tmp_path):
    picture = tmp_path / "exercises.png"
    start = time.perf_counter()
    output = exercises(picture, "--epochs", "2")
    assert time.perf_counter() - start < 20
    assert output.startswith("1,667 images to train on, 333 to compare by, 500 to test the best with\n")
    rows = rows_of_exercises(output)
    assert list(rows) == re.split(r",\s+", EXERCISES)
    assert [epochs for _, epochs, _, _ in rows.values()] == ["2", "1", *["2"] * 11]
    assert rows["base model"][0] == f"{784 * 128 + 128 + 128 * 10 + 10:,}"
    assert rows["hidden layers 256/128"][0] == f"{785 * 256 + 257 * 128 + 129 * 10:,}"
    assert rows["no hidden layer"][0] == f"{785 * 10:,}"
    assert len(set(map(tuple, rows.values()))) == len(rows), "each experiment changes something"
    best = re.search(r"^Best by validation accuracy: (.*), (0\.\d{4})\. Its test accuracy: 0\.\d{4}$", output, re.M)
    assert rows[best[1].replace(", ", "/")][3] == best[2] == max(validation for *_, validation in rows.values())
    if importlib.util.find_spec("matplotlib"):
        assert output.splitlines()[-1] == f"Picture: {picture}"
        assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_exercises_without_matplotlib_still_print_the_table(tmp_path):
    absent = "raise ModuleNotFoundError(\"No module named 'matplotlib'\", name='matplotlib')"
    (tmp_path / "matplotlib.py").write_text(absent, encoding="utf-8")
    output = exercises(tmp_path / "none.png", "--epochs", "1", PYTHONPATH=paths(tmp_path))
    assert len(rows_of_exercises(output)) == 13
    assert output.splitlines()[-1] == "No picture: it needs matplotlib (python -m pip install matplotlib)."
    assert not (tmp_path / "none.png").exists()


@pytest.mark.parametrize("options", ["--epochs 0", "--seed -1", "--picture a.txt", "--picture nowhere/a.png"])
def test_exercises_refuse_nonsense_in_one_line(options):
    done = run("examples/exercises.py", "--sample", *options.split())
    assert done.returncode == 2
    assert "error:" in done.stderr
    assert "Traceback" not in done.stderr


def test_import_loads_nothing_slow_that_is_needed_only_later():
    slow = "cupy difflib gzip hashlib json matplotlib numpy.random shutil subprocess tempfile urllib.request "
    slow += "importlib.metadata tinynet.diagnosis.environment tinynet.diagnosis.gpu tinynet.gradcheck tinynet.plotting"
    code = "import sys, numpy; before = set(sys.modules); import tinynet; print(*(set(sys.modules) - before))"
    done = run("-c", code)
    assert done.returncode == 0, done.stderr
    assert "tinynet.models.sequential" in done.stdout.split()
    assert not set(slow.split()) & set(done.stdout.split())
