"""Keras's files: what Keras wrote is read, what is written comes back, and what a stranger could write is refused.

The files in files/ are Keras's own, written by reference/keras_files.py. That Keras reads what we write is
what benchmarks/interchange.py checks.
"""

import io
import itertools
import json

import catalogue
import numpy as np
import pytest
from keras_file import FOLDER, LESSON, config_of, data, members, restore, with_members

import tinynet as tn
from tinynet import initializers, layers, losses, metrics, optimizers, regularizers
from tinynet.formats import h5, keras
from tinynet.formats.record import FileError, SavedCallback
from tinynet.formats.state import snapshot
from tinynet.layers import Dense, Flatten
from tinynet.optimizers import schedules

h5py = pytest.importorskip("h5py")
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
MODELS = sorted(name for name in EXPECTED if name.endswith(".keras"))
ROUNDING = 1e-6  # float32, of probabilities: a few last digits in sums of at most 16 products, and in Adam's root


def trained(*stack, optimizer="adam", shape=(6,), **options):
    """A model of three classes after two steps, and its samples."""
    model = tn.Sequential([tn.Input(shape), *stack, Dense(3, "softmax")], **{"seed": 3, **options})
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    x, y = data(shape)
    for _ in range(2):
        model.train_on_batch(x, y)
    return model, x, y


def kinds():
    """A model with everything in it that comes back in another form, or in several layers."""
    inner = tn.Sequential([Dense(5, layers.LeakyReLU(0.1)), layers.BatchNormalization(momentum=0.5)], name="inner")
    return [
        Flatten(),
        layers.Rescaling(0.5, offset=1),
        Dense(6, kernel_initializer=tn.initializers.HeNormal(3), kernel_regularizer=tn.regularizers.L2(0.3)),
        layers.Dropout(0.25, seed=1),  # before Linear: its masks depend on its place
        layers.Linear(),
        Dense(6, layers.Linear()),
        Dense(6, layers.GELU(), trainable=False),
        inner,
        layers.Activation(layers.ELU(0.5)),
        layers.Reshape((-1, 5)),
        layers.SELU(),
        Flatten(name="input_layer"),
    ]


# ---- files of Keras -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_files_that_keras_wrote(name):
    """The same predictions, and after one more step of training still the same: optimizer and schedule go on."""
    saved = keras.decode((FOLDER / name).read_bytes())
    assert (saved.seed, saved.epochs, saved.callbacks) == (None, 0, [])
    model = restore(saved)
    x, y = data(model.input_shape[1:])
    assert np.abs(model.predict(x) - EXPECTED[name]["predictions"]).max() < ROUNDING
    if "after" in EXPECTED[name]:
        assert model.optimizer.iterations == 3
        model.train_on_batch(x, y)
        assert np.abs(model.predict(x) - EXPECTED[name]["after"]).max() < 10 * ROUNDING
    else:
        assert not model.compiled


def test_what_the_files_hold():
    many = keras.decode((FOLDER / "many-3.15.1-jax.keras").read_bytes())
    assert list(many.slots) == ["momentum", "velocity", "velocity_hat"]
    assert many.compiled["optimizer"]["config"]["learning_rate"]["class_name"] == "CosineDecay"
    accuracy, top_k = many.compiled["metrics"]
    assert accuracy == "accuracy"
    assert top_k["config"]["name"] == "sparse_top_k_categorical_accuracy"
    frozen = {key for key in many.weights if key not in many.slots["momentum"]}
    assert {key.partition("/")[2] for key in frozen} == {"moving_mean", "moving_variance", "kernel", "bias"}
    lesson = keras.decode(LESSON)
    assert lesson.compiled["optimizer"]["config"]["learning_rate"] == pytest.approx(0.001, rel=1e-7)
    assert keras.decode(LESSON, compiled=False).compiled is None
    tf = keras.decode((FOLDER / "tf_nn-3.15.1-tensorflow.keras").read_bytes())
    assert tf.config["layers"][-1]["config"]["activation"] == "softmax"


