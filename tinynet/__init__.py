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
models, utils   Sequential, clone_model, model_from_json; to_categorical, set_random_seed
data            Dataset: a pipeline of map, shuffle, batch, ..., as tf.data has it
datasets        load(name), fashion_mnist.load_data(), idx.read(path), idx.write(path, array)
backend         NumPy or CuPy; info() prints whether the GPU can be used, and what is missing
plotting        images, predictions, training curves, networks and weights as pictures, with matplotlib
export          to_onnx(model, path): the model for onnxruntime and others
gradcheck       check_layer, check_loss, check_model: are the gradients right, those of your own layers too?
"""

from __future__ import annotations

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
from .arguments import absent
from .layers import Input
from .models.sequential import Sequential

if TYPE_CHECKING:
    from . import export, gradcheck, plotting
    from .formats import state as saving

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

_LATER = ("export", "gradcheck", "plotting", "saving")
_missing = absent(__name__, __all__)


def __getattr__(name: str) -> Any:
    """export, gradcheck and plotting are loaded when they are first used: training does without them."""
    if name in _LATER:
        import importlib

        return importlib.import_module(f".{name}", __name__)
    return _missing(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
