"""Optimizers: Keras's numbers, steps by hand, and properties."""

import catalogue
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet as tn
from tinynet.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from tinynet.optimizers.clipping import scale_to_norm
from tinynet.optimizers.subnormal import clear_subnormal

# Keras 3.15 in float32: w0 = [1, -2, 3]; the gradient at step t is [.1, -.5, 2 t]; w after each of three steps
KERAS = {
    "Adam()": [
        [0.9990000, -1.9990001, 2.9990001],
        [0.9980000, -1.9980001, 2.9980350],
        [0.9970000, -1.9970001, 2.9970770],
    ],
    "Adam(0.1, epsilon=1e-3)": [
        [0.9240258, -1.9059490, 2.9015572],
        [0.8423048, -1.8102317, 2.8057177],
        [0.7577503, -1.7137566, 2.7103212],
    ],
    "Adam(0.1, amsgrad=True)": [
        [0.9000038, -1.9000013, 2.9000008],
        [0.8000070, -1.8000027, 2.8034837],
        [0.7000092, -1.7000034, 2.7076840],
    ],
    "AdamW(0.1)": [
        [0.8996038, -1.8992013, 2.8988008],
        [0.7992473, -1.7984430, 2.8011243],
        [0.6989297, -1.6977242, 2.7042041],
    ],
    "RMSprop(0.1)": [
        [0.6837881, -1.6837728, 2.6837723],
        [0.4543784, -1.4543573, 2.3980579],
        [0.2622872, -1.2622627, 2.1389945],
    ],
    "RMSprop(0.1, momentum=0.5)": [
        [0.6837881, -1.6837728, 2.6837723],
        [0.2962724, -1.2962437, 2.2399442],
        [-0.0895766, -0.9103845, 1.7589662],
    ],
    "RMSprop(0.1, centered=True)": [
        [0.6666852, -1.6666675, 2.6666667],
        [0.4117870, -1.4117614, 2.3527458],
        [0.1868087, -1.1867776, 2.0566115],
    ],
    "RMSprop(0.1, momentum=0.5, centered=True)": [
        [0.6666852, -1.6666675, 2.6666667],
        [0.2451296, -1.2450951, 2.1860790],
        [-0.1906265, -0.8093252, 1.6496511],
    ],
    "SGD(0.1, momentum=0.9)": [None, None, [0.9439000, -1.7195001, 1.0980000]],
    "SGD(0.1, momentum=0.9, nesterov=True)": [None, None, [0.9195100, -1.5975500, 0.0881997]],
    "SGD(0.1, clipnorm=1)": [
        [0.9951550, -1.9757749, 2.9030998],
        [0.9926751, -1.9633752, 2.8039026],
        [0.9910144, -1.9550718, 2.7042618],
    ],
    "SGD(0.1, global_clipnorm=1)": [
        [0.9951550, -1.9757749, 2.9030998],
        [0.9926751, -1.9633752, 2.8039026],
        [0.9910144, -1.9550718, 2.7042618],
    ],
    "SGD(0.1, clipvalue=0.3)": [[0.99, -1.97, 2.97], [0.98, -1.94, 2.94], [0.97, -1.91, 2.91]],
    "SGD(0.1, weight_decay=0.1)": [
        [0.98, -1.93, 2.77],
        [0.9602, -1.8607001, 2.3422999],
        [0.9405980, -1.7920932, 1.7188770],
    ],
    "SGD(0.1, momentum=0.9, weight_decay=0.1)": [
        [0.98, -1.93, 2.77],
        [0.9512, -1.8157001, 2.1623001],
        [0.9145880, -1.6620431, 1.0186772],
    ],
}
NAMES = {"Adam": Adam, "AdamW": AdamW, "RMSprop": RMSprop, "SGD": SGD}


def gradient(t, dtype="float32"):
    return np.array([0.1, -0.5, 2 * t], dtype)


