"""The pictures: what is drawn and where, that every text can be read, and that wrong arguments are told."""

import os
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

import tinynet as tn
from tinynet import plotting
from tinynet.datasets.fashion_mnist import CLASS_NAMES, CLASS_NAMES_RU
from tinynet.plotting import (
    plot_activation,
    plot_confusion,
    plot_grid,
    plot_history,
    plot_image,
    plot_mistakes,
    plot_network,
    plot_picture,
    plot_predictions,
    plot_value_array,
    plot_weights,
)

GREY, RED, BLUE = "#777777", "red", "blue"
LONGEST = ("Футболка / топ",) * 10


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    """Nothing is shown, settings stay as they were, and figures are closed."""

    def fail(*args, **kwargs):
        raise AssertionError("show was called")

    monkeypatch.setattr(plt, "show", fail)
    monkeypatch.setattr(matplotlib.figure.Figure, "show", fail)
    settings = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == settings
    plt.close("all")


@pytest.fixture(scope="module")
def things(sample):
    """40 real images, their labels, and probabilities, the first of them right and sure, the second wrong and sure."""
    _, (images, labels) = sample
    probabilities = np.random.default_rng(0).dirichlet(np.ones(10), 40).astype("float32")
    probabilities[0] = np.eye(10)[labels[0]]
    probabilities[1] = np.eye(10)[(labels[1] + 1) % 10]
    return images[:40], labels[:40], probabilities


# ---- texts that can be read -----------------------------------------------------------------------------------------


def visible_texts(fig):
    """All texts that are drawn, those of ticks too."""
    texts = [*fig.texts, *([fig._suptitle] if fig._suptitle else [])]
    for ax in fig.axes:
        texts += ax.texts
        legend = ax.get_legend()
        texts += legend.get_texts() if legend else []
        if not ax.axison:
            continue
        texts += [ax.title, ax.xaxis.label, ax.yaxis.label, ax.xaxis.offsetText, ax.yaxis.offsetText]
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            texts += [text for tick in ticks for text in (tick.label1, tick.label2)]
    return list({id(text): text for text in texts if text.get_visible() and text.get_text().strip()}.values())


def corners(text):
    """The corners of a text's box in pixels, turned with the text."""
    angle = text.get_rotation()
    if angle % 90 == 0:
        box = text.get_window_extent()
        return np.array([[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]])
    assert text.get_rotation_mode() == "anchor"
    text.set_rotation(0)
    level = corners(text)
    text.set_rotation(angle)
    anchor = text.get_transform().transform(text.get_position())
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return (level - anchor) @ np.array([[cos, sin], [-sin, cos]]) + anchor


def overlap(one, other):
    """Whether two rectangles share more than an edge: no line along a side separates them."""
    if (one.max(axis=0) <= other.min(axis=0)).any() or (other.max(axis=0) <= one.min(axis=0)).any():
        return False
    for box in (one, other):
        for side in (box[1] - box[0], box[2] - box[1]):
            a, b = one @ side, other @ side
            if a.max() <= b.min() + 0.5 * np.linalg.norm(side) or b.max() <= a.min() + 0.5 * np.linalg.norm(side):
                return False
    return True


def check_readable(drawn, smallest=4.0):
    """Draw the figure; every text is inside it, none touches another, none is smaller than so many points."""
    fig = drawn.figure if isinstance(drawn, plt.Axes) else drawn
    fig.canvas.draw()
    texts = visible_texts(fig)
    boxes = [corners(text) for text in texts]
    for text, box in zip(texts, boxes, strict=True):
        assert (box >= -0.5).all(), f"{text} is cut off: {box}"
        assert (box <= np.array([fig.bbox.width, fig.bbox.height]) + 0.5).all(), f"{text} is cut off: {box}"
        assert text.get_fontsize() >= smallest, f"{text} is too small"
    for (one, a), (other, b) in combinations(zip(texts, boxes, strict=True), 2):
        assert not overlap(a, b), f"{one} overlaps {other}"
    return texts


