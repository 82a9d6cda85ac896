"""Regression with outliers: the Huber loss, RMSprop, and smooth activations with their initializers."""

import keras
import numpy as np
from keras import activations, initializers, layers

rng = np.random.default_rng(27)
x = rng.uniform(-1, 1, size=(150, 3))
y = x[:, 0] * x[:, 1] + x[:, 2] + np.where(rng.random(150) < 0.05, 5.0, 0.0)

model = keras.Sequential(
    [
        keras.Input((3,)),
        layers.Dense(16, activation="gelu", kernel_initializer="he_normal"),
        layers.Dense(16, activation=activations.silu, kernel_initializer=initializers.HeUniform()),
        layers.Dense(
            8,
            activation="selu",
            kernel_initializer="lecun_normal",
            bias_initializer=initializers.Constant(0.1),
        ),
        layers.Dense(1, kernel_initializer=initializers.RandomNormal(stddev=0.1)),
    ]
)
model.compile(
    optimizer=keras.optimizers.RMSprop(learning_rate=0.002, rho=0.9, momentum=0.5),
    loss=keras.losses.Huber(delta=0.5),
    metrics=["mse", "mae"],
)
history = model.fit(x, y, batch_size=30, epochs=5, shuffle=False, verbose=0)

grid = np.linspace(-3, 3, 7).astype("float32")
results = {
    "history": history.history,
    "predicted": model.predict(x[:8], verbose=0),
    "gelu": np.asarray(activations.gelu(grid)),
    "silu": np.asarray(activations.silu(grid)),
    "selu": np.asarray(activations.selu(grid)),
    "huber": float(keras.losses.Huber()(np.array([[0.0], [3.0]]), np.array([[0.5], [0.0]]))),
}
