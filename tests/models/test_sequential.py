"""Sequential: layers, shapes, names, weights, and models inside models."""

import numpy as np
import pytest
from models import Scale, everything, same, small

import tinynet as tn
from tinynet.layers import Dense, Flatten, ReLU, Softmax

# ---- structure and shapes ---------------------------------------------------------------------------------------


def test_the_lessons_model_has_the_lessons_shapes(lesson_model):
    model = lesson_model()
    assert [layer.output_shape for layer in model.layers] == [(None, 784), (None, 128), (None, 10)]
    assert (model.input_shape, model.output_shape) == ((None, 28, 28, 1), (None, 10))
    assert [weight.shape for weight in model.get_weights()] == [(784, 128), (128,), (128, 10), (10,)]
    assert all(weight.dtype == np.float32 for weight in model.get_weights())
    assert model.count_params() == 101770
    assert [layer.name for layer in model.layers] == ["flatten", "dense", "dense_1"]


def test_an_input_may_be_given_in_three_ways():
    for layers in (
        [tn.Input((4,)), Dense(2)],
        [Dense(2, input_shape=(4,))],
        [tn.layers.Input([4]), Dense(2)],
    ):
        model = tn.Sequential(layers)
        assert model.built
        assert len(model.layers) == 1
        assert model.input_shape == (None, 4)


def test_without_an_input_shape_the_first_data_builds_the_model():
    model = tn.Sequential([Flatten(), Dense(2)], seed=3)
    assert not model.built
    assert model.get_weights() == []
    assert model.predict(np.zeros((5, 2, 3))).shape == (5, 2)
    assert model.input_shape == (None, 2, 3)
    declared = tn.Sequential([Flatten(input_shape=(2, 3)), Dense(2)], seed=3)
    assert same(model.get_weights(), declared.get_weights()), "the same seed gives the same start, built early or late"


def test_build_takes_a_shape_with_its_batch_axis_as_keras():
    for shape in ((None, 4), (64, 4), [None, 4]):
        model = tn.Sequential([Dense(2)])
        model.build(shape)
        assert (model.input_shape, model.output_shape) == ((None, 4), (None, 2))
    model.build((None, 4))
    with pytest.raises(ValueError, match=r"is built for inputs \(None, 4\) already; got \(None, 5\)"):
        model.build((None, 5))
    for shape in (4, (), None):
        with pytest.raises(ValueError, match="build needs a shape with its batch axis"):
            tn.Sequential([Dense(2)]).build(shape)


