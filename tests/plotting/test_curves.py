"""Activations and histories."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from readable import check_readable

import tinynet as tn
from tinynet.plotting import (
    plot_activation,
    plot_history,
)


def curve(ax, x):
    return float(np.interp(x, *ax.lines[0].get_data()))


def test_activations_and_their_derivatives():
    e = np.exp(1)
    sigmoid, slope = e / (1 + e), e / (1 + e) ** 2
    tanh = (e**2 - 1) / (e**2 + 1)
    by_hand = {  # at -1 and 1: the value, the derivative
        "relu": [(0, 0), (1, 1)],
        "sigmoid": [(1 - sigmoid, slope), (sigmoid, slope)],
        "tanh": [(-tanh, 1 - tanh**2), (tanh, 1 - tanh**2)],
        "linear": [(-1, 1), (1, 1)],
    }
    for name, values in by_hand.items():
        fig = plot_activation(name)
        left, right = fig.axes
        assert (left.get_title(), right.get_title()) == (name, f"derivative of {name}")
        for x, (value, derivative) in zip((-1, 1), values, strict=True):
            assert curve(left, x) == pytest.approx(value, abs=1e-12)
            assert curve(right, x) == pytest.approx(derivative, abs=1e-12)
        assert left.lines[0].get_xdata()[[0, -1]].tolist() == [-4, 4]
        check_readable(fig)


@pytest.mark.parametrize(
    ("activation", "name"),
    [
        (tn.nn.relu, "relu"),
        (tn.activations.linear, "linear"),
        (None, "linear"),
        (tn.layers.LeakyReLU(0.3), "LeakyReLU"),
        (tn.layers.Activation("tanh"), "tanh"),
    ],
)
def test_an_activation_may_be_a_function_or_a_layer(activation, name):
    left, right = plot_activation(activation, low=-2, high=1.5).axes
    assert left.get_title() == name
    assert left.lines[0].get_xdata()[[0, -1]].tolist() == [-2, 1.5]
    if name == "LeakyReLU":
        assert (curve(left, -1), curve(right, -1)) == pytest.approx((-0.3, 0.3), abs=1e-12)
        assert not activation.built, "the layer itself is left alone"


class Own(tn.layers.Layer):
    """An activation of a user's, without get_config."""

    def __init__(self, slope):
        super().__init__()
        self._slope = slope

    def forward(self, x, training=False):
        return self._slope * x, None

    def backward(self, dy, cache, need_dx=True):
        return self._slope * dy


def test_an_activation_of_ones_own():
    left, right = plot_activation(Own(3.0)).axes
    assert (left.get_title(), curve(left, 1), curve(right, 1)) == ("Own", 3, 3)


def test_activations_that_have_no_curve():
    for name in ("softmax", "log_softmax", tn.layers.Softmax(axis=(0, 1)), tn.layers.Activation("softmax")):
        with pytest.raises(ValueError, match=r"oftmax is not elementwise: each of its outputs depends on all inputs"):
            plot_activation(name)
    for layer in (tn.layers.Dense(3), tn.layers.BatchNormalization(), tn.layers.Dropout(0.5)):
        with pytest.raises(ValueError, match=f"{type(layer).__name__} is not a function alone"):
            plot_activation(layer)
    with pytest.raises(ValueError, match="Unknown activation 'rleu'"):
        plot_activation("rleu")
    with pytest.raises(ValueError, match=r"low must be below high; got low=2\.0 and high=2"):
        plot_activation("relu", low=2, high=2)
    with pytest.raises(ValueError, match="low must be a finite number; got 'a'"):
        plot_activation("relu", low="a")
    assert plt.get_fignums() == []