def test_the_check_of_texts_finds_what_cannot_be_read():
    for second, complaint in (((0.5, 0.52), "overlaps"), ((0.99, 0.1), "cut off"), ((-0.01, 0.1), "cut off")):
        fig = plt.figure()
        fig.text(0.5, 0.5, "one text")
        fig.text(*second, "another text")
        with pytest.raises(AssertionError, match=complaint):
            check_readable(fig)
    fig = plt.figure()
    for y, name in ((0.5, "a long name of a class"), (0.56, "another")):
        fig.text(0.5, y, name, rotation=45, ha="right", va="top", rotation_mode="anchor")
    check_readable(fig)  # their upright boxes overlap, the texts do not
    fig.text(0.5, 0.52, "between", rotation=45, ha="right", va="top", rotation_mode="anchor")
    with pytest.raises(AssertionError, match="overlaps"):
        check_readable(fig)
    fig = plt.figure()
    fig.text(0.5, 0.5, "small", size=3)
    with pytest.raises(AssertionError, match="too small"):
        check_readable(fig)


DRAWN = {
    "plot_picture": lambda x, y, p, names: plot_picture(x[0], names[0]),
    "plot_grid": lambda x, y, p, names: plot_grid(x, y, names),
    "plot_image": lambda x, y, p, names: plot_image(1, p, y, x, names),
    "plot_value_array": lambda x, y, p, names: plot_value_array(1, p, y, names),
    "plot_predictions": lambda x, y, p, names: plot_predictions(p, y, x, names),
    "plot_mistakes": lambda x, y, p, names: plot_mistakes(p, y, x, names),
    "plot_confusion": lambda x, y, p, names: plot_confusion(p, y, names),
}


@pytest.mark.parametrize("names", [CLASS_NAMES, CLASS_NAMES_RU, LONGEST], ids=["English", "Russian", "longest"])
@pytest.mark.parametrize("name", DRAWN)
def test_every_text_is_inside_the_figure_and_alone_at_its_place(name, names, things):
    check_readable(DRAWN[name](*things, names), smallest=7)


@pytest.mark.parametrize("names", [CLASS_NAMES, CLASS_NAMES_RU, LONGEST], ids=["English", "Russian", "longest"])
def test_the_lessons_own_figures(names, things):
    images, labels, predictions = things
    fig = plt.figure(figsize=(6, 3))
    plt.subplot(1, 2, 1)
    left = plot_image(1, predictions, labels, images, names)
    plt.subplot(1, 2, 2)
    right = plot_value_array(1, predictions, labels, names)
    assert fig.axes == [left, right]
    assert plt.get_fignums() == [fig.number]
    check_readable(fig, smallest=7)
    fig = plt.figure(figsize=(12, 10))
    for i in range(15):
        plt.subplot(5, 6, 2 * i + 1)
        plot_image(i, predictions, labels, images, names)
        plt.subplot(5, 6, 2 * i + 2)
        plot_value_array(i, predictions, labels)
    assert len(fig.axes) == 30
    check_readable(fig, smallest=5)
    plt.tight_layout()  # the lesson's last line; no warning
    check_readable(plot_value_array(0, predictions[:1], labels, names), smallest=7)


LONG_NAME = "A name that was given by somebody with a lot of time, and for a class of clothes that is worn in winter"


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


def test_names_that_fit_are_never_cut(things):
    images, labels, predictions = things
    ax = plot_image(1, predictions, labels, images, [LONG_NAME[:25]] * 10, ax=plt.figure(figsize=(9, 4)).add_subplot())
    assert ax.get_xlabel() == f"{LONG_NAME[:25]} 100% ({LONG_NAME[:25]})"
    for figures in ((12, 10), (10, 8)):
        fig = plot_mistakes(predictions, labels, images, CLASS_NAMES_RU, fig=plt.figure(figsize=figures))
        assert not any("…" in ax.get_xlabel() for ax in fig.axes), "they are made smaller first"


@pytest.mark.parametrize("names", [CLASS_NAMES, CLASS_NAMES_RU], ids=["English", "Russian"])
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


# ---- where it is drawn ----------------------------------------------------------------------------------------------

