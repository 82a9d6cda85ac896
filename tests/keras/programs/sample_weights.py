"""Some measurements are worth less: sample weights in training, in validation and in the metrics."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(11)
x = rng.uniform(-1, 1, size=(128, 2))
noisy = rng.random(128) < 0.3
y = (x**2).sum(axis=1) + np.where(noisy, 1.0, 0.05) * rng.normal(size=128)
weight = np.where(noisy, 0.1, 1.0)

model = keras.Sequential([keras.Input((2,)), layers.Dense(16, activation="softplus"), layers.Dense(1)])
model.compile(
    optimizer=keras.optimizers.Adam(0.01),
    loss="mse",
    metrics=[keras.metrics.MeanAbsoluteError(name="plain_mae")],
    weighted_metrics=[keras.metrics.MeanAbsoluteError(name="mae")],
)
history = model.fit(
    x[:96],
    y[:96],
    sample_weight=weight[:96],
    validation_data=(x[96:], y[96:], weight[96:]),
    epochs=5,
    batch_size=24,
    shuffle=False,
    verbose=0,
)

results = {
    "history": history.history,
    "weighted": model.evaluate(x, y, sample_weight=weight, return_dict=True, verbose=0),
    "unweighted": model.evaluate(x, y, return_dict=True, verbose=0),
}
