"""Every hand-derived gradient by the public checker; and the checker: what it must find, and what it must not."""

import copy
import pickle
import re
import subprocess
import sys

import catalogue
import numpy as np
import own_layers
import pytest
import sabotage
from checking import exact, failure, text
from hypothesis import given
from hypothesis import strategies as st
from models import same

import tinynet as tn
from tinynet import gradcheck
from tinynet.gradcheck.function import Function, drawn_for
from tinynet.gradcheck.numeric import Derivative
from tinynet.layers import BatchNormalization, Dense, Flatten, Layer, ReLU, Sigmoid, Softmax, Tanh
from tinynet.layers.chain import backward_chain, forward_chain

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


def test_derivatives_of_a_polynomial():
    class Cube(Layer):
        def forward(self, x, training=False):
            return x**3, x

    function = Function([Cube()], np.array([[2.0, -1.0]]))
    derivative = Derivative(function, np.array([[1.0, 10.0]]), 0)
    assert derivative.along(np.array([[1.0, 0.0]]), "complex step") == pytest.approx(12, abs=1e-14)
    assert derivative.along(np.array([[0.5, 1.0]]), "complex step") == pytest.approx(36, abs=1e-13)
    h = 1e-2  # (2 + h)^3 = 8 + 12 h + 6 h^2 + h^3
    assert derivative.along(np.array([[1.0, 0.0]]), "central differences", h) == pytest.approx(12 + h * h, abs=1e-12)
    both = derivative.along(np.array([[0.5, 1.0]]), "central differences", h)
    assert both == pytest.approx(36 + h * h * (1 / 8 + 10), abs=1e-11)
    bends, slopes = derivative.bends(np.array([[1.0, 0.0]]), h)
    assert bends == pytest.approx([12 * h, 0], abs=1e-12)
    assert slopes == pytest.approx([24 + 2 * h * h, 0], abs=1e-11)
    assert pytest.approx(6.055e-6, rel=1e-3) == Derivative.STEP


# ---- kinks -------------------------------------------------------------------------------------------------------


class Threshold(Layer):
    """y = max(x, 0.3), with the derivative 0 at 0.3."""

    def forward(self, x, training=False):
        return np.maximum(x, 0.3), x

    def backward(self, dy, cache, need_dx=True):
        return dy * (cache > 0.3)


@pytest.mark.parametrize("method", ["auto", "complex", "central"])
def test_entries_at_a_kink_are_left_out_and_counted(method):
    report = gradcheck.check_layer(Threshold(), x=[[0.3, 1.0, -1.0, 0.5]], method=method)
    assert (report["x"].kinks, report["x"].checked) == (1, 4)
    assert "4 entries, 1 at kinks left out" in text(report)
    assert report["x"].index != (0, 0)


@pytest.mark.parametrize("method", ["auto", "complex", "central"])
@pytest.mark.parametrize("distance", [3e-6, -3e-6, 1e-6])
def test_entries_near_a_kink_are_checked_by_a_shorter_step(method, distance):
    report = gradcheck.check_layer(Threshold(), x=[[0.3 + distance, 1.0, -1.0]], method=method)
    assert report["x"].kinks == 0


def test_a_wrong_gradient_is_no_kink():
    class Wrong(Threshold):
        def backward(self, dy, cache, need_dx=True):
            return dy * (cache > 0.4)

    for method in ("auto", "complex", "central"):
        report = failure(gradcheck.check_layer, Wrong(), x=[[0.3, 0.35, 1.0]], method=method)
        assert report["x"].index == (0, 1)


def test_nothing_but_kinks_is_no_success():
    report = failure(gradcheck.check_layer, ReLU(), x=np.zeros((2, 3)))
    assert "UNCHECKED x" in text(report)
    assert "all of x lies at a kink and is not checked" in text(report)


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


def test_errors_are_relative_to_the_largest_entry_of_all_gradients():
    class Biased(sabotage.Scale):
        """Scale with an error of 1e-3 in one entry of dx."""

        def backward(self, dy, cache, need_dx=True):
            dx = super().backward(dy, cache, need_dx)
            dx[0, 0] += 1e-3
            return dx

    report = failure(gradcheck.check_layer, Biased(), x=[[100.0, 1.0], [50.0, 2.0]])
    assert report.scale == pytest.approx(abs(report["a"].analytic), rel=0.5)
    assert report["x"].error == pytest.approx(1e-3 / report.scale, rel=1e-6)


