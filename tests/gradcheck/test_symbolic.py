"""Backward shown to be the derivative of forward as formulas, wrong ones refused, and what cannot be shown says why."""

import builtins
import pickle
import threading

import catalogue
import numpy as np
import pytest
from own_layers import Elementwise

import tinynet as tn
from tinynet.gradcheck import prove
from tinynet.gradcheck.symbolic import ProofError, _Run
from tinynet.layers import Dense, Flatten, Layer, ReLU, Sigmoid, Softmax, Tanh

CrossEntropy = tn.losses.SparseCategoricalCrossentropy


# ---- what is shown --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", catalogue.LAYERS.values(), ids=catalogue.LAYERS)
def test_every_layer(entry):
    layer = entry.make(**entry.arguments)
    if entry.provable:
        assert prove(layer, (2,)).entries == 4 + entry.weights
    else:
        with pytest.raises(ProofError):
            prove(layer, (2,))


def test_gelu_differs_from_a_derivative_by_the_error_of_its_approximation():
    with pytest.raises(ProofError, match=r"is wrong by \de-1\d, as where a constant"):
        prove(tn.layers.GELU(), (2,))


@pytest.mark.slow
@pytest.mark.parametrize(
    "layer", [tn.layers.BatchNormalization(center=False), tn.layers.BatchNormalization(scale=False, epsilon=0.5)]
)
def test_batch_normalization_of_sequences(layer):
    assert prove(layer, (2, 2)).entries == 8 + 2


@pytest.mark.parametrize("name", catalogue.LOSSES)
@pytest.mark.parametrize("options", [{}, {"from_logits": True}, {"label_smoothing": 0.375}, {"delta": 0.5}], ids=str)
def test_every_loss(name, options):
    entry = catalogue.LOSSES[name]
    if not options.keys() <= {*entry.settings}:
        pytest.skip("it has no such argument")
    labels = entry.labels(np.random.default_rng(0), (2,), 3)
    assert prove(entry.make(**options), (3,), labels=labels).entries == 6


@pytest.mark.slow
@pytest.mark.parametrize("activation", sorted({*catalogue.ACTIVATIONS} - {"gelu"}))
def test_dense_with_each_activation(activation):
    assert prove(Dense(2, activation), (2,), batch_size=1).entries == 2 + 4 + 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "shape", "entries"),
    [
        (lambda: Flatten(), (), 2),
        (lambda: Flatten(), (2, 1, 3), 12),
        (lambda: Dense(2, use_bias=False), (3,), 12),
        (lambda: Dense(2), (2, 3), 20),
        (lambda: Softmax(), (3,), 6),
        (lambda: Softmax(axis=1), (2, 2), 8),
        (lambda: Sigmoid(), (2, 2), 8),
        (lambda: tn.Sequential([Dense(2, "tanh"), Dense(2)]), (2,), 16),
        pytest.param(
            lambda: tn.Sequential([tn.Input((2,)), Dense(1, "sigmoid"), Dense(2)]), (2,), 11, marks=pytest.mark.slow
        ),
    ],
)
def test_shapes_and_models(make, shape, entries):
    assert prove(make(), shape).entries == entries


def test_a_layer_that_stands_twice():
    twice = Dense(2, "tanh")
    assert prove(tn.Sequential([twice, twice]), (2,), batch_size=1).entries == 2 + 4 + 2


def test_loss_on_sequences():
    assert prove(CrossEntropy(from_logits=True), (2, 3), labels=[[0, 2], [1, 1]]).entries == 12


def test_clipped_loss(monkeypatch):
    monkeypatch.setattr(tn.losses.sparse_crossentropy, "EPSILON", 0.45)
    proof = prove(CrossEntropy(), (3,), labels=[0, 2])
    assert "0" in proof.formulas.values()  # no label's share is in [0.45, 0.55]
    assert "dy" not in str(proof.regions)


