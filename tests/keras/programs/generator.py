"""Batches from a generator that never ends, for training, validation, evaluation and prediction."""

import keras
import numpy as np
from keras import layers


def batches(seed, with_labels=True):
    rng = np.random.default_rng(seed)
    while True:
        x = rng.normal(size=(16, 3)).astype("float32")
        y = np.abs(x).max(axis=1, keepdims=True)
        yield (x, y) if with_labels else (x,)


model = keras.Sequential([keras.Input((3,)), layers.Dense(12, activation="relu"), layers.Dense(1)])
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
held_out = [next(batches(16)) for _ in range(2)]
history = model.fit(
    batches(15),
    steps_per_epoch=6,
    epochs=4,
    validation_data=tuple(np.concatenate(arrays) for arrays in zip(*held_out, strict=True)),
    shuffle=False,
    verbose=0,
)

results = {
    "history": history.history,
    "evaluated": model.evaluate(batches(17), steps=3, verbose=0),
    "predicted": model.predict(batches(18, with_labels=False), steps=2, verbose=0),
}