@pytest.mark.parametrize("text", KERAS)
def test_three_steps_are_those_of_keras(text):
    optimizer = eval(text, dict(NAMES))
    w = np.float32([1, -2, 3])
    for t, expected in enumerate(KERAS[text], 1):
        optimizer.apply([gradient(t)], [w])
        # float32 keeps 2.4e-7 near 3, and three steps round three times. Keras takes sqrt(1 - 0.999^t) in float32:
        # 0.999^t is off by 3e-8, the root of 0.001 so by 1.5e-5 of its size, and as much of each step is Keras's error.
        if expected:
            kerass = t * 1.5e-5 * optimizer.learning_rate if isinstance(optimizer, Adam) else 0
            assert np.allclose(w, expected, rtol=0, atol=7.2e-7 + kerass)
    assert w.dtype == np.float32
    assert optimizer.iterations == 3


def test_adam_is_the_formula_of_its_docstring():
    lr, b1, b2, eps = 0.01, 0.8, 0.99, 1e-4
    optimizer, rng = Adam(lr, b1, b2, eps), np.random.default_rng(0)
    w = rng.normal(size=(4, 3))
    expected, m, v = w.copy(), 0, 0
    for t in range(1, 30):
        g = rng.normal(size=(4, 3))
        m = m + (1 - b1) * (g - m)
        v = v + (1 - b2) * (g**2 - v)
        expected -= lr * np.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + eps)
        optimizer.apply([g], [w])
        assert np.allclose(w, expected, rtol=0, atol=1e-14)


def test_sgd_by_hand():
    w = np.array([1.0, 2.0])
    SGD(0.5).apply([np.array([1.0, -2.0])], [w])
    assert w.tolist() == [0.5, 3.0]


def test_momentum_by_hand():
    for nesterov, expected in ((False, [-1.0, -2.5]), (True, [-1.5, -3.25])):
        optimizer, w = SGD(1, momentum=0.5, nesterov=nesterov), np.array([0.0])
        steps = []
        for _ in range(2):
            optimizer.apply([np.array([1.0])], [w])
            steps.append(w[0])
        assert steps == expected


def test_momentum_zero_is_plain_sgd_and_keeps_nothing():
    w, v = np.ones(3), np.ones(3)
    plain, zero = SGD(0.1), SGD(0.1, momentum=0)
    for t in range(1, 4):
        plain.apply([gradient(t)], [w])
        zero.apply([gradient(t)], [v])
    assert np.array_equal(w, v)
    assert zero.state_size == 0


@given(st.floats(1e-6, 1.0), st.integers(0, 1000))
def test_adams_first_step_has_the_length_of_its_learning_rate(lr, seed):
    g = np.random.default_rng(seed).normal(size=20)
    w = np.zeros(20)
    Adam(lr, epsilon=0).apply([g], [w])
    assert np.allclose(w, -lr * np.sign(g), rtol=1e-14, atol=0)


@given(st.integers(-20, 20), st.integers(0, 1000))
def test_adam_without_epsilon_does_not_see_a_power_of_two(power, seed):
    rng = np.random.default_rng(seed)
    gradients = rng.normal(size=(5, 8)).astype("float32")
    w, v = np.ones(8, "float32"), np.ones(8, "float32")
    one, other = Adam(epsilon=0), Adam(epsilon=0)
    for g in gradients:
        one.apply([g], [w])
        other.apply([g * np.float32(2.0**power)], [v])
    assert np.array_equal(w, v)


@pytest.mark.parametrize("make", catalogue.OPTIMIZERS.values(), ids=catalogue.OPTIMIZERS)
def test_several_weights_are_stepped_as_one_flat_one(make):
    rng = np.random.default_rng(0)
    w, b, flat = np.ones((2, 3)), np.zeros(3), np.r_[np.ones(6), np.zeros(3)]
    one, other = make(), make()
    for _ in range(4):
        g = rng.normal(size=9)
        before = g.copy()
        one.apply([g[:6].reshape(2, 3), g[6:]], [w, b])
        other.apply([g], [flat])
        assert np.array_equal(g, before), "gradients are not written to"
    assert np.array_equal(np.r_[w.ravel(), b], flat)


def test_learning_rate_can_be_set_and_may_be_an_integer():
    optimizer = SGD(1)
    w = np.zeros(1)
    optimizer.apply([np.ones(1)], [w])
    optimizer.learning_rate = 0.5
    optimizer.apply([np.ones(1)], [w])
    assert w[0] == -1.5
    assert repr(optimizer) == "<SGD learning_rate=0.5, iterations=2>"


