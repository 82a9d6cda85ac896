"""The cross-entropy: Keras's numbers, stability, and the labels it refuses."""

import numpy as np
import pytest

import tinynet as tn
from tinynet.losses import SparseCategoricalCrossentropy


def close(actual, expected, atol=2e-7):
    return np.allclose(actual, expected, rtol=1e-6, atol=atol)


def test_values_from_probabilities_are_those_of_keras():
    loss = SparseCategoricalCrossentropy()
    outputs = np.float32([[0.05, 0.95, 0], [0.1, 0.8, 0.1]])
    values, _ = loss.forward(np.array([1, 2]), outputs)
    assert values.dtype == np.float32
    assert close(values, [0.05129331, 2.30258512])
    assert close(loss([1, 2], outputs), 1.17693925)
    assert close(loss([0], [[0.5, 0.5, 0.5]]), 1.09861231)  # divided by its sum first
    assert close(loss([0], np.float32([[0, 1, 0]])), 16.11809540)  # clipped at 1e-7
    assert close(loss([1], np.float32([[0, 1, 0]])), 1.1920930e-07)


def test_values_from_logits_are_those_of_keras():
    loss = SparseCategoricalCrossentropy(from_logits=True)
    outputs = np.float32([[2, 1, 0.1], [0, 0, 0], [1000, 0, -1000]])
    values, _ = loss.forward(np.array([0, 1, 2]), outputs)
    assert close(values, [0.41702995, 1.09861231, 2000])


def test_gradient_by_hand():
    # softmax(log 1, log 2, log 1) = (1/4, 1/2, 1/4); p - onehot, times the factor 1/2
    loss = SparseCategoricalCrossentropy(from_logits=True)
    _, cache = loss.forward(np.array([1]), np.log([[1.0, 2.0, 1.0]]))
    assert np.allclose(loss.backward(np.array([1]), cache, 0.5), [[0.125, -0.25, 0.125]], rtol=0, atol=1e-16)
    # L = log s - log p_1 with s = 1: 1 - [j = 1] / p_1
    loss = SparseCategoricalCrossentropy()
    _, cache = loss.forward(np.array([1]), np.array([[0.25, 0.5, 0.25]]))
    assert np.allclose(loss.backward(np.array([1]), cache, 1), [[1, -1, 1]], rtol=0, atol=1e-15)


def test_gradient_is_zero_where_the_probability_is_clipped():
    loss = SparseCategoricalCrossentropy()
    for outputs in ([[0.0, 1.0]], [[1e-8, 1.0]], [[1.0, 0.0]]):
        _, cache = loss.forward(np.array([0]), np.array(outputs))
        assert loss.backward(np.array([0]), cache, 1.0).tolist() == [[0, 0]]


def test_the_bounds_of_the_clip_are_inside():
    # dL/dp_j = 1/s - [j = y] / p_y with s = 1, at p_y = e and at p_y = 1 - e
    loss, p = SparseCategoricalCrossentropy(), np.array([[1e-7, 1 - 1e-7]])
    assert p.sum() == 1
    for label, expected in ((0, [1 - 1e7, 1]), (1, [1, 1 - 1 / (1 - 1e-7)])):
        _, cache = loss.forward(np.array([label]), p)
        assert np.allclose(loss.backward(np.array([label]), cache, 1.0), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logits_of_ten_thousand_stay_finite(dtype):
    loss = SparseCategoricalCrossentropy(from_logits=True)
    logits = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 0]], dtype)
    values, cache = loss.forward(np.array([1, 1]), logits)
    assert values.tolist() == [20000, 0]
    assert loss.backward(np.array([1, 1]), cache, 1.0).tolist() == [[1, -1, 0], [0, 0, 0]]


def test_each_row_has_its_own_maximum():
    loss = SparseCategoricalCrossentropy(from_logits=True)
    values, _ = loss.forward(np.array([0, 0]), np.array([[1000.0, 1000], [-1000, -1000]]))
    assert np.allclose(values, np.log(2), rtol=0, atol=1e-15)


