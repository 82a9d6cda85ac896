"""Transfer learning: train, take the head off, freeze the rest, train a new head, then fine-tune everything."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(22)
x = rng.normal(size=(120, 6))
direction = rng.normal(size=(6, 4))
old, new = (x @ direction).argmax(axis=1), ((x @ direction)[:, 0] > 0).astype(int)

model = keras.Sequential(
    [
        keras.Input((6,)),
        layers.Dense(16, activation="tanh", name="features"),
        layers.Dense(8, activation="tanh", name="more_features"),
        layers.Dense(4, activation="softmax", name="head"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
first = model.fit(x, old, epochs=3, shuffle=False, verbose=0)

head = model.pop()
for layer in model.layers:
    layer.trainable = False
model.add(layers.Dense(1, activation="sigmoid", name="new_head"))
frozen = model.get_layer("features").get_weights()
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"])
second = model.fit(x, new, epochs=3, shuffle=False, verbose=0)
counts = [len(model.trainable_weights), len(model.non_trainable_weights)]
kept = all((a == b).all() for a, b in zip(frozen, model.get_layer("features").get_weights(), strict=True))

for layer in model.layers:
    layer.trainable = True
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="binary_crossentropy", metrics=["accuracy"])
third = model.fit(x, new, epochs=2, shuffle=False, verbose=0)
results = {
    "histories": [first.history, second.history, third.history],
    "popped": head.name,
    "layers": [layer.name for layer in model.layers],
    "counts": counts,
    "kept": kept,
    "predicted": model.predict(x[:6], verbose=0),
}
