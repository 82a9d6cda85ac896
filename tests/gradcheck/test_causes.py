"""Wrong layers, losses and models: the checker finds them, and names the cause or holds its tongue."""

import numpy as np
import pytest
import sabotage
from checking import Cube, checked, exact, failure, measured, text
from own_layers import Bilinear, Elementwise, Temperature

import tinynet as tn
from tinynet import gradcheck
from tinynet.gradcheck import causes
from tinynet.gradcheck.causes import axes, ratio_of, spanned
from tinynet.layers import Dense, Flatten, Layer, ReLU, Softmax, Tanh


@pytest.mark.parametrize("method", ["auto", "complex", "central"])
@pytest.mark.parametrize("name", sabotage.LAYERS)
def test_wrong_layers_are_found_and_the_cause_is_named(name, method):
    case = sabotage.LAYERS[name]
    if method == "central" and "1e-10" in name:
        assert gradcheck.check_layer(case.make(), case.shape, method=method).error > 1e-12  # too little for differences
        return
    for seed in range(2):
        report = failure(gradcheck.check_layer, case.make(), case.shape, method=method, seed=seed)
        assert {row.parameter for row in report.rows if not row.passed} == set(case.says)
        for row in report.rows:
            expected = case.says.get(row.parameter)
            if expected:
                assert expected in row.cause
            else:
                assert row.cause is None


@pytest.mark.parametrize("name", sabotage.LOSSES)
def test_wrong_losses_are_found_and_the_cause_is_named(name):
    loss, labels, expected = sabotage.LOSSES[name]
    for seed in range(3):
        outputs = 0.1 + np.random.default_rng(seed).random((4, 3))
        row = failure(gradcheck.check_loss, loss, labels, outputs, seed=seed)["y_pred"]
        assert (row.cause is None) if expected == "" else (expected in row.cause)


def test_every_cause_that_can_be_named_is_proved_by_two_wrong_layers_or_losses():
    said = [text for case in sabotage.LAYERS.values() for text in case.says.values()]
    said += [text for *_, text in sabotage.LOSSES.values()]
    proofs = {
        causes.not_written: "never writes",
        causes.added: "must overwrite it",
        causes.zero: "0 everywhere",
        causes.updated_weights: "updated weights",
        causes.remembered: "last forward left",
        causes.sign: "wrong sign",
        causes.transposed_weight: "W transposed|kernel transposed",
        causes.exchanged: "are exchanged",
    }
    texts = [
        *proofs.values(),
        "too small",
        "too large",
        "the same factor",
        "it is transposed|its axes stand",
        "dy is left out",
        "factors are left out",
        "summed over the wrong axis|wrong axis",
        "one axis too many",
        "of dy is missing",
        "holds NaN",
    ]
    for words in texts:
        assert sum(any(part in line for part in words.split("|")) for line in said) >= 2, words
    others = {causes.factor, causes.transposed, causes.upstream_left_out, causes.wrong_axis}
    assert set(causes.HYPOTHESES) == set(proofs) | others


def test_the_right_versions_of_the_sabotaged_pass():
    for layer, shape in ((sabotage.Scale(), (2, 4)), (sabotage.Linear(3), (4,)), (sabotage.Linear(4), (4,))):
        assert exact(gradcheck.check_layer(layer, shape))
    assert exact(gradcheck.check_loss(sabotage.MeanSquaredError(), sabotage.TARGETS, sabotage.TARGETS[::-1]))


def test_a_wrong_entry_of_a_large_array_is_found_among_all():
    case = sabotage.LAYERS["one entry of a large kernel"]
    row = failure(gradcheck.check_layer, case.make(), case.shape)["kernel"]
    assert row.index == (2, 17)
    assert row.analytic == pytest.approx(row.numeric + 1, abs=1e-9)


