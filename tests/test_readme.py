"""The README's programs run as they stand, on the sample instead of the full data."""

import functools
import re
from pathlib import Path

import numpy as np
import own_layers
import pytest
import sabotage

import tinynet as tn

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
PROGRAM, PIPELINE, INSIDE, SCALE, CHECKS, WEIGHTS, ONNX = re.findall(r"```python\n(.*?)```", README, re.S)


@pytest.fixture
def program(monkeypatch, sample, capsys):
    """The names that the first program leaves behind."""
    monkeypatch.setattr(tn.datasets.fashion_mnist, "load_data", lambda *_, **__: sample)
    names = {}
    exec(PROGRAM, names)
    return names


def test_the_program(program, capsys):
    assert 0.6 < program["accuracy"] < 1
    assert program["probabilities"].shape == (32, 10)
    assert program["probabilities"].dtype == np.float32
    assert np.allclose(program["probabilities"].sum(axis=1), 1, rtol=0, atol=1e-6)


def test_the_pipeline(program, tmp_path, monkeypatch):
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.setattr(tn.datasets, "load", functools.partial(tn.datasets.load, sample=True))
    monkeypatch.chdir(tmp_path)
    before = program["model"].optimizer.iterations
    exec(PIPELINE, {"tn": tn, "model": program["model"]})
    assert program["model"].optimizer.iterations == before + 5 * 63
    assert (tmp_path / "predictions.png").read_bytes().startswith(b"\x89PNG")
    matplotlib.pyplot.close("all")


def test_seeing_inside(program):
    model = program["model"]
    x, y = program["x_test"][:5], np.arange(5)
    layer = model.layers[1]
    exec(INSIDE.replace("model.gradients(x, y)", "model.gradients(images, y)"), names := {
        "model": model, "images": x, "y": y, "layer": layer, "x": x.reshape(5, 784), "dy": np.ones((5, 128), "float32")
    })
    assert [gradient.shape for gradient in names["gradients"]] == [weight.shape for weight in model.get_weights()]
    assert names["dx"].shape == (5, 784)
    assert layer.grads["bias"].tolist() == [5] * 128


def test_the_layer_of_ones_own_trains(corners):
    exec(SCALE, names := {"tn": tn})
    model = tn.Sequential([names["Scale"](input_shape=(3,)), tn.layers.Dense(3, "softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()[0]
    model.fit(*corners(), verbose=0)
    assert (model.get_weights()[0] != before).all()


def test_the_checks(program):
    exec(SCALE, names := {"tn": tn})
    loss = tn.losses.SparseCategoricalCrossentropy()
    x, y = program["x_test"], program["y_test"]
    names |= {"model": program["model"], "x": x, "y": y, "loss": loss, "y_true": [0, 1], "y_pred": [[0.3, 0.7]] * 2}
    exec(CHECKS, names)


def test_the_report_of_a_wrong_layer():
    exec(SCALE.replace(".sum(axis=0)", ".mean(axis=0)"), names := {"tn": tn})
    with pytest.raises(tn.gradcheck.GradientError) as caught:
        tn.gradcheck.check_layer(names["Scale"](), (4,))
    shown = re.search(r"(Gradient check of Scale .*?)```", README, re.S)[1]
    shown, said = (
        [line.split() for line in text.splitlines() if line and " x " not in line]  # x's error is rounding
        for text in (shown, str(caught.value))
    )
    assert shown == said


def test_the_numbers_of_wrong_and_right_layers_are_true():
    wrong = [any(case.says.values()) for case in sabotage.LAYERS.values()]
    wrong += [bool(cause) for *_, cause in sabotage.LOSSES.values()]
    assert f"the checker finds all {len(wrong)}, names the cause of {sum(wrong)}, and none" in README
    assert f"none of {len(own_layers.RIGHT)}, {len(own_layers.RIGHT) * 1000:,} cases" in README, "500 by two methods"


def test_a_model_goes_to_a_file_and_on(program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"tn": tn, "model": program["model"], "x": program["x_train"], "y": program["y_train"]}
    exec(WEIGHTS, names)
    assert names["model"].epochs_trained == 20
    assert names["model"].history.epoch == list(range(5, 20))
    assert (tmp_path / "weights.npz").exists()
    with np.load(tmp_path / "model.npz") as file:
        assert np.array_equal(file["weights/1/kernel"], program["model"].layers[1].kernel)


def test_to_onnx(program, tmp_path, monkeypatch):
    why = "needs onnx and onnxruntime: python -m pip install onnx onnxruntime"
    pytest.importorskip("onnx", reason=why)
    runtime = pytest.importorskip("onnxruntime", reason=why)
    monkeypatch.chdir(tmp_path)
    images = program["x_test"][..., None]
    exec(ONNX, names := {"tn": tn, "model": program["model"], "onnxruntime": runtime, "images": images})
    assert np.abs(names["probabilities"] - program["model"].predict(images)).max() <= 1e-5


def test_the_machine_without_a_gpu(machine):
    machine.importing(ModuleNotFoundError("No module named 'cupy'", name="cupy"))
    machine.installed()
    machine.driver(0)
    shown = re.search(r"```\n(tinynet  .*?)```", README, re.S)[1]
    rows, ours = {line[:14].strip(): line[14:] for line in shown.splitlines()}, machine.info()
    assert list(rows) == list(ours)
    same = [name for name in rows if name not in ("Python", "NumPy")]  # these are the machine's
    assert {name: rows[name] for name in same} == {name: ours[name] for name in same}


def test_it_never_says_to_install_the_other_tinynet():
    assert not re.search(r"pip install ['\"]?tinynet(?!-nn)", README)
