"""The checker where numbers are unkind: large, small, saturated, cancelling, at many kinks at once; and odd layers."""

import sys
import threading

import numpy as np
import own_layers
import pytest
import sabotage
from own_layers import Elementwise

import tinynet as tn
from tinynet import gradcheck
from tinynet.gradcheck.copies import copied
from tinynet.layers import Dense, Flatten, Layer, ReLU, Softmax, Tanh
from tinynet.losses import Loss

METHODS = ["auto", "complex", "central"]


# ---- right layers, unkind numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("size", [30, 100, 255])
def test_saturated_units(method, activation, size):
    for seed in range(5):
        x = np.random.default_rng(seed).normal(size=(6, 4)) * size
        layer = Dense(5, activation)
        layer.setup((4,), np.random.default_rng(seed), dtype="float64")
        assert gradcheck.check_layer(layer, x=x, seed=seed, method=method).passed


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("f", "derivative", "x"),
    [
        (np.tanh, lambda x: 1 - np.tanh(x) ** 2, [[1000.0, 0.0, 1e-6]]),
        (lambda x: np.sin(10 * x), lambda x: 10 * np.cos(10 * x), [[100.0, 0.0, 0.5]]),
        (lambda x: np.sin(1000 * x), lambda x: 1000 * np.cos(1000 * x), [[0.0, 1e-3]]),
        (lambda x: (x + 1e6) - 1e6, np.ones_like, [[0.3, -2.0, 5.0]]),
        (np.log, lambda x: 1 / x, [[1e-6, 1.0, 100.0]]),
        (np.log, lambda x: 1 / x, [[1e-60, 1e-3]]),
        (np.sqrt, lambda x: 0.5 / np.sqrt(x), [[1e-8, 1.0]]),
        (lambda x: x**3 - 1e4, lambda x: 3 * x**2, [[1.0, -2.0]]),
    ],
    ids=["tanh", "sin 10x", "sin 1000x", "cancels", "log", "log of 1e-60", "sqrt", "offset"],
)
def test_steps_of_several_lengths(method, f, derivative, x):
    report = gradcheck.check_layer(Elementwise(f, derivative), x=x, method=method)
    assert report["x"].kinks == 0
    wrong = Elementwise(f, lambda x: 1.001 * derivative(x))
    with pytest.raises(gradcheck.GradientError, match=r"the same factor, 1\.001"):
        gradcheck.check_layer(wrong, x=x, method=method)


def test_what_cancels_in_a_large_array():
    layer = Elementwise(lambda x: (x + 1e6) - 1e6, np.ones_like)
    assert gradcheck.check_layer(layer, x=np.random.default_rng(0).normal(size=(5, 60))).passed


def test_a_normalization_far_from_zero():
    x = 1e6 + np.random.default_rng(0).normal(size=(4, 5))
    assert gradcheck.check_layer(own_layers.Normalization(-1), x=x).passed


# ---- many kinks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_an_array_of_which_half_lies_at_kinks_is_checked_by_single_entries(method):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 60)) * rng.choice([0, 1], (8, 60))
    report = gradcheck.check_layer(ReLU(), x=x, method=method)
    row = report["x"]
    assert (row.checked, row.size, row.whole) == (200, 480, True)
    assert 60 < row.kinks < 140
    assert f"200 of 480 entries, {row.kinks} at kinks left out" in str(report)

    class Forgets(ReLU):
        def backward(self, dy, cache, need_dx=True):
            return dy.copy()

    with pytest.raises(gradcheck.GradientError):
        gradcheck.check_layer(Forgets(), x=x, method=method)


