"""What is checked: random inputs, noise on weights, labels, options."""

import math
import sys

import numpy as np
import pytest
import sabotage
from checking import failure, text
from own_layers import Elementwise

import tinynet as tn
from tinynet import gradcheck
from tinynet.gradcheck.measure import METHODS
from tinynet.gradcheck.subjects import _options, _real, distinct_batch, drawn, noisy
from tinynet.layers import Dense, Flatten, Layer, Tanh

# ---- what is drawn -----------------------------------------------------------------------------------------------


def test_random_inputs_are_spread_over_the_powers_of_ten():
    x = drawn((100, 100), np.random.default_rng(0), (0.03, 10))
    sizes = np.log10(np.abs(x))
    low, high = math.log10(0.03), 1
    assert low <= sizes.min() < low + 0.01
    assert high - 0.01 < sizes.max() <= high
    error = (high - low) / math.sqrt(12) / 100  # of the mean of 10,000 uniform numbers
    assert sizes.mean() == pytest.approx((low + high) / 2, abs=5 * error)
    assert abs((x > 0).mean() - 0.5) < 5 * 0.5 / 100


def test_noise_is_a_tenth_of_what_is_there():
    def weights(values, fresh):
        layer = sabotage.Scale()
        layer.setup((len(values),), dtype="float64")
        layer.a = values
        noisy([layer], np.random.default_rng(0), fresh)
        return layer.a

    values = np.array([0.0, 0, 5, -0.01] * 100)
    moved = weights(values, fresh=True) - values
    share = np.abs(moved) / np.where(values == 0, 1, np.abs(values))
    assert 0.09 < share.max() <= 0.1
    assert abs(moved[::4].mean()) < 0.1 / math.sqrt(3) / 10 * 5
    assert (moved != 0).all()
    assert np.array_equal(weights(values, fresh=False), values)
    assert (weights(np.ones(5), fresh=False) != 1).all()


def test_a_distinct_batch():
    assert distinct_batch((4,), (3,), []) == 5
    assert distinct_batch((5,), (3,), []) == 7
    assert distinct_batch((4,), (7, 5), []) == 11
    layer = Dense(13)
    layer.setup((11,))
    assert distinct_batch((7,), (5,), [layer]) == 3
    assert distinct_batch((5, 7, 3), (11, 13), []) == 5, "there is no other"


# ---- small things that only show by hand -------------------------------------------------------------------------


def test_factors_are_a_number_or_an_array_as_in_training():
    seen = []

    class Looks(sabotage.MeanSquaredError):
        def backward(self, labels, cache, factors):
            seen.append((type(factors), np.shape(factors)))
            return super().backward(labels, cache, factors)

    gradcheck.check_loss(Looks(), np.zeros((4, 3)), np.ones((4, 3)))
    assert set(seen) == {(np.ndarray, (4,)), (float, ())}
    model = tn.Sequential([Dense(3, input_shape=(2,))], seed=0)
    model.compile("sgd", Looks())
    seen.clear()
    gradcheck.check_model(model, np.ones((4, 2)), np.zeros((4, 3)))
    assert seen[0] == (float, ())


# ---- one check ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [[[1, 2]], [[True, False]], np.ones((1, 2), "uint8"), np.ones((1, 2), "float16")])
def test_inputs_are_made_float64(values):
    assert _real("x", values).dtype == np.float64


def test_options_are_checked():
    assert _options("auto", None, 3) == (METHODS["auto"], None, 3)
    assert _options("Complex", 1e-300, 0) == (("complex step",), 1e-300, 0)
    for options in (("auto", 0, 0), ("auto", -1, 0), ("auto", None, -1), ("none", None, 0)):
        with pytest.raises(ValueError, match=r"must be|Unknown method"):
            _options(*options)


# ---- kinks -------------------------------------------------------------------------------------------------------


