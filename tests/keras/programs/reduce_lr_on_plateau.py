"""Halve the learning rate where the validation loss no longer falls; then set it by hand."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(9)
x = rng.normal(size=(120, 2))
y = 3 * x[:, 0] - x[:, 1] + rng.normal(size=120)

model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
model.compile(optimizer=keras.optimizers.SGD(0.2), loss="mse")
reduce_lr = keras.callbacks.ReduceLROnPlateau(
    monitor="val_loss", factor=0.5, patience=2, min_delta=0.05, cooldown=2, min_lr=0.02
)
fitted = model.fit(
    x, y, batch_size=16, epochs=16, validation_split=0.25, callbacks=[reduce_lr], shuffle=False, verbose=0
)

model.optimizer.learning_rate = 0.001
again = model.fit(x, y, epochs=2, shuffle=False, verbose=0)
results = {
    "history": fitted.history,
    "again": again.history,
    "rate": float(model.optimizer.learning_rate),
    "weights": model.get_weights(),
}
