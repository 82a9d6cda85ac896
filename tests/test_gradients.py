"""Every hand-derived gradient against one found without calculus, and wrong ones that the check must reject."""

import numpy as np
import pytest
from gradients import central_difference, complex_step, layer_error, loss_error, model_error
from hypothesis import given
from hypothesis import strategies as st

import tinynet as tn
from tinynet.layers import Dense, Flatten, ReLU, Sigmoid, Softmax, Tanh

EXACT = 1e-12  # the complex step is exact but for rounding; sums of some hundred terms of float64 stay far below this
CENTRAL = 1e-7  # h = 1e-6: truncation h^2 f'''/6 ~ 1e-12, cancellation 1e-16 / h = 1e-10, times sums of terms

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
batches = st.integers(1, 5)
seeds = st.integers(0, 2**32 - 1)


def inputs(batch, shape, seed):
    """Numbers from 0.1 to 1.1 in size, of either sign: none is at ReLU's kink or within a step of it."""
    rng = np.random.default_rng(seed)
    return rng.choice([-1, 1], (batch, *shape)) * (0.1 + rng.random((batch, *shape)))


LAYERS = {
    "Flatten": Flatten,
    "Dense": lambda: Dense(3),
    "Dense without bias": lambda: Dense(2, use_bias=False),
    "Dense of one unit": lambda: Dense(1),
    "ReLU": ReLU,
    "Sigmoid": Sigmoid,
    "Tanh": Tanh,
    "Softmax": Softmax,
    "Softmax over axis 1": lambda: Softmax(axis=1),
    "Softmax over the batch": lambda: Softmax(axis=0),
    "Softmax over all axes": lambda: Softmax(axis=(0, 1)),
}


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS.keys())
@given(batch=batches, shape=shapes, seed=seeds)
def test_layer(make, batch, shape, seed):
    assert layer_error(make(), inputs(batch, shape, seed)) < EXACT


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS.keys())
@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_layer_by_central_differences(make, shape):
    assert layer_error(make(), inputs(4, shape, 0), central_difference) < CENTRAL


@given(batch=batches, inner=st.lists(st.integers(1, 3), max_size=2), classes=st.integers(2, 6), seed=seeds)
def test_loss_from_logits(batch, inner, classes, seed):
    rng = np.random.default_rng(seed)
    shape = (batch, *inner)
    labels, factors = rng.integers(0, classes, shape), rng.random(shape)
    loss = tn.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert loss_error(loss, labels, 3 * rng.normal(size=(*shape, classes)), factors) < EXACT


@given(batch=batches, inner=st.lists(st.integers(1, 3), max_size=2), classes=st.integers(2, 6), seed=seeds)
def test_loss_from_probabilities_that_need_not_sum_to_one(batch, inner, classes, seed):
    rng = np.random.default_rng(seed)
    shape = (batch, *inner)
    labels, factors = rng.integers(0, classes, shape), rng.random(shape)
    loss = tn.losses.SparseCategoricalCrossentropy()
    assert loss_error(loss, labels, 0.05 + rng.random((*shape, classes)), factors) < EXACT


def test_loss_by_central_differences():
    labels, outputs = np.array([0, 2, 1]), np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3]])
    for from_logits in (True, False):
        loss = tn.losses.SparseCategoricalCrossentropy(from_logits)
        assert loss_error(loss, labels, outputs, np.array([1.0, 0.5, 2.0]), central_difference) < CENTRAL


ACTIVATIONS = [None, "relu", "sigmoid", "tanh"]


@given(
    batch=batches,
    shape=st.lists(st.integers(1, 3), min_size=1, max_size=2).map(tuple),
    hidden=st.lists(st.tuples(st.integers(1, 4), st.sampled_from(ACTIVATIONS)), max_size=2),
    end=st.sampled_from(["softmax layer", "softmax activation", "logits", "softmax of another axis"]),
    seed=seeds,
)
def test_whole_model(batch, shape, hidden, end, seed):
    x = inputs(batch, shape, seed)
    layers = [Flatten(input_shape=shape), *[Dense(units, activation=name) for units, name in hidden]]
    layers += {
        "softmax layer": [Dense(3), Softmax()],
        "softmax activation": [Dense(3, activation="softmax")],
        "logits": [Dense(3)],
        "softmax of another axis": [Dense(3, activation="sigmoid"), Softmax(axis=0)],
    }[end]
    model = tn.Sequential(layers, seed=seed, dtype="float64")
    model.compile("sgd", tn.losses.SparseCategoricalCrossentropy(from_logits=end == "logits"))
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=weight.shape) for weight in model.weights])  # biases too: off ReLU's kink at 0
    assert model_error(model, x, rng.integers(0, 3, batch)) < EXACT