def test_reset_forgets_the_steps():
    optimizer = Adam()
    w = np.zeros(2)
    optimizer.apply([np.ones(2)], [w])
    first = w.copy()
    optimizer.reset()
    assert optimizer.iterations == 0
    w[...] = 0
    optimizer.apply([np.ones(2)], [w])
    assert np.array_equal(w, first)


def test_other_weights_than_before_are_refused():
    optimizer = Adam()
    optimizer.apply([np.ones(2)], [np.ones(2)])
    with pytest.raises(ValueError, match=r"has kept its state for arrays of shape \[\(2,\)\], not \[\(3,\)\]"):
        optimizer.apply([np.ones(3)], [np.ones(3)])
    with pytest.raises(ValueError, match=r"Each weight needs a gradient of its shape: weights \[\(2,\), \(2,\)\]"):
        optimizer.apply([np.ones(2)], [np.ones(2), np.ones(2)])
    with pytest.raises(ValueError, match=r"gradients \[\(3,\)\]"):
        optimizer.apply([np.ones(3)], [np.ones(2)])
    with pytest.raises(TypeError, match="two lists of arrays"):
        SGD().apply([[1.0]], [[1.0]])
    assert optimizer.iterations == 1


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "0.1", None, [0.1], True])
def test_learning_rates_that_make_no_sense(value):
    for make in NAMES.values():
        with pytest.raises(ValueError, match="learning_rate must be a finite number at least 0; got"):
            make(value)


def test_other_arguments_that_make_no_sense():
    for arguments in ({"beta_1": 1}, {"beta_2": -0.1}, {"epsilon": -1e-7}):
        with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be a finite number"):
            Adam(**arguments)
    with pytest.raises(ValueError, match=r"momentum must be a finite number in \[0, 1\)"):
        SGD(momentum=1.0)


def test_optimizers_are_found_by_name():
    assert isinstance(tn.optimizers.get("ADAM"), Adam)
    with pytest.raises(ValueError, match=r"Unknown optimizer 'adm'. Did you mean 'adam'"):
        tn.optimizers.get("adm")
    with pytest.raises(ValueError, match=r"Unknown optimizer 'xyzzy'. Known: 'adam', 'adamw', 'rmsprop', 'sgd'"):
        tn.optimizers.get("xyzzy")
    with pytest.raises(TypeError, match=r"write Adam\(\), not Adam"):
        tn.optimizers.get(Adam)


def test_adam_stands_still_after_a_gradient_whose_square_is_no_float32():
    optimizer, w = Adam(), np.ones(1, "float32")
    with pytest.warns(RuntimeWarning, match="overflow"):
        optimizer.apply([np.float32([2e19])], [w])
    optimizer.apply([np.ones(1, "float32")], [w])
    assert w[0] == 1


def test_defaults_are_those_of_keras():
    adam, sgd = Adam(), SGD()
    assert (adam.learning_rate, adam.beta_1, adam.beta_2, adam.epsilon) == (0.001, 0.9, 0.999, 1e-7)
    assert (sgd.learning_rate, sgd.momentum, sgd.nesterov) == (0.01, 0, False)


@pytest.mark.parametrize("name", ["beta_1", "beta_2"])
@pytest.mark.parametrize("value", [-0.1, 1])
def test_betas_are_in_their_interval(name, value):
    with pytest.raises(ValueError, match=rf"{name} must be a finite number in \[0, 1\)"):
        Adam(**{name: value})


# ---- the formulas -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("momentum", [0, 0.7])
@pytest.mark.parametrize("centered", [False, True])
def test_rmsprop_is_the_formula_of_its_docstring(momentum, centered):
    lr, rho, eps = 0.01, 0.8, 1e-3
    optimizer, rng = RMSprop(lr, rho, momentum, eps, centered), np.random.default_rng(0)
    w = rng.normal(size=(4, 3))
    expected, v, a, b = w.copy(), 0, 0, 0
    for _ in range(30):
        g = rng.normal(size=(4, 3))
        v = rho * v + (1 - rho) * g**2
        a = rho * a + (1 - rho) * g
        s = lr * g / np.sqrt(v - centered * a**2 + eps)
        b = momentum * b + s
        expected -= b
        optimizer.apply([g], [w])
        assert np.allclose(w, expected, rtol=0, atol=1e-13)  # thirty steps of at most 0.3


