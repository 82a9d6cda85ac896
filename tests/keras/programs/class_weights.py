"""One class in ten samples: the rare one weighs more, first with one output and then with one for each class."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(10)
y = (rng.random(200) < 0.1).astype("int32")
x = rng.normal(size=(200, 3)) + y[:, None]
rare = y.mean()
class_weight = {0: 0.5 / (1 - rare), 1: 0.5 / rare}

model = keras.Sequential([keras.Input((3,)), layers.Dense(6, "tanh"), layers.Dense(1, activation="sigmoid")])
model.compile(optimizer=keras.optimizers.Adam(0.02), loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, epochs=4, class_weight=class_weight, shuffle=False, verbose=0)

softmax = keras.Sequential([keras.Input((3,)), layers.Dense(6, "tanh"), layers.Dense(2, activation="softmax")])
softmax.compile(optimizer=keras.optimizers.Adam(0.02), loss="sparse_categorical_crossentropy")
softmax_history = softmax.fit(x, y, epochs=4, class_weight=class_weight, shuffle=False, verbose=0)

results = {
    "history": history.history,
    "found": int((model.predict(x[y == 1], verbose=0) > 0.5).sum()),
    "softmax_history": softmax_history.history,
    "softmax_predicted": softmax.predict(x[:6], verbose=0),
}
