"""What every optimizer has: Keras's numbers, slots, decay, settings, and whole steps."""

import catalogue
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet as tn
from tinynet.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop

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


# ---- clipping -----------------------------------------------------------------------------------------------------


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
