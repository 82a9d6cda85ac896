"""A learning rate for each epoch, by a function: constant at first, then ever smaller."""

import keras
import numpy as np
from keras import layers


def scheduler(epoch, lr):
    if epoch < 3:
        return lr
    return lr * 0.7


rng = np.random.default_rng(8)
x = rng.normal(size=(100, 4))
y = np.tanh(x).sum(axis=1, keepdims=True)

model = keras.Sequential([keras.Input((4,)), layers.Dense(12, activation="elu"), layers.Dense(1)])
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.05), loss="mae")
before = float(model.optimizer.learning_rate)
callback = keras.callbacks.LearningRateScheduler(scheduler, verbose=1)
history = model.fit(x, y, epochs=6, batch_size=25, callbacks=[callback], shuffle=False, verbose=0)

results = {
    "before": before,
    "after": float(model.optimizer.learning_rate),
    "history": history.history,
    "predicted": model.predict(x[:10], verbose=0),
}