@pytest.mark.parametrize("method", METHODS)
def test_kinks_that_cancel_in_the_output(method):
    class Difference(Layer):
        """y = |a| - |b| for each pair."""

        def parts(self):
            return [Elementwise(lambda x: np.where(x > 0, x, -x), np.sign), Pairs()]

    class Pairs(Layer):
        def build(self, input_shape):
            return (input_shape[0] // 2,)

        def forward(self, x, training=False):
            return x[:, ::2] - x[:, 1::2], x.shape

        def backward(self, dy, cache, need_dx=True):
            dx = np.empty(cache)
            dx[:, ::2], dx[:, 1::2] = dy, -dy
            return dx

    x = np.random.default_rng(0).normal(size=(6, 100))
    x[:, :40] = 0
    row = gradcheck.check_layer(Difference(), x=x, method=method)["x"]
    assert (row.kinks > 0) == (method != "central"), "the mean of -1 and 1 is the 0 that backward gives"


def test_a_padded_row_in_front_of_dense_and_relu():
    x = np.random.default_rng(0).normal(size=(6, 4))
    x[2] = 0
    report = gradcheck.check_layer(Dense(5, "relu", use_bias=False), x=x)
    assert report["x"].kinks == 4
    assert report["kernel"].kinks == 0


def test_sparse_images_through_a_relu_at_once(sample):
    (x, y), _ = sample
    model = tn.Sequential([Flatten(input_shape=(28, 28)), ReLU(), Dense(10, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    report = gradcheck.check_model(model, x[:4] / 255, y[:4])
    assert 0 < report["x"].kinks < 200


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


def test_a_weight_without_entries():
    class Empty(sabotage.Scale):
        def build(self, input_shape):
            self.add_weight("nothing", (0,), "zeros")
            return super().build(input_shape)

    layer = Empty()
    layer.setup((3,))
    assert gradcheck.check_layer(layer, (3,))["nothing"].checked == 0


# ---- tiny gradients ----------------------------------------------------------------------------------------------


def test_of_a_gradient_below_all_others_no_more_is_said_than_that_it_is_tiny():
    layer = sabotage.Scale()
    layer.setup((2,))
    layer.a = [1e-14, 2e-14]
    report = gradcheck.check_layer(layer, x=[[1.0, -2.0]])
    assert "of x no more is shown than that it is tiny, " in str(report)
    assert "no more is shown" not in str(gradcheck.check_layer(Tanh(), (3,)))


def test_a_wrong_early_layer_of_a_deep_model_is_found_by_itself():
    class Opposite(Dense):
        def backward(self, dy, cache, need_dx=True):
            dx = super().backward(dy, cache, need_dx)
            self.grads["kernel"] *= -1
            return dx

    deep = [Dense(3, "sigmoid") for _ in range(22)]
    model = tn.Sequential([Opposite(3, "sigmoid", input_shape=(2,)), *deep, Dense(3, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(gradcheck.GradientError) as caught:
        gradcheck.check_model(model, np.random.default_rng(0).normal(size=(3, 2)), [0, 1, 2])
    report = caught.value.report
    assert report["opposite.kernel"].passed, "there the gradient has become too small"
    assert [part.subject for part in report.parts] == ["Opposite 'opposite', inputs (3, 2)"]
    assert "wrong sign" in report.parts[0]["kernel"].cause


def test_a_part_that_cannot_be_checked_by_itself_hides_no_other():
    class OneFactor(sabotage.MeanSquaredError):
        """Takes the one number of training as factors, and no array."""

        def backward(self, labels, cache, factors):
            return 2 / cache.shape[-1] * (cache - labels) * float(factors)

    model = tn.Sequential([sabotage.LAYERS["tanh, opposite sign"].make(), Dense(3)], seed=0)
    model.compile("sgd", OneFactor())
    x = np.random.default_rng(0).normal(size=(4, 3))
    with pytest.raises(gradcheck.GradientError) as caught:
        gradcheck.check_model(model, x, x)
    report = caught.value.report
    assert any("the loss mean_squared_error, inputs (4, 3): could not be checked by itself" in n for n in report.notes)
    assert [part.subject for part in report.parts] == ["Spoilt 'spoilt', inputs (4, 3)"]
    assert "\nAt fault by themselves: Spoilt 'spoilt', inputs (4, 3)\n" in str(report)


# ---- odd layers --------------------------------------------------------------------------------------------------


def test_modules_locks_and_generators_on_a_layer_are_shared_and_all_else_is_copied():
    class Held(Tanh):
        def __init__(self):
            super().__init__()
            self.xp, self.lock, self.inner = np, threading.Lock(), {"layers": [Tanh()]}
            self.inner["layers"][0].lock = self.lock
            self.numbers = np.ones(3)

    layer = Held()
    twin = copied(layer)
    assert twin.xp is np
    assert twin.lock is twin.inner["layers"][0].lock is layer.lock
    assert twin.inner["layers"][0] is not layer.inner["layers"][0]
    assert twin.numbers is not layer.numbers
    assert gradcheck.check_layer(layer, (3,)).passed


def test_what_can_be_copied_but_not_deeply_is_shared():
    class Odd:
        def __deepcopy__(self, memo):
            raise RuntimeError("no")

    layer = Tanh()
    layer.odd = Odd()
    assert copied(layer).odd is layer.odd


def test_what_is_no_layer_at_all():
    with pytest.raises(TypeError, match=r"check_layer takes a Layer; got 3\."):
        gradcheck.check_layer(3, (3,))


def test_one_array_for_all_outputs():
    class Reuses(Tanh):
        buffers: dict = {}

        def forward(self, x, training=False):
            y = self.buffers.setdefault((x.shape, x.dtype), np.empty(x.shape, x.dtype))
            np.tanh(x, out=y)
            return y, np.tanh(x)

    assert gradcheck.check_layer(Reuses(), (3,)).passed


def test_the_forward_in_between_gets_samples_of_the_same_kind():
    class Strict(Layer):
        """y = value / sqrt(variance), the samples being (variance, value)."""

        def build(self, input_shape):
            return (1,)

        def forward(self, x, training=False):
            if not (x[:, 0].real > 0).all():
                raise ValueError("variances must be positive")
            return x[:, 1:] / np.sqrt(x[:, :1]), x

        def backward(self, dy, cache, need_dx=True):
            v, x = cache[:, :1], cache[:, 1:]
            return np.concatenate([-dy * x / (2 * v**1.5), dy / np.sqrt(v)], axis=1)

    assert gradcheck.check_layer(Strict(), x=[[1.0, -3.0], [2.0, -1.0]]).passed
    assert gradcheck.check_layer(Strict(), x=[[1.0, -3.0]]).passed


def test_a_bias_in_front_of_a_normalization_may_be_summed_in_another_order_without_dx():
    class Otherwise(own_layers.Normalization):
        def backward(self, dy, cache, need_dx=True):
            dx = super().backward(dy, cache, need_dx)
            if not need_dx:
                self.grads["b"] = dx[::-1].sum(axis=0)
            return dx

    for seed in range(5):
        assert gradcheck.check_layer(Otherwise(0), (4,), seed=seed).passed


@pytest.mark.parametrize(
    ("cast", "what"), [("float32", "float32"), ("complex128", "complex128"), ("int64", "int64")]
)
def test_the_dtype_of_dx(cast, what):
    class Casts(Tanh):
        def backward(self, dy, cache, need_dx=True):
            return super().backward(dy, cache).astype(cast)

    with pytest.raises(gradcheck.GradientError, match=f"the gradient of x is {what}, where all else is float64"):
        gradcheck.check_layer(Casts(), (3,))


def test_outputs_without_a_batch():
    class Total(Layer):
        def forward(self, x, training=False):
            return x.sum(), x.shape

        def backward(self, dy, cache, need_dx=True):
            return np.full(cache, dy)

    class TotalLoss(Loss):
        def forward(self, labels, outputs):
            return ((outputs - labels) ** 2).sum(), outputs - labels

        def backward(self, labels, cache, factors):
            return 2 * cache * factors

    with pytest.raises(ValueError, match=r"forward gives shape \(\), without a batch of samples"):
        gradcheck.check_layer(Total(), (3,))
    with pytest.raises(ValueError, match=r"forward gives shape \(\), without a batch of samples"):
        gradcheck.check_loss(TotalLoss(), np.zeros((2, 3)), np.ones((2, 3)))


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


def test_a_gradient_of_the_wrong_shape_is_asked_whether_it_is_transposed():
    class Turned(Dense):
        def backward(self, dy, cache, need_dx=True):
            self.grads["kernel"] = dy.T @ cache
            return dy @ self.kernel.T

    with pytest.raises(ValueError, match=r"has shape \(4, 3\); got \(3, 4\). Is it transposed\?"):
        gradcheck.check_layer(Turned(3), (4,))


@pytest.mark.parametrize("how", ["buffer", "on the way in"])
def test_rounding_to_float32_on_the_way_is_named(how):
    class Rounds(Tanh):
        def forward(self, x, training=False):
            if how == "buffer":
                y = np.zeros(x.shape, np.float32)
                y[...] = np.tanh(x)
            else:
                y = np.tanh(np.asarray(x, np.float32))
            return y.astype(x.dtype), y.astype(x.dtype)

    with pytest.raises(ValueError, match=r"Rounds\.forward rounds to float32, .* np\.zeros\(shape, dtype=x\.dtype\)"):
        gradcheck.check_layer(Rounds(), (3,))
    model = tn.Sequential([Dense(2), Rounds(), Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"Rounds\.forward rounds to float32"):
        gradcheck.check_model(model, np.random.default_rng(0).normal(size=(4, 3)), [0, 1, 2, 0])


def test_numbers_that_float32_has_by_nature_are_no_rounding():
    x = [[1.0, -2.5], [0.5, 4.0]]
    halves = Elementwise(lambda x: x * 0.5, lambda x: 0.5)
    for layer in (ReLU(), Flatten(), Elementwise(np.sign, np.zeros_like), halves):
        assert gradcheck.check_layer(layer, x=x).passed


def test_a_dropout_with_a_generator_of_its_own_is_checked():
    class Dropout(Layer):
        def __init__(self):
            super().__init__()
            self.rng = np.random.default_rng(0)

        def forward(self, x, training=False):
            kept = self.rng.random(x.shape) < 0.5
            return x * kept * 2, kept * 2

        def backward(self, dy, cache, need_dx=True):
            return dy * cache

    layer = Dropout()
    before = layer.rng.bit_generator.state
    report = gradcheck.check_layer(layer, (6,))
    assert report.passed
    assert report["x"].method == "complex step"
    assert layer.rng.bit_generator.state == before


def test_randomness_from_elsewhere_is_the_only_fault_that_is_told():
    class Restless(Layer):
        def __init__(self):
            super().__init__()
            self.rng = [np.random.default_rng(0)]

        def forward(self, x, training=False):
            return x * self.rng[0].random(), None

        def backward(self, dy, cache, need_dx=True):
            return dy

    with pytest.raises(gradcheck.GradientError, match="forward gives other results") as caught:
        gradcheck.check_layer(Restless(), (3,))
    assert caught.value.report.rows == []
    assert len(caught.value.report.problems) == 1


def test_a_forward_that_changes_a_weight_is_the_only_fault_that_is_told():
    class Decays(sabotage.Scale):
        def forward(self, x, training=False):
            y = x * self.a
            self.a *= 0.9
            return y, x

    with pytest.raises(gradcheck.GradientError, match=r"Wrong: forward changes the weight a\.") as caught:
        gradcheck.check_layer(Decays(), (3,))
    assert caught.value.report.rows == []


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


def test_backward_returns_dx_alone():
    class Both(Tanh):
        def backward(self, dy, cache, need_dx=True):
            return super().backward(dy, cache), {}

    with pytest.raises(TypeError, match=r"Both\.backward must return dx, an array; it returned tuple"):
        gradcheck.check_layer(Both(), (3,))


def test_a_sum_that_is_missing_altogether():
    class Unsummed(sabotage.Scale):
        def backward(self, dy, cache, need_dx=True):
            self.grads["a"] = dy * cache
            return dy * self.a

    with pytest.raises(ValueError, match=r"got \(5, 4\). Is the sum over the axes in front missing\?"):
        gradcheck.check_layer(Unsummed(), (4,))


def test_gradients_that_are_all_0_show_nothing_and_that_is_said():
    report = gradcheck.check_layer(ReLU(), x=[[-1.0, -2.0]])
    assert report.passed
    assert "Note: all gradients are 0 here, and nothing else is shown." in str(report)
    assert "are 0 here" not in str(gradcheck.check_layer(ReLU(), x=[[-1.0, 2.0]]))


def test_the_complex_step_alone_comes_with_a_warning_in_the_report():
    note = "by the complex step alone, right and wrong mean nothing if forward is not analytic."
    assert gradcheck.check_layer(Tanh(), (3,), method="complex").notes == [note]
    assert gradcheck.check_layer(Tanh(), (3,)).notes == []


# ---- causes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "batch"), [((2,), 5), ((4,), 2), ((5,), 2)])
def test_a_factor_that_is_equal_to_a_size_by_chance_is_not_laid_to_it(shape, batch):
    with pytest.raises(gradcheck.GradientError, match=r"by the same factor, 0\.5\."):
        gradcheck.check_layer(sabotage.Square(), shape, batch_size=batch)
    with pytest.raises(gradcheck.GradientError, match=r"by the same factor, 2\."):
        gradcheck.check_layer(sabotage.HalfSquare(), shape, batch_size=batch)


def test_a_factor_of_a_model_that_is_equal_to_the_batch_by_chance():
    class Sixfold(Tanh):
        def backward(self, dy, cache, need_dx=True):
            return 6 * super().backward(dy, cache)

    model = tn.Sequential([Dense(3, input_shape=(2,)), Sixfold(), Dense(3, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = np.random.default_rng(0).normal(size=(6, 2))
    with pytest.raises(gradcheck.GradientError) as caught:
        gradcheck.check_model(model, x, [0, 1, 2, 0, 1, 2])
    assert caught.value.report["dense.kernel"].cause == "every element is off by the same factor, 6."


def test_softmax_over_another_axis_of_images_summed_over_the_wrong_one():
    class Wrong(Softmax):
        def backward(self, dy, cache, need_dx=True):
            return cache * (dy - (dy * cache).sum(axis=2, keepdims=True))

    with pytest.raises(gradcheck.GradientError) as caught:
        gradcheck.check_layer(Wrong(axis=1), (3, 4))
    assert "dy is summed over axis 2 where axis 1 is meant" in caught.value.report["x"].cause


# ---- notes -------------------------------------------------------------------------------------------------------


def test_of_zeros_only_one_thing_is_said():
    notes = gradcheck.check_layer(ReLU(), x=[[-1.0, -2.0]]).notes
    assert notes == ["all gradients are 0 here, and nothing else is shown."]


def test_how_tiny_a_gradient_must_be_to_be_called_so():
    layer = sabotage.Scale()
    layer.setup((2,), dtype="float64")
    layer.a = [1e-11, 2e-11]  # dx is some 1e-12; da is some 100, of which 1e-12 is 1e-10
    report = gradcheck.check_layer(layer, x=[[1000.0, -2000.0]])
    assert [note.split(",")[0] for note in report.notes] == ["of x no more is shown than that it is tiny"]
    layer.a = [1e-8, 2e-8]
    assert gradcheck.check_layer(layer, x=[[1000.0, -2000.0]]).notes == []


def test_one_entry_at_a_kink_and_none_at_all():
    with pytest.raises(gradcheck.GradientError, match="Note: all of x lies at a kink"):
        gradcheck.check_layer(ReLU(), x=[[0.0]])

    class Empty(sabotage.Scale):
        def build(self, input_shape):
            self.add_weight("nothing", (0,), "zeros")
            return super().build(input_shape)

    assert gradcheck.check_layer(Empty(), (3,)).notes == []


def test_a_part_whose_gradient_has_another_dtype():
    class Casts(Tanh):
        def backward(self, dy, cache, need_dx=True):
            return super().backward(dy, cache).astype("float32")

    model = tn.Sequential([Dense(3, input_shape=(2,)), Casts(), Dense(3, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(gradcheck.GradientError) as caught:
        gradcheck.check_model(model, np.random.default_rng(0).normal(size=(4, 2)), [0, 1, 2, 0])
    (part,) = caught.value.report.parts
    assert part.problems == ["the gradient of x is float32, where all else is float64."]


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
