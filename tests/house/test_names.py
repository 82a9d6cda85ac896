"""Names that the package does not have."""

import pytest

import tinynet as tn


@pytest.mark.parametrize(
    "name",
    [
        "Model",
        "ops",
        "layers.Conv2D",
        "losses.KLDivergence",
        "metrics.AUC",
        "optimizers.Nadam",
        "optimizers.schedules.CosineDecayRestarts",
        "initializers.Orthogonal",
        "regularizers.OrthogonalRegularizer",
        "callbacks.TensorBoard",
        "activations.mish",
        "nn.conv2d",
        "models.Model",
        "utils.plot_model",
        "datasets.mnist",
    ],
)
def test_a_name_that_is_not_here_says_so(name):
    thing, _, last = f"tinynet.{name}".rpartition(".")
    module = tn
    for part in thing.split(".")[1:]:
        module = getattr(module, part)
    with pytest.raises(AttributeError, match=f"{thing}.{last} is not in tinynet, which is a small part of Keras"):
        getattr(module, last)
    assert not hasattr(module, last)
    with pytest.raises(ImportError, match=f"cannot import name '{last}' from '{thing}'"):
        exec(f"from {thing} import {last}")
    with pytest.raises(AttributeError, match="has no attribute '__wrapped__'"):
        module.__wrapped__  # noqa: B018


def test_a_near_name_is_proposed():
    with pytest.raises(AttributeError, match="Did you mean ReLU"):
        tn.layers.Relu  # noqa: B018
    assert "gradcheck" in dir(tn)
