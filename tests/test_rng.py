"""Generators are keyed by seed, purpose and count."""

import numpy as np

from tinynet import rng


def test_generators_are_keyed_by_seed_purpose_and_count():
    def draw(*key):
        return rng.generator(*key).integers(0, 2**63)

    keys = [(s, p, c) for s in (0, 1) for p in rng.PURPOSES for c in (0, 1)]
    assert len({draw(*key) for key in keys}) == len(keys)
    assert draw(1, "shuffle", 5) == draw(1, "shuffle", 5)


def test_generators_are_those_of_numpy_with_the_documented_key():
    for purpose, number in (("weights", 0), ("shuffle", 1)):
        expected = np.random.default_rng([3, number, 2]).random(4)
        assert np.array_equal(rng.generator(3, purpose, 2).random(4), expected)


def test_a_drawn_seed_has_32_bits(monkeypatch):
    monkeypatch.setattr("os.urandom", lambda n: b"\xff" * n)
    assert rng.choose_seed() == 2**32 - 1