def test_weights_that_keras_wrote():
    like = keras.decode(LESSON)
    like.weights = {key: 0 * array for key, array in like.weights.items()}
    like.slots, like.iterations = {}, 0
    name = "weights-3.15.1-jax.weights.h5"
    saved = keras.decode_weights((FOLDER / name).read_bytes(), like)
    assert saved.iterations == 3
    model = restore(saved)
    x, y = data((4, 4, 1))
    assert np.abs(model.predict(x) - EXPECTED[name]["predictions"]).max() < ROUNDING
    model.train_on_batch(x, y)
    assert np.abs(model.predict(x) - EXPECTED[name]["after"]).max() < 10 * ROUNDING
    like.compiled = None
    assert keras.decode_weights((FOLDER / name).read_bytes(), like).iterations == 0


# ---- there and back -------------------------------------------------------------------------------------------------

OPTIMIZERS = [
    optimizers.SGD(0.1),
    optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=0.5),
    optimizers.RMSprop(0.01),
    optimizers.RMSprop(0.01, momentum=0.5, centered=True, clipvalue=1.0),
    optimizers.Adam(0.01),
    optimizers.Adam(0.01, amsgrad=True, global_clipnorm=1.0),
    optimizers.AdamW(0.01, weight_decay=0.1),
    *(optimizers.Adam(schedule) for schedule in (
        schedules.ExponentialDecay(0.1, 5, 0.5, staircase=True),
        schedules.PiecewiseConstantDecay([1, 4], [0.1, 0.05, 0.01]),
        schedules.CosineDecay(0.01, 10, warmup_target=0.1, warmup_steps=4),
        schedules.PolynomialDecay(0.1, 10, power=2.0, cycle=True),
        schedules.InverseTimeDecay(0.1, 2, 0.5),
    )),
]  # fmt: skip


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda one: str(one.schedule or type(one).__name__))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_there_and_back(optimizer, dtype):
    """Weights to the last bit; slots, which are multiplied by a factor and divided by it again, to the last digit."""
    model, x, y = trained(Dense(5, "relu"), optimizer=type(optimizer).from_config(optimizer.get_config()), dtype=dtype)
    saved = snapshot(model)
    saved.epochs = 4
    content = keras.encode(saved)
    assert content == keras.encode(saved)
    back = keras.decode(content)
    assert (back.config, back.compiled, back.seed, back.epochs) == (saved.config, saved.compiled, 3, 4)
    assert list(back.weights) == list(saved.weights)
    assert all(np.array_equal(back.weights[key], saved.weights[key]) for key in saved.weights)
    assert back.iterations == 2
    assert list(back.slots) == list(saved.slots)
    for slot, key in itertools.product(saved.slots, saved.slots and back.slots[next(iter(back.slots))]):
        ours, again = saved.slots[slot][key], back.slots[slot][key]
        assert again.dtype == dtype
        assert np.abs(again - ours).max() <= 2 * np.finfo(dtype).eps * np.abs(ours).max()  # two roundings
    again = restore(back)
    model.train_on_batch(x, y)
    again.train_on_batch(x, y)
    assert np.abs(again.predict(x) - model.predict(x)).max() < ROUNDING


