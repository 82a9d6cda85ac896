"""Arrays or batches, given to fit, evaluate and predict: what is taken, cut off and refused."""

import numpy as np
import pytest
from lines import Sized, X, Y, binary, line
from models import small

import tinynet as tn
from tinynet.layers import Dense


def test_validation_split_takes_the_last_part_before_shuffling(corners):
    x, y = corners(10)
    for split, count in ((0.25, 7), (0.3, 7), (0.5, 5)):  # floor(10 (1 - split)), as Keras
        model, explicit = small(), small()
        model.fit(x, y, epochs=2, validation_split=split, verbose=0)
        explicit.fit(x[:count], y[:count], epochs=2, validation_data=(x[count:], y[count:]), verbose=0)
        assert model.history.history == explicit.history.history


@pytest.mark.parametrize("split", [-0.1, 1.0, 1.5, float("nan"), "a"])
def test_bad_validation_splits(corners, split):
    with pytest.raises(ValueError, match=r"validation_split must be a finite number in \[0, 1\)"):
        small().fit(*corners(), validation_split=split, verbose=0)


def test_a_validation_split_that_leaves_one_side_empty(corners):
    with pytest.raises(ValueError, match=r"validation_split=0\.9 of 1 samples leaves one side empty"):
        small().fit(*corners(1), validation_split=0.9, verbose=0)


def test_bad_validation_data_is_called_that(corners):
    with pytest.raises(ValueError, match=r"validation_data must be \(x, y\), \(x, y, sample_weight\) or"):
        small().fit(*corners(), validation_data=np.zeros((3, 3)), verbose=0)
    with pytest.raises(ValueError, match="validation_data: x and y must have the same number of samples"):
        small().fit(*corners(), validation_data=(np.zeros((3, 3)), [0]), verbose=0)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "32", True])
def test_bad_batch_sizes(corners, batch_size):
    x, y = corners()
    for call in (small().fit, small().evaluate):
        with pytest.raises(ValueError, match="batch_size must be a positive integer"):
            call(x, y, batch_size=batch_size)
    with pytest.raises(ValueError, match="batch_size must be a positive integer"):
        small().predict(x, batch_size=batch_size)


def test_a_batch_larger_than_the_data_is_one_batch(corners):
    model = small()
    model.fit(*corners(5), batch_size=100, verbose=0)
    assert model.optimizer.iterations == 1


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64"])
def test_data_of_any_number_type_and_layout_trains_alike(corners, dtype):
    x, y = corners()
    x = (np.abs(x) * 10).round()
    model, expected = small(), small()
    expected.fit(x, y, epochs=2, verbose=0)
    given = np.asfortranarray(x.astype(dtype))
    given.setflags(write=False)
    labels = y.astype("uint8")[:, None]
    model.fit(given, labels, epochs=2, verbose=0)
    assert model.history.history == expected.history.history


def test_strided_data_and_lists_train_alike(corners):
    x, y = corners()
    expected, strided, lists = small(), small(), small()
    expected.fit(x, y, verbose=0)
    strided.fit(np.repeat(x, 2, axis=0)[::2], np.repeat(y, 2)[::2], verbose=0)
    lists.fit(x.tolist(), y.tolist(), verbose=0)
    assert strided.history.history == expected.history.history == lists.history.history


def test_the_data_is_not_written_to(corners):
    x, y = corners()
    before = x.copy(), y.copy()
    small().fit(x, y, epochs=2, validation_split=0.2, verbose=0)
    assert np.array_equal(x, before[0])
    assert np.array_equal(y, before[1])


# ---- interrupts and callbacks ---------------------------------------------------------------------------------------


def test_a_validation_split_may_leave_one_sample_but_not_none(corners):
    with pytest.raises(ValueError, match=r"validation_split=1e-17 of 60 samples leaves one side empty"):
        small().fit(*corners(), validation_split=1e-17, verbose=0)
    assert "val_loss" in small().fit(*corners(2), validation_split=0.5, verbose=0).history


