"""Predictions beside their images, and the mistakes."""

import re

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from readable import BLUE, GREY, RED, check_readable, corners, visible_texts

from tinynet.datasets.fashion_mnist import CLASS_NAMES, CLASS_NAMES_RU
from tinynet.plotting import (
    plot_grid,
    plot_image,
    plot_mistakes,
    plot_predictions,
    plot_value_array,
)

# ---- texts that can be read -----------------------------------------------------------------------------------------

LONG_NAME = "A name that was given by somebody with a lot of time, and for a class of clothes that is worn in winter"


@pytest.mark.slow
def test_one_long_name_is_cut_and_leaves_the_other_captions_large(things):
    images, labels, predictions = things
    names = [LONG_NAME if place == labels[1] else name for place, name in enumerate(CLASS_NAMES_RU)]
    for draw in (plot_predictions, plot_mistakes):
        check_readable(draw(predictions, labels, images, names), smallest=8)
    check_readable(fig := plot_grid(images, labels, names), smallest=8)
    written = [ax.get_xlabel() for ax in fig.axes]
    assert written[1] == "A name that was…", "16 characters, less the space at the end"
    assert written[0] == CLASS_NAMES_RU[labels[0]], "what is short is whole"
    _, axes = plt.subplots(3, 6, figsize=(12, 6))
    for i, ax in enumerate(axes.flat):
        plot_image(i, predictions, labels, images, names, ax)
    check_readable(axes[0, 0], smallest=6)
    for name in (LONG_NAME, LONG_NAME.replace(" ", "W")):
        fig = plot_mistakes(predictions, labels, images, [name] * 10, fig=plt.figure(figsize=(5, 5)))
        check_readable(fig, smallest=6)
        for text in (ax.get_xlabel() for ax in fig.axes):
            guess, true = re.fullmatch(r"(\S.*\S|)… \d+% \((\S.*\S|)…\)", text).groups()
            assert guess == true
            assert name.startswith(guess)
            assert 0 < len(guess) < 15
    tiny = plot_mistakes(predictions, labels, images, [LONG_NAME] * 10, fig=plt.figure(figsize=(2, 2.5)))
    check_readable(tiny, smallest=1)  # no room for a letter of 6 points


@pytest.mark.parametrize(
    "names",
    [pytest.param(CLASS_NAMES, id="English", marks=pytest.mark.slow), pytest.param(CLASS_NAMES_RU, id="Russian")],
)
def test_the_sheet_of_predictions_has_no_empty_margin(names, things):
    images, labels, predictions = things
    for given in (None, plt.figure(figsize=(12, 10), layout="constrained")):
        fig = plot_predictions(predictions, labels, images, names, fig=given)
        check_readable(fig, smallest=8)
        left = [box[:, 0].min() % 400 for box in map(corners, visible_texts(fig))]
        assert 0 <= min(left) < 20, "pixels from the left end of a column to its widest caption"
    taken = plt.figure(figsize=(12, 10), layout="constrained")
    taken.add_axes([0, 0, 0.01, 0.01]).set_axis_off()
    plot_predictions(predictions, labels, images, names, fig=taken)
    check_readable(taken, smallest=8)
    assert taken.axes[1].get_position().bounds == pytest.approx(fig.axes[0].get_position().bounds)


# ---- images ---------------------------------------------------------------------------------------------------------


def shown(ax):
    return np.asarray(ax.images[0].get_array())


# ---- predictions ----------------------------------------------------------------------------------------------------


def test_a_caption_tells_guess_probability_and_truth():
    images, labels = np.zeros((3, 2, 2)), [1, 1, 0]
    predictions = [[0.066, 0.934], [0.75, 0.25], [0.5, 0.5]]
    names = ("Плащ", "Bag")
    expected = [
        ("Bag 93% (Bag)", "1 93% (1)", BLUE),
        ("Плащ 75% (Bag)", "0 75% (1)", RED),
        ("Плащ 50% (Плащ)", "0 50% (0)", BLUE),
    ]
    for i, (named, numbered, colour) in enumerate(expected):
        ax = plot_image(i, predictions, labels, images, names)
        assert ax.get_xlabel() == named
        assert ax.xaxis.label.get_color() == colour
        assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0
        assert plot_image(i, predictions, labels, images).get_xlabel() == numbered
    few = plot_image(0, [[0.957, *[0.0] * 8, 0.043]], [9], np.zeros((1, 2, 2)))
    assert few.get_xlabel() == "0 96% (9)"
    low = plot_image(0, [[0.08, 0.07]], [0], np.zeros((1, 2, 2)))
    assert low.get_xlabel() == "0  8% (0)", "two places, as the lesson's {:2.0f}"


