"""The order of the samples in each epoch."""

import numpy as np
import pytest
from lines import X, Y, line
from models import small

import tinynet as tn
from tinynet.intake.epochs import Epochs
from tinynet.layers import Dense


def test_every_epoch_shows_every_sample_once_in_a_new_order(monkeypatch):
    seen = []

    class Watch(tn.layers.Layer):
        def forward(self, x, training=False):
            seen.extend(x[:, 0].tolist())
            return x, None

        def backward(self, dy, cache, need_dx=True):
            return dy

    def orders(shuffle):
        seen.clear()
        model = tn.Sequential([Watch(input_shape=(1,)), Dense(2, "softmax")], seed=3)
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(np.arange(100.0)[:, None], np.zeros(100, int), batch_size=7, epochs=2, shuffle=shuffle, verbose=0)
        return seen[:100], seen[100:]

    first, second = orders(True)
    assert sorted(first) == sorted(second) == list(range(100))
    assert first != second
    assert first != list(range(100))
    assert orders(True) == (first, second), "the order depends on the seed alone"
    assert orders(False) == (list(range(100)), list(range(100)))


def test_the_order_depends_on_the_seed_and_the_iterations_so_training_can_stop_and_go_on(corners):
    x, y = corners()
    once, twice = small(), small()
    once.fit(x, y, epochs=4, verbose=0)
    for epochs in (1, 3):
        twice.fit(x, y, epochs=epochs, verbose=0)
    for a, b in zip(once.get_weights(), twice.get_weights(), strict=True):
        assert np.array_equal(a, b)


# ---- steps, epochs, validation ------------------------------------------------------------------------------------


def test_each_pass_is_shuffled_anew():
    seen = []

    class Batches:
        steps = 2

        def __iter__(self):
            return iter([(1,), (2,)])

    epochs = Epochs(Batches(), 1, lambda: seen.append(len(seen)))
    assert [list(epochs) for _ in range(4)] == [[(1,)], [(2,)], [(1,)], [(2,)]]
    assert seen == [0, 1]
    assert epochs.steps == 1
    assert Epochs(Batches()).steps == 2


@pytest.mark.parametrize("shuffle", ["batch", 1, None])
def test_shuffle_is_true_or_false(shuffle):
    with pytest.raises(ValueError, match="shuffle must be True or False"):
        line().fit(X, Y, shuffle=shuffle, verbose=0)


# ---- compile and what it refuses ----------------------------------------------------------------------------------


def test_more_steps_than_samples_make_batches_of_one():
    counts = []
    count = tn.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: counts.append(batch))
    with pytest.warns(UserWarning, match="The data ran out"):
        line().fit(X[:2], Y[:2], steps_per_epoch=5, verbose=0, callbacks=count)
    assert counts == [0, 1]
