"""What every loss has: names, floats, and no mean of nothing."""

import numpy as np
import pytest

import tinynet as tn
from tinynet.losses import SparseCategoricalCrossentropy


def close(actual, expected, atol=2e-7):
    return np.allclose(actual, expected, rtol=1e-6, atol=atol)


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


def test_losses_and_metrics_are_pythons_floats():
    assert type(SparseCategoricalCrossentropy()([0], [[0.5, 0.5]])) is float
    assert type(tn.metrics.get("accuracy")([0], [[0.5, 0.5]])) is float


def test_outputs_of_integers_are_numbers_too():
    assert close(SparseCategoricalCrossentropy(from_logits=True)([0], [[2, 2]]), np.log(2))
    assert close(SparseCategoricalCrossentropy()([0], [[1, 3]]), np.log(4))


def test_default_names():
    assert SparseCategoricalCrossentropy().name == "sparse_categorical_crossentropy"
    assert tn.metrics.get("sparse_categorical_accuracy").name == "sparse_categorical_accuracy"


def test_the_loss_of_no_samples_is_refused():
    with pytest.raises(ValueError, match="There are no samples"):
        SparseCategoricalCrossentropy()(np.zeros(0, int), np.zeros((0, 3)))
