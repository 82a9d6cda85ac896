"""Loss and metrics of a pass: true means over samples, summed in float64."""

import numpy as np
import pytest
from lines import X, Y, line
from models import small

import tinynet as tn
from tinynet.callbacks import Callback
from tinynet.layers import Dense


class Frozen(tn.optimizers.SGD):
    """Steps of length zero: the weights stay, so that what fit reports can be computed from them."""

    def __init__(self):
        super().__init__(0)


def test_what_fit_reports_is_the_mean_over_samples_with_a_short_last_batch(corners):
    x, y = corners(37)
    model = small()
    model.compile(Frozen(), "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(x, y, batch_size=16, verbose=0).history
    expected = model.evaluate(x, y, verbose=0, return_dict=True)
    assert np.isclose(history["loss"][0], expected["loss"], rtol=0, atol=1e-7)
    assert history["accuracy"][0] == expected["accuracy"]
    losses = -np.log(model.predict(x)[np.arange(37), y])
    assert np.isclose(expected["loss"], losses.mean(), rtol=0, atol=1e-6)
    assert np.isclose(expected["accuracy"], (model.predict(x).argmax(1) == y).mean(), rtol=0, atol=1e-15)


# ---- interrupts and callbacks ---------------------------------------------------------------------------------------


def test_batch_logs_are_the_running_means(corners):
    class Last(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.logs = logs

    last, model = Last(), small()
    history = model.fit(*corners(50), callbacks=[last], verbose=0).history
    assert last.logs == {name: values[-1] for name, values in history.items()}


def test_sums_over_an_epoch_are_taken_in_float64():
    # 2^24 + 1 is no float32: a batch of values that add up to it would lose the last one.
    class Big(tn.metrics.Metric):
        name = "big"

        def values(self, labels, outputs):
            return np.float32([2.0**24, 1.0])

    class BigLoss(tn.losses.Loss):
        def forward(self, labels, outputs):
            return np.float32([2.0**24, 1.0]), outputs

        def backward(self, labels, cache, factors):
            return np.zeros_like(cache)

    model = tn.Sequential([tn.Input((1,)), Dense(2)], seed=0)
    model.compile("sgd", BigLoss(), [Big()])
    x = np.zeros((2, 1))
    assert model.evaluate(x, [0, 0], verbose=0) == [(2**24 + 1) / 2] * 2
    assert model.fit(x, [0, 0], verbose=0).history == {"loss": [(2**24 + 1) / 2], "big": [(2**24 + 1) / 2]}


def test_totals_add_many_arrays_at_once_and_give_the_same_sums(monkeypatch):
    rng, totals, summed = np.random.default_rng(0), tn.training.report.Report(np, ["loss", "hits"]), []
    original = tn.training.report.Report._sum
    monkeypatch.setattr(tn.training.report.Report, "_sum", lambda self, i: summed.append(i) or original(self, i))
    expected = np.zeros(2)
    for size in [32] * 70 + [5, 49, 3000, 1, 32]:
        losses, hits = rng.random(size, dtype="float32"), rng.random((size, 1)) < 0.5
        totals.add(0, losses, size * (1 / size))  # 49 * (1 / 49) is not 1
        totals.add(1, hits, 0.5)
        totals.samples += size
        expected += losses.sum(dtype="float64"), 0.5 * hits.sum()
        losses[:], hits[:] = 7, True  # their owner may write to them
    assert len(summed) < 8, "sums are made for many batches at once"
    means = totals.means()
    assert list(means) == ["loss", "hits"]
    assert list(means.values()) == pytest.approx(expected / totals.samples, rel=1e-13)
    assert totals.means() == means


def test_totals_keep_apart_what_counts_differently():
    totals = tn.training.report.Report(np, ["loss"])
    for value, share in ((1.0, 1.0), (2.0, 10.0), (3.0, 10.0), (4.0, 1.0)):
        totals.add(0, np.array([value]), share)
    totals.samples = 1
    assert totals.means() == {"loss": 1 + 20 + 30 + 4}


def test_what_a_generator_or_a_metric_writes_to_again_has_been_counted():
    class Buffered(tn.metrics.Metric):
        buffer = np.empty((4, 1), "float32")

        def values(self, labels, outputs):
            return np.subtract(outputs, labels, out=self.buffer)[:, 0]

    def batches(own):
        weights = np.empty(4, "float32")
        for number in range(5):
            weights = np.empty_like(weights) if own else weights
            weights[:] = number
            yield np.full((4, 2), number, "float32"), np.full((4, 1), 1.5 * number, "float32"), weights

    model = tn.Sequential([tn.layers.Dense(1, kernel_initializer="ones")], seed=0)
    model.compile("sgd", "mse", metrics=[Buffered("difference")], weighted_metrics=["mae"])
    found = model.evaluate(batches(own=False), verbose=0, return_dict=True)
    assert found == model.evaluate(batches(own=True), verbose=0, return_dict=True)
    assert found["difference"] == pytest.approx(0.5 * 2)  # 2 x - 1.5 x, x being 2 on average
    assert found["mae"] == pytest.approx(0.5 * (0 + 1 + 4 + 9 + 16) / (0 + 1 + 2 + 3 + 4))


# ---- weights of samples and classes -------------------------------------------------------------------------------


def test_weighted_metrics_divide_by_the_weights_and_others_do_not_see_them():
    weights = np.array([1.0, 3.0] + [0.0] * 8)
    model = line(metrics=["mae"], weighted_metrics=["mae", "mse"])
    assert model.metrics_names == ["loss", "mae", "weighted_mae", "mse"]
    got = model.evaluate(X, Y, sample_weight=weights, batch_size=3, verbose=0, return_dict=True)
    off = abs(0.5 * X[:, 0] - Y)
    assert got["mae"] == pytest.approx(off.mean(), rel=1e-6)
    assert got["weighted_mae"] == pytest.approx((weights * off).sum() / 4, rel=1e-6)
    assert got["mse"] == pytest.approx((weights * off**2).sum() / 4, rel=1e-6)
    without = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert without["weighted_mae"] == without["mae"]
    nothing = model.evaluate(X, Y, sample_weight=0 * weights, verbose=0, return_dict=True)
    assert nothing["weighted_mae"] == nothing["loss"] == 0
