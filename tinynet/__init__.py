"""Neural networks on NumPy and CuPy, with the API of Keras and every gradient derived by hand.

    import tinynet as tn

    model = tn.Sequential([
        tn.layers.Flatten(input_shape=(28, 28, 1)),
        tn.layers.Dense(128, activation="relu"),
        tn.layers.Dense(10, activation="softmax"),
    ])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(images, labels, epochs=5)

layers          Dense, Flatten, Dropout, BatchNormalization, ..., and Layer, the base class of your own
activations, nn relu, softmax, gelu, ... as functions
losses          cross-entropies (sparse, categorical, binary), mean squared and absolute error, Huber's
optimizers      SGD, RMSprop, Adam, AdamW; optimizers.schedules
metrics         accuracies, top-k, mean squared and absolute error
initializers    Glorot's, He's, LeCun's, ...; regularizers: L1, L2
callbacks       Callback, History, EarlyStopping, ModelCheckpoint, ...
models, utils   Sequential, clone_model, load_model, save_model; to_categorical, set_random_seed
data            Dataset: a pipeline of map, shuffle, batch, ..., as tf.data has it
datasets        load(name), fashion_mnist.load_data(), idx.read(path), idx.write(path, array)
backend         NumPy or CuPy; info() prints whether the GPU can be used, and what is missing
plotting        images, predictions, training curves, networks and weights as pictures, with matplotlib
export          to_onnx(model, path): the model for onnxruntime and others
gradcheck       check_layer, check_loss, check_model: are the gradients right, those of your own layers too?

To learn how a network learns, read examples/training_loop.py and then these files, from top to bottom:

    backend.py                       arrays of NumPy or CuPy
    layers/base.py                   what a layer is: build, forward, backward
    layers/chain.py                  layers in a row, forward and backward
    layers/dense.py                  the fully connected layer and its gradient
    layers/activations.py            ReLU, sigmoid, tanh and softmax, and their gradients
    losses/base.py                   what a loss is: one value for each label, weights, the mean
    losses/sparse_crossentropy.py    the cross-entropy of classes, from probabilities and from logits
    optimizers/base.py               what an optimizer is: slots, and one step
    optimizers/adam.py               Adam
    training/buffers.py              all weights in one array, all gradients in another
    training/fusion.py               what is computed together: softmax with its loss
    training/step.py                 one batch: forward, loss, backward, update
    training/loop.py                 epochs of batches
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import (
    activations,
    backend,
    callbacks,
    data,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    nn,
    optimizers,
    regularizers,
    utils,
)
from ._version import __version__
from .arguments import absent as _absent
from .layers import Input
from .models import Sequential

__all__ = [
    "Input",
    "Sequential",
    "__version__",
    "activations",
    "backend",
    "callbacks",
    "data",
    "datasets",
    "export",
    "gradcheck",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "nn",
    "optimizers",
    "plotting",
    "regularizers",
    "saving",
    "utils",
]

if TYPE_CHECKING:
    from . import export, gradcheck, plotting, saving
else:

    def __getattr__(name: str) -> Any:
        """Load export, gradcheck, plotting and saving when they are first used: training does without them."""
        if name in ("export", "gradcheck", "plotting", "saving"):
            return importlib.import_module(f".{name}", __name__)
        return _absent(__name__, __all__)(name)


def __dir__() -> list[str]:
    return sorted(__all__)
