"""Wrong layers, losses and models: the checker finds them, and names the cause or holds its tongue."""

import numpy as np
import pytest
import sabotage
from checking import exact, failure, text
from own_layers import Bilinear, Temperature

import tinynet as tn
from tinynet import gradcheck
from tinynet.gradcheck import causes
from tinynet.layers import Dense


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