small = tn.Sequential([tn.Input((4,)), tn.layers.Dense(3, "relu"), tn.layers.Dense(2, "softmax")], seed=0)
NAMES = CLASS_NAMES_RU
ON_AXES = {
    "plot_picture": lambda x, y, p, ax: plot_picture(x[0], ax=ax),
    "plot_image": lambda x, y, p, ax: plot_image(1, p, y, x, ax=ax),
    "plot_value_array": lambda x, y, p, ax: plot_value_array(1, p, y, NAMES, ax=ax),
    "plot_confusion": lambda x, y, p, ax: plot_confusion(p, y, NAMES, ax=ax),
    "plot_network": lambda x, y, p, ax: plot_network(small, ax=ax),
}
ON_FIGURES = {
    "plot_grid": lambda x, y, p, fig: plot_grid(x, y, fig=fig),
    "plot_predictions": lambda x, y, p, fig: plot_predictions(p, y, x, fig=fig),
    "plot_mistakes": lambda x, y, p, fig: plot_mistakes(p, y, x, fig=fig),
    "plot_mistakes of none": lambda x, y, p, fig: plot_mistakes(p[:1], y[:1], x[:1], fig=fig),
    "plot_activation": lambda x, y, p, fig: plot_activation("relu", fig=fig),
    "plot_history": lambda x, y, p, fig: plot_history({"loss": [1.0]}, fig=fig),
    "plot_weights": lambda x, y, p, fig: plot_weights(small, shape=(2, 2), fig=fig),
}


@pytest.mark.parametrize("name", ON_AXES)
def test_what_needs_one_axes(name, things):
    draw = ON_AXES[name]
    given = matplotlib.figure.Figure().add_subplot()  # unknown to pyplot
    assert draw(*things, given) is given
    assert plt.get_fignums() == []
    assert given.has_data()
    for layout in (None, "constrained"):
        _, right = matplotlib.figure.Figure(figsize=(20, 8), layout=layout).subfigures(1, 2)
        assert draw(*things, right.add_subplot()) is right.axes[0]
    first = draw(*things, None)
    assert first.figure is plt.gcf()
    assert type(first.figure.get_layout_engine()).__name__ == "ConstrainedLayoutEngine"
    second = draw(*things, None)  # the first one is drawn on
    assert second.figure is not first.figure
    fig = plt.figure()
    assert draw(*things, None).figure is fig, "an empty figure is used"
    _, (left, right) = plt.subplots(1, 2)
    plt.sca(left)
    left.set_title("a title alone")
    assert draw(*things, None) is left
    assert not right.has_data()
    plt.figure().subfigures(1, 2)
    assert draw(*things, None).figure is plt.gcf()
    for wrong in (fig, 3):
        with pytest.raises(TypeError, match="ax must be an Axes of matplotlib's"):
            draw(*things, wrong)


@pytest.mark.parametrize("name", ON_FIGURES)
def test_what_needs_a_figure(name, things):
    draw = ON_FIGURES[name]
    given = matplotlib.figure.Figure(figsize=(12, 10), layout="constrained")
    assert draw(*things, given) is given
    left, right = matplotlib.figure.Figure(figsize=(20, 10), layout="constrained").subfigures(1, 2)
    assert draw(*things, right) is right
    assert right.axes
    assert not left.axes
    assert plt.get_fignums() == []
    first, second = draw(*things, None), draw(*things, None)
    assert first is not second
    assert plt.gcf() is second
    assert type(second.get_layout_engine()).__name__ == "ConstrainedLayoutEngine"
    assert ON_AXES["plot_picture"](*things, None).figure is not second
    for wrong in (given.axes[0], "figure"):
        with pytest.raises(TypeError, match="fig must be a Figure or a SubFigure of matplotlib's"):
            draw(*things, wrong)


@pytest.mark.parametrize("name", ON_AXES)
@pytest.mark.parametrize("projection", ["3d", "polar"])
def test_what_is_flat_is_not_drawn_in_space_or_on_a_circle(name, projection, things):
    ax = plt.figure().add_subplot(projection=projection)
    with pytest.raises(TypeError, match=rf"ax must be a plane Axes.* got one of kind '{projection}'"):
        ON_AXES[name](*things, ax)
    assert ON_AXES[name](*things, None).figure is not ax.figure


def test_a_text_on_an_axes_counts_as_drawn(things):
    ax = plt.subplot()
    ax.text(0.5, 0.5, "taken")
    assert plot_value_array(0, things[2], things[1]) is not ax


# ---- images ---------------------------------------------------------------------------------------------------------


def shown(ax):
    return np.asarray(ax.images[0].get_array())


@pytest.mark.parametrize("image", [np.arange(6, dtype="uint8").reshape(2, 3, 1), [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]])
def test_a_picture_has_a_title_and_a_colour_bar_and_no_grid(image):
    with plt.rc_context({"axes.grid": True}):
        ax = plot_picture(image, title="One")
    assert np.array_equal(shown(ax), np.arange(6).reshape(2, 3))
    assert ax.images[0].get_cmap().name == "binary"
    assert ax.images[0].colorbar.ax in ax.figure.axes
    assert ax.get_title() == "One"
    assert not any(line.get_visible() for line in (*ax.get_xgridlines(), *ax.get_ygridlines()))
    assert plot_picture(image).get_title() == ""


