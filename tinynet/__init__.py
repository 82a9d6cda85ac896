"""Neural networks on NumPy and CuPy, with the API of Keras and every gradient derived by hand.

    import tinynet as tn

    model = tn.Sequential([
        tn.layers.Flatten(input_shape=(28, 28, 1)),
        tn.layers.Dense(128, activation="relu"),
        tn.layers.Dense(10, activation="softmax"),
    ])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(images, labels, epochs=5)

layers          Dense, Flatten, ReLU, ..., and Layer, the base class of your own
activations, nn relu, softmax, ... as functions
losses          SparseCategoricalCrossentropy
optimizers      SGD, Adam
metrics         SparseCategoricalAccuracy
initializers    GlorotUniform, Zeros, Ones
callbacks       Callback, History
datasets        fashion_mnist.load_data(), idx.read(path), idx.write(path, array)
backend         NumPy or CuPy
"""

from . import activations, backend, callbacks, datasets, initializers, layers, losses, metrics, nn, optimizers
from ._version import __version__
from .layers import Input
from .model import Sequential

__all__ = [
    "Input",
    "Sequential",
    "__version__",
    "activations",
    "backend",
    "callbacks",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "nn",
    "optimizers",
]
