"""The loop over epochs and batches: interrupts, and callbacks that stop it."""

import numpy as np
import pytest
from models import Interrupt, small

from tinynet.callbacks import Callback


def test_an_interrupt_leaves_whole_steps_and_the_history_so_far(corners):
    x, y = corners(64)
    model = small()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, epochs=5, verbose=0, callbacks=[Interrupt(after=5)])
    assert model.history.epoch == [0, 1]
    assert len(model.history.history["loss"]) == 2
    assert model.optimizer.iterations == 5
    stepped = small()
    with pytest.raises(KeyboardInterrupt):
        stepped.fit(x, y, epochs=5, verbose=0, callbacks=[Interrupt(after=5)])
    for a, b in zip(model.get_weights(), stepped.get_weights(), strict=True):
        assert np.array_equal(a, b)
    model.fit(x, y, epochs=1, verbose=0)
    assert model.optimizer.iterations == 7
    assert model.predict(x).shape == (64, 3)


def test_a_callback_can_stop_training_and_add_to_the_history(corners):
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["twice"] = 2 * logs["loss"]
            if epoch == 1:
                self.model.stop_training = True

    model = small()
    history = model.fit(*corners(), epochs=5, callbacks=[Stop()], verbose=0)
    assert history.epoch == [0, 1]
    assert history.history["twice"] == [2 * loss for loss in history.history["loss"]]
    assert model.fit(*corners(), epochs=2, verbose=0).epoch == [0, 1], "the next fit starts unstopped"


def test_stopping_in_a_batch_hook_ends_the_epoch_after_that_batch(corners):
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 2

    model = small()
    history = model.fit(*corners(320), epochs=3, callbacks=Stop(), validation_data=corners(8), verbose=0)
    assert model.optimizer.iterations == 3
    assert history.epoch == [0]
    assert "val_loss" in history.history