def test_labels_of_rank_two_and_columns_of_labels():
    loss = SparseCategoricalCrossentropy(from_logits=True)
    logits = np.random.default_rng(0).normal(size=(2, 3, 4))
    labels = np.array([[0, 1, 2], [3, 2, 1]])
    values, _ = loss.forward(labels, logits)
    assert values.shape == (2, 3)
    assert np.isclose(loss(labels[..., None], logits), values.mean(), rtol=0, atol=1e-15)
    assert np.isclose(loss([[1], [0]], logits[:, 0]), loss([1, 0], logits[:, 0]), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        ([0, 1, 3], "label number 2 is 3"),
        ([0, -1, 2], "label number 1 is -1"),
        ([0.5, 1, 2], "label number 0 is 0.5"),
        ([0, np.nan, 2], "label number 1 is nan"),
        ([0, np.inf, 2], "label number 1 is inf"),
        (["a", "b", "c"], r"dtype <U1\.$"),
        ([True, False, True], r"dtype bool: pass y\.astype\(int\)"),
        ([0, 1], r"need labels of shape \(3,\); got \(2,\)\.$"),
        ([1], r"got \(1,\)"),
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], r"one-hot labels: pass y.argmax\(axis=-1\)"),
        ([[1, 0], [0, 1], [1, 1]], r"Outputs of shape \(3, 3\) need labels of shape \(3,\); got \(3, 2\)\.$"),
        ([[0, 1, 2]], r"got \(1, 3\)"),
    ],
)
def test_labels_that_are_not_classes_are_refused(labels, what):
    with pytest.raises(ValueError, match=what):
        SparseCategoricalCrossentropy()(labels, np.full((3, 3), 1 / 3))


def test_one_hot_labels_are_told_from_others_by_their_last_axis():
    for shape, what in (((2, 4, 3), r"They look like one-hot labels"), ((2, 3, 4), r"got \(2, 3, 4\)\.$")):
        with pytest.raises(ValueError, match=what):
            SparseCategoricalCrossentropy()(np.ones(shape, int), np.full((2, 4, 3), 1 / 3))


def test_wrong_labels_are_counted_and_placed():
    with pytest.raises(ValueError, match=r"label number \(1, 0\) is 7 \(2 of 4 are wrong\)"):
        SparseCategoricalCrossentropy()([[0, 1], [7, 7]], np.ones((2, 2, 3)))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "uint64", "float32", "float64"])
def test_labels_of_any_number_type(dtype):
    assert SparseCategoricalCrossentropy()(np.array([0, 2], dtype), np.eye(3)[[0, 2]] + 0.0) < 1e-6


def test_loss_is_found_by_name():
    for name in ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"):
        assert isinstance(tn.losses.get(name), SparseCategoricalCrossentropy)
    with pytest.raises(ValueError, match="Did you mean 'sparse_categorical_crossentropy'"):
        tn.losses.get("sparse_categorical_crossentropi")
    with pytest.raises(TypeError, match=r"write SparseCategoricalCrossentropy\(\)"):
        tn.losses.get(SparseCategoricalCrossentropy)
    with pytest.raises(TypeError, match="loss must be a name"):
        tn.losses.get(None)
    assert repr(SparseCategoricalCrossentropy(name="x")) == "SparseCategoricalCrossentropy(name='x')"


def test_accuracy_counts_hits_and_takes_the_first_of_equals():
    metric = tn.metrics.SparseCategoricalAccuracy()
    outputs = np.array([[0.1, 0.9], [0.5, 0.5], [0.2, 0.8], [0.9, 0.1]])
    assert metric.values(np.array([1, 0, 0, 1]), outputs).tolist() == [True, True, False, False]
    assert metric([1, 0, 0, 1], outputs) == 0.5
    assert metric([1, 1, 0, 1], outputs) == 0.25
    assert metric(np.zeros((0,), int), np.zeros((0, 3))) == 0.0
    assert metric([[0, 1]], [[[3, 1], [1, 3]]]) == 1.0


def test_accuracy_takes_labels_of_any_number_type_where_the_loss_lets_them_through():
    values = tn.metrics.SparseCategoricalAccuracy().values
    for labels in (np.float32([1, 0.5]), np.uint8([1, 1])):
        assert values(labels, np.array([[0.1, 0.9], [0.7, 0.3]])).tolist() == [True, False]


def test_metrics_are_found_by_name_and_keep_it():
    assert [tn.metrics.get(name).name for name in ("accuracy", "acc")] == ["accuracy", "acc"]
    assert tn.metrics.SparseCategoricalAccuracy().name == "sparse_categorical_accuracy"
    with pytest.raises(ValueError, match=r"Unknown metric 'accurcy'. Did you mean 'accuracy'"):
        tn.metrics.get("accurcy")
    with pytest.raises(ValueError, match="Labels must be integers from 0 to 1"):
        tn.metrics.get("accuracy")([2], [[0.5, 0.5]])


def test_losses_and_metrics_are_pythons_floats():
    assert type(SparseCategoricalCrossentropy()([0], [[0.5, 0.5]])) is float
    assert type(tn.metrics.get("accuracy")([0], [[0.5, 0.5]])) is float


@pytest.mark.parametrize("from_logits", [True, False])
def test_factors_in_float64_leave_the_gradient_in_the_dtype_of_the_outputs(from_logits):
    loss, labels, outputs = SparseCategoricalCrossentropy(from_logits), np.array([0]), np.float32([[0.2, 0.8]])
    _, cache = loss.forward(labels, outputs)
    assert loss.backward(labels, cache, np.array([0.5])).dtype == np.float32


