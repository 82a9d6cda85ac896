"""shuffle: every order, none too early, another in each pass."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from small_data import numbers, values

import tinynet as tn
from tinynet import rng


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 2**32))
def test_shuffle_gives_each_element_once_and_none_too_early(n, size, seed):
    given_out = values(numbers(n).shuffle(size, seed=seed))
    assert sorted(given_out) == list(range(n))
    assert all(place >= value - size + 1 for place, value in enumerate(given_out))


@given(st.integers(1, 20), st.integers(1, 30), st.integers(0, 2**32))
def test_shuffle_of_an_endless_dataset_keeps_its_buffer_full(n, size, seed):
    count = 6 * n
    given_out = values(numbers(n).repeat().shuffle(size, seed=seed).take(count))
    # Element k of the endless sequence is k mod n; after `count` steps only count + size - 1 of them have been seen.
    seen = np.bincount(np.arange(count + size - 1) % n, minlength=n)
    assert (np.bincount(given_out, minlength=n) <= seen).all()


def test_shuffle_reaches_every_order_equally_often():
    orders = {}
    dataset = numbers(3).shuffle(3, seed=1)
    for _ in range(6000):
        order = tuple(values(dataset))
        orders[order] = orders.get(order, 0) + 1
    # Each of 6 orders is expected 1,000 times with a deviation of sqrt(6000 * 1/6 * 5/6) = 29; five of them are 145.
    assert len(orders) == 6
    assert all(abs(count - 1000) < 145 for count in orders.values())


def test_a_small_buffer_draws_evenly_from_what_it_holds():
    first = np.bincount([values(numbers(9).shuffle(4, seed=seed))[0] for seed in range(4000)], minlength=9)
    # 4,000 draws of 4: 1,000 each, deviation sqrt(4000 * 1/4 * 3/4) = 27; five of them are 137.
    assert (abs(first[:4] - 1000) < 137).all()
    assert first[4:].sum() == 0


def test_each_pass_has_another_order_unless_that_is_refused():
    again, fixed = numbers(30).shuffle(30, seed=3), numbers(30).shuffle(30, 3, reshuffle_each_iteration=False)
    first, second = values(again), values(again)
    assert first != second
    assert values(fixed) == values(fixed) == first
    fresh = numbers(30).shuffle(30, seed=3)
    assert [values(fresh), values(fresh)] == [first, second]
    assert values(numbers(30).shuffle(30, seed=4)) != first
    twice = values(numbers(30).shuffle(30, seed=3).repeat(2))
    assert [twice[:30], twice[30:]] == [first, second]
    assert values(numbers(30).shuffle(30)) != values(numbers(30).shuffle(30)), "fresh seeds"


def test_set_random_seed_decides_the_order(monkeypatch):
    monkeypatch.setattr(rng, "fresh", None)  # and back afterwards

    def order():
        tn.utils.set_random_seed(5)
        return values(numbers(30).shuffle(30))

    assert order() == order()


def test_an_interrupted_pass_does_not_change_the_next():
    a, b = numbers(30).shuffle(30, seed=3), numbers(30).shuffle(30, seed=3)
    next(iter(a))
    list(b)
    assert values(a) == values(b)
