"""Starting weights: their bounds and moments, and where their numbers come from."""

import math

import catalogue
import numpy as np
import pytest

import tinynet as tn
from tinynet import initializers
from tinynet.initializers import (
    Constant,
    GlorotUniform,
    Ones,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    Zeros,
    fans,
    get,
)


def test_fans():
    assert fans((784, 128)) == (784, 128)
    assert fans((7,)) == (7, 7)
    assert fans((3, 3, 16, 32)) == (9 * 16, 9 * 32)


def test_glorot_uniform_fills_its_interval_evenly():
    limit = math.sqrt(6 / (784 + 128))
    assert math.isclose(limit, 0.0811107, abs_tol=5e-8)  # Keras's figure
    w = GlorotUniform(seed=0)((784, 128))
    n = w.size
    assert w.dtype == np.float64
    assert -limit <= w.min() < -0.999 * limit
    assert 0.999 * limit < w.max() < limit
    assert abs(w.mean()) < 5 * limit / math.sqrt(3 * n)  # five standard errors
    # the variance of a uniform variable is L^2/3, and the fourth moment L^4/5 gives its standard error
    assert abs(w.var() - limit**2 / 3) < 5 * limit**2 * math.sqrt((1 / 5 - 1 / 9) / n)


def test_zeros():
    assert Zeros()((2, 3)).tolist() == [[0, 0, 0]] * 2


def test_a_seed_of_ones_own_gives_the_same_values_at_every_call():
    initializer = GlorotUniform(seed=5)
    first = initializer((4, 4), np.random.default_rng(1))
    assert np.array_equal(initializer((4, 4), np.random.default_rng(2)), first)
    assert repr(initializer) == "GlorotUniform(seed=5)"


def test_without_a_seed_the_given_generator_decides():
    initializer = GlorotUniform()
    same = [initializer((4, 4), np.random.default_rng(1)) for _ in range(2)]
    assert np.array_equal(*same)
    assert not np.array_equal(initializer((4, 4)), initializer((4, 4)))


def test_numpys_global_generator_is_neither_read_nor_moved():
    def weights():
        return tn.Sequential([tn.Input((3,)), tn.layers.Dense(2)], seed=1).get_weights()[0]

    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = weights()
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    assert np.array_equal(weights(), first)


def test_bad_seeds_and_initializers():
    with pytest.raises(ValueError, match="seed must be an integer of at least 0; got -1"):
        GlorotUniform(seed=-1)
    with pytest.raises(TypeError, match=r"write Zeros\(\), not Zeros"):
        tn.layers.Dense(1, bias_initializer=Zeros)
    with pytest.raises(TypeError, match="must define draw"):
        tn.initializers.Initializer()((2,))


# ---- what they draw -----------------------------------------------------------------------------------------------

SHAPE = (400, 300)
N = 400 * 300


def moments(w):
    """The mean and the standard deviation, with no more than five standard errors to be off by."""
    return pytest.approx(w.mean(), abs=5 * w.std() / math.sqrt(N)), pytest.approx(w.std(), rel=5 / math.sqrt(2 * N))


def test_glorot_uniform_draws_what_it_always_drew():
    limit = math.sqrt(6 / 7)
    expected = np.random.default_rng(3).uniform(-limit, limit, (4, 3))
    assert np.array_equal(GlorotUniform()((4, 3), np.random.default_rng(3)), expected)


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("glorot_uniform", 2 / 700),
        ("glorot_normal", 2 / 700),
        ("he_uniform", 2 / 400),
        ("he_normal", 2 / 400),
        ("lecun_uniform", 1 / 400),
        ("lecun_normal", 1 / 400),
        ("variance_scaling", 1 / 400),
        ("random_normal", 0.05**2),
        ("random_uniform", 0.1**2 / 12),
        ("truncated_normal", (0.05 * 0.87962566103423978) ** 2),
    ],
)
def test_variances_and_bounds(name, variance):
    w = get(name)(SHAPE, np.random.default_rng(0))
    mean, deviation = moments(w)
    assert (w.shape, w.dtype) == (SHAPE, np.float64)
    assert mean == 0
    assert deviation == math.sqrt(variance)
    if "uniform" in name:
        bound = math.sqrt(3 * variance)
    elif name == "random_normal":
        bound = math.inf
        assert np.abs(w).max() > 4 * math.sqrt(variance), "no tail is cut off"
    else:
        bound = 2 * math.sqrt(variance) / 0.87962566103423978
    assert np.abs(w).max() <= bound * (1 + 1e-15)
    assert np.abs(w).max() > min(bound, 4 * math.sqrt(variance)) * 0.999


