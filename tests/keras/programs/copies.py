"""Copies of a model: from its configuration, by clone_model, and with its weights."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(25)
x = rng.normal(size=(60, 5))
y = x[:, :2] ** 2

model = keras.Sequential(
    [
        keras.Input((5,)),
        layers.Dense(7, activation="relu", kernel_initializer="he_uniform", name="hidden"),
        layers.Dense(2, kernel_regularizer=keras.regularizers.L2(0.01), name="out"),
    ],
    name="original",
)
model.compile(optimizer="adam", loss="mse")
model.fit(x, y, epochs=2, shuffle=False, verbose=0)

rebuilt = keras.Sequential.from_config(model.get_config())
rebuilt.set_weights(model.get_weights())
clone = keras.models.clone_model(model)
clone.set_weights(model.get_weights())
clone.compile(optimizer="sgd", loss="mse")
before = model.predict(x[:4], verbose=0)
history = clone.fit(x, y, epochs=2, shuffle=False, verbose=0)

config = model.get_layer("hidden").get_config()
dense = layers.Dense.from_config(config)
results = {
    "config": {key: config[key] for key in ("name", "trainable", "units", "activation", "use_bias")},
    "dense": [dense.name, dense.units],
    "optimizer": keras.optimizers.Adam.from_config(keras.optimizers.Adam(0.25, beta_1=0.5).get_config()).beta_1,
    "names": [rebuilt.name, *(layer.name for layer in rebuilt.layers)],
    "rebuilt": rebuilt.predict(x[:4], verbose=0),
    "history": history.history,
    "clone": clone.predict(x[:4], verbose=0),
    "original": before,
    "original is as before": bool((model.predict(x[:4], verbose=0) == before).all()),
}