def test_probabilities_are_clipped_below_one_too():
    value = SparseCategoricalCrossentropy()([1], np.array([[0.0, 1.0]]))
    assert np.isclose(value, -np.log1p(-1e-7), rtol=1e-6, atol=0)


def test_outputs_of_integers_are_numbers_too():
    assert close(SparseCategoricalCrossentropy(from_logits=True)([0], [[2, 2]]), np.log(2))
    assert close(SparseCategoricalCrossentropy()([0], [[1, 3]]), np.log(4))


@pytest.mark.parametrize("shape", [(3,), (1,), (3, 1), (1, 3)])
def test_a_column_of_labels_is_taken_whatever_the_other_sizes(shape):
    labels, outputs = np.ones(shape, int), np.full((*shape, 2), 0.5)
    assert close(SparseCategoricalCrossentropy()(labels[..., None], outputs), np.log(2))


def test_labels_of_the_wrong_shape_are_refused_whichever_axis_it_is():
    loss = SparseCategoricalCrossentropy()
    with pytest.raises(ValueError, match=r"need labels of shape \(1,\); got \(\)"):
        loss(1, [[0.5, 0.5]])
    with pytest.raises(ValueError, match=r"need labels of shape \(2, 3\); got \(2, 2\)"):
        loss([[0, 1], [1, 0]], np.ones((2, 3, 4)))


def test_default_names():
    assert SparseCategoricalCrossentropy().name == "sparse_categorical_crossentropy"
    assert tn.metrics.get("sparse_categorical_accuracy").name == "sparse_categorical_accuracy"


def test_the_loss_of_no_samples_is_refused():
    with pytest.raises(ValueError, match="There are no samples"):
        SparseCategoricalCrossentropy()(np.zeros(0, int), np.zeros((0, 3)))


@pytest.mark.parametrize(
    ("loss", "labels", "outputs", "values", "gradient"),
    [
        (tn.losses.MeanSquaredError(), [[1, 0]], [[2, 2]], [2.5], [[1, 2]]),
        (tn.losses.MeanAbsoluteError(), [[1, 0]], [[1, -2]], [1], [[0, -0.5]]),  # 0 at the kink
        (tn.losses.Huber(0.5), [[0, 0]], [[0.5, -2]], [0.5], [[0.25, -0.25]]),  # (1/8 + 1 - 1/8) / 2
        (
            tn.losses.BinaryCrossentropy(True),
            [[1], [0], [1]],
            [[0], [1e4], [-1e4]],
            [np.log(2), 1e4, 1e4],
            [[-0.5], [1], [-1]],
        ),
        (tn.losses.BinaryCrossentropy(), [[1], [1]], [[0.5], [0]], [np.log(2), -np.log(1e-7)], [[-2], [0]]),
        (tn.losses.CategoricalCrossentropy(), [[0.5, 0.5]], [[0.5, 0.5]], [np.log(2)], [[0, 0]]),
        (tn.losses.CategoricalCrossentropy(True), [[0, 1]], [[1e4, 0]], [1e4], [[1, -1]]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_other_losses_by_hand(loss, labels, outputs, values, gradient):
    outputs = np.array(outputs, "float64")
    labels = loss.check(labels, outputs.shape)
    got, cache = loss.forward(labels, outputs)
    assert np.allclose(got, values, rtol=1e-15, atol=1e-15)
    assert np.allclose(loss.backward(labels, cache, 1.0), gradient, rtol=1e-15, atol=1e-15)


def test_binary_crossentropy_of_a_vector_and_at_the_bound():
    loss = tn.losses.BinaryCrossentropy(reduction="none")
    assert loss([1.0, 0.0], np.array([0.5, 0.75])) == pytest.approx([np.log(2), np.log(4)], rel=1e-12)
    labels, at_bound = np.ones((1, 1)), np.array([[1 - 1e-7]])
    _, cache = loss.forward(labels, at_bound)
    assert loss.backward(labels, cache, 1.0)[0, 0] == pytest.approx(-1 / (1 - 1e-7), rel=1e-6), "not clipped there"
    _, cache = loss.forward(labels, at_bound + 1e-9)
    assert loss.backward(labels, cache, 1.0) == 0


def test_a_factor_of_any_kind_leaves_the_gradient_in_its_dtype():
    loss = tn.losses.SparseCategoricalCrossentropy(from_logits=True)
    labels, logits = np.array([0, 1]), np.array([[1, 2], [3, 5]], "float32")
    _, cache = loss.forward(labels, logits)
    expected = loss.backward(labels, cache, 0.5)
    for factors in (np.float64(0.5), np.float32(0.5), np.array(0.5), np.full(2, 0.5)):
        gradient = loss.backward(labels, cache, factors)
        assert gradient.dtype == np.float32
        assert np.array_equal(gradient, expected)