@pytest.mark.parametrize(
    ("value", "dtype", "scale"),
    [
        (0, "uint8", (0, 255)),
        (128, "uint8", (0, 255)),
        (300, "int64", (0, 300)),
        (0, "float32", (0, 1)),
        (0.5, "float32", (0, 1)),
        (1, "float64", (0, 1)),
        (128, "float32", (0, 255)),
        (-3, "float64", (-3, 1)),
        (1, "bool", (0, 1)),
    ],
)
def test_an_image_of_one_value_is_drawn_on_the_scale_it_belongs_to(value, dtype, scale):
    image = np.full((3, 4), value, dtype)
    alone, in_grid = plot_picture(image), plot_grid(image[None]).axes[0]
    assert alone.images[0].get_clim() == in_grid.images[0].get_clim() == scale
    alone.figure.canvas.draw()
    assert alone.images[0].colorbar.ax.get_ylim() == scale
    check_readable(alone)


def test_other_images_have_a_scale_of_their_own(things):
    for image in (things[0][0], things[0][0] / 255, np.array([[0.25, 0.5]]), np.array([[-1, 7]])):
        expected = (image.min(), image.max())
        assert plot_picture(image).images[0].get_clim() == plot_grid([image]).axes[0].images[0].get_clim() == expected


def test_a_grid_shows_the_first_images_in_order_with_their_names(things):
    images, labels, _ = things
    fig = plot_grid(images[..., None], labels, CLASS_NAMES_RU, rows=2, columns=3)
    assert len(fig.axes) == 6
    for place, ax in enumerate(fig.axes):
        assert np.array_equal(shown(ax), images[place])
        assert ax.get_xlabel() == CLASS_NAMES_RU[labels[place]]
        assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0
        assert ax.get_subplotspec().num1 == place
    numbered = plot_grid(list(images), list(labels))
    assert [ax.get_xlabel() for ax in numbered.axes] == [str(label) for label in labels[:25]]
    assert {ax.get_xlabel() for ax in plot_grid(images).axes} == {""}


def test_where_there_are_fewer_images_than_places_the_rest_stays_empty(things):
    images, labels, predictions = things
    fig = plot_grid(images[:4], rows=5, columns=3)
    assert len(fig.axes) == 4
    assert tuple(fig.get_size_inches()) == (6, 4), "a new figure has only the rows it needs"
    wrong = plot_mistakes([[0.2, 0.8]] * 2, [0, 0], images[:2])
    for few, columns, size in (
        (plot_grid(images[:2], labels[:2], CLASS_NAMES_RU), 2, (4, 2)),
        (plot_grid(images[:2], rows=1, columns=1), 1, (2, 2)),
        (wrong, 2, (4.8, 2.6)),
        (plot_predictions(predictions[:1], labels[:1], images[:1], CLASS_NAMES_RU), 2, (4, 2)),
    ):
        assert few.axes[0].get_subplotspec().get_gridspec().get_geometry() == (1, columns)
        assert tuple(few.get_size_inches()) == size
        check_readable(few, smallest=8)
    given = plt.figure(figsize=(6, 10))
    plot_grid(images[:4], rows=5, columns=3, fig=given)
    assert given.axes[0].get_subplotspec().get_gridspec().get_geometry() == (5, 3)
    assert len(plot_predictions(predictions[:4], labels[:4], images[:4]).axes) == 8


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


def test_names_are_smaller_in_a_small_figure(things):
    images, labels, predictions = things
    for columns in (5, 3):
        fig = plt.figure(figsize=(columns, columns), layout="constrained")
        plot_grid(images, labels, CLASS_NAMES_RU, rows=columns, columns=columns, fig=fig)
        check_readable(fig, smallest=5)
    for draw in (plot_predictions, plot_mistakes):
        for layout in ("constrained", None):
            fig = draw(predictions, labels, images, CLASS_NAMES_RU, fig=plt.figure(figsize=(7, 7), layout=layout))
            check_readable(fig, smallest=6)


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