def test_layers_of_every_kind_come_back():
    model, x, y = trained(*kinds(), shape=(2, 3))
    saved = snapshot(model)
    back = keras.decode(keras.encode(saved))
    assert len(back.weights) == len(saved.weights)
    for ours, again in zip(saved.weights.values(), back.weights.values(), strict=True):
        assert np.array_equal(ours, again)
    again = restore(back)
    assert np.array_equal(again.predict(x), model.predict(x))
    model.train_on_batch(x, y)
    again.train_on_batch(x, y)
    assert np.abs(again.predict(x) - model.predict(x)).max() < 10 * ROUNDING
    assert snapshot(again).slots.keys() == saved.slots.keys()
    assert [layer.trainable for layer in again.layers if isinstance(layer, Dense)].count(False) == 1
    names = [record["config"]["name"] for record in config_of(keras.encode(saved))["config"]["layers"]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", catalogue.LAYERS)
def test_every_layer_of_the_catalogue(name):
    """Written and read again it gives the same outputs; or it is refused by its name."""
    entry = catalogue.LAYERS[name]
    layer = entry.make(**entry.arguments)
    model = tn.Sequential([tn.Input((2, 3)), layer], seed=0)
    x = np.random.default_rng(0).normal(size=(4, 2, 3)).astype("float32")
    if name == "GELU by tanh":
        with pytest.raises(ValueError, match=r"no equal of GELU\(approximate=True\)"):
            keras.encode(snapshot(model))
        return
    saved = snapshot(model)
    again = restore(keras.decode(keras.encode(saved)))
    assert np.array_equal(again.predict(x), model.predict(x))
    assert again.layers[0].name == layer.name
    assert again.layers[0].trainable == layer.trainable


@pytest.mark.parametrize("name", catalogue.ACTIVATIONS)
def test_every_activation(name):
    model, x, _ = trained(Dense(4, name))
    saved = snapshot(model)
    back = keras.decode(keras.encode(saved))
    assert back.config == saved.config
    assert np.array_equal(restore(back).predict(x), model.predict(x))


@pytest.mark.parametrize("kind", ["initializer", "regularizer", "loss", "metric"])
def test_every_other_object(kind):
    from tinynet.config import serialize
    from tinynet.formats import keras_records as records

    table = {
        "initializer": initializers.INITIALIZERS,
        "regularizer": regularizers.REGULARIZERS,
        "loss": losses.LOSSES,
        "metric": metrics.METRICS,
    }[kind]
    for name, cls in table.items():
        ours = cls()
        if name in ("accuracy", "acc"):
            assert records.write_object(kind, name) == name
            continue
        assert serialize(records.read_object(kind, records.write_object(kind, serialize(ours)))) == serialize(ours)
        assert type(records.read_object(kind, name)) is cls
        if kind in ("loss", "metric"):
            function = {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}
            assert type(records.read_object(kind, function)) is cls


def test_models_that_are_not_compiled_or_have_made_no_step():
    model = tn.Sequential([tn.Input((6,)), Dense(3)])
    back = keras.decode(keras.encode(snapshot(model)))
    assert back.compiled is None
    assert "seed" not in back.config
    assert back.seed == model.seed
    model.compile("adam", "mse")
    content = keras.encode(snapshot(model))
    tree = h5.decode(members(content)["model.weights.h5"])
    assert sum(path.startswith("optimizer") for path in tree) == 2 + 4  # zeros, which Keras loads without a warning
    assert keras.decode(content).slots == {}


def test_the_learning_rate_that_was_set_counts():
    model, _, _ = trained(Dense(2))
    model.optimizer.learning_rate = 0.25
    assert keras.decode(keras.encode(snapshot(model))).compiled["optimizer"]["config"]["learning_rate"] == 0.25
    tree = {**h5.decode(members(LESSON)["model.weights.h5"]), "optimizer/vars/1": np.float32(0.5)}
    saved = keras.decode(with_members({"model.weights.h5": h5.encode({}, tree)}))
    assert saved.compiled["optimizer"]["config"]["learning_rate"] == 0.5


def test_weights_there_and_back():
    model, x, _ = trained(*kinds(), shape=(2, 3))
    saved = snapshot(model)
    content = keras.encode_weights(saved)
    other, _, _ = trained(*kinds(), shape=(2, 3), seed=4)
    again = restore(keras.decode_weights(content, snapshot(other)))
    assert np.array_equal(again.predict(x), model.predict(x))
    smaller, _, _ = trained(Dense(4))
    with pytest.raises(FileError, match=r"there is no|has shape|which no layer"):
        keras.decode_weights(content, snapshot(smaller))


def test_what_is_written_is_what_every_keras_3_has():
    content = keras.encode(snapshot(trained(*kinds(), shape=(2, 3))[0]))
    parts = members(content)
    assert list(parts) == ["metadata.json", "config.json", "model.weights.h5"]
    text = parts["config.json"].decode()
    for newer in ("quantization_config", "ragged", "optional", "input_axes", "renorm", "shared_object_id"):
        assert newer not in text
    with h5py.File(io.BytesIO(parts["model.weights.h5"])) as file:
        assert file["vars"].attrs["name"] == "sequential"
        assert file["layers/sequential/layers/dense/vars"].attrs["name"] == "dense"
        assert file["layers/sequential/vars"].attrs["name"] == "inner"
        assert "layers/leaky_re_lu" not in file
        assert "layers/dropout/vars" in file


# ---- what Keras has no equal of -------------------------------------------------------------------------------------


class Own(layers.Layer):
    def forward(self, x, training=False):
        return x, None

    def backward(self, dy, cache, need_dx=True):
        return dy


class OwnOptimizer(optimizers.SGD):
    pass


class OwnInitializer(initializers.Initializer):
    def draw(self, shape, rng):
        return np.zeros(shape)


class OwnLoss(losses.MeanSquaredError):
    pass


def test_what_keras_has_no_equal_of_is_named():
    shared = Dense(6, name="shared")
    for stack, options, message in (
        ([Own()], {}, "no layer 'Own'"),
        ([layers.LogSoftmax(axis=1)], {}, r"no equal of LogSoftmax\(axis=1\)"),
        ([Dense(3, layers.GELU(approximate=True))], {}, r"no equal of GELU\(approximate=True\)"),
        ([Dense(3, Own())], {}, "no activation 'Own'"),
        ([shared, shared], {}, "a layer at two places"),
        ([Dense(3, name="a/b")], {}, "no names with '/'"),
        ([Dense(3, kernel_initializer=OwnInitializer())], {}, "no initializer 'OwnInitializer'"),
        ([Dense(3, kernel_initializer=initializers.HeNormal(2**32))], {}, "seeds are below"),
        ([Dense(3)], {"optimizer": OwnOptimizer()}, "no optimizer 'OwnOptimizer'"),
    ):
        with pytest.raises(ValueError, match=message):
            keras.encode(snapshot(trained(*stack, **options)[0]))
    model, _, _ = trained(Dense(3))
    for loss, metric, message in (
        (OwnLoss(), "accuracy", "no loss 'OwnLoss'"),
        ("mse", lambda y, p: 0.0, "no functions, as the metric 'lambda'"),
        ("mse", metrics.get({"class_name": "mse", "config": {}}), None),
    ):
        model.compile("sgd", loss, [metric])
        if message:
            with pytest.raises(ValueError, match=message):
                keras.encode(snapshot(model))
        else:
            keras.encode(snapshot(model))
    declared = tn.Sequential([tn.Input((2, 3)), Flatten(), Dense(3)])
    with pytest.raises(ValueError, match=r"declares inputs of shape \(2, 3\); what comes to it has \(6,\)"):
        keras.encode(snapshot(trained(declared)[0]))
    saved = snapshot(model)
    saved.callbacks.append(SavedCallback("EarlyStopping", {}))
    with pytest.raises(ValueError, match="no place for the state of EarlyStopping"):
        keras.encode(saved)
    unbuilt = tn.Sequential([Dense(3)])
    with pytest.raises(ValueError, match="not built"):
        keras.encode(snapshot(unbuilt))


def test_without_h5py(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    for call in (lambda: keras.decode(LESSON), lambda: keras.encode(snapshot(trained(Dense(2))[0]))):
        with pytest.raises(ImportError, match="python -m pip install h5py"):
            call()


# ---- files of strangers ---------------------------------------------------------------------------------------------


def record(module, name, config=None, registered=None):
    return {"module": module, "class_name": name, "config": {} if config is None else config,
            "registered_name": registered}  # fmt: skip
