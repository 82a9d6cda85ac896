"""Validation: a share of the samples, data of its own, and not after every epoch."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(14)
x = rng.normal(size=(101, 4)).astype("float32")
y = (x.sum(axis=1) > 0).astype("float32")
x_val, y_val = x[:30] + 0.1, y[:30]


def make():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(5, activation="relu"), layers.Dense(1, "sigmoid")])
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


options = {"shuffle": False, "verbose": 0}
split = make().fit(x, y, epochs=2, validation_split=0.3, **options)
given = make().fit(x, y, epochs=2, validation_data=(x_val, y_val), validation_batch_size=7, **options)
every_second = make().fit(x, y, epochs=5, validation_data=(x_val, y_val), validation_freq=2, **options)
listed = make().fit(x, y, epochs=5, validation_split=0.2, validation_freq=[1, 4, 5], **options)
few_steps = make().fit(x, y, epochs=2, validation_data=(x_val, y_val), validation_steps=1, batch_size=8, **options)

results = {
    "split": split.history,
    "given": given.history,
    "every_second": every_second.history,
    "listed": listed.history,
    "few_steps": few_steps.history,
}