def test_confusion_of_very_many_classes_has_no_numbers():
    ax = plot_confusion([0, 999], [999, 999])
    assert not ax.texts
    assert shown(ax)[999].tolist() == [1, *[0] * 998, 1]
    assert len(plot_confusion([0, 59], [0, 0]).texts) == 60 * 60
    for predictions, labels in (([0, 100_000], [0, 1]), ([0, 1], [0, 100_000])):
        with pytest.raises(ValueError, match="plot_confusion draws up to 1,000 classes; got 100,001"):
            plot_confusion(predictions, labels)
    with pytest.raises(ValueError, match="up to 1,000 classes; got 1,001"):
        plot_confusion(np.zeros((2, 1001)), [0, 1])


# ---- curves ---------------------------------------------------------------------------------------------------------


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
        ({"loss": [1, 2], "val_loss": [1]}, r"got \{'loss': 2, 'val_loss': 1\}\. Of a dictionary .*give what fit"),
    ],
)
def test_histories_that_cannot_be_drawn(history, message):
    with pytest.raises(ValueError, match=message):
        plot_history(history)


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


def test_weights_are_the_columns_of_the_first_kernel(lesson_model):
    model = lesson_model(seed=0)
    kernel = model.layers[1].kernel
    kernel[5, 3] = -9.0
    fig = plot_weights(model, rows=2, columns=3)
    *images, bar = fig.axes
    assert len(images) == 6
    for unit, ax in enumerate(images):
        assert np.array_equal(shown(ax), kernel[:, unit].reshape(28, 28))
        assert ax.images[0].get_cmap().name == "RdBu_r"
    (limits,) = {ax.images[0].get_clim() for ax in images}
    assert limits[0] == -limits[1]
    assert np.mean(abs(kernel[:, :6]) > limits[1]) == pytest.approx(1 / 200, abs=1 / 4000), "the scale is not the -9's"
    assert bar.get_ylim() == limits
    check_readable(fig)
    assert len(plot_weights(model).axes) == 4 * 8 + 1


def test_few_units_make_a_small_figure():
    for units, shape, size in ((3, (1, 3), (5.0, 1.4)), (8, (1, 8), (12.0, 1.4)), (10, (2, 8), (12.0, 2.8))):
        model = tn.Sequential([tn.Input((5, 5)), tn.layers.Flatten(), tn.layers.Dense(units)])
        fig = plot_weights(model)
        assert len(fig.axes) == units + 1
        assert fig.axes[0].get_subplotspec().get_gridspec().get_geometry() == shape
        assert tuple(fig.get_size_inches()) == pytest.approx(size)
        check_readable(fig)
        given = plot_weights(model, fig=plt.figure(figsize=(9, 9)))
        places = given.axes[0].get_subplotspec().get_topmost_subplotspec().get_gridspec()
        assert places.get_geometry() == (4, 8), "as asked for"


def test_weights_of_other_shapes():
    inner = tn.Sequential([tn.layers.Dense(2, kernel_initializer="zeros")])
    model = tn.Sequential([tn.Input((2, 3)), tn.layers.Flatten(), inner])
    images = plot_weights(model).axes[:-1]
    assert [shown(ax).shape for ax in images] == [(2, 3)] * 2
    assert images[0].images[0].get_clim() == (-1, 1)
    assert shown(plot_weights(model, shape=(3, 2)).axes[0]).shape == (3, 2)
    for shape in ((2, 2), (6,), (1, 2, 3)):
        with pytest.raises(ValueError, match=r"shape must be \(H, W\) with H W = 6, the number of weights of a unit"):
            plot_weights(model, shape=shape)
    with pytest.raises(ValueError, match=r"have shape \(None, 4\)\. Give shape=\(H, W\) with H W = 4"):
        plot_weights(small)
    deep = tn.Sequential([tn.Input((2, 3)), tn.layers.Dense(5)])
    with pytest.raises(ValueError, match="A unit's 3 weights make no image by themselves"):
        plot_weights(deep)
    with pytest.raises(ValueError, match="build it first, or train it"):
        plot_weights(tn.Sequential([tn.layers.Dense(3)]))
    with pytest.raises(ValueError, match="draws the first Dense layer, and there is none"):
        plot_weights(tn.Sequential([tn.Input((2, 2)), tn.layers.ReLU()]))


# ---- arguments ------------------------------------------------------------------------------------------------------