def test_layers_can_be_added_one_by_one():
    model = tn.Sequential()
    model.add(tn.Input((3,)))
    model.add(Dense(8, "relu"))
    model.add(Dense(3, "softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    assert model.output_shape == (None, 3)
    assert model.predict(np.ones((2, 3))).shape == (2, 3)


def test_a_model_runs_its_layers_in_order():
    model = small()
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    w1, b1, w2, b2 = model.get_weights()
    z = np.maximum(x @ w1 + b1, 0) @ w2 + b2
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert np.allclose(model(x), p, rtol=0, atol=1e-6)
    assert np.array_equal(model(x), model.predict(x))


def test_images_may_lack_or_have_an_extra_last_axis(lesson_model):
    model = lesson_model(seed=0)
    x = np.random.default_rng(0).random((6, 28, 28)).astype("float32")
    expected = model.predict(x[..., None])
    assert expected.shape == (6, 10)
    assert np.array_equal(model.predict(x), expected)
    assert np.array_equal(model.predict(x[..., None, None]), expected)
    assert np.array_equal(model.predict(x.tolist()), expected)


def test_models_nest_and_share_weights():
    inner = tn.Sequential([Dense(4, "tanh"), Dense(2)], name="inner")
    model = tn.Sequential([tn.Input((3,)), inner, ReLU()], seed=0)
    assert [weight.shape for weight in model.get_weights()] == [(3, 4), (4,), (4, 2), (2,)]
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    assert np.array_equal(model(x), np.maximum(inner(x), 0))


def test_names_are_unique_in_a_model():
    model = tn.Sequential([Dense(1), Dense(1, name="dense_1"), Dense(1), ReLU()])
    assert [layer.name for layer in model.layers] == ["dense", "dense_1", "dense_2", "re_lu"]
    with pytest.raises(ValueError, match="A layer named 'dense' is in the model already"):
        model.add(Dense(1, name="dense"))


def test_what_cannot_be_added():
    with pytest.raises(TypeError, match=r"Only layers can be added to a Sequential; got 3\."):
        tn.Sequential([3])
    with pytest.raises(TypeError, match=r"write ReLU\(\.\.\.\)"):
        tn.Sequential([ReLU])
    with pytest.raises(ValueError, match="An Input must come first"):
        tn.Sequential([tn.Input((3,)), Dense(2), tn.Input((3,))])
    with pytest.raises(ValueError, match="An Input must come first"):
        tn.Sequential([tn.Input((3,)), tn.Input((3,))])
    dense = Dense(2)
    dense(np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"'dense' was built in float32 on numpy; this model is float64 on numpy"):
        tn.Sequential([tn.Input((3,)), dense], dtype="float64")
    with pytest.raises(ValueError, match="has no layers"):
        tn.Sequential().predict(np.zeros((1, 2)))
    with pytest.raises(ValueError, match="dtype must be 'float32' or 'float64'"):
        tn.Sequential(dtype="float16")


# ---- weights and buffers ----------------------------------------------------------------------------------------


def test_frozen_layers_stay_as_they_are_and_the_rest_trains(corners):
    x, y = corners()
    for frozen in (0, 1):
        model = small()
        model.layers[frozen].trainable = False
        model.compile("adam", "sparse_categorical_crossentropy")
        before = model.get_weights()
        model.fit(x, y, verbose=0)
        changed = [not np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True)]
        assert changed == [frozen == 1, frozen == 1, frozen == 0, frozen == 0]
        assert model.optimizer.state_size == 2 * sum(w.size for w, c in zip(before, changed, strict=True) if c)
    nested = tn.Sequential([tn.Input((3,)), small(trainable=False)])
    for model in (small(trainable=False), nested):
        model.compile("adam", "sparse_categorical_crossentropy")
        before = model.get_weights()
        model.fit(x, y, verbose=0)
        assert same(model.get_weights(), before)
        assert model.optimizer.state_size == 0


def test_get_weights_are_copies_and_set_weights_copies():
    model = small()
    weights = model.get_weights()
    weights[0][...] = 7
    assert not (model.layers[0].kernel == 7).any()
    model.set_weights(weights)
    assert (model.layers[0].kernel == 7).all()
    weights[0][...] = 8
    assert (model.layers[0].kernel == 7).all()


# ---- seeds ------------------------------------------------------------------------------------------------------


def test_without_a_seed_one_is_drawn_and_kept(corners):
    first, second = tn.Sequential(seed=None), tn.Sequential()
    assert first.seed != second.seed
    drawn = small(seed=None)
    assert same(small(seed=drawn.seed).get_weights(), drawn.get_weights())


def test_two_layers_of_a_model_start_with_different_weights():
    model = tn.Sequential([tn.Input((4,)), Dense(4), Dense(4)], seed=0)
    assert not np.array_equal(model.layers[0].kernel, model.layers[1].kernel)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True])
def test_bad_seeds(seed):
    with pytest.raises(ValueError, match="seed must be an integer of at least 0"):
        tn.Sequential(seed=seed)


# ---- bad input --------------------------------------------------------------------------------------------------


def test_weights_of_the_wrong_number_or_shape():
    model = small()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"has 4 weights .* set_weights got 3"):
        model.set_weights(before[:3])
    with pytest.raises(ValueError, match=r"weight 2 \(dense_1\.kernel\) has shape \(8, 3\); got .* \(3, 8\)"):
        model.set_weights([before[0] + 1, before[1], before[2].T, before[3]])
    assert same(model.get_weights(), before)


# ---- what a model keeps to itself -----------------------------------------------------------------------------------


def test_a_nested_model_gets_the_outer_models_seed_and_dtype():
    def make(dtype):
        inner = tn.Sequential([Dense(4, "tanh"), tn.Sequential([Dense(5)])])
        return tn.Sequential([tn.Input((3,)), inner, Dense(2)], seed=0, dtype=dtype)

    assert same(make("float32").get_weights(), make("float32").get_weights())
    model = make("float64")
    assert {weight.dtype.name for weight in model.get_weights()} == {"float64"}
    assert model.layers[0].dtype == model(np.ones((1, 3))).dtype == np.float64


