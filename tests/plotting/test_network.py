"""The picture of a network."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from readable import check_readable, small

import tinynet as tn
from tinynet.plotting import (
    plot_network,
)

# ---- curves ---------------------------------------------------------------------------------------------------------


class Own(tn.layers.Layer):
    """An activation of a user's, without get_config."""

    def __init__(self, slope):
        super().__init__()
        self._slope = slope

    def forward(self, x, training=False):
        return self._slope * x, None

    def backward(self, dy, cache, need_dx=True):
        return self._slope * dy


# ---- networks -------------------------------------------------------------------------------------------------------


def column(ax, x):
    """The texts of a column of the diagram from top to bottom."""
    texts = [text for text in ax.texts if text.get_text() and abs(text.get_position()[0] - x) < 0.01]
    return [text.get_text() for text in sorted(texts, key=lambda text: -text.get_position()[1])]


def circles(ax):
    return [len(c.get_offsets()) for c in ax.collections if type(c).__name__ == "PathCollection"]


def lines(ax):
    return next(c for c in ax.collections if type(c).__name__ == "LineCollection").get_segments()


def test_the_lessons_network(lesson_model):
    ax = plot_network(lesson_model())
    assert [column(ax, x) for x in range(3)] == [
        ["Flatten", "⋮", "784"],
        ["Dense", "⋮", "128", "relu", "100,480 parameters"],
        ["Dense", "10", "softmax", "1,290 parameters"],
    ]
    assert circles(ax) == [10, 10, 10]
    assert len(lines(ax)) == 10 * 10 + 10 * 10
    assert not ax.axison
    check_readable(ax, smallest=8)
    for layout in (None, "constrained"):
        plt.figure(figsize=(3, 4), layout=layout)
        narrow = plot_network(lesson_model())
        check_readable(narrow, smallest=4)
        between = narrow.get_window_extent().width / 3 * 72 / 100  # columns, in points
        assert max(np.sqrt(c.get_sizes().max()) for c in narrow.collections[:3]) < between / 3


def test_a_network_that_begins_with_a_dense_layer_shows_its_inputs():
    ax = plot_network(small)
    assert [column(ax, x) for x in range(3)] == [
        ["Input", "4"],
        ["Dense", "3", "relu", "15 parameters"],
        ["Dense", "2", "softmax", "8 parameters"],
    ]
    assert circles(ax) == [4, 3, 2]
    ends = {(tuple(start), tuple(end)) for start, end in lines(ax)}
    assert len(ends) == 4 * 3 + 3 * 2
    assert ((0, 1.5), (1, 1)) in ends
    assert ((1, -1), (2, -0.5)) in ends


def test_twelve_units_are_drawn_and_of_thirteen_ten():
    one = tn.layers.Dense(1, use_bias=False)
    ax = plot_network(tn.Sequential([tn.Input((12,)), tn.layers.Dense(13), tn.layers.Reshape((13, 1)), one]))
    assert circles(ax) == [12, 10, 10, 10]
    assert column(ax, 0) == ["Input", "12"]
    assert column(ax, 1) == ["Dense", "⋮", "13", "169 parameters"]
    assert column(ax, 2) == ["Reshape", "⋮", "13 × 1"]
    assert column(ax, 3) == ["Dense", "⋮", "13 × 1", "1 parameter"]


def test_a_network_of_ten_layers_with_a_model_inside():
    layers = tn.layers
    inner = tn.Sequential([layers.Dense(64, "gelu"), layers.Dropout(0.5), layers.Dense(12, Own(2.0))], name="inner")
    stack = [tn.Input((28, 28, 1)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(128)]
    stack += [layers.BatchNormalization(), layers.ReLU(), layers.Activation("tanh"), inner, layers.Dense(10, "softmax")]
    model = tn.Sequential(stack)
    ax = plot_network(model)
    heads = [column(ax, x)[0] for x in range(10) if x != 7]
    dense = "Dense"
    assert heads == ["Rescaling", "Flatten", dense, "BatchNormalization", "ReLU", "Activation", dense, dense, dense]
    assert column(ax, 7)[:2] == ["inner", "Dropout"], "the name of the inner model stands above its middle"
    assert column(ax, 0)[-1] == "28 × 28 × 1"
    assert column(ax, 3)[-1] == "512 parameters"
    assert column(ax, 5)[-1] == "tanh"
    assert column(ax, 8)[-2:] == ["Own", "780 parameters"]
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None) is not None]
    assert len(arrows) == 5, "to each layer that is no Dense, but the first"
    assert len(lines(ax)) == 10 * 10 + 10 * 10 + 10 * 12 + 12 * 10
    check_readable(ax, smallest=8)
    assert ax.figure.get_size_inches()[0] == 16


def test_networks_that_cannot_be_drawn():
    with pytest.raises(ValueError, match=r"Model 'm' is not built yet.* build it first, as by model\.build"):
        plot_network(tn.Sequential([tn.layers.Dense(3)], name="m"))
    with pytest.raises(ValueError, match="plot_network draws a Sequential model; got 3"):
        plot_network(3)
    assert plt.get_fignums() == []
