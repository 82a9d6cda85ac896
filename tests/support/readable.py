"""What the tests of pictures ask of one: that all its texts can be read."""

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn

GREY, RED, BLUE = "#777777", "red", "blue"
LONGEST = ("Футболка / топ",) * 10
small = tn.Sequential([tn.Input((4,)), tn.layers.Dense(3, "relu"), tn.layers.Dense(2, "softmax")], seed=0)


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