X, Y, P = np.zeros((3, 4, 5)), [0, 1, 1], np.full((3, 2), 0.5)
SET = tn.data.Dataset.from_tensor_slices((X, Y))
WRONG_CALLS = [
    (lambda: plot_picture(X), r"image must be one grey image of shape \(H, W\) or \(H, W, 1\); got \(3, 4, 5\)\.$"),
    (lambda: plot_picture(X[:1]), r"got \(1, 4, 5\)\. It is a batch of one image: image\[0\]"),
    (lambda: plot_picture(X[0, 0]), r"got \(5,\)"),
    (lambda: plot_picture(X[0, :0]), r"got \(0, 5\)"),
    (lambda: plot_picture([["a"]]), "image must be an array of real numbers"),
    (lambda: plot_picture([[1], [2, 3]]), "image must be an array, or lists that make one"),
    (lambda: plot_grid(X[0]), r"got \(4, 5\)\. A single image needs an axis in front: image\[None\]"),
    (lambda: plot_grid(np.zeros((3, 4, 4, 3))), r"images must be grey, of shape .*; got \(3, 4, 4, 3\)\.$"),
    (lambda: plot_grid(X[:0]), r"got \(0, 4, 5\)"),
    (lambda: plot_grid(X, Y[:2]), "the same number of samples: images has 3, labels has 2"),
    (lambda: plot_grid(X, [0, 1, 2], ["a", "b"]), "labels must be classes, integers from 0 to 1; got 2 at place 2"),
    (lambda: plot_grid(X, [0, -1, 2]), "labels must be classes, integers of at least 0; got -1 at place 1"),
    (lambda: plot_grid(X, [0, 1, 0.5]), r"got 0\.5 at place 2"),
    (lambda: plot_grid(X, [0, 1, np.nan]), "got nan at place 2"),
    (lambda: plot_grid(X, class_names=["a"]), "give labels as well"),
    (lambda: plot_grid(X, rows=0), "rows must be a positive integer; got 0"),
    (lambda: plot_grid(X, columns=1.5), r"columns must be a positive integer; got 1\.5"),
    (lambda: plot_image(3, P, Y, X), "i must be the place of a sample, an integer from 0 to 2; got 3"),
    (lambda: plot_image(-1, P, Y, X), "from 0 to 2; got -1"),
    (lambda: plot_value_array(1.0, P, Y), r"from 0 to 2; got 1\.0"),
    (lambda: plot_value_array(1, P[:1], Y), "from 0 to 0; got 1"),
    (lambda: plot_image(0, P, Y, X[:2]), "images has 2, true_labels has 3. Do they belong together"),
    (lambda: plot_image(0, P[:2], Y, X), "predictions has 2, true_labels has 3"),
    (lambda: plot_image(0, P, Y, X, ["a"]), "one name for each of the 2 classes; got 1 names"),
    (lambda: plot_image(0, P, Y, X, ["a", "b", "c"]), "one name for each of the 2 classes; got 3 names"),
    (lambda: plot_image(0, P, Y, X, "ab"), "class_names must be a list or tuple of strings.*; got 'ab'"),
    (lambda: plot_grid(X, Y, 3), r"class_names must be a list or tuple of strings.*; got 3"),
    (lambda: plot_grid(X, Y, []), r"class_names must be a list or tuple of strings.*; got \[\]"),
    (lambda: plot_image(0, P, Y, X, [1, 2]), r"class_names must be a list or tuple of strings.*; got \[1, 2\]"),
    (lambda: plot_value_array(0, P, [0, 1, 2]), "true_labels must be classes, integers from 0 to 1; got 2 at place 2"),
    (lambda: plot_value_array(0, P, np.eye(2)[Y]), r"If they are one-hot: true_labels\.argmax\(axis=1\)"),
    (lambda: plot_value_array(0, P[0], Y), r"got \(2,\)\. The prediction for a single sample .*: prediction\[None\]"),
    (lambda: plot_value_array(0, P[:, :1], Y), r"Of a sigmoid's p make two classes: np\.hstack\(\[1 - p, p\]\)"),
    (lambda: plot_value_array(0, P[:0], Y), r"predictions must have shape \(N, C\).*; got \(0, 2\)"),
    (lambda: plot_value_array(0, P * [[1], [4], [1]], Y), r"row 1 holds 2\. If they are logits: tn\.activations\.soft"),
    (lambda: plot_value_array(0, -P, Y), r"from 0 to 1; row 0 holds -0\.5"),
    (lambda: plot_value_array(0, P * [[1], [1], [np.nan]], Y), "predictions must be numbers; row 2 holds NaN"),
    (lambda: plot_predictions(P, Y, X[:2]), "predictions has 3, images has 2"),
    (lambda: plot_predictions(P[:1], Y, X), "predictions has 1, true_labels has 3"),
    (lambda: plot_predictions(P, Y, X, columns=0), "columns must be a positive integer; got 0"),
    (lambda: plot_predictions(P, Y, X, rows="1"), "rows must be a positive integer; got '1'"),
    (lambda: plot_mistakes(P[:2], Y[:2], X), "predictions has 2, images has 3"),
    (lambda: plot_mistakes(P, Y, X, rows=-1), "rows must be a positive integer; got -1"),
    (lambda: plot_mistakes(P, Y, X, columns=True), "columns must be a positive integer; got True"),
    (lambda: plot_confusion(P[:2], Y), "predictions has 2, true_labels has 3"),
    (lambda: plot_confusion(P, [0, 2, 1]), "true_labels must be classes, integers from 0 to 1; got 2 at place 1"),
    (lambda: plot_confusion([0, 5, 1], Y, ["a", "b"]), "predictions must be classes, integers from 0 to 1; got 5"),
    (lambda: plot_confusion(P, Y, ["a", "b", "c"]), "one name for each of the 2 classes; got 3 names"),
    (lambda: plot_confusion(Y, P), r"are the arguments swapped\? It is plot_confusion\(predictions, true_labels\)\.$"),
    (lambda: plot_confusion(Y, np.eye(2)[Y]), r"If they are one-hot: true_labels\.argmax\(axis=1\)"),
    (lambda: plot_confusion(P, P), r"true_labels must be classes, of shape \(N,\); got \(3, 2\)"),
    (lambda: plot_confusion(small, Y), r"what model\.predict\(images\) returns; got <Sequential name=sequential"),
    (lambda: plot_confusion(None, Y), r"predictions must be what model\.predict\(images\) returns; got None"),
    (lambda: plot_image(0, small, Y, X), r"what model\.predict\(images\) returns; got <Sequential name=sequential"),
    (lambda: plot_value_array(0, None, Y), r"predictions must be what model\.predict\(images\) returns; got None"),
    (lambda: plot_mistakes(small.predict, Y, X), r"what model\.predict\(images\) returns; got <bound method"),
    (lambda: plot_grid(SET), r"images must be an array: .*, images, labels = next\(iter\(dataset\.batch\(25\)\)\)"),
    (lambda: plot_grid(SET.batch(2)), r"or next\(iter\(dataset\)\) .*; got <Dataset: 3 x .* -> batch\(2\)>"),
    (lambda: plot_picture(SET), "image must be an array: take a batch of the dataset"),
    (lambda: plot_grid(X, SET), "labels must be an array: take a batch of the dataset"),
    (lambda: plot_mistakes(P, Y, SET), "images must be an array: take a batch of the dataset"),
    (lambda: plot_predictions(SET, Y, X), r"predictions must be an array: .*, and model\.predict\(images\);"),
    (lambda: plot_confusion(SET, Y), "predictions must be an array: take a batch of the dataset"),
    (lambda: plot_mistakes(Y, Y, X), r"got \(3,\)\. These are classes: give the probabilities, as model\.predict"),
    (lambda: plot_image(0, Y, Y, X), "These are classes: give the probabilities"),
    (lambda: plot_value_array(0, [1], [1]), r"got \(1,\)\. The prediction for a single sample needs an axis"),
    (lambda: plot_image(0, P, Y, X, (name for name in "abc")), "one name for each of the 2 classes; got 3 names"),
    (lambda: plot_grid(X, Y, (name for name in "a")), "labels must be classes, integers from 0 to 0; got 1 at place 1"),
    (lambda: plot_grid(X, Y, (name for name in ())), r"class_names must be a list or tuple of strings.*got <generator"),
    (lambda: plot_confusion([], []), r"predictions must be classes, of shape \(N,\); got \(0,\)"),
    (lambda: plot_weights(small, rows=0, shape=(2, 2)), "rows must be a positive integer; got 0"),
    (lambda: plot_weights(small, columns=0, shape=(2, 2)), "columns must be a positive integer; got 0"),
]


