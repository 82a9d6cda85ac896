"""What models do with their layers: pop, freeze, write down, clone, save; and names that are not here."""

import copy
import json
import pickle

import numpy as np
import pytest
from models import same, small

import tinynet as tn
from tinynet import layers
from tinynet.layers import Activation, BatchNormalization, Dense, Dropout, Flatten, ReLU, Reshape
from tinynet.models import summary


class Scale(tn.layers.Layer):
    """y = factor a x, with a a weight."""

    def __init__(self, factor=1.0, **options):
        super().__init__(**options)
        self.factor = factor

    def build(self, input_shape):
        self.add_weight("a", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        return self.factor * x * self.a, x

    def backward(self, dy, cache, need_dx=True):
        self.grads["a"] = self.factor * (dy * cache).sum(axis=0)
        return self.factor * dy * self.a


def everything(**options):
    """A model of many layers with settings, one of them a model."""
    inner = tn.Sequential([Dense(5, tn.layers.LeakyReLU(0.1)), BatchNormalization(momentum=0.5)], name="inner")
    stack = [
        tn.Input((2, 3)),
        Flatten(),
        layers.Rescaling(0.5, offset=1),
        Dense(6, "relu", kernel_initializer=tn.initializers.HeNormal(3), kernel_regularizer=tn.regularizers.L2(0.3)),
        Dropout(0.25, seed=1),
        inner,
        Activation("gelu"),
        Reshape((-1, 5)),
        ReLU(6.0, negative_slope=0.1),
        Flatten(name="flat"),
        Dense(3, "softmax", use_bias=False),
    ]
    return tn.Sequential(stack, **{"seed": 5, **options})


# ---- layers of a model --------------------------------------------------------------------------------------------


def test_a_popped_layer_leaves_the_others_and_another_takes_its_place(corners):
    model = small()
    model.fit(*corners(), verbose=0)
    kernel = model.layers[0].kernel.copy()
    last = model.layers[-1]
    assert model.pop() is last
    assert model.layers == [model.get_layer(index=0)]
    assert model.output_shape == (None, 8)
    assert np.array_equal(model.layers[0].kernel, kernel)
    model.add(Dense(3, "softmax", name="new"))
    model.compile("adam", "sparse_categorical_crossentropy")
    assert model.fit(*corners(), verbose=0).epoch == [0]
    for _ in range(2):
        model.pop()
    assert model.layers == []
    with pytest.raises(IndexError, match="has no layers to pop"):
        model.pop()


def test_pop_of_a_model_that_is_not_built():
    model = tn.Sequential([Dense(3), Dense(2)])
    model.pop()
    assert not model.built
    assert model(np.zeros((1, 4))).shape == (1, 3)


def test_get_layer():
    model = small()
    assert model.get_layer("dense") is model.get_layer(index=0) is model.layers[0]
    assert model.get_layer(index=-1) is model.layers[-1]
    for options, message in (
        ({"name": "zz"}, "has no layer 'zz'; it has 'dense', 'dense_1'"),
        ({"index": 2}, "has 2 layers; got index=2"),
        ({"index": -3}, "has 2 layers; got index=-3"),
        ({}, "takes a name or an index"),
        ({"name": "dense", "index": 0}, "takes a name or an index"),
    ):
        with pytest.raises(ValueError, match=message):
            model.get_layer(**options)


def test_freezing_a_model_freezes_all_that_is_inside():
    model = everything()
    count = len(model.weights)
    trained, statistics = len(model.trainable_weights), 2
    assert trained == count - statistics
    assert len(model.non_trainable_weights) == statistics
    inner = model.get_layer("inner")
    inner.trainable = False
    assert not any(layer.trainable for layer in inner.layers)
    assert len(model.trainable_weights) == trained - 4
    model.trainable = False
    assert model.trainable_weights == []
    assert len(model.non_trainable_weights) == count
    model.trainable = True
    assert len(model.trainable_weights) == trained


def test_frozen_batch_normalization_uses_its_statistics_in_training_too():
    model = tn.Sequential([tn.Input((2,)), BatchNormalization(name="norm"), Dense(1)], seed=0)
    x, y = np.random.default_rng(0).normal(3, 2, size=(2, 16, 2))
    model.compile("sgd", "mse")
    model.train_on_batch(x, y[:, :1])
    norm = model.get_layer("norm")
    assert norm.moving_mean == pytest.approx(0.01 * x.mean(axis=0), rel=1e-5)
    assert norm.moving_variance == pytest.approx(0.99 + 0.01 * x.var(axis=0), rel=1e-5)
    before = norm.get_weights()
    model.trainable = False
    model.compile("sgd", "mse")
    model.train_on_batch(x, y[:, :1])
    assert same(norm.get_weights(), before)
    assert np.array_equal(model(x, training=True), model(x))


def test_calls_in_training_differ_and_can_be_repeated_from_the_seed():
    def calls():
        model = tn.Sequential([tn.Input((50,)), Dropout(0.5)], seed=4)
        return [model(np.ones((1, 50)), training=True) for _ in range(3)]

    first, second = calls(), calls()
    assert same(first, second)
    assert not np.array_equal(first[0], first[1])
    alone = Dropout(0.5, seed=4)
    assert not np.array_equal(alone(np.ones((1, 50)), training=True), alone(np.ones((1, 50)), training=True))
    assert np.array_equal(alone(np.ones((1, 50))), np.ones((1, 50)))


def test_what_is_not_built_has_no_number_of_weights():
    for thing in (tn.Sequential([Dense(2)]), Dense(2)):
        with pytest.raises(ValueError, match="is not built yet, so its weights cannot be counted"):
            thing.count_params()
    assert Scale().weights == []


# ---- written down -------------------------------------------------------------------------------------------------


def test_a_model_comes_back_from_its_configuration():
    model = everything()
    config = model.get_config()
    assert json.loads(json.dumps(config)) == config
    assert config["layers"][0]["config"]["batch_shape"] == [None, 2, 3]
    assert config["layers"][3]["config"]["activation"] == "relu"
    assert config["layers"][3]["class_name"] == "Dense"
    for other in (
        tn.Sequential.from_config(config),
        tn.models.clone_model(model),
        tn.models.model_from_json(model.to_json(indent=1)),
    ):
        assert other.get_config() == config
        assert [type(layer) for layer in other.all_layers()] == [type(layer) for layer in model.all_layers()]
        assert other.output_shape == model.output_shape
        assert not other.compiled
        assert other.seed == 5
        assert same(other.get_weights(), model.get_weights()), "the seed says so"
        other.set_weights([weight + 1 for weight in model.get_weights()])
        assert not np.array_equal(model.get_weights()[0], other.get_weights()[0])


def test_a_clone_without_a_seed_starts_elsewhere_and_keeps_the_rest():
    model = tn.Sequential([tn.Input((4,)), Dense(3), Scale(2.0, name="mine")], dtype="float64", name="own")
    clone = tn.models.clone_model(model)
    assert not np.array_equal(clone.get_weights()[0], model.get_weights()[0])
    assert (clone.name, clone.dtype, clone.get_layer("mine").factor) == ("own", np.float64, 2.0)
    assert "seed" not in model.get_config()
    lazy = tn.models.clone_model(tn.Sequential([Dense(3)]))
    assert not lazy.built
    frozen = tn.models.clone_model(tn.Sequential([tn.Input((4,)), Dense(3, trainable=False)]))
    assert frozen.trainable_weights == []
    with pytest.raises(TypeError, match="clone_model takes a Sequential; got 3"):
        tn.models.clone_model(3)


def test_a_layer_that_stands_twice_does_so_in_the_clone():
    twice = Dense(4)
    clone = tn.models.clone_model(tn.Sequential([tn.Input((4,)), twice, Dense(4), twice], seed=1))
    assert clone.layers[0] is clone.layers[2]
    assert clone.layers[0] is not twice
    assert len(clone.weights) == 4


def test_models_inside_a_class_of_ones_own_are_plain_ones():
    class My(tn.Sequential):
        pass

    model = My([tn.Input((5,)), tn.Sequential([Dense(2)])])
    again = My.from_config(model.get_config())
    assert type(again) is My
    assert type(again.layers[0]) is tn.Sequential


def test_only_known_classes_are_made():
    text = tn.Sequential([tn.Input((4,)), Scale()]).to_json()
    with pytest.raises(ValueError, match="Unknown layer 'Scale'"):
        tn.models.model_from_json(text)
    model = tn.models.model_from_json(text, custom_objects={"Scale": Scale})
    assert type(model.layers[0]) is Scale
    for bad in ("{", "3", '{"class_name": "Dense"}', '{"class_name": "Sequential"}', None):
        with pytest.raises(ValueError, match="model_from_json takes what"):
            tn.models.model_from_json(bad)
    with pytest.raises(ValueError, match="needs 'name' and 'layers'"):
        tn.Sequential.from_config({"layers": []})
    with pytest.raises(ValueError, match="needs records of its layers; got 3"):
        tn.Sequential.from_config({"name": "m", "layers": [3]})
    with pytest.raises(ValueError, match="needs 'class_name' and 'config'"):
        tn.Sequential.from_config({"name": "m", "layers": [{"class_name": 3}]})


def test_a_layer_that_keeps_an_argument_elsewhere_is_told():
    class Hidden(tn.layers.Layer):
        def __init__(self, size, **options):
            super().__init__(**options)
            self._size = size

    with pytest.raises(TypeError, match=r"no self\.size\. Or define get_config"):
        Hidden(3).get_config()
    assert Scale(3.0, name="s").get_config() == {"name": "s", "trainable": True, "factor": 3.0}
    again = Scale.from_config(Scale(3.0, name="s").get_config())
    assert (again.factor, again.name) == (3.0, "s")


@pytest.mark.parametrize(
    "layer",
    [Dense(3, tn.layers.ELU(0.5), bias_initializer="ones"), Activation("tanh"), BatchNormalization(center=False)],
)
def test_layers_come_back_from_their_configurations(layer):
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again(np.ones((2, 2))).shape == layer(np.ones((2, 2))).shape


def test_activations_are_written_by_name_or_with_their_settings():
    assert Dense(1).get_config()["activation"] == "linear"
    assert Dense(1, tn.nn.relu).get_config()["activation"] == "relu"
    assert Dense(1, ReLU()).get_config()["activation"] == "relu"
    assert Dense(1, "swish").get_config()["activation"] == "silu"
    assert copy.deepcopy(Dense(1, "gelu")).get_config()["activation"] == "gelu"
    record = Dense(1, ReLU(max_value=6)).get_config()["activation"]
    assert (record["class_name"], record["config"]["max_value"]) == ("ReLU", 6.0)
    assert tn.activations.get(record).max_value == 6.0
    assert tn.activations.get("leaky_relu").negative_slope == 0.2
    assert tn.activations.get(None) is tn.activations.get("linear") is tn.activations.get(tn.activations.linear) is None


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_of_a_trained_model_goes_on_to_the_same_bits(copied):
    model = everything()
    model.compile(tn.optimizers.Adam(0.01, clipnorm=0.5), "sparse_categorical_crossentropy", ["accuracy"])
    x, y = np.random.default_rng(0).normal(size=(20, 2, 3)), np.arange(20) % 3
    model.fit(x, y, verbose=0)
    other = copied(model)
    for each in (model, other):
        each.fit(x, y, epochs=2, initial_epoch=1, verbose=0)
    assert same(model.get_weights(), other.get_weights())


# ---- files --------------------------------------------------------------------------------------------------------


def test_weights_go_to_a_file_and_back(tmp_path):
    model = everything()
    twice = Dense(3)
    for one, other in (
        (model, everything(seed=6)),
        (tn.Sequential([tn.Input((3,)), twice, twice]), tn.Sequential([tn.Input((3,)), *[Dense(3)] * 2])),
    ):
        one.save_weights(tmp_path / "w.npz")
        assert not same(one.get_weights(), other.get_weights())
        other.load_weights(str(tmp_path / "w.npz"))
        assert same(one.get_weights(), other.get_weights())
    assert [path.name for path in tmp_path.iterdir()] == ["w.npz"]


def test_files_that_do_not_fit_change_nothing(tmp_path):
    model = small()
    before = model.get_weights()
    path = tmp_path / "w.npz"
    tn.Sequential([tn.Input((3,)), Dense(8)]).save_weights(path)
    with pytest.raises(ValueError, match=r"does not hold the weights of model 'sequential': .*/kernel are in one of"):
        model.load_weights(path)
    tn.Sequential([tn.Input((3,)), Dense(8), ReLU(), Dense(4), layers.Softmax()]).save_weights(path)
    with pytest.raises(ValueError, match=r"has shape \(8, 3\); got an array of shape \(8, 4\)"):
        model.load_weights(path)
    model.save_weights(path)
    content = path.read_bytes()
    for damaged in (content[:-30], content[:200], b"", b"hello", content[:300] + b"\x00" * 50 + content[350:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"w.npz': (it is no archive|the archive|the array)"):
            model.load_weights(path)
    np.savez(path, **{"0/kernel": np.array([{}], dtype=object)})
    with pytest.raises(ValueError, match=r"w.npz': (it is no archive|the archive|the array)"):
        model.load_weights(path)
    with pytest.raises(FileNotFoundError):
        model.load_weights(tmp_path / "missing.npz")
    assert same(model.get_weights(), before)


def test_names_and_models_that_cannot_be_saved(tmp_path):
    for name in ("w", "w.h5", "w.npz.txt"):
        with pytest.raises(ValueError, match=r"must end in '\.npz' or"):
            small().save_weights(tmp_path / name)
    unbuilt = tn.Sequential([Dense(3)])
    with pytest.raises(ValueError, match="is not built yet, so it has no weights to save"):
        unbuilt.save_weights(tmp_path / "w.npz")
    with pytest.raises(ValueError, match="is not built yet: build it first"):
        unbuilt.load_weights(tmp_path / "w.npz")


# ---- the table ----------------------------------------------------------------------------------------------------


def bars(model, width, **options):
    rule = summary.table(model, width, **options).splitlines()[1]
    return [place for place, sign in enumerate(rule) if sign in "┏┳┓"]


def test_the_rules_of_the_table_stand_where_kerass_do():
    model = small()
    assert [bars(model, width) for width in (60, 77, 79)] == [[0, 27, 47, 59], [0, 34, 60, 76], [0, 35, 62, 78]]
    expected = {60: [0, 24, 43, 53, 59], 76: [0, 30, 54, 67, 75], 77: [0, 31, 55, 68, 76], 79: [0, 31, 56, 70, 78]}
    assert {width: bars(model, width, show_trainable=True) for width in expected} == expected
    with pytest.raises(ValueError, match="needs more room than line_length=20"):
        model.summary(20)


def test_the_table_shows_models_inside_and_what_is_trained(capsys):
    model = everything()
    model.get_layer("inner").trainable = False
    model.summary(90, expand_nested=True, show_trainable=True)
    lines = capsys.readouterr().out.splitlines()
    cells = {line.split()[1]: line.split("│")[1:-1] for line in lines if line.startswith("│")}
    assert cells["flatten"][-1].strip() == "-"
    assert cells["dense"][-1].strip() == "Y"
    assert cells["inner"][-1].strip() == "N"
    assert any("   └ dense (Dense)" in line for line in lines)
    assert not any("\x1b" in line for line in lines)
    model.summary()
    assert "└ dense" not in capsys.readouterr().out
    tn.Sequential([Flatten(), Dense(2)]).summary()
    out = capsys.readouterr().out
    assert "0 (unbuilt)" in out
    assert "?" in out


def test_the_table_is_coloured_on_a_terminal_only(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    small().summary()
    out = capsys.readouterr().out
    assert out.startswith('\x1b[1mModel: "sequential"\x1b[0m\n')
    assert "(\x1b[34mDense\x1b[0m)" in out
    assert "\x1b[32m32\x1b[0m" in out
    monkeypatch.setenv("NO_COLOR", "1")
    small().summary()
    assert "\x1b" not in capsys.readouterr().out


# ---- names that are not here --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "Model",
        "ops",
        "layers.Conv2D",
        "losses.KLDivergence",
        "metrics.AUC",
        "optimizers.Nadam",
        "optimizers.schedules.CosineDecayRestarts",
        "initializers.Orthogonal",
        "regularizers.OrthogonalRegularizer",
        "callbacks.TensorBoard",
        "activations.mish",
        "nn.conv2d",
        "models.Model",
        "utils.plot_model",
        "datasets.mnist",
    ],
)
def test_a_name_that_is_not_here_says_so(name):
    thing, _, last = f"tinynet.{name}".rpartition(".")
    module = tn
    for part in thing.split(".")[1:]:
        module = getattr(module, part)
    with pytest.raises(AttributeError, match=f"{thing}.{last} is not in tinynet, which is a small part of Keras"):
        getattr(module, last)
    assert not hasattr(module, last)
    with pytest.raises(ImportError, match=f"cannot import name '{last}' from '{thing}'"):
        exec(f"from {thing} import {last}")
    with pytest.raises(AttributeError, match="has no attribute '__wrapped__'"):
        module.__wrapped__  # noqa: B018


def test_a_near_name_is_proposed():
    with pytest.raises(AttributeError, match=r"Did you mean ReLU or ELU\?"):
        tn.layers.Relu  # noqa: B018
    assert "gradcheck" in dir(tn)
