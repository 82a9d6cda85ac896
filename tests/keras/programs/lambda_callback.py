"""Small callbacks from functions, and the log of the training in a CSV file."""

import csv
import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import layers
from keras.callbacks import CSVLogger, LambdaCallback

rng = np.random.default_rng(13)
x = rng.normal(size=(90, 3))
y = x @ rng.normal(size=(3, 2))

model = keras.Sequential([keras.Input((3,)), layers.Dense(8, activation="relu"), layers.Dense(2)])
model.compile(optimizer="adam", loss="mse", metrics=["mae"])

events, kernels = [], []
tracer = LambdaCallback(
    on_train_begin=lambda logs: events.append("begin"),
    on_epoch_begin=lambda epoch, logs: events.append(f"epoch {epoch}"),
    on_epoch_end=lambda epoch, logs: kernels.append(model.layers[0].get_weights()[0][0]),
    on_train_batch_end=lambda batch, logs: events.append(f"batch {batch}"),
    on_train_end=lambda logs: events.append("end"),
)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "training.csv"
    options = {"batch_size": 30, "validation_split": 0.2, "shuffle": False, "verbose": 0}
    model.fit(x, y, epochs=3, callbacks=[tracer, CSVLogger(str(path))], **options)
    model.fit(x, y, epochs=5, initial_epoch=3, callbacks=[CSVLogger(str(path), append=True)], **options)
    with path.open(newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]

results = {"events": events, "kernels": kernels, "rows": rows}
