"""Figures and axes: every text can be read, and what is drawn where."""

import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from readable import LONGEST, check_readable, small

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

matplotlib.use("Agg")


# ---- texts that can be read -----------------------------------------------------------------------------------------


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


IN_LANGUAGES = [  # the longest names are the hardest to draw
    pytest.param(CLASS_NAMES, id="English", marks=pytest.mark.slow),
    pytest.param(CLASS_NAMES_RU, id="Russian", marks=pytest.mark.slow),
    pytest.param(LONGEST, id="longest"),
]
DRAWN = {
    "plot_picture": lambda x, y, p, names: plot_picture(x[0], names[0]),
    "plot_grid": lambda x, y, p, names: plot_grid(x, y, names),
    "plot_image": lambda x, y, p, names: plot_image(1, p, y, x, names),
    "plot_value_array": lambda x, y, p, names: plot_value_array(1, p, y, names),
    "plot_predictions": lambda x, y, p, names: plot_predictions(p, y, x, names),
    "plot_mistakes": lambda x, y, p, names: plot_mistakes(p, y, x, names),
    "plot_confusion": lambda x, y, p, names: plot_confusion(p, y, names),
}


@pytest.mark.parametrize("names", IN_LANGUAGES)
@pytest.mark.parametrize("name", DRAWN)
def test_every_text_is_inside_the_figure_and_alone_at_its_place(name, names, things):
    check_readable(DRAWN[name](*things, names), smallest=7)


@pytest.mark.parametrize("names", IN_LANGUAGES)
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


def test_names_that_fit_are_never_cut(things):
    images, labels, predictions = things
    ax = plot_image(1, predictions, labels, images, [LONG_NAME[:25]] * 10, ax=plt.figure(figsize=(9, 4)).add_subplot())
    assert ax.get_xlabel() == f"{LONG_NAME[:25]} 100% ({LONG_NAME[:25]})"
    for figures in ((12, 10), (10, 8)):
        fig = plot_mistakes(predictions, labels, images, CLASS_NAMES_RU, fig=plt.figure(figsize=figures))
        assert not any("…" in ax.get_xlabel() for ax in fig.axes), "they are made smaller first"


# ---- where it is drawn ----------------------------------------------------------------------------------------------

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


# ---- predictions ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
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


# ---- arguments ------------------------------------------------------------------------------------------------------

X, Y, P = np.zeros((3, 4, 5)), [0, 1, 1], np.full((3, 2), 0.5)


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
