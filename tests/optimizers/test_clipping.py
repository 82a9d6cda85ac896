"""Clipped gradients: by hand, their bound and their direction."""

import catalogue
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.optimizers import SGD
from tinynet.optimizers.clipping import scale_to_norm


def gradient(t, dtype="float32"):
    return np.array([0.1, -0.5, 2 * t], dtype)


# ---- clipping -----------------------------------------------------------------------------------------------------


def test_clips_by_hand():
    """A gradient of norm 5 and one of norm 13; together sqrt(194). At the bound itself none moves."""
    for options, expected in (
        ({}, [[3, 4], [5, 12]]),
        ({"clipnorm": 10}, [[3, 4], [50 / 13, 120 / 13]]),
        ({"clipnorm": 5}, [[3, 4], [25 / 13, 60 / 13]]),
        ({"clipnorm": 13}, [[3, 4], [5, 12]]),
        ({"global_clipnorm": 14}, [[3, 4], [5, 12]]),
        ({"global_clipnorm": 194**0.5 / 2}, [[1.5, 2], [2.5, 6]]),
        ({"clipvalue": 4.5}, [[3, 4], [4.5, 4.5]]),
        ({"clipvalue": 12}, [[3, 4], [5, 12]]),
    ):
        weights, gradients = [np.zeros(2), np.zeros((2, 1))], [np.array([-3.0, 4.0]), np.array([[5.0], [-12.0]])]
        SGD(1, **options).apply(gradients, weights)
        for weight, gradient, size in zip(weights, gradients, expected, strict=True):
            assert np.allclose(np.abs(weight).ravel(), size, rtol=1e-15, atol=0), options
            assert np.array_equal(weight, -gradient), "the gradients are clipped in place"


@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_a_model_clips_the_gradient_of_each_weight(clip):
    entry = catalogue.MODELS["a frozen layer"]
    x, labels = entry.data(5)
    model, by_hand = (entry.compiled(SGD(0.5, **{clip: 1e-3})) for _ in range(2))
    model.train_on_batch(x, labels)
    by_hand.build((None, 4))
    _, gradients = by_hand.gradients(x, labels)
    weights = by_hand.get_weights()
    trained = [0, 1, 4, 5]  # not those of the layer in the middle, which would count in the global norm
    SGD(0.5, **{clip: 1e-3}).apply([gradients[i] for i in trained], [weights[i] for i in trained])
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        assert np.allclose(ours, theirs, rtol=0, atol=2e-7)  # float32's weights of up to 1
    sizes = [np.linalg.norm(model.get_weights()[i] - by_hand.get_weights()[i]) for i in trained]
    assert all(size > 0 for size in sizes)
    if clip == "clipnorm":
        assert np.allclose(sizes, 5e-4, rtol=0, atol=1e-6)


@given(seed=catalogue.seeds, bound=st.floats(1e-3, 1e3), dtype=st.sampled_from(["float32", "float64"]))
def test_clipped_gradients_keep_their_bound_and_their_direction(seed, bound, dtype):
    rng, slack = np.random.default_rng(seed), 1 + 8 * np.finfo(dtype).eps  # of the sum, the root and the product
    drawn = [(rng.normal(size=shape) * 10 ** rng.uniform(-4, 4)).astype(dtype) for shape in ((4,), (2, 2))]
    bound = float(np.dtype(dtype).type(bound))

    def clipped(**options):
        own = [gradient.copy() for gradient in drawn]
        SGD(**options).apply(own, [np.zeros_like(gradient) for gradient in drawn])
        return own

    def norm(arrays):
        return np.linalg.norm(np.concatenate([np.ravel(array).astype("float64") for array in arrays]))

    for before, after in zip(drawn, clipped(clipnorm=bound), strict=True):
        assert norm([after]) <= bound * slack
        assert np.allclose(after * norm([before]), before * norm([after]), rtol=8 * np.finfo(dtype).eps, atol=0)
        if norm([before]) <= bound / slack:
            assert np.array_equal(before, after)
        else:
            assert norm([after]) >= min(bound, norm([before])) / slack
    together = clipped(global_clipnorm=bound)
    assert min(bound, norm(drawn)) / slack <= norm(together) <= bound * slack
    ratios = [norm([after]) / norm([before]) for before, after in zip(drawn, together, strict=True)]
    assert np.isclose(*ratios, rtol=8 * np.finfo(dtype).eps)
    for before, after in zip(drawn, clipped(clipvalue=bound), strict=True):
        assert np.array_equal(after, np.maximum(np.minimum(before, bound), -bound))


def test_clips_of_zeros_of_nothing_and_of_bad_numbers():
    for options in ({"clipnorm": 1}, {"global_clipnorm": 1}):
        w = np.ones(2)
        SGD(**options).apply([np.zeros(2)], [w])
        assert w.tolist() == [1, 1]
        SGD(**options).apply([np.zeros(0)], [np.zeros(0)])
        SGD(**options).apply([], [])
        SGD(**options).apply([np.array([np.nan, 1])], [w])
        assert np.isnan(w).all(), "a norm that is NaN shows in every weight that it is about"
    scale_to_norm([], 1)


# ---- what an optimizer is made of ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_clips_are_above_zero_and_one_of_them(name):
    for value in (0, -1, float("nan"), float("inf"), "1", True):
        with pytest.raises(ValueError, match=f"{name} must be a finite number above 0; got"):
            SGD(**{name: value})
    for other in {"clipnorm", "clipvalue", "global_clipnorm"} - {name}:
        with pytest.raises(ValueError, match=r"Only one of clipnorm, clipvalue and global_clipnorm can be set; got \{"):
            SGD(**{name: 1, other: 1})
    assert getattr(SGD(**{name: np.float32(0.5)}), name) == 0.5
