"""Samples, labels and weights: what fits together, and what is refused with the reason."""

import numpy as np
import pytest
from lines import X, Y, binary, line
from models import CALLS, same, small

import tinynet as tn
from tinynet.layers import Dense, Flatten

# ---- weights of samples and classes -------------------------------------------------------------------------------


def test_a_weight_is_a_factor_of_the_samples_loss():
    weights = np.array([2.0, 0, 1, 1, 1, 1, 1, 1, 1, 1])
    d = 0.5 * X[:, 0] - Y
    expected = (weights * d**2).sum() / 10
    for given in (weights, weights[:, None], weights.tolist()):
        assert line().evaluate(X, Y, sample_weight=given, verbose=0) == pytest.approx(expected, rel=1e-6)
    model = line()
    assert model.train_on_batch(X, Y, given) == pytest.approx(expected, rel=1e-6)
    slope = 2 * (weights * d * X[:, 0]).sum() / 10
    assert model.get_weights()[0][0, 0] == pytest.approx(0.5 - 0.1 * slope, rel=1e-6)
    assert model.gradients(X, Y, weights)[0] == model.test_on_batch(X, Y, weights)


def test_weights_for_each_value_of_a_sequence():
    model = tn.Sequential([tn.Input((3, 2)), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    x, y = np.random.default_rng(0).normal(size=(4, 3, 2)), np.zeros((4, 3, 1))
    values = model.predict(x)[..., 0] ** 2
    each = np.arange(12.0).reshape(4, 3)
    assert model.evaluate(x, y, sample_weight=each, verbose=0) == pytest.approx((each * values).mean(), rel=1e-5)
    of_samples = model.evaluate(x, y, sample_weight=each[:, 0], verbose=0)
    assert of_samples == pytest.approx((each[:, :1] * values).mean(), rel=1e-5)
    alike = model.evaluate(x, y, sample_weight=each[:, :1], verbose=0)
    assert alike == of_samples
    for shape in ((4, 2), (3,), (4, 3, 2), (5, 3), (1,), (1, 3)):
        with pytest.raises(ValueError, match="sample_weight must have one entry for each sample"):
            model.evaluate(x, y, sample_weight=np.ones(shape), verbose=0)


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_class_weights_are_sample_weights_by_label(loss):
    x, y = np.random.default_rng(0).normal(size=(12, 4)), np.arange(12) % 3
    labels = np.eye(3)[y] if loss == "categorical_crossentropy" else y

    def trained(**options):
        model = tn.Sequential([tn.Input((4,)), Dense(3, "softmax")], seed=0)
        model.compile("sgd", loss)
        model.fit(x, labels, verbose=0, **options)
        return model

    by_class = trained(class_weight={0: 2, np.int64(2): 0.5})
    assert same(by_class.get_weights(), trained(sample_weight=np.array([2, 1, 0.5])[y]).get_weights())
    model = trained()
    stream = model.fit(iter([(x, labels)]), class_weight={1: 3.0}, verbose=0).history["loss"]
    again = trained()
    assert stream == again.fit(x, labels, class_weight={1: 3.0}, shuffle=False, verbose=0).history["loss"]
    assert trained().train_on_batch(x, labels, class_weight={0: 0, 1: 0, 2: 0}) == 0


def test_class_weights_of_one_output():
    x, y = np.random.default_rng(0).normal(size=(6, 3)), np.array([0, 1, 1, 0, 1, 0])
    one, other = binary(), binary()
    one.fit(x, y, class_weight={1: 4.0}, verbose=0)
    other.fit(x, y, sample_weight=np.where(y == 1, 4.0, 1.0), verbose=0)
    assert same(one.get_weights(), other.get_weights())


def test_bad_class_weights():
    for bad in ([1.0, 2.0], {"a": 1.0}, {0.5: 1.0}, 3):
        with pytest.raises(ValueError, match="class_weight must be a dictionary"):
            binary().fit(np.zeros((2, 3)), [0, 1], class_weight=bad, verbose=0)
    for factor in (-1, "2", np.nan):
        with pytest.raises(ValueError, match=r"class_weight\[1\] must be"):
            binary().fit(np.zeros((2, 3)), [0, 1], class_weight={1: factor}, verbose=0)
    with pytest.raises(ValueError, match="class_weight needs labels that are classes"):
        line().fit(X, Y, class_weight={0: 1.0}, verbose=0)
    for call in (binary().fit, binary().train_on_batch):
        with pytest.raises(ValueError, match="class_weight or sample_weight, not both"):
            call(np.zeros((2, 3)), [0, 1], class_weight={1: 2.0}, sample_weight=[1, 1])
    with pytest.raises(ValueError, match="batches have sample weights"):
        binary().fit(iter([(np.zeros((2, 3)), [0, 1], [1, 1])]), class_weight={1: 2.0}, verbose=0)


# ---- bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((4, 3)), [0, 1, 2, 3], "Labels must be integers from 0 to 2.* label number 3 is 3"),
        (np.zeros((4, 3)), [0, -1, 2, 0], "label number 1 is -1"),
        (np.zeros((4, 3)), [0, 0.5, 2, 0], "label number 1 is 0.5"),
        (np.zeros((4, 3)), [0, np.nan, 2, 0], "label number 1 is nan"),
        (np.zeros((4, 3)), [0, 1, 2], "x has 4, y has 3"),
        (np.zeros((4, 3)), 1, "x has 4, y is 1"),
        (np.zeros((4, 2)), [0, 1, 2, 0], r"x has the wrong shape: expected \(batch, 3\), got \(4, 2\)"),
        (np.zeros((4, 3, 2)), [0, 1, 2, 0], r"expected \(batch, 3\), got \(4, 3, 2\)"),
        (np.zeros(3), [0], r"x is a single sample: expected \(batch, 3\), got \(3,\)\. Add a batch axis: x\[None\]"),
        (np.zeros((0, 3)), np.zeros(0, int), "There are no samples"),
        (np.array([["a", "b", "c"]]), [0], "x must be an array of real numbers; got dtype <U1"),
        ([[1, 2, 3], [1, 2]], [0, 1], "x must be an array, or lists that make one"),
        (5, [0], "got a single number"),
    ],
)
def test_bad_data_is_refused_where_it_is_given_and_nothing_changes(call, x, y, message):
    model = small()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        call(model, x, y)
    assert same(model.get_weights(), before)
    assert model.optimizer.iterations == 0


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 28)])
def test_a_single_image_is_told_to_take_a_batch_axis(lesson_model, shape):
    message = r"expected \(batch, 28, 28, 1\).* Add a batch axis: x\[None\]"
    with pytest.raises(ValueError, match=message):
        lesson_model().predict(np.zeros(shape))
    with pytest.raises(ValueError, match=message):
        lesson_model()(np.zeros(shape))