def test_a_model_that_fails_names_the_layer_at_fault():
    wrong = sabotage.LAYERS["tanh, opposite sign"].make()
    model = tn.Sequential([Dense(4, input_shape=(3,)), wrong, Dense(3, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    report = failure(gradcheck.check_model, model, np.random.default_rng(0).normal(size=(6, 3)), [0, 1, 2, 0, 1, 2])
    assert [row.label for row in report.rows if not row.passed] == ["x", "dense.kernel", "dense.bias"]
    assert [part.subject.split(",")[0] for part in report.parts] == ["Spoilt 'spoilt'"]
    assert "wrong sign" in report.parts[0]["x"].cause
    assert "Checked by itself, at its place in the model:" in text(report)


def test_a_model_with_a_loss_without_factors_asks_for_1_over_n():
    model = tn.Sequential([Dense(4, "tanh", input_shape=(3,)), Dense(3)], seed=0)
    model.compile("sgd", sabotage.NoFactors(from_logits=True))
    report = failure(gradcheck.check_model, model, np.random.default_rng(0).normal(size=(6, 3)), [0, 1, 2, 0, 1, 2])
    for row in report.rows:
        assert "equal to the batch size (6 times too large): is 1/N missing?" in row.cause
    assert [part.subject.split(",")[0] for part in report.parts] == ["the loss sparse_categorical_crossentropy"]
    assert "x, dense.kernel, dense.bias, dense_1.kernel, dense_1.bias: every element" in text(report)


def test_a_batch_of_one_or_two_samples():
    case = sabotage.LAYERS["kernel, mean over all rows"]
    row = failure(gradcheck.check_layer, case.make(), (3, 4), batch_size=1)["kernel"]
    assert row.cause == "every element is off by the same factor, 0.333333333.", "a batch of 1 cannot be made smaller"
    case = sabotage.LAYERS["kernel, mean for sum"]
    row = failure(gradcheck.check_layer, case.make(), (4,), batch_size=2)["kernel"]
    assert "equal to the batch size (2 times too small)" in row.cause
    case = sabotage.LAYERS["bias, times the batch"]
    row = failure(gradcheck.check_layer, case.make(), (4,), batch_size=2)["bias"]
    assert "equal to the batch size (2 times too large): is 1/N missing?" in row.cause


class StepsLast(sabotage.Scale):
    """Right gradients, then a step of SGD; and x is spoilt too."""

    def backward(self, dy, cache, need_dx=True):
        dx = super().backward(dy, cache, need_dx)
        self.a -= 0.1 * self.grads["a"]
        cache *= 2
        return dx


def test_a_weight_that_is_changed_too_late_to_matter_is_no_cause():
    class Opposite(StepsLast):
        def backward(self, dy, cache, need_dx=True):
            return -super().backward(dy, cache, need_dx)

    assert failure(gradcheck.check_layer, Opposite(), (4,))["x"].cause == "every element has the wrong sign."


def test_only_weights_are_called_updated():
    class First(StepsLast):
        def backward(self, dy, cache, need_dx=True):
            super().backward(dy, cache, need_dx)
            return dy * self.a

    row = failure(gradcheck.check_layer, First(), (4,))["x"]
    assert row.cause == "it is computed from the updated weights: backward changes a before it uses the old value."


def test_two_gradients_are_exchanged_only_if_each_is_the_others():
    class Halfway(Bilinear):
        def backward(self, dy, cache, need_dx=True):
            dx = super().backward(dy, cache)
            self.grads["V"], self.grads["W"] = self.grads["W"].copy(), self.grads["W"] * self.grads["V"]
            return dx

    report = failure(gradcheck.check_layer, Halfway(), (3,))
    assert (report["W"].cause, report["V"].cause) == (None, None)


def test_a_single_number_that_is_off_has_no_factor():
    class Wrong(Temperature):
        def backward(self, dy, cache, need_dx=True):
            dx = super().backward(dy, cache, need_dx)
            self.grads["t"] *= 3.7
            return dx

    assert failure(gradcheck.check_layer, Wrong(), (4,))["t"].cause is None


@pytest.mark.parametrize(("units", "cause"), [(300, "a sum over axis 0 (the batch) of dy is missing."), (500, None)])
def test_the_axes_of_a_sum_are_looked_for_in_arrays_that_are_not_too_large(units, cause):
    wrong = sabotage.spoilt(Dense, sabotage.put("bias", lambda s, dy, c, g: dy[0]))(units)
    assert failure(gradcheck.check_layer, wrong, (4,))["bias"].cause == cause


# ---- causes ------------------------------------------------------------------------------------------------------


def test_the_ratio_of_two_gradients():
    one = measured(Cube(), [[1.0, -2.0, 0.0]])  # 3, 12, 0
    assert ratio_of(one, np.array([[6.0, 24, 0]])) == pytest.approx(2, rel=1e-14)
    assert ratio_of(one, np.array([[1.0, 0, 0]])) == pytest.approx(3 / (9 + 144), rel=1e-14)
    assert ratio_of(measured(Cube(), [[0.0, 0.0]]), np.ones((1, 2))) == 0


def test_the_axes_that_rows_span():
    y_shape = (3, 2, 4)
    rows = np.zeros((2, *y_shape), bool)
    rows[0, :, 0, 1] = True  # axis 0, filled
    rows[1, 2, 1, :] = True  # axis 2, filled, but row 0 is at one place of it
    assert spanned(rows.reshape(2, -1), y_shape) == {0: False, 2: False}
    assert spanned(rows[:1].reshape(1, -1), y_shape) == {0: True}
    rows[0, 1, 0, 1] = False
    assert spanned(rows[:1].reshape(1, -1), y_shape) == {0: False}
    pair = np.zeros((1, *y_shape), bool)
    pair[0, 0, :, 0] = True
    assert spanned(pair.reshape(1, -1), y_shape) == {1: False}, "two in a row of two may be chance"
    assert spanned(np.zeros((1, 24), bool), y_shape) == {}


def test_axes_in_words():
    assert axes([0]) == "axis 0 (the batch)"
    assert axes([0, 2]) == "axis 0 (the batch) and axis 2"


# ---- small things that only show by hand -------------------------------------------------------------------------


def test_only_what_is_transposed_is_called_so():
    class Longer(Tanh):
        def backward(self, dy, cache, need_dx=True):
            return np.concatenate([dy, dy])

    with pytest.raises(gradcheck.GradientError) as caught:
        gradcheck.check_layer(Longer(), (4,))
    assert caught.value.report.problems == ["the gradient of x has shape (10, 4), not (5, 4)."]


# ---- one check ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        ((5, 2, 3), {"the batch size": 5, "the number of rows": 10, "the number of values": 30}),
        ((5, 3), {"the batch size": 5, "the number of values": 15}),
        ((5,), {"the batch size": 5}),
        ((5, 1, 1), {"the batch size": 5}),
        ((1, 3), {"the number of values": 3}),
        ((1, 2, 3), {"the number of rows": 2, "the number of values": 6}),
        ((1, 1), {}),
    ],
)
def test_the_sizes_that_a_factor_may_be_mistaken_by(shape, sizes):
    assert checked(Tanh(), np.full(shape, 0.5)).counts == sizes


def test_rounding_is_looked_for_close_by():
    class Narrow(Layer):
        """y = x, for x within two hundredths of 1, 2, 3 ..."""

        def forward(self, x, training=False):
            if (np.abs(x.real / np.rint(x.real) - 1) > 0.02).any():
                raise ValueError("too far")
            return x * 1.0, None

        def backward(self, dy, cache, need_dx=True):
            return dy

    assert checked(Narrow(), [[1.0, 2.0], [3.0, 5.0]], "complex").report.passed


def test_whole_numbers_are_no_rounding():
    class Whole(Layer):
        def forward(self, x, training=False):
            return np.rint(101 * x), None

        def backward(self, dy, cache, need_dx=True):
            return 0 * dy

    assert checked(Whole(), [[1.23456789, 3.3333, 0.777]]).report.rows[0].error == 0


# ---- odd layers --------------------------------------------------------------------------------------------------


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


def test_a_sum_that_is_missing_altogether():
    class Unsummed(sabotage.Scale):
        def backward(self, dy, cache, need_dx=True):
            self.grads["a"] = dy * cache
            return dy * self.a

    with pytest.raises(ValueError, match=r"got \(5, 4\). Is the sum over the axes in front missing\?"):
        gradcheck.check_layer(Unsummed(), (4,))


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