def test_random_inputs_at_a_kink_are_drawn_again():
    class Steps(Layer):
        """max(x, c), c being the first input that it ever sees, so that this one lies at the kink."""

        seen: list = []

        def forward(self, x, training=False):
            if not self.seen:
                self.seen.append(x.real.flat[0])
            return np.maximum(x, self.seen[0]), x

        def backward(self, dy, cache, need_dx=True):
            return dy * (cache > self.seen[0])

    report = gradcheck.check_layer(Steps(), (3,))
    assert report["x"].kinks == 0
    assert "the random inputs were drawn 2 times, to avoid kinks, NaN and infinity" in text(report)


# ---- scale, noise, restoring -------------------------------------------------------------------------------------


def test_ones_and_zeros_in_fresh_weights_hide_nothing():
    class Forgets(sabotage.Scale):
        def backward(self, dy, cache, need_dx=True):
            super().backward(dy, cache, need_dx)
            return dy.copy()

    built = Forgets()
    built.setup((4,))
    for layer in (Forgets(), built):
        assert not failure(gradcheck.check_layer, layer, (4,))["x"].passed


def test_weights_that_are_not_fresh_are_checked_where_they_are():
    layer = sabotage.Scale()
    layer.setup((2,))
    layer.a = [3.0, -2.0]
    report = gradcheck.check_layer(layer, x=[[1.0, 1.0]])
    dy = np.random.default_rng([0, 0]).normal(size=(1, 2))
    assert report["x"].analytic in (3 * dy[0, 0], -2 * dy[0, 1])


def test_the_batch_is_no_other_size_of_the_layer():
    assert "(5, 4)" in gradcheck.check_layer(Dense(3), (4,)).subject
    assert "(7, 4)" in gradcheck.check_layer(Dense(5), (4,)).subject
    assert "(11, 7, 5)" in gradcheck.check_layer(Tanh(), (7, 5)).subject
    assert "(2, 4)" in gradcheck.check_layer(Dense(3), (4,), batch_size=2).subject


