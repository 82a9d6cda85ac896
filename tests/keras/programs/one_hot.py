"""One-hot labels with smoothing; the share of labels among the two likeliest classes beside the accuracy."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(5)
labels = rng.integers(0, 5, 200)
x = 2 * np.eye(5)[labels] + rng.normal(size=(200, 5))
y = keras.utils.to_categorical(labels, num_classes=5)

model = keras.Sequential([keras.Input((5,)), layers.Dense(20, "relu"), layers.Dense(5, "softmax")])
model.compile(
    optimizer=keras.optimizers.Adam(0.01),
    loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
    metrics=["accuracy", keras.metrics.TopKCategoricalAccuracy(k=2, name="top2")],
)
history = model.fit(x, y, epochs=3, batch_size=25, validation_split=0.2, shuffle=False, verbose=0)

results = {
    "one_hot": y[:4],
    "history": history.history,
    "evaluated": model.evaluate(x, y, verbose=0),
    "predicted": model.predict(x[:8], verbose=0),
}