def test_images_of_the_wrong_size(lesson_model):
    for shape in ((5, 784), (5, 28, 27), (5, 27, 28, 1), (5, 28, 28, 3), (5, 28, 28, 1, 2)):
        with pytest.raises(ValueError, match="x has the wrong shape"):
            lesson_model().predict(np.zeros(shape))


# ---- what a model keeps to itself -----------------------------------------------------------------------------------


def test_a_call_with_labels_of_another_length_builds_nothing():
    model = tn.Sequential([Flatten(), Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="same number of samples"):
        model.fit(np.zeros((4, 5)), 1)
    assert not model.built
    model.fit(np.zeros((2, 4, 5)), [1, 2], verbose=0)


# ---- softmax and cross-entropy meet in the loss -------------------------------------------------------------------


def test_one_output_is_not_enough_and_a_forgotten_flatten_is_named():
    model = tn.Sequential([tn.Input((3,)), Dense(1, "sigmoid")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"an output for each class.* Dense\(2, activation='softmax'\)"):
        model.fit(np.zeros((2, 3)), [0, 1])
    model = tn.Sequential([tn.Input((4, 3)), Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"Outputs of shape \(None, 4, 2\) need labels .* put a Flatten\(\) in front"):
        model.fit(np.zeros((2, 4, 3)), [0, 1])


def test_flat_images_are_told_how_to_be_reshaped(lesson_model):
    with pytest.raises(ValueError, match=r"Its samples have as many entries: x\.reshape\(-1, 28, 28, 1\)"):
        lesson_model().predict(np.zeros((5, 784)))


@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 1), (5, 3, 1, 1)])
def test_a_last_axis_that_is_missing_or_extra_is_mended_without_flatten_too(shape):
    model = tn.Sequential([tn.Input((3, 1)), Dense(2)])
    assert model.predict(np.ones(shape)).shape == (5, 3, 2)


@pytest.mark.parametrize("dtype", ["uint8", "float64", "bool"])
def test_inputs_of_any_type_are_cast_to_the_models(dtype):
    x, y = (np.random.default_rng(0).random((6, 3)) > 0.5).astype(dtype), [0, 1, 2, 0, 1, 2]
    x_float32, model, expected = x.astype("float32"), small(), small()
    assert model(x).dtype == np.float32
    assert np.array_equal(model.predict(x), expected.predict(x_float32))
    assert same(model.gradients(x, y)[1], expected.gradients(x_float32, y)[1])
