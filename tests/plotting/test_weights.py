"""Weights as images."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from readable import check_readable, small

import tinynet as tn
from tinynet.plotting import (
    plot_weights,
)

# ---- images ---------------------------------------------------------------------------------------------------------


def shown(ax):
    return np.asarray(ax.images[0].get_array())


# ---- networks -------------------------------------------------------------------------------------------------------


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
