"""to_categorical and set_random_seed."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tinynet as tn
from tinynet import rng
from tinynet.utils import set_random_seed, to_categorical


def test_rows_by_hand():
    expected = [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    for labels in ([0, 2, 1], (0, 2, 1), np.array([0, 2, 1], "uint8"), np.array([0.0, 2.0, 1.0], "float32")):
        rows = to_categorical(labels)
        assert rows.tolist() == expected
        assert rows.dtype == np.float64, "as Keras's"
    assert to_categorical([[0], [2], [1]]).tolist() == expected, "a last axis of size 1 is dropped"
    assert to_categorical([1], 3).tolist() == [[0, 1, 0]]
    assert to_categorical([[1]], 2).tolist() == [[0, 1]]
    assert to_categorical(1, 3).tolist() == [0, 1, 0]
    assert to_categorical([False, True]).tolist() == [[1, 0], [0, 1]]
    assert to_categorical([[[0], [1]]]).tolist() == [[[1, 0], [0, 1]]]
    assert to_categorical([], 3).shape == (0, 3)
    assert to_categorical(np.zeros((2, 0), int), 3).shape == (2, 0, 3)


shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple)


@given(arrays("int64", shapes, elements=st.integers(0, 5)), st.integers(6, 9))
def test_the_place_of_the_one_is_the_label(labels, classes):
    rows = to_categorical(labels, classes)
    dropped = labels[..., 0] if labels.ndim > 1 and labels.shape[-1] == 1 else labels
    assert rows.shape == (*dropped.shape, classes)
    assert np.array_equal(rows.argmax(axis=-1), dropped)
    assert np.array_equal(rows.sum(axis=-1), np.ones(dropped.shape))
    assert np.array_equal(rows**2, rows)


@pytest.mark.parametrize(
    ("labels", "classes", "match"),
    [
        ([0, -1], None, "x must be integers of at least 0; got -1"),
        ([0, -1], 3, "x must be integers from 0 to 2, since num_classes is 3; got -1"),
        ([0, 3, 4], 3, "x must be integers from 0 to 2, since num_classes is 3; got 3"),
        ([0, 0.5], None, r"x must be integers of at least 0; got 0\.5"),
        ([0, float("nan")], None, "x must be integers of at least 0; got nan"),
        ([0, float("inf")], None, "x must be integers of at least 0; got inf"),
        ([], None, "x is empty, so that num_classes cannot be seen from it"),
        ([0], 0, "num_classes must be a positive integer; got 0"),
        ([0], 2.0, "num_classes must be a positive integer; got 2.0"),
        (["a"], None, "x must be an array of integers; got dtype <U1"),
        ([[0], [1, 2]], None, "x must be an array of labels, or lists that make one"),
    ],
)
def test_labels_that_are_none(labels, classes, match):
    with pytest.raises(ValueError, match=match):
        to_categorical(labels, classes)


def test_labels_on_the_device_give_rows_on_the_host(stand_in):
    rows = to_categorical(stand_in.asarray([1, 0]))
    assert type(rows) is np.ndarray
    assert rows.tolist() == [[0, 1], [1, 0]]


# ---- seeds --------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def as_before():
    """The generators of the process as they were."""
    states = random.getstate(), np.random.get_state(), rng.fresh  # noqa: NPY002
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    rng.fresh = states[2]


def drawn():
    """One of everything that draws."""
    model = tn.Sequential([tn.Input((3,)), tn.layers.Dense(2)])
    other = tn.Sequential([tn.Input((3,)), tn.layers.Dense(2)])
    draw = tn.initializers.GlorotUniform()
    numbers = [random.random(), np.random.rand(), model.seed, other.seed]  # noqa: NPY002
    return [*numbers, *draw((3,)), *draw((3,)), *model.get_weights()[0].ravel()]


def test_the_same_seed_gives_the_same_numbers_in_the_same_order():
    set_random_seed(3)
    first, next_ones = drawn(), drawn()
    set_random_seed(3)
    assert drawn() == first
    assert drawn() == next_ones
    set_random_seed(4)
    others = drawn()
    for one, other in ((first, next_ones), (first, others)):
        assert all(a != b for a, b in zip(one, other, strict=True))
    assert len(set(first)) == len(first)


def test_the_global_generators_are_those_of_the_seed():
    set_random_seed(np.int64(7))
    assert random.random() == random.Random(7).random()
    assert np.random.rand() == np.random.RandomState(7).rand()  # noqa: NPY002


def test_given_seeds_are_not_touched():
    set_random_seed(0)
    one = tn.Sequential([tn.Input((3,)), tn.layers.Dense(2)], seed=5).get_weights()[0]
    drawn()
    assert np.array_equal(tn.Sequential([tn.Input((3,)), tn.layers.Dense(2)], seed=5).get_weights()[0], one)
    assert tn.initializers.HeNormal(seed=1)((2,)).tolist() == tn.initializers.HeNormal(seed=1)((2,)).tolist()


def test_seeds_have_32_bits_and_differ():
    for prepare in (lambda: None, lambda: set_random_seed(0)):
        prepare()
        seeds = [rng.choose_seed() for _ in range(200)]
        assert len(set(seeds)) == 200
        assert all(0 <= seed < 2**32 for seed in seeds)
        assert max(seeds) >= 2**31


def test_seeds_that_make_no_sense():
    before = rng.fresh
    for seed in (-1, 0.5, "0", None, True):
        with pytest.raises(ValueError, match="seed must be an integer of at least 0"):
            set_random_seed(seed)
    with pytest.raises(ValueError, match=r"seed must be below 2\*\*32"):
        set_random_seed(2**32)
    assert rng.fresh is before
    set_random_seed(2**32 - 1)
