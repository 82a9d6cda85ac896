"""Dropout: nothing happens in predictions; in training each value is dropped or scaled."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(21)
x = rng.normal(size=(40, 6))
y = rng.integers(0, 2, 40)

model = keras.Sequential(
    [
        keras.Input((6,)),
        layers.Dense(10, activation="relu"),
        layers.Dropout(0.5, seed=1),
        layers.Dense(10, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
model.set_weights([0.5 * rng.normal(size=weight.shape) for weight in model.get_weights()])
evaluated = model.evaluate(x, y, verbose=0)
predicted = model.predict(x[:5], verbose=0)
called = np.asarray(model(x[:5], training=False))
model.fit(x, y, epochs=1, verbose=0)

dropped = np.asarray(layers.Dropout(0.75)(np.ones((50, 40), "float32"), training=True))
results = {
    "parameters": model.count_params(),
    "evaluated": evaluated,
    "predicted": predicted,
    "called": called,
    "changed": bool((model.predict(x[:5], verbose=0) != predicted).all()),
    "values": np.unique(dropped),
    "most are dropped": bool(0.65 < (dropped == 0).mean() < 0.85),
    "none are dropped": np.asarray(layers.Dropout(0.0)(np.ones((2, 2), "float32"), training=True)),
}
