"""One image, and a grid of them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from readable import check_readable

from tinynet.datasets.fashion_mnist import CLASS_NAMES_RU
from tinynet.plotting import (
    plot_grid,
    plot_mistakes,
    plot_picture,
    plot_predictions,
)


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
