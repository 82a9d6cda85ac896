"""The confusion matrix."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from readable import check_readable

from tinynet.datasets.fashion_mnist import CLASS_NAMES_RU
from tinynet.plotting import (
    plot_confusion,
)

# ---- images ---------------------------------------------------------------------------------------------------------


def shown(ax):
    return np.asarray(ax.images[0].get_array())


# ---- confusion ------------------------------------------------------------------------------------------------------


def table(ax):
    """The texts in the cells by (row, column)."""
    return {(round(text.get_position()[1]), round(text.get_position()[0])): text for text in ax.texts}


def test_confusion_counts_true_classes_in_rows():
    true, guesses = [0, 0, 0, 1, 2, 2], [0, 1, 1, 1, 0, 2]
    by_hand = np.array([[1, 2, 0], [0, 1, 0], [1, 0, 1]])
    probabilities = np.eye(3)[guesses] * 0.9
    for predictions in (guesses, probabilities, 20 * probabilities - 5):
        ax = plot_confusion(predictions, true)
        assert np.array_equal(shown(ax), by_hand)
        assert {place: int(text.get_text()) for place, text in table(ax).items()} == dict(np.ndenumerate(by_hand))
        assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1", "2"]
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")
    names = plot_confusion(guesses, true, ["a", "b", "c", "d"])
    for axis in (names.xaxis, names.yaxis):
        assert [label.get_text() for label in axis.get_ticklabels()] == ["a", "b", "c", "d"]
    assert shown(names).shape == (4, 4)


def test_counts_are_white_on_dark_and_black_on_light():
    ax = plot_confusion([0] * 1000 + [0], [0] * 1000 + [1])
    texts = table(ax)
    assert texts[0, 0].get_text() == "1,000"
    assert ax.images[0].get_clim() == (0, 1000)
    assert texts[0, 0].get_color() == "white"
    assert {texts[place].get_color() for place in ((0, 1), (1, 0), (1, 1))} == {"black"}


@pytest.mark.slow
def test_confusion_of_many_classes_and_samples_in_small_figures():
    names = [f"class number {i}" for i in range(20)]
    for size, layout in (((4, 4), "constrained"), ((8, 5), None)):
        plt.figure(figsize=size, layout=layout)
        check_readable(plot_confusion(range(20), range(20), names), smallest=5)
    plt.figure(figsize=(4, 4), layout="constrained")
    every = np.array(list(np.ndindex(10, 10)) * 1111)
    check_readable(plot_confusion(*every.T), smallest=5)
    for size in ((6, 4), (4, 6)):
        plt.figure(figsize=size)  # without a layout
        check_readable(plot_confusion([0, 9], [9, 0], CLASS_NAMES_RU), smallest=5)


@pytest.mark.slow
def test_confusion_of_very_many_classes_has_no_numbers():
    ax = plot_confusion([0, 999], [999, 999])
    assert not ax.texts
    assert shown(ax)[999].tolist() == [1, *[0] * 998, 1]
    assert len(plot_confusion([0, 59], [0, 0]).texts) == 60 * 60


def test_confusion_of_too_many_classes_is_refused():
    for predictions, labels in (([0, 100_000], [0, 1]), ([0, 1], [0, 100_000])):
        with pytest.raises(ValueError, match="plot_confusion draws up to 1,000 classes; got 100,001"):
            plot_confusion(predictions, labels)
    with pytest.raises(ValueError, match="up to 1,000 classes; got 1,001"):
        plot_confusion(np.zeros((2, 1001)), [0, 1])
