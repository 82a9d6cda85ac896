"""Several classes: softmax, integer labels, sparse categorical cross-entropy."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(3)
centres = rng.normal(size=(4, 5)) * 2
y_train = rng.integers(0, 4, 300)
x_train = centres[y_train] + rng.normal(size=(300, 5))
y_test = rng.integers(0, 4, 60)
x_test = centres[y_test] + rng.normal(size=(60, 5))

model = keras.Sequential()
model.add(keras.Input(shape=(5,)))
model.add(layers.Dense(16, activation="relu"))
model.add(layers.Dense(4, activation="softmax"))
model.compile(
    optimizer=keras.optimizers.RMSprop(1e-2),
    loss=keras.losses.SparseCategoricalCrossentropy(),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
)
history = model.fit(x_train, y_train, epochs=3, validation_data=(x_test, y_test), shuffle=False, verbose=2)

probabilities = model.predict(x_test)
results = {
    "history": history.history,
    "probabilities": probabilities,
    "classes": probabilities.argmax(axis=1),
    "evaluated": model.evaluate(x_test, y_test, verbose=2),
}
