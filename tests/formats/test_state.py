"""model.save and load_model: the same model again, and what does not belong together."""

import copy
import io
import json
import zipfile

import catalogue
import numpy as np
import own_layers
import pytest
from resumed import X, Y, model, same

import tinynet as tn
from tinynet.formats import npz
from tinynet.formats.record import FileError
from tinynet.formats.state import restore, snapshot
from tinynet.layers import BatchNormalization, Dense
from tinynet.models import load_model

# ---- the model again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", catalogue.MODELS.values(), ids=catalogue.MODELS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_model_comes_back(entry, dtype, tmp_path):
    made = entry.compiled("adam", dtype=dtype)
    x, y = entry.data(12)
    made.fit(x, y, epochs=1, verbose=0)
    made.save(tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    assert loaded.get_config() == made.get_config()
    assert same(made, loaded)
    assert np.array_equal(made.predict(x), loaded.predict(x))
    assert made.evaluate(x, y, verbose=0) == loaded.evaluate(x, y, verbose=0)
    for one in (made, loaded):
        one.fit(x, y, epochs=1, verbose=0)
    assert same(made, loaded), "the state of the optimizer and the draws too"


@pytest.mark.parametrize("entry", catalogue.LAYERS.values(), ids=catalogue.LAYERS)
def test_every_layer_comes_back(entry, tmp_path):
    layer = entry.make(**entry.arguments)
    made = tn.Sequential([tn.Input((3, 4)[: max(2, entry.least_rank)]), layer], seed=1)
    made.save(tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    x = np.random.default_rng(0).normal(size=(2, *made.input_shape[1:]))
    assert np.array_equal(made.predict(x), loaded.predict(x))
    assert loaded.layers[0].get_config() == layer.get_config()


@pytest.mark.filterwarnings("ignore:The model ends in Dense")
@pytest.mark.parametrize("entry", catalogue.LOSSES.values(), ids=catalogue.LOSSES)
def test_every_loss_comes_back(entry):
    loss = entry.make()
    made = tn.Sequential([tn.Input((2,)), Dense(3)])
    made.compile("sgd", loss)
    assert restore(snapshot(made), tn.Sequential.from_config, {}).loss.get_config() == loss.get_config()


def test_compiles_choices_come_back():
    made = tn.Sequential([tn.Input((3,)), Dense(3, "softmax")])
    metrics = ["acc", tn.metrics.SparseTopKCategoricalAccuracy(2, name="two"), "sparse_categorical_accuracy"]
    schedule = tn.optimizers.schedules.ExponentialDecay(0.1, 100, 0.5)
    made.compile(
        tn.optimizers.SGD(schedule, momentum=0.9, nesterov=True, clipnorm=1.0, weight_decay=0.01, name="mine"),
        tn.losses.SparseCategoricalCrossentropy(),
        metrics,
        weighted_metrics=["accuracy"],
    )
    loaded = restore(npz.decode(npz.encode(snapshot(made))), tn.Sequential.from_config, {})
    assert loaded.optimizer.get_config() == made.optimizer.get_config()
    assert type(loaded.optimizer) is tn.optimizers.SGD
    assert loaded.metrics_names == made.metrics_names == ["loss", "acc", "two", *made.metrics_names[3:]]
    assert loaded.metrics[1].k == 2
    assert [one.name for one in loaded.weighted_metrics] == ["accuracy"]


def test_without_compile_and_of_what_was_not_compiled(tmp_path):
    made = model()
    made.save(tmp_path / "m.npz")
    assert not load_model(tmp_path / "m.npz", compile=False).compiled
    bare = tn.Sequential([tn.Input((3,)), Dense(2)])
    bare.save(tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    assert not loaded.compiled
    assert same(bare, loaded)
    assert loaded.seed == bare.seed


def test_the_seed_comes_back_whether_given_or_drawn(tmp_path):
    for given in (7, None):
        made = model(seed=given)
        made.save(tmp_path / "m.npz")
        loaded = load_model(tmp_path / "m.npz")
        assert loaded.seed == made.seed
        assert ("seed" in loaded.get_config()) == (given is not None)


def test_shared_frozen_and_nested_layers_come_back(tmp_path):
    shared = Dense(3)
    frozen = Dense(3, trainable=False)
    inner = tn.Sequential([Dense(3), BatchNormalization()], name="inner")
    made = tn.Sequential([tn.Input((3,)), shared, frozen, inner, shared, Dense(2, "softmax")])
    made.compile("rmsprop", "sparse_categorical_crossentropy")
    made.fit(X, Y % 2, verbose=0)
    made.save(tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    assert loaded.layers[0] is loaded.layers[3]
    assert not loaded.layers[1].trainable
    assert loaded.layers[2].name == "inner"
    for one in (made, loaded):
        one.fit(X, Y % 2, verbose=0)
    assert same(made, loaded)


def test_things_of_ones_own_need_custom_objects(tmp_path):
    class Twice(tn.layers.Layer):
        def build(self, input_shape):
            self.add_weight("scale", input_shape[-1:], "ones")
            return input_shape

        def forward(self, x, training=False):
            return x * self.scale, x

        def backward(self, dy, cache, need_dx=True):
            self.grads["scale"] = (dy * cache).sum(axis=0)
            return dy * self.scale

    class Square(tn.losses.MeanSquaredError):
        pass

    def off(y_true, y_pred):
        return abs(y_true - y_pred)

    made = tn.Sequential([tn.Input((3,)), Twice(), Dense(1)])
    made.compile("sgd", Square(), [off])
    made.fit(X, Y, verbose=0)
    made.save(tmp_path / "m.npz")
    own = {"Twice": Twice, "Square": Square, "off": off}
    loaded = load_model(tmp_path / "m.npz", custom_objects=own)
    assert same(made, loaded)
    assert made.evaluate(X, Y, verbose=0) == loaded.evaluate(X, Y, verbose=0)
    for missing in own:
        some = {name: thing for name, thing in own.items() if name != missing}
        with pytest.raises(FileError, match=missing):
            load_model(tmp_path / "m.npz", custom_objects=some)


def test_things_of_ones_own_may_stand_anywhere(tmp_path):
    class Half(tn.regularizers.L2):
        pass

    class Twos(tn.initializers.Ones):
        pass

    class Slow(tn.optimizers.schedules.ExponentialDecay):
        pass

    class Bent(tn.layers.LeakyReLU):
        pass

    made = tn.Sequential([tn.Input((3,)), Dense(3, Bent(0.3), kernel_regularizer=Half(0.5), bias_initializer=Twos())])
    made.compile(tn.optimizers.SGD(Slow(0.1, 10, 0.5)), "mse")
    made.save(tmp_path / "m.npz")
    own = {one.__name__: one for one in (Half, Twos, Slow, Bent)}
    loaded = load_model(tmp_path / "m.npz", custom_objects=own)
    assert isinstance(loaded.layers[0].kernel_regularizer, Half)
    assert isinstance(loaded.optimizer.schedule, Slow)
    for name in own:
        with pytest.raises(FileError, match=name):
            load_model(tmp_path / "m.npz", custom_objects={n: c for n, c in own.items() if n != name})


def test_what_could_not_be_loaded_is_not_saved(tmp_path):
    shared = Dense(3)
    made = tn.Sequential([tn.Input((3,)), tn.Sequential([shared]), tn.Sequential([shared])])
    with pytest.raises(ValueError, match="could not be loaded again, so it is not saved: its layers and its weights"):
        made.save(tmp_path / "m.npz")
    many = tn.Sequential([tn.Input((3,)), Dense(1)])
    many.compile("sgd", "mse", [tn.metrics.MeanSquaredError(name=f"m{i}") for i in range(101)])
    with pytest.raises(ValueError, match="not saved: metrics in it is no list of at most 100"):
        many.save(tmp_path / "m.npz")
    assert not list(tmp_path.iterdir())


def test_a_loaded_model_is_a_model_like_others(tmp_path):
    made = model()
    made.fit(X, Y, verbose=0)
    made.save(tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    copied = copy.deepcopy(loaded)
    copied.fit(X, Y, verbose=0)
    loaded.fit(X, Y, verbose=0)
    assert same(copied, loaded)
    loaded.layers[0].kernel = np.zeros((3, 8))
    assert (loaded.get_weights()[0] == 0).all()
    assert tn.saving.load_model is load_model
    assert tn.models.load_model is load_model


# ---- the file ----------------------------------------------------------------------------------------------------


def test_numpy_alone_reads_the_file(tmp_path):
    made = model()
    made.fit(X, Y, epochs=2, verbose=0)
    made.save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz", allow_pickle=False) as file:
        assert np.array_equal(file["weights/0/kernel"], made.layers[0].kernel)
        assert file["optimizer/velocity/0/kernel"].shape == (3, 8)
        text = json.loads(file["model.json"])
    assert text["format"] == "tinynet"
    assert text["iterations"] == made.optimizer.iterations
    assert text["epochs"] == 2
    assert text["config"] == made.get_config()


def test_the_same_model_gives_the_same_bytes(tmp_path):
    made = model()
    for name in ("a.npz", "b.npz"):
        made.save(tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_weights_come_from_a_file_of_a_model_too(tmp_path):
    made, other = model(), model(seed=8)
    made.save(tmp_path / "m.npz")
    other.load_weights(tmp_path / "m.npz")
    assert same(made, other)


def test_what_cannot_be_written_is_said(tmp_path):
    class Odd(tn.layers.Layer):
        def __init__(self, thing=None, **options):
            super().__init__(**options)
            self.thing = thing

        def forward(self, x, training=False):
            return x, None

    made = tn.Sequential([tn.Input((3,)), Odd(object())])
    with pytest.raises(ValueError, match="a setting that cannot be written as JSON: Object of type object"):
        made.save(tmp_path / "m.npz")
    assert not list(tmp_path.iterdir())


def test_an_optimizer_of_another_model_is_not_saved_as_this_ones(tmp_path):
    made, other = model(), model()
    made.fit(X, Y, verbose=0)
    other.compile(made.optimizer, "sparse_categorical_crossentropy")
    with pytest.raises(RuntimeError, match="Compile this model again"):
        made.save(tmp_path / "m.npz")


def test_layers_frozen_since_training_began(tmp_path):
    made = model()
    made.fit(X, Y, verbose=0)
    made.layers[0].trainable = False
    with pytest.raises(RuntimeError, match="Call compile again"):
        made.save(tmp_path / "m.npz")


# ---- going on ----------------------------------------------------------------------------------------------------


# ---- what does not belong together -------------------------------------------------------------------------------


def changed(change, made=None):
    """The bytes of a file of a trained model, with its SavedModel changed."""
    if made is None:
        made = model()
        made.fit(X, Y, verbose=0)
    saved = snapshot(made)
    saved.weights = {key: array.copy() for key, array in saved.weights.items()}
    change(saved)
    return npz.encode(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.weights.pop("0/bias"), "0/bias differs"),
        (lambda s: s.weights.update({"9/kernel": np.zeros(2)}), "9/kernel differs"),
        (lambda s: s.weights.update({"0/kernel": np.zeros((8, 3))}), r"has shape \(3, 8\), but .* \(8, 3\)"),
        (lambda s: s.slots.pop("velocity"), "the arrays of the optimizer adam are not those of this model"),
        (lambda s: s.slots["velocity"].pop("0/kernel"), "the arrays of the optimizer adam are not those"),
        (lambda s: s.slots["velocity"].update({"0/kernel": np.zeros(24)}), r"velocity of 0/kernel has shape \(24,\)"),
        (lambda s: s.slots.clear(), "the state of the optimizer adam is missing"),
        (lambda s: s.config["layers"].pop(0), "no input shape|differs"),
        (lambda s: s.config["layers"][1].update(class_name="Lambda"), "Unknown layer 'Lambda'"),
        (lambda s: s.config["layers"][1]["config"].update(units=10**12), "shape"),
        (lambda s: s.config["layers"][1]["config"].update(units=-1), "units must be a positive integer"),
        (lambda s: s.config["layers"][1]["config"].update(unitz=3), "does not know: 'unitz'"),
        (lambda s: s.place.update(position=-1), "'place' in model.json is no place in the data"),
        (lambda s: s.place.update(began=[0.5]), "'place' in model.json is no place in the data"),
        (lambda s: s.place.update(passes=[0] * 101), "'place' in model.json is no place in the data"),
        (lambda s: s.place.pop("validation"), "'place' in model.json is no place in the data"),
        (lambda s: s.place.update(more=[]), "'place' in model.json is no place in the data"),
        (lambda s: s.compiled.update(loss=None), "there is no loss in it"),
        (lambda s: s.compiled["optimizer"].update(class_name="Adamm"), "Unknown optimizer 'Adamm'"),
        (lambda s: s.compiled.update(metrics=["acuracy"]), "Unknown metric 'acuracy'"),
        (lambda s: s.compiled.update(loss={"class_name": "function", "config": "f"}), "the loss 'f' is a function"),
    ],
)
def test_files_whose_parts_do_not_fit(change, message, tmp_path):
    (tmp_path / "m.npz").write_bytes(changed(change))
    with pytest.raises(FileError, match=message) as caught:
        load_model(tmp_path / "m.npz")
    assert "m.npz" in str(caught.value)


def test_a_file_without_training_state_is_legal(tmp_path):
    def forget(saved):
        saved.iterations, saved.slots = 0, {}

    (tmp_path / "m.npz").write_bytes(changed(forget))
    assert load_model(tmp_path / "m.npz").optimizer.iterations == 0


def test_the_arrays_that_are_listed_are_those_that_are_there(tmp_path):
    content = changed(lambda saved: None)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    text = json.loads(members["model.json"])
    text["arrays"].reverse()
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        for name, data in {**members, "model.json": json.dumps(text).encode()}.items():
            archive.writestr(name, data)
    with pytest.raises(FileError, match="do not belong together: their order differs"):
        load_model(tmp_path / "m.npz")


def test_layers_of_ones_own_from_the_checker_come_back(tmp_path):
    right = {name: make for name, make in own_layers.RIGHT.items() if isinstance(make, type)}
    for name, make in right.items():
        try:
            made = tn.Sequential([tn.Input((4,)), make()], seed=0)
        except (TypeError, ValueError):
            continue  # it wants another shape or arguments
        made.save(tmp_path / "m.npz")
        loaded = load_model(tmp_path / "m.npz", custom_objects={make.__name__: make})
        assert same(made, loaded), name