def test_captions_side_by_side_have_one_size(things):
    images, labels, predictions = things
    _, axes = plt.subplots(3, 3, figsize=(10, 10))
    names = CLASS_NAMES_RU[::-1]
    drawn = [plot_image(i, predictions, labels, images, names, ax) for i, ax in enumerate(axes.flat)]
    (size,) = {ax.xaxis.label.get_fontsize() for ax in drawn}
    assert 8 < size < 10, "it is that of the longest caption, though it may not be among them"
    for fig in (plot_mistakes(predictions, labels, images, CLASS_NAMES_RU), plot_grid(images, labels, CLASS_NAMES_RU)):
        assert len({ax.xaxis.label.get_fontsize() for ax in fig.axes}) == 1


def colours(ax):
    return [matplotlib.colors.to_hex(bar.get_facecolor()) for bar in ax.patches]


def test_bars_are_grey_the_predicted_one_red_the_true_one_blue():
    predictions = np.array([[0.2, 0.7, 0.1], [0.0, 0.0, 1.0]])
    wrong, right = (plot_value_array(i, predictions, [2, 2]) for i in (0, 1))
    assert colours(wrong) == [GREY, "#ff0000", "#0000ff"]
    assert colours(right) == [GREY, GREY, "#0000ff"]
    assert np.allclose([bar.get_height() for bar in wrong.patches], predictions[0])
    for ax in (wrong, right):
        assert ax.get_ylim() == (0, 1)
        assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0


def test_names_stand_under_the_bars_at_45_degrees(things):
    _, labels, predictions = things
    with plt.rc_context({"axes.grid": True}):
        ax = plot_value_array(1, predictions, labels, CLASS_NAMES_RU)
    names = ax.get_xticklabels()
    assert [name.get_text() for name in names] == list(CLASS_NAMES_RU)
    assert list(ax.get_xticks()) == list(range(10))
    set_as = {(name.get_rotation(), name.get_horizontalalignment(), name.get_rotation_mode()) for name in names}
    assert set_as == {(45, "right", "anchor")}
    assert len(ax.get_yticks()) == 0
    assert not any(line.get_visible() for line in ax.get_xgridlines())


def test_the_sheet_has_each_image_beside_its_bars(things):
    images, labels, predictions = things
    fig = plot_predictions(predictions, labels, images, CLASS_NAMES_RU, rows=2, columns=3)
    assert len(fig.axes) == 12
    for i, (left, right) in enumerate(zip(fig.axes[::2], fig.axes[1::2], strict=True)):
        alone = plot_image(i, predictions, labels, images, CLASS_NAMES_RU)
        assert left.get_xlabel() == alone.get_xlabel()
        assert left.xaxis.label.get_color() == alone.xaxis.label.get_color()
        assert np.array_equal(shown(left), images[i])
        assert colours(right) == colours(plot_value_array(i, predictions, labels))
        assert right.get_ylim() == (0, 1)
        assert len(right.get_xticks()) == 0
        assert (left.get_subplotspec().num1, right.get_subplotspec().num1) == (2 * i, 2 * i + 1)
    assert len(plot_predictions(predictions, labels, images).axes) == 30


def test_mistakes_begin_with_the_most_confident():
    predictions = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7], [0.8, 0.2]])
    labels = [0, 1, 0, 0, 1]  # wrong: 1 with 0.6, 2 with 0.8, 3 with 0.7, 4 with 0.8
    images = np.arange(5)[:, None, None] * np.ones((5, 2, 2))
    fig = plot_mistakes(predictions, labels, images, ["a", "b"])
    assert [int(shown(ax)[0, 0]) for ax in fig.axes] == [2, 4, 3, 1]
    assert [ax.get_xlabel() for ax in fig.axes] == ["b 80% (a)", "a 80% (b)", "b 70% (a)", "a 60% (b)"]
    assert {ax.xaxis.label.get_color() for ax in fig.axes} == {RED}
    images = np.arange(100)[:, None, None] * np.ones((100, 2, 2))
    equal = plot_mistakes([[0.3, 0.7], [0.2, 0.8]] * 50, [0] * 100, images, rows=2)
    assert [int(shown(ax)[0, 0]) for ax in equal.axes] == list(range(1, 20, 2)), "in their order"
    few = plot_mistakes(predictions, labels, images[:5], rows=1, columns=2)
    assert [int(shown(ax)[0, 0]) for ax in few.axes] == [2, 4]


def test_where_there_is_no_mistake_the_figure_says_so():
    fig = plot_mistakes([[0.9, 0.1]] * 3, [0, 0, 0], np.zeros((3, 2, 2)))
    assert [text.get_text() for text in check_readable(fig)] == ["No mistake among 3 predictions"]
    assert tuple(fig.get_size_inches()) == (4.8, 1.3)
