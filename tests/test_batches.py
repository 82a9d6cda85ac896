"""Batches of arrays, flat buffers, argument checks and keyed random numbers."""

import numpy as np
import pytest

import tinynet as tn
from tinynet import arguments as checks
from tinynet import rng
from tinynet.intake.arrays import ArrayBatches
from tinynet.layers import Dense
from tinynet.training.buffers import FlatBuffers


def batches(n, batch_size, dtype="float32", shuffled=False):
    x = np.arange(n * 2).reshape(n, 2).astype("uint8")
    data = ArrayBatches(x, np.arange(n), None, batch_size, "numpy", np.dtype(dtype))
    if shuffled:
        data.shuffle(np.random.default_rng(0))
    return x, data


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize(("n", "batch_size", "sizes"), [(10, 4, [4, 4, 2]), (8, 4, [4, 4]), (3, 4, [3]), (1, 1, [1])])
def test_batches_hold_every_sample_once_beside_its_label(n, batch_size, sizes, shuffled):
    x, data = batches(n, batch_size, shuffled=shuffled)
    assert len(data) == len(sizes)
    for _ in range(2):
        cut = [(a.copy(), b.copy()) for a, b, _ in data]
        assert [len(a) for a, _ in cut] == sizes
        assert all(a.dtype == np.float32 for a, _ in cut)
        labels = np.concatenate([b for _, b in cut])
        assert np.array_equal(np.concatenate([a for a, _ in cut]), x[labels])
        assert sorted(labels) == list(range(n))


def test_order_is_kept_until_shuffled_and_redrawn_by_each_shuffle():
    _, data = batches(50, 7)
    assert np.array_equal(np.concatenate([b for _, b, _ in data]), np.arange(50))
    generator, orders = np.random.default_rng(0), []
    for _ in range(2):
        data.shuffle(generator)
        orders.append(np.concatenate([b for _, b, _ in data]).tolist())
    assert orders[0] != orders[1]


@pytest.mark.parametrize("shuffled", [False, True])
def test_weights_stay_beside_their_samples(shuffled):
    x = np.arange(10.0)[:, None]
    data = ArrayBatches(x, x[:, 0], 2 * x[:, 0], 4, "numpy", np.dtype("float32"))
    if shuffled:
        data.shuffle(np.random.default_rng(0))
    for a, b, weights in data:
        assert np.array_equal(a[:, 0], b)
        assert np.array_equal(2 * b, weights)


def test_uint8_data_stays_uint8_and_is_not_copied():
    x, data = batches(10, 4)
    assert data.x.dtype == np.uint8
    assert np.shares_memory(data.x, x)


def test_batches_without_labels():
    data = ArrayBatches(np.zeros((5, 2)), None, None, 2, "numpy", np.dtype("float32"))
    assert [rest for _, *rest in data] == [[None, None]] * 3


def test_flat_buffers_put_trained_weights_first_and_bring_strays_back():
    frozen, trained = Dense(2, trainable=False), Dense(3)
    for layer in (frozen, trained):
        layer.setup((4,))
    values = [layer.get_weights() for layer in (frozen, trained)]
    buffers = FlatBuffers([frozen, trained, frozen], [trained], "numpy", np.dtype("float32"))
    buffers.claim()
    assert buffers.trained_weights.size == buffers.trained_gradients.size == 15
    assert buffers.weights.size == buffers.gradients.size == 25
    expected = np.concatenate([w.ravel() for w in [*values[1], *values[0]]])
    assert np.array_equal(buffers.weights, expected)
    kernel = trained.kernel
    buffers.claim()
    assert trained.kernel is kernel, "what is in its place is left alone"
    trained.bind("kernel", np.full((4, 3), 5.0, "float32"), np.zeros((4, 3), "float32"))
    buffers.claim()
    assert (buffers.weights[:12] == 5).all()
    trained.kernel[0, 0] = 6
    trained.grads["kernel"][...] = 7
    assert buffers.trained_weights[0] == 6
    assert (buffers.trained_gradients[:12] == 7).all()


