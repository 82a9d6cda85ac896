"""Activations by name, and what is none."""

import pytest

from tinynet.layers import Dense, ReLU


@pytest.mark.parametrize("name", ["rleu", "softmx"])
def test_unknown_activation_names_the_nearest(name):
    with pytest.raises(ValueError, match=f"Unknown activation '{name}'. Did you mean '(relu|softmax)'"):
        Dense(2, activation=name)


def test_activations_of_the_wrong_kind():
    with pytest.raises(TypeError, match=r"write ReLU\(\), not ReLU"):
        Dense(2, activation=ReLU)
    with pytest.raises(TypeError, match="has no gradient here"):
        Dense(2, activation=lambda x: x)
    with pytest.raises(TypeError, match="must be a name"):
        Dense(2, activation=3)
