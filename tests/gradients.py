"""Gradients without calculus, to hold the hand-derived ones against.

The complex step: for an analytic f, Im f(x + ih) / h is the derivative with an error of order h^2 and no subtraction,
so that h = 1e-100 gives it to the last digits (Squire and Trapp, SIAM Review 40, 1998). Away from its kink ReLU counts
as analytic. The central difference is the second, independent method; its error in float64 is about 1e-9.
"""

import numpy as np

from tinynet.layers.chain import forward_chain


def complex_step(f, array):
    """The gradient of the real f at `array`, element by element; f is called on complex arrays."""
    gradient = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        z = array.astype(complex)
        z[index] += 1e-100j
        gradient[index] = np.imag(f(z)) / 1e-100
    return gradient


def central_difference(f, array, h=1e-6):
    """The same by two real values a little apart."""
    gradient = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        up, down = array.copy(), array.copy()
        up[index] += h
        down[index] -= h
        gradient[index] = (f(up) - f(down)) / (2 * h)
    return gradient


def relative_error(analytic, numeric, scale=0):
    """The largest difference over all arrays of two lists, relative to the largest entry of any, and to `scale`."""
    largest = max((np.abs(a).max() for a in numeric if a.size), default=0)
    largest = max(largest, scale)
    differences = [np.abs(a - n).max() for a, n in zip(analytic, numeric, strict=True) if a.size]
    return max(differences, default=0) / (largest or 1)


def layer_error(layer, x, method=complex_step, seed=0):
    """The error of a layer's backward for inputs x (float64), in dx and in the gradient of every weight.

    The loss is the sum of dy * y with a random dy, so that no part of a gradient can hide in a symmetry.
    """
    layer.setup(x.shape[1:], dtype="float64")
    y, cache = layer.forward(x, training=True)
    dy = np.random.default_rng(seed).normal(size=y.shape)
    dx = layer.backward(dy, cache)
    analytic = [dx, *(layer.grads[name].copy() for name in layer.weight_names)]
    numeric = [method(lambda z: (dy * layer.forward(z, training=True)[0]).sum(), x)]
    for name in layer.weight_names:
        f = of_weight(layer, name, lambda: (dy * layer.forward(x, training=True)[0]).sum())
        numeric.append(method(f, getattr(layer, name)))
    return relative_error(analytic, numeric)


def loss_error(loss, labels, outputs, factors, method=complex_step):
    """The error of a loss's backward for outputs in float64, relative to its factors at least.

    p - onehot cancels where p is near 1: what is left is as exact as p, not as itself.
    """
    _, cache = loss.forward(labels, outputs)
    numeric = method(lambda z: (factors * loss.forward(labels, z)[0]).sum(), outputs)
    return relative_error([loss.backward(labels, cache, factors)], [numeric], np.abs(factors).max())


def model_error(model, x, labels, method=complex_step):
    """The error of model.gradients in float64, for every weight, relative to 1 at least (as in loss_error).

    A model that is trained from its logits is held against -log p itself, p being what all its layers give.
    """
    _, analytic = model.gradients(x, labels)
    x = x.reshape(len(x), *model.input_shape[1:])

    def loss():
        outputs = forward_chain(model.parts(), x, training=True)[0]
        if model.trains_from_logits:
            return -np.log(np.take_along_axis(outputs, labels[..., None], axis=-1)).mean()
        return model.loss.forward(labels, outputs)[0].mean()

    parts = list({id(part): part for part in model.parts()}.values())
    numeric = [
        method(of_weight(part, name, loss), getattr(part, name)) for part in parts for name in part.weight_names
    ]
    return relative_error(analytic, numeric, scale=1)


def of_weight(layer, name, f):
    """f() as a function of one weight of a layer, which gets its own arrays back after each call."""

    def call(value):
        own = {n: getattr(layer, n) for n in layer.weight_names}
        for n, array in own.items():
            layer.bind(n, value if n == name else array.astype(value.dtype), layer.grads[n])
        try:
            return f()
        finally:
            for n, array in own.items():
                layer.bind(n, array, layer.grads[n])

    return call