def test_a_layer_added_to_an_inner_model_is_seen_by_the_outer_one(corners):
    x, y = corners()
    inner = tn.Sequential([tn.Input((3,)), Dense(4)])
    model = tn.Sequential([inner, tn.Sequential([Dense(3, "softmax")])], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.evaluate(x, y, verbose=0)
    inner.add(tn.layers.Tanh())
    assert np.isclose(model.evaluate(x, y, verbose=0), model.loss(y, model.predict(x)), rtol=0, atol=1e-6)
    model.fit(x, y, verbose=0)
    inner.add(Dense(4))
    assert np.isclose(model.evaluate(x, y, verbose=0), model.loss(y, model.predict(x)), rtol=0, atol=1e-6)
    with pytest.raises(RuntimeError, match="Call compile again"):
        model.fit(x, y, verbose=0)


def test_layers_is_a_list_of_ones_own():
    model = small()
    model.layers.pop()
    assert len(model.layers) == 2
    with pytest.raises(AttributeError):
        model.layers = []


def test_layers_can_be_added_to_a_model_that_its_data_has_built():
    model = tn.Sequential([Dense(2)])
    model.predict(np.ones((1, 4)))
    model.add(Dense(3))
    assert model.predict(np.ones((1, 4))).shape == (1, 3)


def test_a_layer_that_cannot_be_added_leaves_the_model_as_it_was():
    model = small()
    with pytest.raises(ValueError, match="has axis=5"):
        model.add(Softmax(axis=5))
    assert len(model.layers) == 2
    assert model.predict(np.ones((1, 3))).shape == (1, 3)


def test_the_activations_of_the_package_stay_as_they_are(corners):
    before = dict(vars(tn.nn.relu))
    models = [tn.Sequential([tn.Input((3,)), Dense(units), tn.nn.relu, Dense(units), tn.nn.relu]) for units in (4, 7)]
    models[0].trainable = False
    assert vars(tn.nn.relu) == before
    assert [layer.name for layer in models[1].layers] == ["dense", "re_lu", "dense_1", "re_lu_1"]
    texts = []
    models[1].summary(print_fn=texts.append)
    assert "(None, 4)" not in texts[0]


def test_a_layer_keeps_the_name_that_its_first_model_gave_it():
    shared = Dense(3)
    first = tn.Sequential([Dense(3), shared])
    tn.Sequential([shared])
    assert [layer.name for layer in first.layers] == ["dense", "dense_1"]
    with pytest.raises(ValueError, match=r"'dense_1' is in the model already.* give the new one a name"):
        tn.Sequential([Dense(2), Dense(2), shared])


def test_weights_can_be_permuted_among_themselves():
    model = tn.Sequential([tn.Input((3,)), Dense(3, use_bias=False), Dense(3, use_bias=False)], seed=0)
    first, second = model.get_weights()
    model.set_weights(model.weights[::-1])
    assert same(model.get_weights(), [second, first])
    model.layers[0].kernel = model.layers[0].kernel.T
    assert np.array_equal(model.layers[0].kernel, second.T)


def test_set_weights_of_an_archive_says_what_to_pass(tmp_path):
    model = small()
    np.savez(tmp_path / "w.npz", *model.get_weights())
    with np.load(tmp_path / "w.npz") as archive:
        with pytest.raises(TypeError, match=r"pass list\(archive\.values\(\)\)"):
            model.set_weights(archive)
        other = small(seed=1)
        other.set_weights(list(archive.values()))
    assert same(other.get_weights(), model.get_weights())


def test_attributes_that_are_not_there(corners):
    model = small()
    with pytest.raises(AttributeError, match=r"^Sequential has no attribute 'export'\.$"):
        model.export("m")
    with pytest.raises(AttributeError, match=r"It is not built yet; weights exist after its first call"):
        _ = Dense(2).kernel

    class Forgetful(tn.layers.Layer):
        def __init__(self):
            pass

    with pytest.raises(AttributeError, match=r"Forgetful\.__init__ must call super\(\)\.__init__\(\) first"):
        tn.Sequential([tn.Input((3,)), Forgetful()])


# ---- softmax and cross-entropy meet in the loss -------------------------------------------------------------------


def test_given_names_are_kept_and_a_named_layer_may_stand_twice():
    shared = Dense(3, name="shared")
    model = tn.Sequential([tn.Input((3,)), Dense(3, name="first"), shared, shared, Dense(3)], name="mine")
    assert [layer.name for layer in model.layers] == ["first", "shared", "shared", "dense"]
    assert model.name == "mine"
    assert [tn.Sequential(trainable=flag).trainable for flag in (True, False)] == [True, False]
    assert model.trainable is True


def test_an_input_cannot_come_after_a_layer_of_unknown_input():
    with pytest.raises(ValueError, match="An Input must come first"):
        tn.Sequential([Dense(3), tn.Input((3,))])


def test_trainable_may_be_any_truth_value(corners):
    model = small()
    model.layers[0].trainable = 0
    model.layers[1].trainable = 1
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit(*corners(), verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True)]
    assert changed == [False, False, True, True]


@pytest.mark.parametrize("bottom", [Dense(3), ReLU()])
def test_model_backward_without_need_of_dx_returns_none(bottom):
    model, ones = tn.Sequential([tn.Input((3,)), bottom, Dense(3)]), np.ones((2, 3), "float32")
    _, caches = model.forward(ones)
    assert model.backward(ones, caches).shape == (2, 3)
    assert model.backward(ones, caches, need_dx=False) is None