def test_the_text_of_a_proof():
    assert str(prove(Dense(1), (2,))) == (
        "Dense on inputs (2, 2): backward is the derivative of forward in all 7 entries, wherever that is defined. "
        "Some of them:\n"
        "    dL/dx[0,0] = dy[0,0]*kernel[0,0]\n"
        "    dL/dkernel[0,0] = dy[0,0]*x[0,0] + dy[1,0]*x[1,0]\n"
        "    dL/dbias[0] = dy[0,0] + dy[1,0]"
    )


def test_the_conditions_under_which_it_holds():
    for layer in (ReLU(), Sigmoid()):
        regions = prove(layer, (1,), batch_size=1).regions
        assert sorted(regions) == [["x[0,0] < 0"], ["x[0,0] > 0"]]
    assert sorted(prove(Softmax(), (2,), batch_size=1).regions) == [["x[0,0] > x[0,1]"], ["x[0,1] > x[0,0]"]]
    assert prove(Tanh(), (2,)).regions == [[]]
    text = str(prove(ReLU(), (1,), batch_size=1))
    assert ", in 2 of the regions that its comparisons make, namely where\n    1. x[0,0] " in text


def test_long_formulas_are_shortened_in_the_text_only():
    proof = prove(Dense(2, "softmax"), (2,), batch_size=1)
    assert max(map(len, str(proof).splitlines())) < 150 < max(map(len, proof.formulas.values()))
    assert " ... " in str(proof)


def test_nothing_of_the_layer_changes():
    layer, unbuilt = Dense(2, "tanh"), Dense(2)
    layer(np.ones((1, 3), "float32"))
    before = pickle.dumps(layer)
    prove(layer, (3,))
    prove(unbuilt, (3,))
    assert pickle.dumps(layer) == before
    assert not unbuilt.built


def test_names_are_those_of_the_weights():
    model = tn.Sequential([Dense(1, name="a"), tn.Sequential([Dense(1, name="a")])])
    formulas = prove(model, (1,), batch_size=1).formulas
    assert list(formulas) == [
        "dL/dx[0,0]", "dL/da.kernel[0,0]", "dL/da.bias[0]", "dL/da.kernel'[0,0]", "dL/da.bias'[0]"
    ]  # fmt: skip
    assert formulas["dL/dx[0,0]"] == "a.kernel'[0,0]*a.kernel[0,0]*dy[0,0]"


def test_a_weight_may_be_called_x():
    class Scale(Layer):
        def build(self, input_shape):
            self.add_weight("x", (1,), "ones")
            return input_shape

        def forward(self, x, training=False):
            return x * self.x, x

        def backward(self, dy, cache, need_dx=True):
            self.grads["x"] = np.array([(dy * cache).sum()])
            return dy * self.x

    formulas = prove(Scale(), (1,), batch_size=1).formulas
    assert formulas == {"dL/dx[0,0]": "dy[0,0]*x'[0]", "dL/dx'[0]": "dy[0,0]*x[0,0]"}


# ---- layers of a user -----------------------------------------------------------------------------------------


class Mean(Layer):
    def build(self, input_shape):
        return input_shape[:-1]

    def forward(self, x, training=False):
        return x.mean(axis=-1), x

    def backward(self, dy, cache, need_dx=True):
        return np.ones_like(cache) * dy[..., None] * (1 / 3)


class Normalization(Layer):
    """y = (x - mean) / sqrt(var + 0.001) over the last axis."""

    def forward(self, x, training=False):
        s = np.sqrt(x.var(axis=-1, keepdims=True) + 0.001)
        y = (x - x.mean(axis=-1, keepdims=True)) / s
        return y, (y, s)

    def backward(self, dy, cache, need_dx=True):
        y, s = cache
        mean, projection = dy.mean(axis=-1, keepdims=True), (dy * y).mean(axis=-1, keepdims=True)
        return (dy - mean - y * projection) / s


class Softplus(Layer):
    def forward(self, x, training=False):
        return np.maximum(x, 0) + np.log1p(np.exp(-abs(x))), x

    def backward(self, dy, cache, need_dx=True):
        return dy / (1 + np.exp(-cache))


class Gather(Layer):
    """y_j = x_{k_j} with k = (2, 0, 2)."""

    def forward(self, x, training=False):
        return x[:, [2, 0, 2]], x

    def backward(self, dy, cache, need_dx=True):
        dx = np.zeros_like(cache)
        np.add.at(dx, (slice(None), [2, 0, 2]), dy)
        return dx


