"""Batch normalisation, before an activation and after one, with its moving averages."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(20)
y = rng.integers(0, 3, 160)
x = 5 + 3 * rng.normal(size=(160, 6)) + 4 * np.eye(3)[y] @ rng.normal(size=(3, 6))

model = keras.Sequential(
    [
        keras.Input((6,)),
        layers.Dense(16, use_bias=False),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.Dense(8, activation="tanh"),
        layers.BatchNormalization(momentum=0.8, epsilon=1e-4, name="second"),
        layers.Dense(3, activation="softmax"),
    ]
)
model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, batch_size=32, epochs=4, validation_split=0.2, shuffle=False, verbose=0)

second = model.get_layer("second")
results = {
    "history": history.history,
    "gamma, beta, mean, variance": second.get_weights(),
    "trainable": [weight.shape for weight in second.trainable_weights],
    "non_trainable": [weight.shape for weight in model.non_trainable_weights],
    "inference": model.predict(x[:5], verbose=0),
    "evaluated": model.evaluate(x, y, verbose=0),
    "of the batch": np.asarray(model(x[:5], training=True)),
}
