"""Training that goes on where it stopped: initial_epoch, and the optimizer's state that stays."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(30)
x = rng.normal(size=(64, 4))
y = np.cos(x).prod(axis=1)


def make():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(10, activation="tanh"), layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
    return model


model = make()
first = model.fit(x, y, epochs=3, batch_size=16, shuffle=False, verbose=0)
second = model.fit(x, y, epochs=6, initial_epoch=3, batch_size=16, shuffle=False, verbose=0)

once = make()
once.set_weights([np.zeros_like(weight) + 0.1 for weight in once.get_weights()])
whole = once.fit(x, y, epochs=6, batch_size=16, shuffle=False, verbose=0)
results = {
    "epochs": [first.epoch, second.epoch, whole.epoch],
    "first": first.history,
    "second": second.history,
    "whole": whole.history,
    "iterations": int(model.optimizer.iterations),
    "predicted": model.predict(x[:5], verbose=0),
}