def test_model_on_sequences():
    model = tn.Sequential([tn.Input((4, 3)), Dense(5, "tanh"), Dense(3, "softmax")], seed=0, dtype="float64")
    model.compile("sgd", "sparse_categorical_crossentropy")
    labels = np.array([[0, 1, 2, 0], [1, 1, 0, 2]])
    assert model_error(model, inputs(2, (4, 3), 0), labels) < EXACT


def test_layer_that_stands_twice_gets_the_sum_of_its_gradients():
    shared = Dense(3, "tanh")
    model = tn.Sequential([tn.Input((3,)), shared, Dense(3), shared, Dense(2, "softmax")], seed=0, dtype="float64")
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert len(model.get_weights()) == 6
    assert model_error(model, inputs(4, (3,), 0), np.array([0, 1, 1, 0])) < EXACT


def test_nested_models():
    inner = tn.Sequential([Dense(3, "tanh"), Dense(4, "sigmoid")], dtype="float64")
    model = tn.Sequential([tn.Input((2,)), inner, Dense(2, "softmax")], seed=0, dtype="float64")
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert len(model.get_weights()) == 6
    assert model_error(model, inputs(4, (2,), 0), np.array([0, 1, 1, 0])) < EXACT


def test_model_backward_gives_the_gradient_of_its_inputs():
    model = tn.Sequential([tn.Input((3,)), Dense(4, "tanh"), Dense(2)], seed=0, dtype="float64")
    x, dy = inputs(5, (3,), 0), np.random.default_rng(1).normal(size=(5, 2))
    _, caches = model.forward(x)
    numeric = complex_step(lambda z: (dy * model.forward(z)[0]).sum(), x)
    assert np.abs(model.backward(dy, caches) - numeric).max() < EXACT


class MissingBiasSum(Dense):
    def backward(self, dy, cache, need_dx=True):
        dx = super().backward(dy, cache, need_dx)
        self.grads["bias"][...] = dy[0]
        return dx


class MeanInsteadOfSum(Dense):
    def backward(self, dy, cache, need_dx=True):
        dx = super().backward(dy, cache, need_dx)
        self.grads["kernel"] /= len(dy)
        return dx


class KernelNotTransposed(Dense):
    def backward(self, dy, cache, need_dx=True):
        super().backward(dy, cache, need_dx)
        return dy @ self.kernel


class KernelGradientTransposed(Dense):
    def backward(self, dy, cache, need_dx=True):
        dx = super().backward(dy, cache, need_dx)
        self.grads["kernel"][...] = self.grads["kernel"].T.copy()
        return dx


class GradientAddedInsteadOfWritten(Dense):
    def backward(self, dy, cache, need_dx=True):
        before = self.grads["kernel"] + 1
        dx = super().backward(dy, cache, need_dx)
        self.grads["kernel"] += before
        return dx


class OppositeSign(Tanh):
    def backward(self, dy, cache, need_dx=True):
        return -super().backward(dy, cache)


class SigmoidOfInputs(Sigmoid):
    def backward(self, dy, cache, need_dx=True):
        return dy * cache


class LeakyBackward(ReLU):
    def backward(self, dy, cache, need_dx=True):
        return super().backward(dy, cache) + 1e-6 * dy


class SoftmaxDiagonalOnly(Softmax):
    def backward(self, dy, cache, need_dx=True):
        return dy * cache * (1 - cache)


SABOTAGED = [
    lambda: MissingBiasSum(3),
    lambda: MeanInsteadOfSum(3),
    lambda: KernelNotTransposed(3),
    lambda: KernelGradientTransposed(3),
    lambda: GradientAddedInsteadOfWritten(3),
    OppositeSign,
    SigmoidOfInputs,
    LeakyBackward,
    SoftmaxDiagonalOnly,
]


@pytest.mark.parametrize("make", SABOTAGED)
def test_check_rejects_a_wrong_backward(make):
    x = inputs(4, (3,), 0)
    assert layer_error(make(), x) > 1e-7
    if make is not LeakyBackward:  # 1e-6 is within what central differences can tell apart, but not by much
        assert layer_error(make(), x, central_difference) > 1e-3


def test_check_rejects_a_loss_without_its_factors():
    class NoFactors(tn.losses.SparseCategoricalCrossentropy):
        def backward(self, labels, cache, factors):
            return super().backward(labels, cache, np.ones_like(factors))

    outputs = np.random.default_rng(0).random((3, 4))
    assert loss_error(NoFactors(from_logits=True), np.array([0, 1, 2]), outputs, np.full(3, 1 / 3)) > 0.5
