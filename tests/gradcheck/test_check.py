"""Every hand-derived gradient by the public checker; and the checker: what it must find, and what it must not."""

import copy
import re
import subprocess
import sys

import catalogue
import numpy as np
import own_layers
import pytest
import sabotage
from checking import Cube, checked, exact, failure, text
from hypothesis import given
from hypothesis import strategies as st

import tinynet as tn
from tinynet import gradcheck
from tinynet.gradcheck.check import other_inputs
from tinynet.gradcheck.function import drawn_for
from tinynet.layers import BatchNormalization, Dense, Flatten, Layer, ReLU, Tanh
from tinynet.layers.chain import backward_chain, forward_chain
from tinynet.losses import Loss

# ---- every entry of the list -------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", catalogue.LAYERS.values(), ids=catalogue.LAYERS)
@given(data=st.data(), batch=catalogue.batches, seed=catalogue.seeds)
def test_layers(entry, data, batch, seed):
    layer, shape = data.draw(catalogue.layer_and_shape(entry))
    assert exact(gradcheck.check_layer(layer, shape, batch_size=batch, seed=seed))


@pytest.mark.parametrize("entry", catalogue.LOSSES.values(), ids=catalogue.LOSSES)
@given(data=st.data(), seed=catalogue.seeds)
def test_losses(entry, data, seed):
    loss, labels, outputs = data.draw(catalogue.loss_labels_outputs(entry))
    assert exact(gradcheck.check_loss(loss, labels, outputs, seed=seed))


@given(case=catalogue.model_and_data(), seed=catalogue.seeds)
def test_models(case, seed):
    assert exact(gradcheck.check_model(*case, seed=seed))


@pytest.mark.parametrize("entry", catalogue.MODELS.values(), ids=catalogue.MODELS)
def test_listed_models(entry):
    assert exact(gradcheck.check_model(entry.compiled(), *entry.data(4)))


@pytest.mark.parametrize("name", catalogue.ACTIVATIONS)
def test_activations_by_name(name):
    report = gradcheck.check_layer(tn.layers.activation_names.ACTIVATIONS[name], (3, 2))
    assert exact(report)
    assert [row.label for row in report.rows] == ["x"]