def test_generators_are_keyed_by_seed_purpose_and_count():
    def draw(*key):
        return rng.generator(*key).integers(0, 2**63)

    keys = [(s, p, c) for s in (0, 1) for p in rng.PURPOSES for c in (0, 1)]
    assert len({draw(*key) for key in keys}) == len(keys)
    assert draw(1, "shuffle", 5) == draw(1, "shuffle", 5)


def test_lookup_finds_names_in_any_case_and_suggests_the_nearest():
    table = {"glorot_uniform": 1, "zeros": 2}
    for name in ("glorot_uniform", "GlorotUniform", "GLOROT_UNIFORM"):
        assert checks.lookup("thing", name, table) == 1
    with pytest.raises(ValueError, match=r"'zero'\. Did you mean 'zeros'\? Known: 'glorot_uniform', 'zeros'\."):
        checks.lookup("thing", "zero", table)


def test_integers_and_numbers():
    assert checks.integer("n", np.int8(5)) == 5
    assert type(checks.integer("n", np.array(5))) is int
    for value in (np.bool_(True), np.array([5]), 5.0, None):
        with pytest.raises(ValueError, match="n must be a positive integer"):
            checks.integer("n", value)
    with pytest.raises(ValueError, match="n must be an integer of at least 2; got 1"):
        checks.integer("n", 1, least=2)
    assert checks.number("x", np.float32(0.5), least=0) == 0.5
    assert checks.number("x", 1, least=0) == 1.0


def test_shapes():
    assert checks.shape("s", [3, np.int64(2)]) == (3, 2)
    assert checks.shape("s", ()) == ()
    with pytest.raises(ValueError, match=r"s must be a tuple or a list of positive integers; got 3; write \(3,\)"):
        checks.shape("s", 3)
    with pytest.raises(ValueError, match=r"each entry of s \(3, 0\) must be a positive integer; got 0"):
        checks.shape("s", (3, 0))


def test_shuffled_batches_without_labels():
    data = ArrayBatches(np.zeros((5, 2)), None, None, 2, "numpy", np.dtype("float32"))
    data.shuffle(np.random.default_rng(0))
    assert [rest for _, *rest in data] == [[None, None]] * 3


@pytest.mark.parametrize(("batch_size", "rows"), [(4, 4), (100, 10)])
def test_a_shuffled_pass_computes_in_one_batch_of_memory(batch_size, rows):
    data = ArrayBatches(np.zeros((10, 2), "uint8"), None, None, batch_size, "numpy", np.dtype("float32"))
    data.shuffle(np.random.default_rng(0))
    cut = [x for x, _, _ in data]
    owners = [x if x.base is None else x.base for x in cut]
    assert all(owner is owners[0] for owner in owners)
    assert owners[0].shape == (rows, 2)


def test_strided_data_is_copied_once():
    data = ArrayBatches(np.zeros((10, 4))[:, ::2], None, None, 2, "numpy", np.dtype("float32"))
    assert data.x.flags.c_contiguous


def test_generators_are_those_of_numpy_with_the_documented_key():
    for purpose, number in (("weights", 0), ("shuffle", 1)):
        expected = np.random.default_rng([3, number, 2]).random(4)
        assert np.array_equal(rng.generator(3, purpose, 2).random(4), expected)


def test_a_drawn_seed_has_32_bits(monkeypatch):
    monkeypatch.setattr("os.urandom", lambda n: b"\xff" * n)
    assert rng.choose_seed() == 2**32 - 1


def test_a_class_of_another_kind_is_not_told_to_be_called():
    with pytest.raises(TypeError, match=r"must be a name \('adam', .*, 'sgd'\) or an instance of Optimizer; got"):
        tn.optimizers.get(Dense)
