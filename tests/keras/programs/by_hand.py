"""A loop over the batches by hand."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(24)
y = rng.integers(0, 3, 96)
x = 1.5 * np.eye(3)[y] + rng.normal(size=(96, 3))

model = keras.Sequential([keras.Input((3,)), layers.Dense(9, activation="sigmoid"), layers.Dense(3, "softmax")])
model.compile(optimizer=keras.optimizers.Adam(0.02), loss="sparse_categorical_crossentropy", metrics=["accuracy"])

steps, tests = [], []
for _ in range(3):
    for start in range(0, 64, 16):
        logs = model.train_on_batch(x[start : start + 16], y[start : start + 16], return_dict=True)
        steps.append({name: float(value) for name, value in logs.items()})
    loss, accuracy = model.test_on_batch(x[64:], y[64:])
    tests.append((float(loss), float(accuracy)))

weighted = model.train_on_batch(x[:8], y[:8], sample_weight=np.linspace(0, 1, 8), return_dict=True)
by_class = model.train_on_batch(x[:8], y[:8], class_weight={0: 1.0, 1: 2.0, 2: 0.5}, return_dict=True)
results = {
    "steps": steps,
    "tests": tests,
    "weighted": float(weighted["loss"]),
    "by_class": float(by_class["loss"]),
    "tested": {name: float(value) for name, value in model.test_on_batch(x, y, return_dict=True).items()},
    "predicted": np.asarray(model.predict_on_batch(x[:4])),
    "iterations": int(model.optimizer.iterations),
}