@pytest.mark.parametrize("number", range(len(WRONG_CALLS)))
def test_wrong_arguments_are_told_before_anything_is_drawn(number):
    call, message = WRONG_CALLS[number]
    with pytest.raises(ValueError, match=message):
        call()
    assert plt.get_fignums() == []


def test_lists_columns_of_labels_and_names_of_any_sequence_are_accepted():
    drawn = plot_image(0, P.tolist(), np.array([[0], [1], [1]]), X.astype(bool).tolist(), np.array(["a", "b"]))
    assert drawn.get_xlabel() == "a 50% (a)"
    assert plot_image(np.int64(1), P.astype("float16"), [0.0, 1.0, 1.0], X).get_xlabel() == "0 50% (1)"
    dollars = plot_grid(X, [0, 0, 0], ("$x$ and $y$", "never"))
    assert check_readable(dollars)[0].get_text() == "$x$ and $y$"
    bars = plot_value_array(0, P, Y, ["$x$", "$y$"])
    for text in (dollars.axes[0].xaxis.label, *bars.get_xticklabels()):
        assert not text.get_parse_math(), "a name is no formula"
    assert plot_image(0, P[:1], Y, X).get_xlabel() == "0 50% (0)", "a single prediction, as in the lesson"


def test_names_may_come_one_by_one():
    def names():
        yield from ("a", "b")

    assert [ax.get_xlabel() for ax in plot_grid(X, Y, names()).axes] == ["a", "b", "b"]
    assert plot_image(0, P, Y, X, names()).get_xlabel() == "a 50% (a)"
    drawn = [plot_value_array(0, P, Y, names()), plot_confusion(Y, Y, names()), plot_confusion(P, Y, names())]
    for ax in drawn:
        assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b"]
    for draw in (plot_predictions, plot_mistakes):
        assert draw(P, Y, X, names()).axes[0].get_xlabel().endswith(("(a)", "(b)"))