def test_a_model_inside_another_keeps_its_own_shape(corners):
    inner = tn.Sequential([tn.Input((3,)), Dense(3, "softmax")], seed=0)
    inner.compile("adam", "sparse_categorical_crossentropy")
    outer = tn.Sequential([tn.Input((7, 3)), inner])
    assert outer.predict(np.zeros((2, 7, 3))).shape == (2, 7, 3)
    x, y = corners()
    assert inner.predict(x).shape == (60, 3)
    inner.fit(x, y, verbose=0)


def test_a_failed_build_leaves_nothing_behind():
    model = tn.Sequential([Dense(3), Softmax(axis=2)], seed=0)
    with pytest.raises(ValueError, match="has axis=2, but its inputs have rank 2"):
        model.predict(np.zeros((5, 7)))
    assert model.get_weights() == []
    assert model.predict(np.zeros((5, 6, 4))).shape == (5, 6, 3)
    expected = tn.Sequential([Dense(3), Softmax(axis=2)], seed=0)
    expected.build((None, 6, 4))
    assert same(model.get_weights(), expected.get_weights())


def test_a_failed_build_leaves_nothing_behind_in_inner_models_either():
    innermost = tn.Sequential([Dense(3)])
    inner = tn.Sequential([innermost])
    built = Dense(4)
    built(np.zeros((1, 4)))
    kernel = built.kernel.copy()
    with pytest.raises(ValueError, match="has axis=5"):
        tn.Sequential([built, inner, Softmax(axis=5)], seed=0).build((None, 4))
    assert [model.built for model in (inner, innermost)] == [False, False]
    assert (inner.get_weights(), innermost.output_shapes) == ([], [])
    assert np.array_equal(built.kernel, kernel), "what was built before stays"
    with pytest.raises(ValueError, match="has axis=5"):
        tn.Sequential([tn.Sequential([Dense(2), Softmax(axis=5)], name="inner")], dtype="float64").build((None, 4))
    with pytest.raises(ValueError, match="has axis=5"):
        tn.Sequential([inner, Softmax(axis=5)], dtype="float64").build((None, 4))
    assert tn.Sequential([inner, Softmax()]).predict(np.zeros((2, 7))).shape == (2, 3)


def test_a_failed_first_layer_leaves_no_input_shape():
    model = tn.Sequential()
    with pytest.raises(ValueError, match="has axis=5"):
        model.add(Softmax(axis=5, input_shape=(3,)))
    model.add(tn.Input((4,)))
    model.add(Dense(2))
    assert model.input_shape == (None, 4)


def test_a_model_cannot_hold_itself():
    model = small()
    with pytest.raises(ValueError, match="cannot be a layer of itself"):
        model.add(model)
    with pytest.raises(ValueError, match="cannot be a layer of itself"):
        model.add(tn.Sequential([tn.Sequential([model])]))


def test_layers_of_an_inner_model_draw_from_generators_of_their_own():
    first, second = Dense(4), Dense(4)
    tn.Sequential([tn.Input((4,)), first], seed=0)
    tn.Sequential([tn.Input((4,)), tn.Sequential([first, second])], seed=0)
    assert not np.array_equal(first.kernel, second.kernel)


def test_a_frozen_model_as_an_activation_stays_as_it_is(corners):
    dense = Dense(5, activation=tn.Sequential([Dense(3)], trainable=False))
    model = tn.Sequential([tn.Input((3,)), dense, Softmax()], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit(*corners(), verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True)]
    assert changed == [True, True, False, False]


def test_layers_held_in_others_are_refused_however_they_are_built(corners):
    class Lazy(tn.layers.Layer):
        def __init__(self):
            super().__init__()
            self.held = Dense(3)

        def forward(self, x, training=False):
            return self.held(x), x

    class Stack(tn.layers.Layer):
        def build(self, input_shape):
            self.held = tn.Sequential([Dense(3)])
            return self.held.setup(input_shape)

    model = tn.Sequential([tn.Input((3,)), Lazy(), Softmax()])
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(TypeError, match=r"Lazy holds the layer self\.held"):
        model.fit(*corners(), verbose=0)
    with pytest.raises(TypeError, match=r"Stack holds the layer self\.held"):
        tn.Sequential([tn.Input((3,)), Stack()])


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


def test_what_is_not_built_has_no_number_of_weights():
    for thing in (tn.Sequential([Dense(2)]), Dense(2)):
        with pytest.raises(ValueError, match="is not built yet, so its weights cannot be counted"):
            thing.count_params()
    assert Scale().weights == []