def test_wrong_calls():
    with pytest.raises(TypeError, match=r"check_layer takes a Layer; got .*write Dense\(...\)"):
        gradcheck.check_layer(Dense, (3,))
    with pytest.raises(TypeError, match=r"loss must be an instance: write SparseCategoricalCrossentropy\(\)"):
        gradcheck.check_loss(tn.losses.SparseCategoricalCrossentropy, [0], [[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"needs an input_shape .*, or inputs x: the layer has none yet"):
        gradcheck.check_layer(Dense(3))
    with pytest.raises(ValueError, match="takes an input_shape or inputs x, not both"):
        gradcheck.check_layer(Dense(3), (3,), x=np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"write \(3,\)"):
        gradcheck.check_layer(Dense(3), 3)
    with pytest.raises(ValueError, match="batch_size must be a positive integer; got 0"):
        gradcheck.check_layer(Dense(3), (3,), batch_size=0)
    with pytest.raises(ValueError, match="takes a compiled model"):
        gradcheck.check_model(tn.Sequential([Dense(3)]), np.ones((2, 3)), [0, 1])
    with pytest.raises(TypeError, match="takes a compiled model"):
        gradcheck.check_model(Dense(3), np.ones((2, 3)), [0, 1])
    model = tn.Sequential([Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="x has 2, y has 3"):
        gradcheck.check_model(model, np.ones((2, 3)), [0, 1, 2])

    class Uncopied(Tanh):
        def __deepcopy__(self, memo):
            raise RuntimeError("no copies")

    with pytest.raises(TypeError, match="checked on a copy, but cannot be copied: no copies"):
        gradcheck.check_layer(Uncopied(), (3,))


# ---- drawn inputs and noise --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "derivative"),
    [
        (lambda x: x.clip(0, 6), lambda x: x > 0),
        (lambda x: x.clip(-3, 3), np.ones_like),
        (lambda x: np.where(np.abs(x) < 0.1, 5 * x * x, np.abs(x) - 0.05), np.sign),
        (lambda x: np.tanh(x), lambda x: 1 - np.tanh(np.minimum(x, 1.2)) ** 2),
    ],
    ids=["ReLU6", "clip", "Huber", "right below 1.2"],
)
def test_random_inputs_go_beyond_the_bounds_of_clips_and_close_to_0(f, derivative):
    with pytest.raises(gradcheck.GradientError):
        gradcheck.check_layer(Elementwise(f, derivative), (6,))


def test_random_inputs_are_drawn_smaller_where_large_ones_overflow():
    with np.errstate(over="ignore", invalid="ignore"):
        report = gradcheck.check_layer(Elementwise(lambda x: np.exp(x**4), lambda x: 4 * x**3 * np.exp(x**4)), (40,))
    assert "the random inputs were drawn 5 times" in str(report)


def test_noise_keeps_a_weight_in_its_domain():
    class LogWidth(Layer):
        """y = x log s, s positive and small at the start."""

        def build(self, input_shape):
            class Start(tn.initializers.Initializer):
                def draw(self, shape, rng):
                    return np.full(shape, 0.01)

            self.add_weight("s", input_shape, Start())
            return input_shape

        def forward(self, x, training=False):
            return x * np.log(self.s), x

        def backward(self, dy, cache, need_dx=True):
            self.grads["s"] = (dy * cache).sum(axis=0) / self.s
            return dy * np.log(self.s)

    for seed in range(10):
        assert gradcheck.check_layer(LogWidth(), (3,), seed=seed).passed


# ---- odd layers --------------------------------------------------------------------------------------------------


def test_what_is_no_layer_at_all():
    with pytest.raises(TypeError, match=r"check_layer takes a Layer; got 3\."):
        gradcheck.check_layer(3, (3,))


@pytest.mark.parametrize(
    ("x", "what"),
    [
        (np.zeros((0, 3)), r"must hold at least one sample; got shape \(0, 3\)"),
        (np.float64(3), "must be an array of samples, the first axis counting them; got a single number"),
        (np.ones((2, 3), complex), "must be an array of real numbers; got dtype complex128"),
        (np.array([["a"]]), "must be an array of real numbers; got dtype <U1"),
        ([[1.0], [1.0, 2.0]], "must be an array, or lists that make one"),
    ],
)
def test_inputs_that_are_none(x, what):
    with pytest.raises(ValueError, match=f"x {what}"):
        gradcheck.check_layer(Tanh(), x=x)
    with pytest.raises(ValueError, match=f"y_pred {what}"):
        gradcheck.check_loss(sabotage.MeanSquaredError(), x, x)


@pytest.mark.parametrize("options", [{"seed": None}, {"seed": 1.5}, {"seed": -1}, {"tolerance": 0}])
def test_options_that_make_no_sense(options):
    with pytest.raises(ValueError, match="must be"):
        gradcheck.check_layer(Tanh(), (3,), **options)


def test_a_build_that_returns_another_shape():
    class Longer(Tanh):
        def build(self, input_shape):
            return (input_shape[0] + 1,)

    with pytest.raises(ValueError, match=r"outputs have shape \(5, 3\), but the layers were built for \(None, 4\)"):
        gradcheck.check_layer(Longer(), (3,))


def test_an_error_of_the_layers_own_tells_the_shapes():
    class Matrices(Tanh):
        def forward(self, x, training=False):
            return super().forward(x @ np.ones((4, 4)))

    with pytest.raises(ValueError, match="matmul") as caught:
        gradcheck.check_layer(Matrices(), (8, 3))
    notes = getattr(caught.value, "__notes__", None)
    assert notes is None or notes == ["(while Matrices was checked for (5, 8, 3), 5 samples of (8, 3))"]
    assert (notes is None) == (sys.version_info < (3, 11))


def test_a_layer_that_knows_its_shape_need_not_be_told():
    assert gradcheck.check_layer(Dense(2, input_shape=(3,)))["kernel"].size == 6
    built = Dense(2)
    built(np.ones((4, 5)))
    assert gradcheck.check_layer(built)["kernel"].size == 10
    assert gradcheck.check_layer(tn.Sequential([tn.Input((3,)), Dense(2)]))["kernel"].size == 6


def test_a_loss_by_name_and_labels_that_do_not_fit():
    assert gradcheck.check_loss("sparse_categorical_crossentropy", [0, 1], [[0.2, 0.8], [0.5, 0.5]]).passed
    with pytest.raises(ValueError, match=r"as many samples; got shapes \(3, 3\) and \(2, 3\)"):
        gradcheck.check_loss(sabotage.MeanSquaredError(), np.ones((3, 3)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"got \(2,\). Are y_true and y_pred swapped\?"):
        gradcheck.check_loss("sparse_categorical_crossentropy", [[0.2, 0.8], [0.5, 0.5]], [0, 1])


# ---- what is drawn -----------------------------------------------------------------------------------------------


def test_random_inputs_lie_within_what_the_documentation_says():
    class Looks(Flatten):
        sizes: list = []

        def forward(self, x, training=False):
            self.sizes.append(np.abs(x.real))
            return super().forward(x, training)

    gradcheck.check_layer(Looks(), (2000,))
    first = Looks.sizes[0]
    assert 0.03 <= first.min() < 0.031
    assert 9.9 < first.max() <= 10


def test_at_last_random_inputs_are_below_1():
    class Small(Layer):
        def forward(self, x, training=False):
            return np.where(np.abs(x) > 1.01, np.inf, x), None

        def backward(self, dy, cache, need_dx=True):
            return dy.copy()

    assert gradcheck.check_layer(Small(), (60,))["x"].whole is False


def test_the_notes_of_an_error_are_on_errors_of_the_layer_alone():
    with pytest.raises(gradcheck.GradientError) as caught:
        gradcheck.check_layer(sabotage.LAYERS["tanh, opposite sign"].make(), (3,))
    assert getattr(caught.value, "__notes__", []) == []


def test_the_default_seed_is_0():
    for check, arguments in (
        (gradcheck.check_layer, (Dense(2), (3,))),
        (gradcheck.check_loss, (sabotage.MeanSquaredError(), sabotage.TARGETS, sabotage.TARGETS[::-1])),
    ):
        one, other = check(*arguments), check(*arguments, seed=0)
        assert [row.analytic for row in one.rows] == [row.analytic for row in other.rows]


def test_the_factors_of_a_loss_lie_between_a_half_and_one_and_a_half():
    seen = []

    class Looks(sabotage.MeanSquaredError):
        def backward(self, labels, cache, factors):
            seen.append(factors)
            return super().backward(labels, cache, factors)

    gradcheck.check_loss(Looks(), np.zeros((400, 1)), np.ones((400, 1)))
    assert 0.5 <= seen[0].min() < 0.52
    assert 1.48 < seen[0].max() < 1.5


def test_a_fresh_model_is_checked_with_noise_and_a_built_one_where_it_is():
    def biases(input_shape):
        model = tn.Sequential([Dense(40, "tanh", input_shape=input_shape), Dense(3, "softmax")], seed=0)
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model

    x = np.random.default_rng(0).normal(size=(4, 3))
    built, fresh = biases((3,)), biases(None)
    fresh.seed = 0
    one, other = (gradcheck.check_model(model, x, [0, 1, 2, 0]) for model in (built, fresh))
    assert one["dense.bias"].analytic != other["dense.bias"].analytic, "the fresh one's kernels have noise too"
    trained = biases((3,))
    trained.set_weights([np.random.default_rng(1).normal(size=weight.shape) for weight in trained.weights])
    loss = trained.gradients(x, [0, 1, 2, 0])[1]
    row = gradcheck.check_model(trained, x, [0, 1, 2, 0])["dense.bias"]
    assert row.analytic == pytest.approx(loss[1][row.index], rel=1e-5), "a built one is checked where it is"