def test_arrays_of_cupys_are_fetched(stand_in):
    images, labels, predictions = (stand_in.asarray(np.asarray(array)) for array in (X, Y, P))
    assert plot_image(2, predictions, labels, images).get_xlabel() == "0 50% (1)"
    assert np.array_equal(shown(plot_confusion(predictions, labels)), [[1, 0], [2, 0]])


# ---- without matplotlib ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*ON_AXES, *ON_FIGURES])
def test_without_matplotlib_the_error_says_what_to_install(name, things, monkeypatch):
    for module in [module for module in sys.modules if module.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    draw = {**ON_AXES, **ON_FIGURES}[name]
    with pytest.raises(ImportError, match=r"^tinynet\.plotting needs matplotlib: python -m pip install matplotlib$"):
        draw(*things, None)


def test_a_matplotlib_that_is_broken_is_told(monkeypatch):
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot")
    monkeypatch.delattr(matplotlib, "pyplot")
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"install matplotlib What is there cannot be imported: .*pyplot"):
        plot_picture(X[0])


def test_matplotlib_is_imported_when_it_is_needed():
    code = """
import sys, tinynet as tn
assert "plotting" in dir(tn) and "tinynet.plotting" not in sys.modules
tn.plotting.plot_grid
assert "tinynet.plotting" in sys.modules and "matplotlib" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_name_that_is_not_here_is_told():
    with pytest.raises(AttributeError, match=r"plotting\.plot_picure is not in tinynet.* Did you mean plot_picture\?"):
        plotting.plot_picure  # noqa: B018


def test_nothing_here_shows():
    with pytest.raises(AttributeError, match=r"shows its figures: call matplotlib's plt\.show\(\)\.$"):
        plotting.show  # noqa: B018
    assert not hasattr(tn.plotting, "show")


def test_the_example_asks_for_matplotlib_before_it_trains(tmp_path):
    example = Path(__file__).parents[2] / "examples" / "fashion_mnist.py"

    def run(reason):
        (tmp_path / "matplotlib.py").write_text(f"raise {reason}", encoding="utf-8")
        path = os.pathsep.join([str(tmp_path), str(Path(tn.__file__).parents[1])])
        command = [sys.executable, str(example), "--sample", "--plots", str(tmp_path / "pictures")]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
        assert (done.returncode, done.stdout) == (2, "")
        assert not (tmp_path / "pictures").exists()
        return done.stderr.splitlines()[-1]

    absent = run("ModuleNotFoundError('No module named x', name='matplotlib')")
    assert absent.endswith("error: --plots needs matplotlib: python -m pip install matplotlib")
    assert run("ImportError('it is broken')").endswith("error: it is broken")