def test_amsgrad_keeps_the_greatest_v():
    optimizer, w, slots = Adam(0.1, amsgrad=True), np.zeros(1), []
    for g in (3.0, 0.0, 0.01, 100.0):
        optimizer.apply([np.array([g])], [w])
        slots.append((optimizer.state[0][2][0], optimizer.state[0][3][0]))  # V and U
    for velocity, greatest in zip(slots, np.maximum.accumulate([velocity for velocity, _ in slots]), strict=True):
        assert velocity[1] == greatest
    assert slots[2][0] < slots[2][1] == 9
    assert slots[3][0] == slots[3][1]


def test_adamw_is_adam_with_weight_decay():
    w, v, rng = np.ones(4), np.ones(4), np.random.default_rng(0)
    one, other = AdamW(0.1, 0.2, 0.8, 0.9, 1e-3, True), Adam(0.1, 0.8, 0.9, 1e-3, True, weight_decay=0.2)
    for g in rng.normal(size=(5, 4)):
        one.apply([g], [w])
        other.apply([g], [v])
    assert np.array_equal(w, v)


def test_weight_decay_by_hand():
    # w - lr g - decay lr w = 1 - 0.5 * 0.5 - 0.25 * 0.5 * 1
    w = np.array([1.0])
    SGD(0.5, weight_decay=0.25).apply([np.array([0.5])], [w])
    assert w[0] == 0.625


@pytest.mark.parametrize("make", [SGD, lambda **options: SGD(momentum=0.9, **options), Adam, RMSprop])
def test_weight_decay_does_not_enter_the_slots(make):
    rng = np.random.default_rng(0)
    plain, decaying, zero = make(), make(weight_decay=0.3), make(weight_decay=0)
    w, v, u = (np.ones(5) for _ in range(3))
    for g in rng.normal(size=(6, 5)):
        before, start = v.copy(), w.copy()
        for optimizer, weight in ((plain, w), (decaying, v), (zero, u)):
            optimizer.apply([g], [weight])
        change = w - start
        assert np.allclose(v, before - 0.3 * decaying.learning_rate * before + change, rtol=0, atol=1e-15)
        for ours, theirs in zip(plain.state[0][1:], decaying.state[0][1:], strict=True):
            assert np.array_equal(ours, theirs)
    assert np.array_equal(w, u)


def test_a_centered_variance_below_zero_is_taken_for_zero():
    """The gradient stays the same: v - a^2 goes to 0, and float32's error in it exceeds epsilon (Keras: NaN)."""
    optimizer, exact = (RMSprop(1e-6, centered=True) for _ in range(2))
    w, v, signs = np.zeros(200, "float32"), np.zeros(200), []
    g = np.linspace(50, 100, 200)
    for _ in range(300):
        optimizer.apply([g.astype("float32")], [w])
        exact.apply([g], [v])
        _, velocity, mean = optimizer.state[0]
        signs.append((velocity - np.float32(1 - 0.9) * mean * mean).min() < -1e-6)
    assert any(signs), "the case is met"
    assert np.isfinite(w).all()
    assert (w < 0).all()
    assert (np.diff(w) != 0).any()
    assert np.all(-w <= 300 * 1e-6 * 100 / np.sqrt(1e-7)), "no step is longer than that of a variance of 0"