def test_the_constant_of_truncation():
    """The variance of z given |z| <= 2 is 1 - 4 phi(2) / (2 Phi(2) - 1)."""
    phi = math.exp(-2) / math.sqrt(2 * math.pi)
    assert math.isclose(initializers.TRUNCATED_STDDEV, math.sqrt(1 - 4 * phi / math.erf(math.sqrt(2))), rel_tol=1e-15)


def test_a_truncated_normal_is_a_normal_where_that_is_near():
    """What is not drawn again is the normal's draw at that place; what is, is about 4.55 % of all."""
    normal = RandomNormal(1, 2)(SHAPE, np.random.default_rng(0))
    truncated = TruncatedNormal(1, 2)(SHAPE, np.random.default_rng(0))
    near = np.abs(normal - 1) <= 4
    assert np.array_equal(truncated[near], normal[near])
    assert abs((~near).mean() - math.erfc(math.sqrt(2))) < 5 * math.sqrt(0.0455 * 0.9545 / N)
    assert np.abs(truncated - 1).max() <= 4
    again = truncated[~near]
    assert abs((again - 1).std() / 2 / initializers.TRUNCATED_STDDEV - 1) < 5 / math.sqrt(2 * len(again))


def test_what_a_truncated_normal_draws_again():
    """More than two standard deviations; two are near enough, and what is drawn again may be drawn again."""

    class Drawn:
        numbers = [[2.0, -2.5, -2.0, 3.0], [-3.0, 1.0], [0.5]]

        def standard_normal(self, size):
            return np.array(self.numbers.pop(0)).reshape(size)

    assert TruncatedNormal(1, 10).draw((2, 2), Drawn()).tolist() == [[21, 6], [-19, 11]]
    assert all(abs(TruncatedNormal(0, 1, seed)(())) <= 2 for seed in range(200)), "a single number too"


@pytest.mark.parametrize(("mode", "n"), [("fan_in", 400), ("fan_out", 300), ("fan_avg", 350)])
@pytest.mark.parametrize("distribution", ["uniform", "untruncated_normal", "truncated_normal", "normal"])
def test_variance_scaling(mode, n, distribution):
    w = VarianceScaling(0.5, mode, distribution, seed=1)(SHAPE)
    mean, deviation = moments(w)
    assert mean == 0
    assert deviation == math.sqrt(0.5 / n)
    widest = {"uniform": 3**0.5, "untruncated_normal": 9}.get(distribution, 2 / initializers.TRUNCATED_STDDEV)
    assert np.abs(w).max() / math.sqrt(0.5 / n) <= widest
    if distribution == "untruncated_normal":
        assert np.abs(w).max() / math.sqrt(0.5 / n) > 4


def test_settings_by_hand():
    assert Constant(2.5)((2, 2)).tolist() == [[2.5, 2.5], [2.5, 2.5]]
    assert Constant()((2,)).tolist() == [0, 0]
    assert Ones()((1, 2)).tolist() == [[1, 1]]
    w = RandomUniform(2, 3, seed=0)(SHAPE)
    assert (2 <= w.min() < 2.001, 2.999 < w.max() < 3) == (True, True)
    w = RandomNormal(5, 2, seed=0)(SHAPE)
    assert moments(w) == (5, 2)
    assert RandomNormal(5, 0)((2,)).tolist() == RandomUniform(5, 5)((2,)).tolist() == [5, 5]
    assert 1.7 < VarianceScaling(1, "fan_in", "uniform", 0)((1, 1000)).max() < 3**0.5
    assert VarianceScaling()((0, 3)).shape == (0, 3), "no inputs, and no division by their number"
    assert abs(VarianceScaling(1, "fan_in", "uniform", 0)((0, 3, 0))).sum() == 0


