"""Few noisy samples and a large network: stop when the validation loss rises, and go back to the best weights."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(6)
x = rng.normal(size=(80, 10))
y = x[:, :1] + rng.normal(size=(80, 1))

model = keras.Sequential([keras.Input((10,)), layers.Dense(64, activation="tanh"), layers.Dense(1)])
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mean_squared_error")
stopper = keras.callbacks.EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
history = model.fit(
    x[:40],
    y[:40],
    batch_size=20,
    epochs=100,
    validation_data=(x[40:], y[40:]),
    callbacks=[stopper],
    shuffle=False,
    verbose=0,
)

results = {
    "epochs": history.epoch,
    "history": history.history,
    "stopped_epoch": stopper.stopped_epoch,
    "best": float(stopper.best),
    "restored": model.evaluate(x[40:], y[40:], verbose=0),
    "predicted": model.predict(x[:5], verbose=0),
}