@pytest.mark.parametrize("name", catalogue.OPTIMIZERS)
def test_slots_times_keras_scale_are_those_of_keras(name):
    """The arrays that Keras keeps under these names, computed as it does."""
    optimizer, rng = catalogue.OPTIMIZERS[name](), np.random.default_rng(0)
    o, w, kept = optimizer, np.ones(4), dict.fromkeys(("momentum", "velocity", "velocity_hat", "average_gradient"), 0)
    for _ in range(5):
        g, lr = rng.normal(size=4), optimizer.learning_rate
        if isinstance(optimizer, Adam):
            kept["momentum"] += (g - kept["momentum"]) * (1 - o.beta_1)
            kept["velocity"] += (g**2 - kept["velocity"]) * (1 - o.beta_2)
            kept["velocity_hat"] = np.maximum(kept["velocity_hat"], kept["velocity"])
        elif isinstance(optimizer, RMSprop):
            kept["velocity"] = o.rho * kept["velocity"] + (1 - o.rho) * g**2
            kept["average_gradient"] = o.rho * kept["average_gradient"] + (1 - o.rho) * g
            root = np.sqrt(kept["velocity"] - o.centered * kept["average_gradient"] ** 2 + o.epsilon)
            kept["momentum"] = o.momentum * kept["momentum"] + lr * g / root
        else:
            kept["momentum"] = o.momentum * kept["momentum"] - lr * g
        optimizer.apply([g], [w])
    assert list(optimizer.keras_scale) == list(optimizer.slots)
    for slot, own in zip(optimizer.slots, optimizer.state[0][1:], strict=True):
        assert np.allclose(own * optimizer.keras_scale[slot], kept[slot], rtol=1e-12, atol=1e-14)


def test_slots_have_the_names_of_keras():
    assert SGD().slots == ()
    assert SGD(momentum=0.1).slots == ("momentum",)
    assert Adam().slots == AdamW().slots == ("momentum", "velocity")
    assert Adam(amsgrad=True).slots == ("momentum", "velocity", "velocity_hat")
    assert RMSprop().slots == ("velocity",)
    assert RMSprop(momentum=0.1).slots == ("velocity", "momentum")
    assert RMSprop(centered=True).slots == ("velocity", "average_gradient")
    assert RMSprop(momentum=0.1, centered=True).slots == ("velocity", "momentum", "average_gradient")


def test_rmsprop_with_rho_zero_and_without_epsilon_takes_the_sign():
    w = np.zeros(3)
    RMSprop(0.5, rho=0, epsilon=0).apply([np.array([4.0, -0.25, 8.0])], [w])
    assert w.tolist() == [-0.5, 0.5, -0.5]


# ---- clipping -----------------------------------------------------------------------------------------------------


def test_clips_by_hand():
    """A gradient of norm 5 and one of norm 13; together sqrt(194). At the bound itself none moves."""
    for options, expected in (
        ({}, [[3, 4], [5, 12]]),
        ({"clipnorm": 10}, [[3, 4], [50 / 13, 120 / 13]]),
        ({"clipnorm": 5}, [[3, 4], [25 / 13, 60 / 13]]),
        ({"clipnorm": 13}, [[3, 4], [5, 12]]),
        ({"global_clipnorm": 14}, [[3, 4], [5, 12]]),
        ({"global_clipnorm": 194**0.5 / 2}, [[1.5, 2], [2.5, 6]]),
        ({"clipvalue": 4.5}, [[3, 4], [4.5, 4.5]]),
        ({"clipvalue": 12}, [[3, 4], [5, 12]]),
    ):
        weights, gradients = [np.zeros(2), np.zeros((2, 1))], [np.array([-3.0, 4.0]), np.array([[5.0], [-12.0]])]
        SGD(1, **options).apply(gradients, weights)
        for weight, gradient, size in zip(weights, gradients, expected, strict=True):
            assert np.allclose(np.abs(weight).ravel(), size, rtol=1e-15, atol=0), options
            assert np.array_equal(weight, -gradient), "the gradients are clipped in place"