def test_validation_data_is_a_pair_or_has_weights_too(corners):
    x, y = corners()
    for data in (np.zeros((2, 3)), (x, y, np.ones(60), 0), (x,), {"x": x, "y": y}):
        with pytest.raises(ValueError, match=r"validation_data must be \(x, y\), \(x, y, sample_weight\) or"):
            small().fit(x, y, validation_data=data, verbose=0)
    assert "val_loss" in small().fit(x, y, validation_data=[x, y], verbose=0).history
    assert "val_loss" in small().fit(x, y, validation_data=(x, y, np.ones(60)), verbose=0).history


# ---- steps, epochs, validation ------------------------------------------------------------------------------------


def test_validation_steps_and_batch_size():
    counts = []
    count = tn.callbacks.LambdaCallback(on_test_batch_end=lambda batch, logs: counts.append(batch))
    model = line()
    options = {"verbose": 0, "callbacks": count, "validation_data": (X, Y)}
    model.fit(X, Y, batch_size=4, **options)
    assert counts == [0, 1, 2], "batch_size counts there too"
    counts.clear()
    model.fit(X, Y, batch_size=4, validation_batch_size=5, **options)
    assert counts == [0, 1]
    counts.clear()
    history = model.fit(X, Y, validation_batch_size=2, validation_steps=2, epochs=2, **options).history
    assert counts == [0, 1] * 2
    assert history["val_loss"][-1] == pytest.approx(model.evaluate(X[:4], Y[:4], verbose=0), rel=1e-6)
    with pytest.raises(ValueError, match="validation_batch_size must be a positive integer"):
        model.fit(X, Y, validation_batch_size=0, **options)


def test_validation_data_may_be_batches_or_have_weights():
    model = line()
    history = model.fit(X, Y, epochs=2, verbose=0, validation_data=Sized()).history
    assert history["val_loss"][1] == model.evaluate(Sized(), verbose=0)
    weights = np.array([1.0] * 5 + [0.0] * 5)
    history = model.fit(X, Y, verbose=0, validation_data=(X, Y, weights)).history
    assert history["val_loss"][0] == model.evaluate(X, Y, sample_weight=weights, verbose=0)


def test_validation_split_takes_the_last_of_everything():
    weights = np.array([1.0] * 8 + [0.0, 3.0])
    model = line()
    history = model.fit(X, Y, sample_weight=weights, validation_split=0.2, verbose=0).history
    assert history["val_loss"][0] == model.evaluate(X[8:], Y[8:], sample_weight=weights[8:], verbose=0)
    assert model.optimizer.iterations == 1


def test_sorted_labels_with_a_split_are_warned_of_at_the_line_that_called_fit():
    x = np.zeros((12, 3))
    for labels in ([0] * 6 + [1] * 6, [1] * 6 + [0] * 6):
        with pytest.warns(UserWarning, match="The labels are sorted by class") as seen:
            binary().fit(x, labels, validation_split=0.25, verbose=0)
        assert seen[0].filename == __file__
    for labels in ([0, 1] * 6, [1] * 12):
        binary().fit(x, labels, validation_split=0.25, verbose=0)
    binary().fit(x, [0] * 6 + [1] * 6, verbose=0)
    line().fit(X, Y, validation_split=0.2, verbose=0)  # real numbers may well be sorted


# ---- compile and what it refuses ----------------------------------------------------------------------------------


def test_one_hot_labels_of_two_classes_are_seen_to_be_sorted():
    model = tn.Sequential([tn.Input((3,)), Dense(2, "softmax")], seed=0)
    model.compile("sgd", "categorical_crossentropy")
    x, labels = np.zeros((12, 3)), np.eye(2)[[0] * 6 + [1] * 6]
    with pytest.warns(UserWarning, match="sorted by class"):
        model.fit(x, labels, validation_split=0.25, verbose=0)
    model.fit(x, np.eye(2)[[0, 1] * 6], validation_split=0.25, verbose=0)
