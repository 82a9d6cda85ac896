"""Small models, a large one, all that can be asked of one, and how to compare their weights."""

import numpy as np

import tinynet as tn
from tinynet import layers
from tinynet.layers import Activation, BatchNormalization, Dense, Dropout, Flatten, ReLU, Reshape

CALLS = [  # what takes samples and labels
    lambda model, x, y: model.fit(x, y, verbose=0),
    lambda model, x, y: model.evaluate(x, y, verbose=0),
    lambda model, x, y: model.train_on_batch(x, y),
    lambda model, x, y: model.gradients(x, y),
    lambda model, x, y: model.fit(np.zeros((4, 3)), [0, 1, 2, 0], validation_data=(x, y), verbose=0),
]


def small(**options):
    """3 features, 8 hidden units, 3 classes; compiled, seed 0."""
    stack = [tn.Input((3,)), Dense(8, "relu"), Dense(3, "softmax")]
    model = tn.Sequential(stack, **{"seed": 0, **options})
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def same(first, second):
    """Whether two lists of arrays are equal to the last bit."""
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def is_view(model):
    """Whether every weight and gradient lies in the step's flat buffers."""
    buffers = model.compilation.step.buffers
    return all(weight.base is buffers.weights for weight in model.weights) and all(
        gradient.base is buffers.gradients for gradient in model.weight_gradients
    )


def everything(**options):
    """A model of many layers with settings, one of them a model."""
    inner = tn.Sequential([Dense(5, tn.layers.LeakyReLU(0.1)), BatchNormalization(momentum=0.5)], name="inner")
    stack = [
        tn.Input((2, 3)),
        Flatten(),
        layers.Rescaling(0.5, offset=1),
        Dense(6, "relu", kernel_initializer=tn.initializers.HeNormal(3), kernel_regularizer=tn.regularizers.L2(0.3)),
        Dropout(0.25, seed=1),
        inner,
        Activation("gelu"),
        Reshape((-1, 5)),
        ReLU(6.0, negative_slope=0.1),
        Flatten(name="flat"),
        Dense(3, "softmax", use_bias=False),
    ]
    return tn.Sequential(stack, **{"seed": 5, **options})


class Scale(tn.layers.Layer):
    """y = factor a x, with a a weight."""

    def __init__(self, factor=1.0, **options):
        super().__init__(**options)
        self.factor = factor

    def build(self, input_shape):
        self.add_weight("a", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        return self.factor * x * self.a, x

    def backward(self, dy, cache, need_dx=True):
        self.grads["a"] = self.factor * (dy * cache).sum(axis=0)
        return self.factor * dy * self.a


class Interrupt(tn.callbacks.Callback):
    """Ctrl-C after so many batches."""

    def __init__(self, after):
        self.left = after

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
