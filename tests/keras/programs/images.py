"""Images of bytes, scaled within the model."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(26)
labels = rng.integers(0, 4, 120).astype("uint8")
images = rng.integers(0, 120, size=(120, 8, 8), dtype="uint8")
for image, label in zip(images, labels, strict=True):  # one corner is bright
    row, column = divmod(int(label), 2)
    image[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 100

model = keras.Sequential(
    [
        keras.Input(shape=(8, 8)),
        layers.Rescaling(1.0 / 255),
        layers.Reshape((8, 8, 1)),
        layers.Flatten(),
        layers.Dense(16, activation="relu"),
        layers.Dense(4, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(images, labels, epochs=5, batch_size=20, validation_split=0.1, shuffle=False, verbose=0)

centred = keras.Sequential([keras.Input((64,)), layers.Rescaling(1 / 127.5, offset=-1), layers.Reshape((-1, 16))])
results = {
    "history": history.history,
    "probabilities": model.predict(images[:6], verbose=0),
    "centred": centred.predict(images[:1].reshape(1, 64), verbose=0),
    "centred_shape": centred.output_shape,
}
