"""L2 and L1 penalties in the loss; AdamW, whose decay is not in the loss; gradients clipped by their norm."""

import keras
import numpy as np
from keras import layers, regularizers

rng = np.random.default_rng(19)
x = rng.normal(size=(100, 8))
y = (x[:, 0] + 0.5 * rng.normal(size=100) > 0).astype(int)

model = keras.Sequential(
    [
        keras.Input((8,)),
        layers.Dense(
            16,
            activation="tanh",
            kernel_regularizer=regularizers.L2(1e-2),
            bias_regularizer=regularizers.L2(1e-3),
        ),
        layers.Dense(8, activation="tanh", kernel_regularizer="l2"),
        layers.Dense(2, activation="softmax", kernel_regularizer=regularizers.L1L2(l1=1e-4, l2=1e-3)),
    ]
)
model.compile(
    optimizer=keras.optimizers.AdamW(learning_rate=0.005, weight_decay=0.01, clipnorm=0.5),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(x, y, batch_size=20, epochs=4, validation_split=0.2, shuffle=False, verbose=0)

results = {
    "history": history.history,
    "evaluated": model.evaluate(x, y, verbose=0),
    "norms": [float(np.linalg.norm(weight)) for weight in model.get_weights()],
}
