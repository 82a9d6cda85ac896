"""A callback of one's own: it reads the logs of batches and epochs, and stops at a given accuracy."""

import keras
import numpy as np
from keras import layers


class StopAtAccuracy(keras.callbacks.Callback):
    def __init__(self, accuracy):
        super().__init__()
        self.accuracy = accuracy
        self.batch_losses, self.epochs = [], []

    def on_train_begin(self, logs=None):
        self.steps = self.params["steps"]

    def on_train_batch_end(self, batch, logs=None):
        self.batch_losses.append(float(logs["loss"]))

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append((epoch, sorted(logs), float(logs["val_accuracy"])))
        if logs.get("val_accuracy", 0) >= self.accuracy:
            self.model.stop_training = True


rng = np.random.default_rng(12)
y = rng.integers(0, 3, 150)
x = 2 * np.eye(3)[y] + rng.normal(size=(150, 3))

model = keras.Sequential([keras.Input((3,)), layers.Dense(8, activation="relu"), layers.Dense(3, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
callback = StopAtAccuracy(0.72)
history = model.fit(
    x, y, batch_size=20, epochs=40, validation_split=0.2, callbacks=[callback], shuffle=False, verbose=0
)
results = {
    "history": history.history,
    "batch_losses": callback.batch_losses,
    "epochs": callback.epochs,
    "steps": callback.steps,
}