def test_a_history_has_an_axes_for_each_metric(corners):
    model = tn.Sequential([tn.Input((3,)), tn.layers.Dense(3)], seed=0)
    loss = tn.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, ["accuracy", tn.metrics.SparseTopKCategoricalAccuracy(2, name="top_2")])
    history = model.fit(*corners(), validation_data=corners(20, seed=1), epochs=5, initial_epoch=2, verbose=0)
    fig = plot_history(history)
    assert [ax.get_title() for ax in fig.axes] == ["loss", "accuracy", "top_2"]
    for ax in fig.axes:
        for line, name in zip(ax.lines, (ax.get_title(), f"val_{ax.get_title()}"), strict=True):
            assert line.get_xdata().tolist() == [3, 4, 5]
            assert line.get_ydata().tolist() == history.history[name]
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]
        assert ax.get_xlabel() == "epoch"
        assert {float(tick).is_integer() for tick in ax.get_xticks()} == {True}
    check_readable(fig)


def test_after_validation_freq_each_curve_has_its_own_epochs(corners):
    model = tn.Sequential([tn.Input((3,)), tn.layers.Dense(3)], seed=0)
    model.compile("adam", tn.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"])
    options = {"validation_data": corners(20, seed=1), "verbose": 0}
    history = model.fit(*corners(), epochs=7, validation_freq=2, **options)
    assert history.epochs_of == {
        **{name: [0, 1, 2, 3, 4, 5, 6] for name in ("loss", "accuracy")},
        **{name: [1, 3, 5] for name in ("val_loss", "val_accuracy")},
    }
    for ax in (fig := plot_history(history)).axes:
        assert [line.get_xdata().tolist() for line in ax.lines] == [[1, 2, 3, 4, 5, 6, 7], [2, 4, 6]]
        assert ax.lines[1].get_ydata().tolist() == history.history[f"val_{ax.get_title()}"]
        assert ax.get_xlim() == (0.5, 7.5)
    check_readable(fig)
    once = plot_history(model.fit(*corners(), epochs=40, validation_freq=[40], **options)).axes[0]
    assert [line.get_marker() for line in once.lines] == ["None", "o"], "a point alone needs a marker"
    del history.history["val_loss"], history.history["val_accuracy"]
    assert [len(ax.lines) for ax in plot_history(history).axes] == [1, 1]
    history.history["mine"] = [1.0] * 7  # written by hand: in every epoch
    assert plot_history(history).axes[2].lines[0].get_xdata().tolist() == list(range(1, 8))
    history.history["mine"] = [1.0]
    with pytest.raises(ValueError, match=r"one number for each epoch; got .*'mine': 1"):
        plot_history(history)


def test_a_history_may_be_a_dictionary_and_short():
    fig = plot_history({"accuracy": [0.5], "loss": [2.0], "val_loss": [1.0], "learning_rate": [0.1]})
    assert [ax.get_title() for ax in fig.axes] == ["loss", "accuracy", "learning_rate"]
    assert [len(ax.lines) for ax in fig.axes] == [2, 1, 1]
    assert all(line.get_marker() == "o" for ax in fig.axes for line in ax.lines), "a point alone needs a marker"
    assert [ax.get_xlim() for ax in fig.axes] == [(0.5, 1.5)] * 3
    low, high = fig.axes[0].get_xlim()
    assert [tick for tick in fig.axes[0].get_xticks() if low <= tick <= high] == [1]
    check_readable(fig)
    long = plot_history({"loss": list(range(100)), **{f"metric {i}": [0.0] * 100 for i in range(4)}})
    assert long.axes[0].lines[0].get_xdata().tolist() == list(range(1, 101))
    check_readable(long)


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (None, r"history must be what fit returns, or its dictionary of lists; got None"),
        ({}, r"history holds no epoch to draw; got \{\}\. Train first"),
        (tn.callbacks.History(), "history holds no epoch to draw"),
        ({"loss": 0.5}, r"history must be what fit returns, or its dictionary of lists; got \{'loss': 0\.5\}"),
        ({"loss": []}, "history holds no epoch to draw"),
        ({"loss": [1, 2], "val_loss": [1]}, r"got \{'loss': 2, 'val_loss': 1\}\. A dictionary .*give what fit"),
    ],
)
def test_histories_that_cannot_be_drawn(history, message):
    with pytest.raises(ValueError, match=message):
        plot_history(history)
