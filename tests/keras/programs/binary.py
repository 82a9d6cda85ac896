"""A binary classifier that ends in a sigmoid."""

import numpy as np
from keras.layers import Dense, Input
from keras.models import Sequential

rng = np.random.default_rng(1)
x = rng.normal(size=(240, 4))
y = (x[:, 0] * x[:, 1] + x[:, 2] > 0).astype(int)
x_train, y_train, x_test, y_test = x[:200], y[:200], x[200:], y[200:]

model = Sequential()
model.add(Input(shape=(4,)))
model.add(Dense(12, activation="relu"))
model.add(Dense(8, activation="relu"))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=6, batch_size=10, shuffle=False, verbose=0)

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
probabilities = model.predict(x_test, verbose=0)
results = {
    "history": history.history,
    "loss": loss,
    "accuracy": accuracy,
    "probabilities": probabilities,
    "classes": (probabilities > 0.5).astype(int).ravel(),
}
