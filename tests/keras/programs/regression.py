"""Regression: a curve with noise, mean squared error, and the mean absolute error beside it."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
x = rng.uniform(-2, 2, (200, 1)).astype("float32")
y = np.sin(2 * x[:, 0]) + 0.1 * rng.normal(size=200)

model = keras.Sequential(
    [
        keras.Input(shape=(1,)),
        layers.Dense(16, activation="tanh"),
        layers.Dense(16, activation="tanh"),
        layers.Dense(1),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.01), loss="mse", metrics=["mae"])
history = model.fit(x, y, batch_size=20, epochs=5, shuffle=False, verbose=0)

results = {
    "history": history.history,
    "evaluated": model.evaluate(x, y, verbose=0),
    "predicted": model.predict(np.linspace(-2, 2, 9).reshape(-1, 1), verbose=0),
}
