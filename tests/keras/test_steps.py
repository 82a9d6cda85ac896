"""Numbers that Keras computed: 200 steps of the lesson's model, by reference/keras_steps.py (Keras on JAX)."""

import json
from pathlib import Path

import keras_steps
import numpy as np
import pytest

import tinynet as tn

REFERENCE = Path(__file__).parent / "reference"
EXPECTED = json.loads((REFERENCE / "keras_steps.json").read_text())


@pytest.mark.parametrize("name", keras_steps.cases(tn.optimizers))
def test_200_steps_follow_keras(name, sample):
    (x, y), (x_test, _) = sample
    optimizer, activation = keras_steps.cases(tn.optimizers)[name]
    dense = tn.layers.Dense
    model = tn.Sequential([tn.layers.Flatten(input_shape=(28, 28, 1)), dense(128, activation), dense(10, "softmax")])
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    model.set_weights(keras_steps.start())
    steps = np.array([model.train_on_batch(images, labels) for images, labels in keras_steps.batches(x, y)])
    expected = EXPECTED[name]
    # Float32 sums taken in another order differ by 1e-7 of their size, and 200 steps spread that: 5e-6 in the loss is
    # the most that was seen, with five BLAS kernels. Ten times as much is allowed for others; a hit may differ where
    # two classes are as close as that.
    predicted = model.predict(x_test[::50].astype("float32") / 255)
    assert np.abs(steps[:, 0] - expected["losses"]).max() < 5e-5
    assert np.abs(predicted - expected["probabilities"]).max() < 5e-5
    assert (np.abs(steps[:, 1] - expected["accuracies"]) > 1e-6).sum() <= 1
