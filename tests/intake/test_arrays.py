"""Batches of arrays: every sample once beside its label, and no more memory than a batch."""

import numpy as np
import pytest

import tinynet as tn
from tinynet.intake.arrays import ArrayBatches


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


def test_a_metric_may_keep_the_labels_of_each_batch():
    kept = []

    def metric(labels, outputs):
        kept.append(labels)
        return outputs[:, 0] * 0

    x, y = np.arange(64.0)[:, None], np.arange(64.0)
    model = tn.Sequential([tn.layers.Dense(1)], seed=0)
    model.compile(tn.optimizers.SGD(0), "mse", [metric])
    model.fit(x, y, batch_size=16, verbose=0, sample_weight=np.ones(64))
    assert sorted(np.concatenate(kept).ravel().tolist()) == y.tolist()
