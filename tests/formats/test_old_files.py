"""Files that earlier versions wrote load, and the training goes on from them.

`files/tinynet-0.1.npz` was written by version 0.1.0 as it was before the modules moved (commit 1aaeab3): the model and
the data below, nine epochs with EarlyStopping and ModelCheckpoint. `files/tinynet-0.1.json` has what that version
predicted with it, and what it trained when it went on. Neither is ever written anew; a later version gets a file of its
own.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import tinynet as tn

FILE = Path(__file__).parent / "files" / "tinynet-0.1.npz"
EXPECTED = json.loads(FILE.with_suffix(".json").read_text())
# float32 has units of 6e-8. An output is a sum of 8 products of outputs that are such sums themselves: 1e-6 is ten
# times what their roundings come to, whatever the order in which a BLAS adds.
PREDICTED = 1e-6
# A step of Adam moves a weight by its rate, 0.01, times a quotient of running means of gradients, whose relative error
# is that of a sum over 8 samples of such outputs, 1e-5 at most. Eight steps are 8e-7 in a weight; an output or a loss
# depends on some ten of them, each with a factor of about 1.
TRAINED = 1e-5


def data():
    x = np.sin(np.arange(48 * 4) * 0.7).reshape(48, 4).astype("float32")
    return x, np.arange(48) * 7 % 3


def test_the_file_of_version_0_1_loads_and_predicts_the_same():
    x, _ = data()
    model = tn.models.load_model(FILE)
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "BatchNormalization", "Dropout", "Dense"]
    assert (model.optimizer.learning_rate, model.optimizer.iterations, model.epochs_trained) == (0.01, 36, 9)
    with np.load(FILE, allow_pickle=False) as file:
        assert np.array_equal(model.layers[0].kernel, file["weights/0/kernel"])
    assert model.predict(x[32:]) == pytest.approx(np.array(EXPECTED["predicted"]), abs=PREDICTED, rel=0)


def test_its_training_goes_on_and_stops_where_it_did():
    """In epoch 8 the loss had risen for the first time; a patience of 3 that remembers this ends after two more."""
    x, y = data()
    model = tn.models.load_model(FILE)
    history = model.fit(
        x[:32],
        y[:32],
        batch_size=8,
        epochs=12,
        initial_epoch=model.epochs_trained,
        validation_data=(x[32:], y[32:]),
        callbacks=[tn.callbacks.EarlyStopping("val_loss", patience=3)],
        verbose=0,
    )
    assert history.epoch == EXPECTED["epochs"] == [9, 10]
    for name, values in EXPECTED["history"].items():
        assert history.history[name] == pytest.approx(values, abs=TRAINED, rel=0), name
    assert model.predict(x[32:]) == pytest.approx(np.array(EXPECTED["predicted at the end"]), abs=TRAINED, rel=0)