@pytest.mark.parametrize("make", catalogue.INITIALIZERS.values(), ids=catalogue.INITIALIZERS)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 2, 3, 4)])
def test_every_initializer_depends_on_its_seed_and_its_generator_alone(make, shape):
    def draw(initializer, seed):
        return initializer(shape, np.random.default_rng(seed))

    first = draw(make(), 0)
    assert np.shape(first) == shape
    assert np.array_equal(draw(make(), 0), first)
    assert np.array_equal(draw(make(seed=9), 0), draw(make(seed=9), 1))
    if make(seed=9).seed is not None:  # it draws at random
        assert not np.array_equal(draw(make(), 1), first)
        assert np.array_equal(draw(make(seed=9), 0), make().draw(shape, np.random.default_rng(9)))


@pytest.mark.parametrize("make", catalogue.INITIALIZERS.values(), ids=catalogue.INITIALIZERS)
def test_configs_and_records_make_the_same_initializer_again(make):
    initializer = make(seed=4)
    config = initializer.get_config()
    for other in (
        type(initializer).from_config(config),
        get({"class_name": type(initializer).__name__, "config": config}),
        eval(repr(initializer), dict(vars(initializers))),
    ):
        assert type(other) is type(initializer)
        assert other.get_config() == config
        assert np.array_equal(other((3, 2)), initializer((3, 2)))


def test_configs_and_names_are_those_of_keras():
    for initializer, config in (
        (Zeros(), {}),
        (Ones(), {}),
        (Constant(2), {"value": 2.0}),
        (GlorotUniform(), {"seed": None}),
        (initializers.HeNormal(3), {"seed": 3}),
        (RandomUniform(), {"minval": -0.05, "maxval": 0.05, "seed": None}),
        (RandomNormal(), {"mean": 0.0, "stddev": 0.05, "seed": None}),
        (TruncatedNormal(), {"mean": 0.0, "stddev": 0.05, "seed": None}),
        (
            VarianceScaling(distribution="normal"),
            {"scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal", "seed": None},
        ),
    ):
        assert initializer.get_config() == config
        assert initializer.keras_module == "keras.initializers"
    for name, cls in (("zero", Zeros), ("one", Ones), ("normal", RandomNormal), ("uniform", RandomUniform)):
        assert type(get(name)) is cls
    for name, cls in initializers.INITIALIZERS.items():
        assert type(get(name)) is type(get(cls.__name__)) is cls


def test_arguments_that_make_no_sense():
    for call, match in (
        (lambda: Constant("a"), "value must be a finite number; got 'a'"),
        (lambda: Constant(-math.inf), "value must be a finite number; got -inf"),
        (lambda: RandomUniform(math.nan), "minval must be a finite number; got nan"),
        (lambda: RandomUniform(0, math.inf), "maxval must be a finite number; got inf"),
        (lambda: RandomUniform(1, 0), "minval must not be above maxval; got 1 and 0"),
        (lambda: RandomNormal(None), "mean must be a finite number; got None"),
        (lambda: TruncatedNormal(0, -1), "stddev must be a finite number at least 0; got -1"),
        (lambda: VarianceScaling(0), "scale must be a finite number above 0; got 0"),
        (lambda: VarianceScaling(mode="fan"), "mode must be 'fan_in', 'fan_out' or 'fan_avg'; got 'fan'"),
        (lambda: VarianceScaling(distribution="cauchy"), "distribution must be 'uniform', .*; got 'cauchy'"),
        (lambda: get("he"), "Unknown initializer 'he'"),
    ):
        with pytest.raises(ValueError, match=match):
            call()
