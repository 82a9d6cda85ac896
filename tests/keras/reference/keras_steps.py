"""Compute tests/keras/reference/keras_steps.json with real Keras: the lesson's model, 200 steps from given weights.

    python -m pip install keras jax && KERAS_BACKEND=jax python tests/keras/reference/keras_steps.py

Nothing but NumPy and the sample's files is shared with tinynet: weights and batches come from `start` and `batches`,
which tests/keras/test_steps.py imports too.
"""

import json
import math
from pathlib import Path

import numpy as np

STEPS, BATCH = 200, 32


def start():
    """[kernel, bias, kernel, bias] of 784-128-10, Glorot uniform and zeros, float32."""
    rng, weights = np.random.default_rng(7), []
    for inputs, outputs in ((784, 128), (128, 10)):
        limit = math.sqrt(6 / (inputs + outputs))
        weights += [rng.uniform(-limit, limit, (inputs, outputs)), np.zeros(outputs)]
    return [weight.astype("float32") for weight in weights]


def batches(x, y):
    """The 200 batches, from 2,000 images: x in [0, 1] as float32."""
    rng = np.random.default_rng(8)
    for _ in range(STEPS):
        rows = rng.choice(len(x), BATCH, replace=False)
        yield x[rows].astype("float32") / 255, y[rows].astype("int64")


def cases(optimizers):
    """The optimizers that are followed, by name, each with the hidden layer's activation.

    200 steps compute 800,000 hidden values. Where one is within rounding of ReLU's kink, two ways of summing in float32
    take different sides and part for good: by 7e-3 in the loss, as was seen for momentum, and more with larger steps.
    tanh has no kink; for Adam and SGD on the lesson's own ReLU no value was that close with five BLAS kernels.
    """
    return {
        "adam": (optimizers.Adam(), "relu"),
        "adam on tanh": (optimizers.Adam(), "tanh"),
        "sgd": (optimizers.SGD(0.1), "relu"),
        "sgd with momentum, on tanh": (optimizers.SGD(0.01, momentum=0.9), "tanh"),
        "sgd with nesterov, on tanh": (optimizers.SGD(0.01, momentum=0.9, nesterov=True), "tanh"),
    }


def main():
    import gzip

    import keras

    def read(name, offset):
        path = Path(__file__).parents[3] / "tinynet" / "datasets" / "sample" / f"{name}.gz"
        return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=offset)

    x = read("train-images-idx3-ubyte", 16).reshape(-1, 28, 28)
    y = read("train-labels-idx1-ubyte", 8)
    x_test = read("t10k-images-idx3-ubyte", 16).reshape(-1, 28, 28)[::50].astype("float32") / 255
    result = {"keras": keras.__version__, "backend": keras.backend.backend()}
    for name, (optimizer, activation) in cases(keras.optimizers).items():
        model = keras.Sequential(
            [
                keras.layers.Input((28, 28, 1)),
                keras.layers.Flatten(),
                keras.layers.Dense(128, activation=activation),
                keras.layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        model.set_weights(start())
        steps = [model.train_on_batch(images[..., None], labels) for images, labels in batches(x, y)]
        result[name] = {
            "losses": [round(float(loss), 7) for loss, _ in steps],
            "accuracies": [round(float(accuracy), 7) for _, accuracy in steps],
            "probabilities": np.round(model.predict(x_test[..., None], verbose=0), 7).tolist(),
        }
    Path(__file__).with_suffix(".json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