def flat_and_parts(rng, shapes):
    """A flat array, and the list of its parts as views of these shapes."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    flat = rng.normal(size=sum(sizes)) * 10 ** rng.uniform(-3, 3, sum(sizes))
    ends = np.cumsum(sizes)
    return flat, [flat[end - n : end].reshape(shape) for n, end, shape in zip(sizes, ends, shapes, strict=True)]


@pytest.mark.parametrize("options", [{"clipnorm": 0.7}, {"global_clipnorm": 0.7}, {"clipvalue": 0.3}, {}])
@given(
    seed=catalogue.seeds,
    shapes=st.lists(st.lists(st.integers(0, 3), max_size=2).map(tuple), min_size=1, max_size=4),
    decay=st.sampled_from([None, 0.1]),
)
def test_a_flat_array_with_its_variables_gives_the_same_as_separate_arrays(options, seed, shapes, decay):
    rng = np.random.default_rng(seed)
    one, other = (Adam(0.1, weight_decay=decay, **options) for _ in range(2))
    flat_weight, weights = flat_and_parts(rng, shapes)
    own = [weight.copy() for weight in weights]
    for _ in range(3):
        flat, views = flat_and_parts(rng, shapes)
        parts = [view.copy() for view in views]
        one.apply([flat], [flat_weight], views)
        other.apply(parts, own)
        for view, part in zip(views, parts, strict=True):  # the global norm is summed in another order
            assert np.allclose(view, part, rtol=1e-14, atol=0)
        for weight, mine in zip(weights, own, strict=True):
            assert np.allclose(weight, mine, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_a_model_clips_the_gradient_of_each_weight(clip):
    entry = catalogue.MODELS["a frozen layer"]
    x, labels = entry.data(5)
    model, by_hand = (entry.compiled(SGD(0.5, **{clip: 1e-3})) for _ in range(2))
    model.train_on_batch(x, labels)
    by_hand.build((None, 4))
    _, gradients = by_hand.gradients(x, labels)
    weights = by_hand.get_weights()
    trained = [0, 1, 4, 5]  # not those of the layer in the middle, which would count in the global norm
    SGD(0.5, **{clip: 1e-3}).apply([gradients[i] for i in trained], [weights[i] for i in trained])
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        assert np.allclose(ours, theirs, rtol=0, atol=2e-7)  # float32's weights of up to 1
    sizes = [np.linalg.norm(model.get_weights()[i] - by_hand.get_weights()[i]) for i in trained]
    assert all(size > 0 for size in sizes)
    if clip == "clipnorm":
        assert np.allclose(sizes, 5e-4, rtol=0, atol=1e-6)


@given(seed=catalogue.seeds, bound=st.floats(1e-3, 1e3), dtype=st.sampled_from(["float32", "float64"]))
def test_clipped_gradients_keep_their_bound_and_their_direction(seed, bound, dtype):
    rng, slack = np.random.default_rng(seed), 1 + 8 * np.finfo(dtype).eps  # of the sum, the root and the product
    drawn = [(rng.normal(size=shape) * 10 ** rng.uniform(-4, 4)).astype(dtype) for shape in ((4,), (2, 2))]
    bound = float(np.dtype(dtype).type(bound))

    def clipped(**options):
        own = [gradient.copy() for gradient in drawn]
        SGD(**options).apply(own, [np.zeros_like(gradient) for gradient in drawn])
        return own

    def norm(arrays):
        return np.linalg.norm(np.concatenate([np.ravel(array).astype("float64") for array in arrays]))

    for before, after in zip(drawn, clipped(clipnorm=bound), strict=True):
        assert norm([after]) <= bound * slack
        assert np.allclose(after * norm([before]), before * norm([after]), rtol=8 * np.finfo(dtype).eps, atol=0)
        if norm([before]) <= bound / slack:
            assert np.array_equal(before, after)
        else:
            assert norm([after]) >= min(bound, norm([before])) / slack
    together = clipped(global_clipnorm=bound)
    assert min(bound, norm(drawn)) / slack <= norm(together) <= bound * slack
    ratios = [norm([after]) / norm([before]) for before, after in zip(drawn, together, strict=True)]
    assert np.isclose(*ratios, rtol=8 * np.finfo(dtype).eps)
    for before, after in zip(drawn, clipped(clipvalue=bound), strict=True):
        assert np.array_equal(after, np.maximum(np.minimum(before, bound), -bound))


def test_clips_of_zeros_of_nothing_and_of_bad_numbers():
    for options in ({"clipnorm": 1}, {"global_clipnorm": 1}):
        w = np.ones(2)
        SGD(**options).apply([np.zeros(2)], [w])
        assert w.tolist() == [1, 1]
        SGD(**options).apply([np.zeros(0)], [np.zeros(0)])
        SGD(**options).apply([], [])
        SGD(**options).apply([np.array([np.nan, 1])], [w])
        assert np.isnan(w).all(), "a norm that is NaN shows in every weight that it is about"
    scale_to_norm([], 1)


# ---- what an optimizer is made of ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*catalogue.OPTIMIZERS, *catalogue.CLIPPING])
def test_configs_make_the_same_optimizer_again(name):
    optimizer = {**catalogue.OPTIMIZERS, **catalogue.CLIPPING}[name]()
    config = optimizer.get_config()
    for other in (
        type(optimizer).from_config(config),
        tn.optimizers.get({"class_name": type(optimizer).__name__, "config": config}),
    ):
        assert type(other) is type(optimizer)
        assert other.get_config() == config
        w, v = np.ones(3), np.ones(3)
        fresh = type(optimizer).from_config(config)
        for t in range(1, 4):
            other.apply([gradient(t, "float64")], [w])
            fresh.apply([gradient(t, "float64")], [v])
        assert np.array_equal(w, v)


def test_configs_have_the_keys_and_values_of_keras():
    common = {"weight_decay": None, "clipnorm": None, "global_clipnorm": None, "clipvalue": None}
    adam = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False, "learning_rate": 0.001}
    rmsprop = {"rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False, "learning_rate": 0.001}
    assert SGD().get_config() == {
        **common, "name": "sgd", "learning_rate": 0.01, "momentum": 0.0, "nesterov": False
    }  # fmt: skip
    assert Adam().get_config() == {**common, **adam, "name": "adam"}
    assert AdamW().get_config() == {**common, **adam, "name": "adam_w", "weight_decay": 0.004}
    assert RMSprop().get_config() == {**common, **rmsprop, "name": "rm_sprop"}
    optimizer = SGD(1, name="mine", clipvalue=2)
    optimizer.learning_rate = 0.5
    config = optimizer.get_config()
    assert (config["name"], config["learning_rate"], config["clipvalue"]) == ("mine", 0.5, 2.0)


def test_the_rest_of_a_subclass():
    class Own(Optimizer):
        slots = ("seen",)

        def __init__(self, learning_rate=0.5, factor=2.0, **options):
            self.factor = factor
            super().__init__(learning_rate, **options)

        def change(self, gradient, scratch, rate, seen):
            assert (scratch.shape, scratch.dtype) == (gradient.shape, gradient.dtype)
            seen += self.factor * gradient
            self.told = (rate, self.iterations)
            return seen

    optimizer, w = Own(factor=4.0, weight_decay=0.5), np.ones(1)
    assert optimizer.get_config()["factor"] == 4
    assert optimizer.keras_scale == {"seen": 1}
    optimizer.apply([np.ones(1)], [w])
    assert optimizer.told == (0.5, 1)
    assert w[0] == 1 + 4 - 0.5 * 0.5
    assert optimizer.state[0][1][0] == 4, "decay leaves the slot alone"
    optimizer.apply([np.ones(1)], [w])
    assert optimizer.told == (0.5, 2)
    assert optimizer.state_size == 1

    class Fixed(SGD):
        def __init__(self):
            super().__init__(tn.optimizers.schedules.ExponentialDecay(0.1, 1, 1))

    assert Fixed().get_config() == {}


@pytest.mark.parametrize("make", NAMES.values(), ids=NAMES)
def test_unknown_arguments_are_refused_by_name(make):
    for name, hint in (
        ("lr", "Did you mean 'learning_rate'"),
        ("decay", r"give learning_rate one of tn.optimizers.schedules; for weights that decay, weight_decay"),
        ("use_ema", "It knows .*clipnorm, clipvalue, .*global_clipnorm, learning_rate"),
        ("learnin_rate", "Did you mean 'learning_rate'"),
        ("clip_norm", "Did you mean 'clipnorm'"),
        ("gradient_accumulation_steps", "It knows .*clipnorm"),
    ):
        match = f"{make.__name__} got an argument that it does not know: '{name}'. .*{hint}"
        with pytest.raises(TypeError, match=match):
            make(**{name: 0.1})
    with pytest.raises(TypeError, match="positional argument"):
        make(*[0.1] * 7)


@pytest.mark.parametrize("name", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_clips_are_above_zero_and_one_of_them(name):
    for value in (0, -1, float("nan"), float("inf"), "1", True):
        with pytest.raises(ValueError, match=f"{name} must be a finite number above 0; got"):
            SGD(**{name: value})
    for other in {"clipnorm", "clipvalue", "global_clipnorm"} - {name}:
        with pytest.raises(ValueError, match=r"Only one of clipnorm, clipvalue and global_clipnorm can be set; got \{"):
            SGD(**{name: 1, other: 1})
    assert getattr(SGD(**{name: np.float32(0.5)}), name) == 0.5


def test_more_arguments_that_make_no_sense():
    with pytest.raises(ValueError, match=r"weight_decay must be a finite number at least 0; got -0\.1"):
        AdamW(weight_decay=-0.1)
    for arguments in ({"rho": 1}, {"rho": -0.1}, {"momentum": 1}, {"momentum": -0.1}, {"epsilon": -1}):
        with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be a finite number"):
            RMSprop(**arguments)


def test_an_interrupt_leaves_the_weights_of_a_whole_step():
    """Wherever it comes: here at each operation on an array of the step, one after the other."""

    class Stop(KeyboardInterrupt):
        pass

    class Counting(np.ndarray):
        left = 0

        def __array_ufunc__(self, ufunc, method, *inputs, out=(), **options):
            if Counting.left == 0:
                raise Stop
            Counting.left -= 1
            inputs, out = ([np.asarray(x) for x in arrays] for arrays in (inputs, out))
            result = getattr(ufunc, method)(*inputs, **({"out": tuple(out)} if out else {}), **options)
            return out[0].view(Counting) if out else np.asarray(result).view(Counting)

    for make in (lambda: SGD(momentum=0.9, weight_decay=0.1, clipnorm=1), lambda: Adam(weight_decay=0.1, clipvalue=1)):
        for after in range(100):
            w = np.ones(3).view(Counting)
            Counting.left = after
            try:
                make().apply([np.arange(3.0).view(Counting)], [w])
                break
            except Stop:
                assert np.asarray(w).tolist() == [1, 1, 1]
        assert 5 < after < 100
        assert np.asarray(w).tolist() != [1, 1, 1]


def test_fewer_gradients_than_weights_change_nothing():
    optimizer, weights = SGD(1), [np.zeros(2), np.zeros(2)]
    with pytest.raises(ValueError, match="Each weight needs a gradient of its shape"):
        optimizer.apply([np.ones(2)], weights)
    assert optimizer.iterations == 0
    assert not np.any(weights)


def test_what_a_subclass_must_define_is_named():
    for call, method in (
        (lambda: tn.optimizers.Optimizer(0.1).apply([np.ones(1)], [np.ones(1)]), "change"),
        (lambda: tn.losses.Loss()([0], [[0.5, 0.5]]), "forward"),
        (lambda: tn.losses.Loss().backward(None, None, 1), "backward"),
        (lambda: tn.metrics.Metric()([0], [[0.5, 0.5]]), "values"),
    ):
        with pytest.raises(TypeError, match=rf"must define {method}\("):
            call()


@pytest.mark.parametrize("make", [Adam, AdamW, lambda: Adam(amsgrad=True), lambda: SGD(momentum=0.9)])
def test_a_momentum_without_gradients_does_not_stay_among_the_subnormal_numbers(make):
    optimizer, weight = make(), np.full(3, 0.5, "float32")
    tiny, least = np.finfo("float32").tiny, []
    for step in range(1500):
        optimizer.apply([np.array([1, -1e-3, 0] if step == 0 else [0, 0, 0], "float32")], [weight])
        momentum = optimizer.state[0][1 + optimizer.slots.index("momentum")]
        least += [abs(entry) for entry in momentum.tolist() if entry]
    assert momentum.tolist() == [0, 0, 0]
    assert min(least) >= tiny
    assert min(least) < 1e4 * tiny, "nothing larger is cleared"


def test_clearing_leaves_what_counts():
    momentum = np.array([1e-33, -1e-33, 1e-36, -1e-40, 0, np.inf, np.nan], "float32")
    clear_subnormal(momentum, np.empty_like(momentum))
    assert np.array_equal(momentum, np.array([1e-33, -1e-33, 0, 0, 0, np.inf, np.nan], "float32"), equal_nan=True)
    momentum = np.array([1e-3, 6e-5], "float16")
    clear_subnormal(momentum, np.empty_like(momentum))
    assert momentum.all()
    momentum = np.array([1e-100, 1e-305], "float64")
    clear_subnormal(momentum, np.empty_like(momentum))
    assert momentum.tolist() == [1e-100, 0]