def test_gradients_that_vanish_are_no_failure():
    saturated = Sigmoid()
    assert gradcheck.check_layer(saturated, x=[[40.0, -800.0], [700.0, 60.0]]).passed
    assert gradcheck.check_layer(Softmax(), (1,)).error == 0
    assert gradcheck.check_loss(
        tn.losses.SparseCategoricalCrossentropy(from_logits=True), [0, 1], [[60.0, 0], [0, 60.0]]
    ).passed


def test_gradients_far_below_dy_are_checked_all_the_same():
    report = gradcheck.check_layer(own_layers.Tiny(), (3,))
    assert "The error of x is relative to 0.00" in text(report)
    assert "relative to 0.00" not in str(gradcheck.check_layer(Tanh(), (3,)))

    class Wrong(own_layers.Tiny):
        def backward(self, dy, cache, need_dx=True):
            return 1e-9 * dy * cache

    for method in ("complex", "central"):
        assert "the same factor, 0.5" in failure(gradcheck.check_layer, Wrong(), (3,), method=method)["x"].cause


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


def state(layer):
    return {name: copy.deepcopy(value) for name, value in layer.__dict__.items()}


def test_a_layer_stays_as_it_was():
    built = Dense(3, "tanh", name="mine")
    built(np.ones((2, 4)))
    built.grads["kernel"] = np.full((4, 3), 7.0)
    kernel, grads, before = built.kernel, built.grads["kernel"], pickle.dumps(built)
    gradcheck.check_layer(built, (4,))
    failure(gradcheck.check_layer, sabotage.LAYERS["kernel added"].make(), (4,))
    assert built.kernel is kernel
    assert built.grads["kernel"] is grads
    assert pickle.dumps(built) == before
    assert built.dtype == np.float32
    fresh = Dense(3)
    gradcheck.check_layer(fresh, (4,))
    assert not fresh.built
    assert fresh.weights == []


def test_a_layer_in_a_model_and_the_model_stay_as_they_were(lesson_model, sample):
    (x, y), _ = sample
    model = lesson_model(seed=0)
    model.fit(x[:64] / 255, y[:64], verbose=0)
    weights, slots = model.get_weights(), copy.deepcopy(model.optimizer.state)
    buffers = model._step.buffers.weights
    gradcheck.check_layer(model.layers[1], (784,), method="complex")
    gradcheck.check_model(model, x[:3] / 255, y[:3])
    assert same(model.get_weights(), weights)
    assert all(same(a, b) for a, b in zip(model.optimizer.state, slots, strict=True))
    assert all(weight.base is buffers for weight in model.weights)
    model.fit(x[:64] / 255, y[:64], verbose=0)
    assert model.optimizer.iterations == 4
    assert type(tn.nn.relu).__name__ == "ReLU"
    assert tn.nn.relu.dtype == np.float32


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


def test_training_does_without_the_checker():
    code = "import sys, tinynet; assert 'tinynet.gradcheck' not in sys.modules; tinynet.gradcheck.check_layer"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert "gradcheck" in dir(tn)
    with pytest.raises(AttributeError, match=r"tinynet.gradchek is not in tinynet.* Did you mean gradcheck\?"):
        tn.gradchek  # noqa: B018


def test_a_report_can_be_asked():
    report = gradcheck.check_layer(Dense(3), (4,))
    assert report.passed
    assert report["kernel"] is report["dense.kernel"]
    assert report.error == max(row.error for row in report.rows)
    with pytest.raises(KeyError, match=r"'weight' was not checked; checked were x, dense.kernel, dense.bias"):
        report["weight"]


def test_how_a_report_reads():
    class MeanForSum(Dense):
        def backward(self, dy, cache, need_dx=True):
            dx = super().backward(dy, cache, need_dx)
            self.grads["kernel"] /= len(dy)
            return dx

    lines = str(failure(gradcheck.check_layer, MeanForSum(3, name="mine"), (4,))).split("\n")
    assert lines[0] == "Gradient check of MeanForSum 'mine' for inputs of shape (5, 4): WRONG"
    assert " ".join(lines[2].split()) == "gradient of largest error at backward gives should be checked by"
    kernel = lines[4].split()
    assert kernel[:3] == ["WRONG", "mine.kernel", "8.0e-01"]
    assert kernel[-4:] == ["complex", "step,", "12", "entries"]
    assert 5 * float(kernel[-6]) == pytest.approx(float(kernel[-5]), rel=1e-8)
    assert lines[6].startswith("Errors are relative to ")
    assert lines[-2:] == [
        "Likely cause, mine.kernel: every element is off by a factor equal to the batch size (5 times too",
        "    small): is a mean taken where the sum is meant?",
    ]
    assert max(len(line) for line in lines) <= 100


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