class Scalars(Layer):
    """y = x, in a roundabout way: entries one by one, with arrays of numbers, and as a truth value."""

    def forward(self, x, training=False):
        y = np.stack([x[0, 0] * np.ones(1) * (x[0, 0] < np.full(1, 9.0)), x[:, 1], x[0, 2:] if x[0, 2] else x[:, 1]])
        return y.reshape(x.shape), None

    def backward(self, dy, cache, need_dx=True):
        return np.concatenate([dy[:, :1], np.dot(dy[:, 1:], np.eye(2))], axis=1)


def gelu(x):
    return 0.5 * x * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))


def gelu_derivative(x):
    t = np.tanh(0.7978845608028654 * (x + 0.044715 * x**3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.7978845608028654 * (1 + 3 * 0.044715 * x**2)


@pytest.mark.parametrize(
    "make", [Mean, Normalization, Softplus, Gather, Scalars, lambda: Elementwise(gelu, gelu_derivative)]
)
def test_a_layer_of_ones_own(make):
    assert prove(make(), (3,), batch_size=1).entries == 3


@pytest.mark.parametrize(
    ("f", "derivative"),
    [
        (np.log, lambda x: 1 / x),  # positive inputs alone will do
        (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
        (np.sin, np.cos),
        (np.cos, lambda x: -np.sin(x)),
        (np.tan, lambda x: 1 + np.tan(x) ** 2),
        (lambda x: np.arcsin(x / 4), lambda x: 1 / np.sqrt(16 - x * x)),
        (lambda x: np.arccos(x / 4), lambda x: -1 / np.sqrt(16 - x * x)),
        (np.arctan, lambda x: 1 / (1 + x * x)),
        (np.sinh, np.cosh),
        (np.cosh, np.sinh),
        (np.arcsinh, lambda x: 1 / np.sqrt(1 + x * x)),
        (lambda x: np.arccosh(x + 3), lambda x: 1 / (np.sqrt(x + 2) * np.sqrt(x + 4))),
        (lambda x: np.arctanh(x / 2), lambda x: 2 / (4 - x * x)),
        (np.expm1, np.exp),
        (np.log1p, lambda x: 1 / (1 + x)),
        (np.exp2, lambda x: np.log(2 + 0 * x) * 2**x),
        (np.log2, lambda x: 1 / (x * np.log(2 + 0 * x))),
        (np.log10, lambda x: 1 / (x * np.log(10 + 0 * x))),
        (lambda x: np.log(np.maximum(x, 0.05)), lambda x: np.where(x > 0.05, 1 / x, 0)),
        (lambda x: +((2 - x) ** 2) / (1 + x * x), lambda x: (2 + 4 * x) * (x - 2) / (1 + x * x) ** 2),
    ],
)
def test_functions(f, derivative):
    assert prove(Elementwise(f, derivative), (2,), batch_size=1).entries == 2


# ---- what is refused ------------------------------------------------------------------------------------------


class OppositeSign(Tanh):
    def backward(self, dy, cache, need_dx=True):
        return -super().backward(dy, cache)


class WithoutDy(Sigmoid):
    def backward(self, dy, cache, need_dx=True):
        return cache * (1 - cache)


class DiagonalOnly(Softmax):
    def backward(self, dy, cache, need_dx=True):
        return dy * cache * (1 - cache)


class BiasForgotten(Dense):
    def backward(self, dy, cache, need_dx=True):
        dx = dy @ self.kernel.T
        self.grads["kernel"] = cache.T @ dy
        return dx


class LastBiasDoubled(Dense):
    def backward(self, dy, cache, need_dx=True):
        dx = super().backward(dy, cache)
        self.grads["bias"][-1] *= 2
        return dx


class GradientAdded(Dense):
    def backward(self, dy, cache, need_dx=True):
        before = self.grads["kernel"].copy()
        dx = super().backward(dy, cache)
        self.grads["kernel"] += before
        return dx


class WrongAbove(ReLU):
    def backward(self, dy, cache, need_dx=True):
        return dy * (cache > 0.01)


class AlmostTanh(Tanh):
    def backward(self, dy, cache, need_dx=True):
        return super().backward(dy, cache) + 1e-30 * dy


class WrongShape(Mean):
    def backward(self, dy, cache, need_dx=True):
        return dy


class Undefined(Tanh):
    def backward(self, dy, cache, need_dx=True):
        return super().backward(dy, cache) / (0 * dy)


@pytest.mark.parametrize(
    ("make", "entry"),
    [
        (OppositeSign, "dL/dx[0,0]"),
        (WithoutDy, "dL/dx[0,0]"),
        (DiagonalOnly, "dL/dx[0,0]"),
        (lambda: BiasForgotten(2), "dL/dbias[0]"),
        (lambda: LastBiasDoubled(2), "dL/dbias[1]"),
        (lambda: GradientAdded(2), "dL/dkernel[0,0]"),
        (Undefined, "dL/dx[0,0]"),
    ],
)
def test_a_wrong_backward_is_refused(make, entry):
    with pytest.raises(ProofError, match="backward is wrong in") as error:
        prove(make(), (2,))
    assert f"backward is wrong in {entry}" in str(error.value)


def test_constants_that_are_rounded_in_two_ways_are_no_proof_but_not_called_wrong_either():
    class Third(Layer):
        def forward(self, x, training=False):
            return x / np.sqrt(3), None

        def backward(self, dy, cache, need_dx=True):
            return dy * 3**-0.5

    for layer in (Third(), AlmostTanh()):
        with pytest.raises(ProofError, match=r"\[0,0\] is wrong by \de-\d\d, as where a constant like the root of 3"):
            prove(layer, (2,))


def test_modules_and_locks_on_a_layer_are_no_hindrance():
    class Held(Tanh):
        def __init__(self):
            super().__init__()
            self.xp, self.lock = np, threading.Lock()

    assert prove(Held(), (2,)).entries == 4


def test_the_text_of_a_failure():
    with pytest.raises(ProofError) as error:
        prove(LastBiasDoubled(2), (1,), batch_size=1)
    assert str(error.value) == (
        "LastBiasDoubled on inputs (1, 1): backward is wrong in dL/dbias[1]\n"
        "    backward:   2*dy[0,1]\n"
        "    derivative: dy[0,1]"
    )
    with pytest.raises(ProofError, match=r"old gradient of bias\)\[0\]"):
        prove(BiasForgotten(2), (2,))
    with pytest.raises(ProofError, match=r"dL/dx\[0,0\], where x\[0,0\] [<>] "):
        prove(type("Steep", (ReLU,), {"backward": lambda self, dy, cache, need_dx=True: 2 * dy})(), (1,))


def test_a_wrong_loss_is_refused():
    class NoFactors(CrossEntropy):
        def backward(self, labels, cache, factors):
            return super().backward(labels, cache, np.ones_like(factors))

    with pytest.raises(ProofError, match=r"backward is wrong in dL/dx\[0,0\]"):
        prove(NoFactors(from_logits=True), (3,), labels=[0, 2])


def test_a_gradient_of_the_wrong_shape_is_refused():
    with pytest.raises(ProofError, match=r"dL/dx has shape \(2,\), not \(2, 3\)"):
        prove(WrongShape(), (3,))


def test_to_be_right_at_the_point_alone_is_no_proof():
    point = float(_Run("signed")._values("x", (1, 1))[0])
    square = Elementwise(lambda x: x * x, lambda x: 2 * x + (x - point))
    with pytest.raises(ProofError, match=r"dL/dx\[0,0\], right at one point, could not be shown to be so\n"):
        prove(square, (1,), batch_size=1)


@pytest.mark.parametrize("wrong", ["forward", "backward"])
def test_code_that_treats_formulas_and_numbers_differently(wrong):
    class Cheat(Tanh):
        def forward(self, x, training=False):
            y, cache = super().forward(x)
            return (y, cache) if wrong == "backward" or x.dtype == object else (y + 1, cache)

        def backward(self, dy, cache, need_dx=True):
            return super().backward(dy, cache) * (1 if wrong == "forward" or dy.dtype == object else 2)

    with pytest.raises(ProofError, match="treats formulas and numbers differently"):
        prove(Cheat(), (2,))


# ---- what cannot be run ---------------------------------------------------------------------------------------


def into_floats(x):
    y = np.empty(x.shape)
    y[...] = x
    return y


@pytest.mark.parametrize(
    ("f", "reason"),
    [
        (lambda x: x * float(x[0, 0]), "float"),
        (lambda x: x * int(x[0, 0]), "int"),
        (into_floats, "float"),
        (lambda x: x.astype("float64"), "float"),
        (np.floor, "real number"),
        (lambda x: np.linalg.inv(x @ x.T) @ x, "dtype"),
        (lambda x: np.where(np.isfinite(x), x, 0), "isfinite"),
        (lambda x: x + np.inf, "inf"),
        (lambda x: x * 1j, "complex"),
    ],
)
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_what_takes_numbers_only_says_why(f, reason):
    for layer, step in ((Elementwise(f, f), "forward"), (Elementwise(np.tanh, f), "backward")):
        with pytest.raises(TypeError, match=f"{step} cannot be computed on formulas.*{reason}.*check_layer"):
            prove(layer, (2,))


def test_scipy_says_why():
    special = pytest.importorskip("scipy.special")
    with pytest.raises(TypeError, match=r"forward cannot be computed on formulas at 'return self\.f\(x\), x': .*expit"):
        prove(Elementwise(special.expit, np.cos), (2,))


@pytest.mark.parametrize(
    ("f", "reason"),
    [
        (lambda x: np.log(-x * x), r"log\(-x\[0,0\]\*\*2\).* is not a real number"),
        (lambda x: x / (x - x), "is not a real number"),
        (lambda x: np.where(np.log(-x * x) > 0, x, 0), "is not a real number"),
        (lambda x: np.maximum(np.arctan(x), np.arcsin(x / np.sqrt(1 + x * x))), "is compared with 0, and equal"),
    ],
)
def test_what_is_nowhere_defined(f, reason):
    with pytest.raises(TypeError, match=f"no point was found .*{reason}"):
        prove(Elementwise(f, np.cos), (1,))


def test_a_tie_is_no_condition_where_both_are_the_same():
    same = Elementwise(lambda x: np.maximum((x + 1) ** 2, x * x + 2 * x + 1), lambda x: 2 * x + 2)
    assert prove(same, (1,)).regions == [[]]


def test_what_is_always_so_is_no_condition():
    always = Elementwise(lambda x: np.where(np.exp(x) > 0, np.tanh(x), x), lambda x: 1 - np.tanh(x) ** 2)
    assert prove(always, (1,)).regions == [[]]


def test_an_error_that_numbers_meet_too_is_left_as_it_is():
    with pytest.raises(ZeroDivisionError):
        prove(Elementwise(lambda x: 1 // 0, np.cos), (2,))


def test_wrong_calls():
    with pytest.raises(TypeError, match="a layer or a loss"):
        prove(Dense, (2,))
    with pytest.raises(TypeError, match="needs labels for a loss"):
        prove(CrossEntropy(), (2,))
    with pytest.raises(TypeError, match="and for nothing else"):
        prove(Dense(2), (2,), labels=[0])
    with pytest.raises(ValueError, match="batch_size=3 samples, but there are labels for 2"):
        prove(CrossEntropy(), (2,), labels=[0, 1], batch_size=3)
    with pytest.raises(ValueError, match="need labels of shape"):
        prove(CrossEntropy(), (2, 2), labels=1)
    with pytest.raises(ValueError, match="batch_size must be a positive integer"):
        prove(Dense(2), (2,), batch_size=0)
    with pytest.raises(ValueError, match=r"write \(3,\)"):
        prove(Dense(2), 3)
    with pytest.raises(ValueError, match="up to 60 symbols; x makes it 1568"):
        prove(Tanh(), (28, 28))


def test_without_sympy(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "sympy":
            raise ImportError("No module named 'sympy'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="python -m pip install sympy"):
        prove(Tanh(), (2,))
