"""Learning rates that follow a schedule, step by step."""

import keras
import numpy as np
from keras import layers
from keras.optimizers import schedules

rng = np.random.default_rng(7)
x = rng.normal(size=(64, 3))
y = x @ np.array([1.0, -2.0, 0.5]) + 0.3

decays = {
    "exponential": schedules.ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5),
    "staircase": schedules.ExponentialDecay(0.1, decay_steps=8, decay_rate=0.5, staircase=True),
    "cosine": schedules.CosineDecay(0.1, decay_steps=20, alpha=0.1),
    "warm": schedules.CosineDecay(0.0, decay_steps=16, warmup_target=0.1, warmup_steps=4),
    "pieces": schedules.PiecewiseConstantDecay(boundaries=[5, 10], values=[0.1, 0.05, 0.01]),
    "polynomial": schedules.PolynomialDecay(0.1, decay_steps=15, end_learning_rate=0.01, power=2.0),
    "inverse_time": schedules.InverseTimeDecay(0.1, decay_steps=10, decay_rate=0.5),
}

results = {}
for name, schedule in decays.items():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(learning_rate=schedule), loss="mse")
    history = model.fit(x, y, batch_size=16, epochs=4, shuffle=False, verbose=0)
    results[name] = {
        "rates": [float(schedule(step)) for step in (0, 1, 5, 6, 10, 25)],
        "rate_after_training": float(model.optimizer.learning_rate),
        "loss": history.history["loss"],
        "kernel": model.get_weights()[0],
    }
