"""A binary classifier that ends in a logit; the accuracy needs its threshold at 0."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(2)
y = rng.integers(0, 2, size=(150, 1))
x = rng.normal(size=(150, 3)) + 1.5 * y

model = keras.Sequential(
    [
        keras.Input((3,)),
        layers.Dense(8),
        layers.LeakyReLU(negative_slope=0.1),
        layers.Dense(1),
    ]
)
model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=0.1, momentum=0.9),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
)
history = model.fit(x, y, batch_size=30, epochs=4, shuffle=False, verbose=0)

logits = model.predict(x[:20], verbose=0)
results = {
    "history": history.history,
    "logits": logits,
    "probabilities": 1 / (1 + np.exp(-logits)),
    "evaluated": model.evaluate(x, y, batch_size=64, verbose=0, return_dict=True),
}
