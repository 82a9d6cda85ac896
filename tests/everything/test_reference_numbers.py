"""What SciPy and scikit-learn compute too, held against them; Keras's numbers stand in the tests of each part."""

import numpy as np
import pytest
from catalogue import seeds
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats
from sklearn.metrics import accuracy_score, log_loss
from sklearn.neural_network import MLPClassifier

import tinynet as tn
from tinynet.layers import Dense, Sigmoid, Softmax
from tinynet.losses import SparseCategoricalCrossentropy

EPS = {"float32": 2**-24, "float64": 2**-53}  # half a unit in the last place: what one rounding is off by, relatively


def logits(seed, scale, dtype="float64"):
    rng = np.random.default_rng(seed)
    return (scale * rng.normal(size=(7, 5))).astype(dtype), rng.integers(0, 5, 7)


scales = st.sampled_from([0.1, 1.0, 10.0, 1e4])
dtypes = st.sampled_from(["float32", "float64"])


@given(seeds, scales, dtypes, st.sampled_from([0, 1, -1, (0, 1)]))
def test_softmax_is_scipys(seed, scale, dtype, axis):
    """Both take exp(x - max) / sum. exp may be off by 4 roundings in either (NumPy's SIMD), the sum of 35 by 35 of its
    own, in another order; underflow to subnormal numbers is absolute."""
    z, _ = logits(seed, scale, dtype)
    tiny = np.finfo(dtype).tiny
    assert np.allclose(Softmax(axis=axis)(z), special.softmax(z, axis=axis), rtol=80 * EPS[dtype], atol=tiny)


@given(seeds, scales, dtypes)
def test_sigmoid_is_scipys(seed, scale, dtype):
    """Three roundings and exp's four in each."""
    z, _ = logits(seed, scale, dtype)
    assert np.allclose(Sigmoid()(z), special.expit(z), rtol=14 * EPS[dtype], atol=np.finfo(dtype).tiny)


@given(seeds, scales, dtypes)
def test_the_loss_from_logits_is_scipys_log_softmax(seed, scale, dtype):
    """L = log s - (z_y - max): the difference is rounded where it is largest, at twice the largest logit, the sum s
    of 5 terms by 5 + 4 roundings, in either."""
    z, labels = logits(seed, scale, dtype)
    values, cache = SparseCategoricalCrossentropy(from_logits=True).forward(labels, z)
    rows, largest = np.arange(len(z)), np.abs(z).max()
    bound = (20 + 8 * largest) * EPS[dtype]
    assert np.abs(values + special.log_softmax(z, axis=1)[rows, labels]).max() <= bound
    assert np.abs(values + z[rows, labels] - special.logsumexp(z, axis=1)).max() <= bound
    onehot = np.eye(5)[labels]
    gradient = SparseCategoricalCrossentropy(from_logits=True).backward(labels, cache, 1.0)
    assert np.abs(gradient - (special.softmax(z, axis=1) - onehot)).max() <= 40 * EPS[dtype]


@given(seeds, st.sampled_from([0.1, 1.0]))
def test_the_loss_from_probabilities_and_the_accuracy_are_scikit_learns(seed, scale):
    """Where no probability is clipped: at 1e-7 here, at 2e-16 there. A mean of 7 numbers below 16 is off by 7 * 16
    roundings at most; hits are counted exactly."""
    z, labels = logits(seed, scale)
    p = special.softmax(z, axis=1)
    expected = log_loss(labels, p, labels=range(5))
    assert np.isclose(SparseCategoricalCrossentropy()(labels, p), expected, rtol=0, atol=112 * EPS["float64"])
    assert tn.metrics.SparseCategoricalAccuracy()(labels, p) == accuracy_score(labels, p.argmax(axis=1))


@pytest.mark.parametrize(
    ("activation", "theirs", "options", "optimizer"),
    [
        ("relu", "relu", {"solver": "sgd", "momentum": 0}, tn.optimizers.SGD(0.1)),
        ("tanh", "tanh", {"solver": "sgd", "momentum": 0}, tn.optimizers.SGD(0.1)),
        ("sigmoid", "logistic", {"solver": "sgd", "momentum": 0}, tn.optimizers.SGD(0.1)),
        (
            "relu",
            "relu",
            {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": False},
            tn.optimizers.SGD(0.1, momentum=0.9),
        ),
        ("relu", "relu", {"solver": "sgd", "momentum": 0.9}, tn.optimizers.SGD(0.1, momentum=0.9, nesterov=True)),
        ("relu", "relu", {"solver": "adam", "epsilon": 1e-3}, tn.optimizers.Adam(0.1, epsilon=1e-3)),
        ("tanh", "tanh", {"solver": "adam", "epsilon": 1e-3}, tn.optimizers.Adam(0.1, epsilon=1e-3)),
    ],
)
def test_training_is_scikit_learns(activation, theirs, options, optimizer):
    """Twenty steps of the same network on the same batches: losses and weights.

    Both compute in float64 and add up in other orders, so that weights of size 1 differ by a rounding or two, 4e-16
    where this was measured. Two hundred times as much is allowed for other orders yet, and for what twenty steps make
    of it; with Adam's epsilon at 1e-3 no difference between tiny gradients is blown up.
    """
    rng = np.random.default_rng(0)
    settings = {"hidden_layer_sizes": (6, 4), "activation": theirs, "alpha": 0, "random_state": 0, **options}
    batches = [(rng.normal(size=(12, 5)), rng.integers(0, 3, 12)) for _ in range(20)]

    untrained = MLPClassifier(learning_rate_init=1e-300, **settings).partial_fit(*batches[0], classes=range(3))
    model = tn.Sequential(
        [tn.Input((5,)), Dense(6, activation), Dense(4, activation), Dense(3, "softmax")], dtype="float64"
    )
    model.compile(optimizer, "sparse_categorical_crossentropy")
    pairs = zip(untrained.coefs_, untrained.intercepts_, strict=True)
    model.set_weights([weight for pair in pairs for weight in pair])

    reference = MLPClassifier(learning_rate_init=0.1, **settings)
    for x, y in batches:
        loss = model.train_on_batch(x, y)
        reference.partial_fit(x, y, classes=range(3))
        assert abs(loss - reference.loss_) < 1e-13
    for ours, expected in zip(model.get_weights()[::2], reference.coefs_, strict=True):
        assert np.abs(ours - expected).max() < 1e-13
    for ours, expected in zip(model.get_weights()[1::2], reference.intercepts_, strict=True):
        assert np.abs(ours - expected).max() < 1e-13
    x, y = rng.normal(size=(200, 5)), rng.integers(0, 3, 200)
    assert np.abs(model.predict(x) - reference.predict_proba(x)).max() < 1e-13
    assert abs(model.evaluate(x, y, verbose=0) - log_loss(y, reference.predict_proba(x))) < 1e-13


def uniform(weights, limit):
    """The probability of numbers as uneven as these, or more, from the uniform distribution on [-limit, limit)."""
    return stats.kstest(weights.ravel(), stats.uniform(-limit, 2 * limit).cdf).pvalue


def test_glorot_uniform_is_uniform_by_the_kolmogorov_smirnov_test():
    """With 100,352 weights the test tells apart what differs by 1 % of the interval."""
    model = tn.Sequential([tn.Input((784,)), Dense(128)], seed=0)
    weights, limit = model.get_weights()[0], np.sqrt(6 / (784 + 128))
    assert uniform(weights, limit) > 0.01
    assert uniform(weights, 1.03 * limit) < 1e-6
    assert uniform(np.random.default_rng(0).normal(scale=limit / np.sqrt(3), size=weights.shape), limit) < 1e-6