def test_a_large_model_is_checked_along_random_directions():
    model = tn.Sequential([Flatten(input_shape=(20, 20)), Dense(30, "relu"), Dense(3, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    report = gradcheck.check_model(model, np.random.default_rng(0).random((6, 20, 20)), [0, 1, 2, 0, 1, 2])
    assert exact(report)
    assert [(row.label, row.whole, row.checked) for row in report.rows] == [
        ("x", False, 20),
        ("dense.kernel", False, 20),
        ("dense.bias", True, 30),
        ("dense_1.kernel", True, 90),
        ("dense_1.bias", True, 3),
    ]
    assert report["dense.kernel"].index is None
    assert report["dense_1.kernel"].analytic == pytest.approx(report["dense_1.kernel"].numeric, rel=1e-9)


@pytest.mark.parametrize("method", ["auto", "central"])
@pytest.mark.parametrize("make", own_layers.RIGHT.values(), ids=own_layers.RIGHT)
@given(shape=catalogue.shapes(), batch=catalogue.batches, seed=catalogue.seeds)
def test_no_false_alarm_on_layers_of_ones_own(make, method, shape, batch, seed):
    assert gradcheck.check_layer(make(), shape, batch_size=batch, seed=seed, method=method).passed


@pytest.mark.parametrize("make", own_layers.RIGHT.values(), ids=own_layers.RIGHT)
def test_no_false_alarm_on_large_arrays(make):
    for seed in range(3):
        report = gradcheck.check_layer(make(), (4, 30), seed=seed)
        assert not report["x"].whole


def test_layers_of_ones_own_are_checked_by_the_complex_step_where_it_can_be_taken():
    for name, make in own_layers.RIGHT.items():
        by_differences = name in ("Absolute", "RealNormalization", "InFloat64Buffers")
        methods = {row.method for row in gradcheck.check_layer(make(), (3, 4)).rows}
        assert ("central differences" in methods) == by_differences, name


@pytest.mark.parametrize("entry", catalogue.LAYERS.values(), ids=catalogue.LAYERS)
@given(data=st.data(), batch=catalogue.batches, seed=catalogue.seeds)
def test_gradients_in_float32_are_those_in_float64_but_for_rounding(entry, data, batch, seed):
    layer, shape = data.draw(catalogue.layer_and_shape(entry))
    layer.setup(shape, np.random.default_rng(seed))
    rng = np.random.default_rng(seed)
    x = rng.choice([-1, 1], (batch, *shape)) * (0.1 + rng.random((batch, *shape)))
    found = []
    for dtype in ("float32", "float64"):
        weights = [(part, name) for part in layer.parts() for name in part.grads]
        for part in layer.parts():
            for name in part.weight_names:
                weight = getattr(part, name).astype(dtype)
                part.bind(name, weight, np.empty(weight.shape, dtype) if name in part.grads else None)
        y, caches = forward_chain(layer.parts(), x.astype(dtype), True, drawn_for)
        dy = np.random.default_rng(seed).normal(size=y.shape).astype("float32").astype(dtype)
        gradients = [backward_chain(layer.parts(), dy, caches), *(part.grads[name] for part, name in weights)]
        assert all(gradient.dtype == dtype for gradient in gradients)
        found.append(gradients)
    largest = max(np.abs(gradient).max() for gradient in found[1])
    scale = max([1, *(part.epsilon**-0.5 for part in layer.parts() if isinstance(part, BatchNormalization))])
    for single, double in zip(*found, strict=True):
        # eps = 1.2e-7 in float32; inputs, weights, dy and some five operations round, sums of up to 80 terms cancel;
        # where rows are nearly alike, x - mean is of the size of its rounding, and is multiplied by 1 / sqrt(epsilon)
        assert np.abs(single - double).max() <= 1.2e-7 * 20 * scale * max(largest, np.abs(dy).max())


# ---- other faults ------------------------------------------------------------------------------------------------


class Restless(Layer):
    """y = x times a number that is another at every call."""

    calls = 0

    def forward(self, x, training=False):
        self.calls += 1
        return x * self.calls, self.calls

    def backward(self, dy, cache, need_dx=True):
        return dy * cache


class InPlace(Layer):
    """y = max(x, 0), written into x."""

    def forward(self, x, training=False):
        x *= x.real > 0
        return x, x

    def backward(self, dy, cache, need_dx=True):
        return dy * (cache > 0)


class WithoutDx(sabotage.Scale):
    """Forgets the sum over the batch where no dx is asked for."""

    def backward(self, dy, cache, need_dx=True):
        dx = super().backward(dy, cache, need_dx)
        if not need_dx:
            self.grads["a"] = (dy * cache)[0]
        return dx


class Turned(Tanh):
    """Returns dx transposed."""

    def backward(self, dy, cache, need_dx=True):
        return super().backward(dy, cache).T


class StepsLast(sabotage.Scale):
    """Right gradients, and a step of SGD after them."""

    def backward(self, dy, cache, need_dx=True):
        dx = super().backward(dy, cache, need_dx)
        self.a -= 0.1 * self.grads["a"]
        return dx


@pytest.mark.parametrize(
    ("layer", "problem"),
    [
        (Restless(), "forward gives other results when it is called again"),
        (InPlace(), "forward or backward write into their inputs"),
        (WithoutDx(), r"with need_dx=False backward gives another gradient of without_dx\.a"),
        (Turned(), r"the gradient of x has shape \(4, 5\), not \(5, 4\). It is transposed"),
        (StepsLast(), "backward changes the weight a; that is the optimizer's work"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Layer) else "",
)
def test_other_faults_fail_too(layer, problem):
    assert re.search(f"Wrong: {problem}", text(failure(gradcheck.check_layer, layer, (4,))))


def test_a_loss_that_takes_a_number_as_factors_for_something_else_fails():
    class Whole(sabotage.MeanSquaredError):
        def backward(self, labels, cache, factors):
            return super().backward(labels, cache, factors) * (2 if np.ndim(factors) == 0 else 1)

    assert "with a number as factors" in text(
        failure(gradcheck.check_loss, Whole(), sabotage.TARGETS, sabotage.TARGETS[::-1])
    )


class Single(Layer):
    def forward(self, x, training=False):
        return x.astype("float32"), None

    def backward(self, dy, cache, need_dx=True):
        return dy


class Logarithm(Layer):
    def forward(self, x, training=False):
        with np.errstate(invalid="ignore"):
            return np.log(x), x

    def backward(self, dy, cache, need_dx=True):
        return dy / cache


def test_what_cannot_be_checked_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="forward gives float32 for inputs and weights in float64"):
        gradcheck.check_layer(Single(), (3,))
    with pytest.raises(ValueError, match="forward gives NaN or inf"):
        gradcheck.check_layer(Logarithm(), (3,))
    assert exact(gradcheck.check_layer(Logarithm(), x=[[0.5, 2.0], [3.0, 1e-3]]))


# ---- methods -----------------------------------------------------------------------------------------------------


class TimesItsSize(Layer):
    """y = x |x|, right; to a complex number abs gives a real one, and the complex step half of the derivative."""

    def forward(self, x, training=False):
        return x * np.abs(x), x

    def backward(self, dy, cache, need_dx=True):
        return 2 * np.abs(cache) * dy


class HalfOfIt(TimesItsSize):
    """The same with the wrong gradient that the complex step believes in."""

    def backward(self, dy, cache, need_dx=True):
        return np.abs(cache) * dy


class RealOnly(Layer):
    """y = floor(x) + sqrt(fraction of x), which NumPy cannot compute for complex numbers."""

    def forward(self, x, training=False):
        floor = np.floor(x)
        return floor + np.sqrt(x - floor), x - floor

    def backward(self, dy, cache, need_dx=True):
        return dy / (2 * np.sqrt(cache))


def test_where_forward_is_not_analytic_differences_are_believed():
    report = gradcheck.check_layer(TimesItsSize(), (4,))
    assert report["x"].method == "central differences"
    assert 1e-13 < report.error < 1e-9
    assert "the two methods find other derivatives" in text(report)
    assert failure(gradcheck.check_layer, HalfOfIt(), (4,))["x"].error > 0.1
    assert gradcheck.check_layer(HalfOfIt(), (4,), method="complex").passed, "as its documentation says"


def test_where_the_complex_step_cannot_be_taken_differences_are():
    report = gradcheck.check_layer(RealOnly(), (4,))
    assert report["x"].method == "central differences"
    assert "the complex step cannot be taken: its forward pass does not work on complex numbers" in text(report)
    with pytest.raises(ValueError, match="The complex step cannot be taken through RealOnly 'real_only'"):
        gradcheck.check_layer(RealOnly(), (4,), method="complex")


@pytest.mark.parametrize("part", ["real", "abs"])
def test_a_forward_that_gives_real_numbers_for_complex_ones_is_noticed(part):
    class Part(Layer):
        def forward(self, x, training=False):
            return (x.real if part == "real" else np.abs(x)), np.sign(x.real) if part == "abs" else 1

        def backward(self, dy, cache, need_dx=True):
            return dy * cache

    report = gradcheck.check_layer(Part(), (3,))
    assert "makes real numbers of complex ones" in text(report)


def test_methods_can_be_asked_for():
    for method, name in (("complex", "complex step"), ("central", "central differences"), ("auto", "complex step")):
        assert {row.method for row in gradcheck.check_layer(Dense(2, "tanh"), (3,), method=method).rows} == {name}
    with pytest.raises(ValueError, match=r"Unknown method 'centrl'. Did you mean 'central'"):
        gradcheck.check_layer(Dense(2), (3,), method="centrl")


def test_a_tolerance_of_ones_own():
    leaks = sabotage.LAYERS["relu that leaks 1e-5"]
    assert gradcheck.check_layer(leaks.make(), leaks.shape, tolerance=1e-4).passed
    failure(gradcheck.check_layer, leaks.make(), leaks.shape, tolerance=1e-8)
    with pytest.raises(ValueError, match="tolerance must be a finite number at least 0"):
        gradcheck.check_layer(Tanh(), (3,), tolerance=-1)


# ---- scale, noise, restoring -------------------------------------------------------------------------------------


def state(layer):
    return {name: copy.deepcopy(value) for name, value in layer.__dict__.items()}


def test_numpys_global_generator_is_left_alone():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    gradcheck.check_layer(Dense(3), (4,))
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_the_same_seed_finds_the_same_numbers():
    one, other, third = (gradcheck.check_layer(Dense(3), (4,), seed=seed) for seed in (1, 1, 2))
    assert [row.analytic for row in one.rows] == [row.analytic for row in other.rows]
    assert [row.analytic for row in one.rows] != [row.analytic for row in third.rows]


def test_a_whole_model_can_be_checked_as_a_layer():
    model = tn.Sequential([Dense(4, "tanh"), tn.Sequential([Dense(3, "sigmoid")])], seed=0)
    report = gradcheck.check_layer(model, (2,))
    assert exact(report)
    assert [row.parameter for row in report.rows] == ["x", "kernel", "bias", "kernel", "bias"]
    assert not model.built
    with pytest.raises(ValueError, match="is built for inputs"):
        gradcheck.check_layer(tn.Sequential([tn.Input((3,)), Dense(2)]), (4,))


def test_training_is_what_forward_is_told():
    class Doubles(Layer):
        def forward(self, x, training=False):
            return x * (2 if training else 1), training

        def backward(self, dy, cache, need_dx=True):
            return dy * 2

    assert gradcheck.check_layer(Doubles(), (3,)).passed
    assert "the same factor, 2" in failure(gradcheck.check_layer, Doubles(), (3,), training=False)["x"].cause


def test_training_does_without_the_checker():
    code = "import sys, tinynet; assert 'tinynet.gradcheck' not in sys.modules; tinynet.gradcheck.check_layer"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert "gradcheck" in dir(tn)
    with pytest.raises(AttributeError, match=r"tinynet.gradchek is not in tinynet.* Did you mean gradcheck\?"):
        tn.gradchek  # noqa: B018


def test_a_statistic_that_forward_changes_is_a_fault():
    class Impure(tn.layers.BatchNormalization):
        def forward(self, x, training=False):
            y, cache = super().forward(x, training)
            self.after_step(cache)
            return y, cache

    report = failure(gradcheck.check_layer, Impure(), (3,))
    assert "forward or backward change the statistic moving_mean" in text(report)
    layer = tn.layers.BatchNormalization()
    layer.setup((3,))
    assert gradcheck.check_layer(layer, (3,), training=False).passed
    assert layer.get_weights()[3].tolist() == [1, 1, 1]


# ---- functions ---------------------------------------------------------------------------------------------------


def test_other_inputs_are_the_samples_in_another_order():
    x = np.arange(6.0).reshape(3, 2)
    assert other_inputs(x).tolist() == [[4, 5], [0, 1], [2, 3]]
    assert other_inputs(x[:2]).tolist() == [[2, 3], [0, 1]]
    assert other_inputs(x[1:2]) == pytest.approx(np.array([[1.8, 2.7]]))


# ---- reports -----------------------------------------------------------------------------------------------------


# ---- small things that only show by hand -------------------------------------------------------------------------


@pytest.mark.parametrize(("off", "found"), [(3e-11, True), (5e-12, False)])
def test_how_far_the_gradients_without_dx_may_be_off(off, found):
    class Short(sabotage.Scale):
        def backward(self, dy, cache, need_dx=True):
            dx = super().backward(dy, cache, need_dx)
            if not need_dx:
                self.grads["a"] += off
            return dx

    layer = Short()
    layer.setup((1,), dtype="float64")
    x, dy = [[100.0]], np.random.default_rng([0, 0])
    size = abs(100 * dy.normal())  # the largest gradient, which errors are relative to: 1e-12 of it is rounding
    assert 5e-12 < 1e-12 * size < 3e-11
    layer.a = [1.0]
    if found:
        with pytest.raises(gradcheck.GradientError, match=r"need_dx=False backward gives another gradient of short"):
            gradcheck.check_layer(layer, x=x)
    else:
        assert gradcheck.check_layer(layer, x=x).passed


@pytest.mark.parametrize(("off", "found"), [(1e-11, True), (1e-13, False)])
def test_how_far_a_number_as_factors_may_be_off(off, found):
    class Nearly(sabotage.MeanSquaredError):
        def backward(self, labels, cache, factors):
            return super().backward(labels, cache, factors) * (1 + off * (np.ndim(factors) == 0))

    labels, outputs = np.zeros((2, 2)), np.array([[1e3, 2e3], [3e3, 1.0]])
    if found:
        with pytest.raises(gradcheck.GradientError, match="with a number as factors"):
            gradcheck.check_loss(Nearly(), labels, outputs)
    else:
        assert gradcheck.check_loss(Nearly(), labels, outputs).passed


def test_every_misshapen_gradient_is_told():
    class Casts(sabotage.Scale):
        def backward(self, dy, cache, need_dx=True):
            return super().backward(dy, cache, need_dx).astype("float32")

    with pytest.raises(gradcheck.GradientError) as caught:
        gradcheck.check_layer(Casts(), (4,))
    assert caught.value.report.problems == ["the gradient of x is float32, where all else is float64."]


# ---- one check ---------------------------------------------------------------------------------------------------


def test_what_a_check_says_of_itself():
    check = checked(Cube(), [[1.0, -2.0]])
    assert check.largest == pytest.approx(12, rel=1e-14)
    assert check.report.scale == check.largest
    assert check.tolerance_of(check.measured[0]) == 1e-12
    assert checked(Cube(), [[1.0]], tolerance=1e-3).tolerance_of(check.measured[0]) == 1e-3
    assert not check.met_kinks
    assert checked(ReLU(), [[0.0, 1.0]]).met_kinks
    assert check.changed == []
    assert check.finished() is check.report


def test_the_error_that_is_shown_of_a_large_array_is_that_of_the_entry_that_is_shown():
    case = sabotage.LAYERS["one entry of a large kernel"]
    with pytest.raises(gradcheck.GradientError) as caught:
        gradcheck.check_layer(case.make(), case.shape)
    report = caught.value.report
    assert report["kernel"].error == pytest.approx(1 / report.scale, rel=1e-9)


def test_a_right_large_array_shows_the_error_of_its_directions_alone():
    row = checked(Cube(), np.random.default_rng(0).normal(size=(3, 100))).report.rows[0]
    assert (row.index, row.analytic, row.numeric) == (None, None, None)
    assert 0 < row.error < 1e-12


def test_a_check_of_many_kinks_looks_at_different_entries():
    x = np.random.default_rng(0).normal(size=(4, 100))
    x[:, ::2] = 0
    check = checked(ReLU(), x)
    entries = check.measured[0].entries
    assert len(set(entries.tolist())) == 200
    assert (np.diff(entries) > 0).all()
    assert entries.max() < 400


def test_a_gradient_may_be_as_small_as_its_noise():
    notes = checked(Cube(), [[1e-9, 1.0]]).report.notes
    assert notes == []
    notes = checked(Cube(), [[1e-9, 1e-9]]).report.notes
    assert any(note.startswith("all gradients are small beside the numbers that they come from.") for note in notes)


# ---- tiny gradients ----------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(("cast", "what"), [("float32", "float32"), ("complex128", "complex128"), ("int64", "int64")])
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


def test_backward_returns_dx_alone():
    class Both(Tanh):
        def backward(self, dy, cache, need_dx=True):
            return super().backward(dy, cache), {}

    with pytest.raises(TypeError, match=r"Both\.backward must return dx, an array; it returned tuple"):
        gradcheck.check_layer(Both(), (3,))


def test_gradients_that_are_all_0_show_nothing_and_that_is_said():
    report = gradcheck.check_layer(ReLU(), x=[[-1.0, -2.0]])
    assert report.passed
    assert "Note: all gradients are 0 here, and nothing else is shown." in str(report)
    assert "are 0 here" not in str(gradcheck.check_layer(ReLU(), x=[[-1.0, 2.0]]))


def test_the_complex_step_alone_comes_with_a_warning_in_the_report():
    note = "by the complex step alone, right and wrong mean nothing if forward is not analytic."
    assert gradcheck.check_layer(Tanh(), (3,), method="complex").notes == [note]
    assert gradcheck.check_layer(Tanh(), (3,)).notes == []


# ---- notes -------------------------------------------------------------------------------------------------------


def test_of_zeros_only_one_thing_is_said():
    notes = gradcheck.check_layer(ReLU(), x=[[-1.0, -2.0]]).notes
    assert notes == ["all gradients are 0 here, and nothing else is shown."]


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
