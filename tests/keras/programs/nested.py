"""Models as layers: an autoencoder of an encoder and a decoder, which share their weights with it."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(23)
x = (rng.normal(size=(120, 2)) @ rng.normal(size=(2, 8))).astype("float32")

encoder = keras.Sequential([keras.Input((8,)), layers.Dense(6, activation="tanh"), layers.Dense(2)], name="encoder")
decoder = keras.Sequential([keras.Input((2,)), layers.Dense(6, activation="tanh"), layers.Dense(8)], name="decoder")
autoencoder = keras.Sequential([keras.Input((8,)), encoder, decoder])
autoencoder.compile(optimizer=keras.optimizers.Adam(learning_rate=0.01), loss="mse")
history = autoencoder.fit(x, x, epochs=5, batch_size=24, shuffle=False, verbose=0)

codes = encoder.predict(x[:6], verbose=0)
results = {
    "history": history.history,
    "layers": [layer.name for layer in autoencoder.layers],
    "parameters": [encoder.count_params(), decoder.count_params(), autoencoder.count_params()],
    "codes": codes,
    "decoded": decoder.predict(codes, verbose=0),
    "both": autoencoder.predict(x[:6], verbose=0),
}
