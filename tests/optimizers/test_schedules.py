"""Schedules: Keras's numbers, both sides of every boundary, and what an optimizer makes of one."""

import math
from itertools import pairwise

import catalogue
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet as tn
from tinynet.optimizers import SGD, Adam
from tinynet.optimizers.schedules import (
    SCHEDULES,
    CosineDecay,
    ExponentialDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    get,
)

# Keras 3.15, in float32, so rounded here to 1e-6: at steps 0, 3, 5, 6, 10, 12.
KERAS = {
    "ExponentialDecay(0.1, 10, 0.5)": [0.1, 0.081225, 0.070711, 0.065975, 0.05, 0.043528],
    "ExponentialDecay(0.1, 10, 0.5, staircase=True)": [0.1, 0.1, 0.1, 0.1, 0.05, 0.05],
    "PiecewiseConstantDecay([5, 10], [1, 0.5, 0.1])": [1, 1, 1, 0.5, 0.5, 0.1],
    "CosineDecay(0.1, 10, alpha=0.1)": [0.1, 0.08145, 0.055, 0.041094, 0.01, 0.01],
}
# At steps 0, 1, 3, 4, 5, 9, 14, 20.
WARMUP = {
    "CosineDecay(0, 10, 0.1, warmup_target=0.1, warmup_steps=4)": [0, 0.025, 0.075, 0.1, 0.0977975, 0.055, 0.01, 0.01],
    "CosineDecay(0.02, 10, warmup_target=0.1, warmup_steps=4)": [0.02, 0.04, 0.08, 0.1, 0.0975528, 0.05, 0, 0],
}
NAMES = {each.__name__: each for each in SCHEDULES.values()}


@pytest.mark.parametrize("text", [*KERAS, *WARMUP])
def test_values_are_those_of_keras(text):
    schedule, known = eval(text, dict(NAMES)), {**KERAS, **WARMUP}[text]
    steps = (0, 3, 5, 6, 10, 12) if text in KERAS else (0, 1, 3, 4, 5, 9, 14, 20)
    for step, expected in zip(steps, known, strict=True):
        assert type(schedule(step)) is float
        assert math.isclose(schedule(step), expected, rel_tol=0, abs_tol=6e-7)


def test_stairs_go_down_at_each_multiple_of_decay_steps():
    schedule = ExponentialDecay(0.8, 10, 0.5, staircase=True)
    assert [schedule(step) for step in (0, 9, 10, 19, 20, 29, 30)] == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.1]
    assert ExponentialDecay(0.8, 2.5, 0.5, staircase=True)(5) == 0.2


def test_a_boundary_has_the_value_on_its_left():
    schedule = PiecewiseConstantDecay((5, 10), (3, 2, 1))
    assert [schedule(step) for step in (0, 4, 5, 6, 9, 10, 11, 1000)] == [3, 3, 3, 2, 2, 2, 1, 1]
    assert PiecewiseConstantDecay([], [0.5])(7) == 0.5


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 50))
def test_the_cosine_goes_from_its_top_through_the_middle_down_to_alpha(top, alpha, half):
    schedule = CosineDecay(top, 2 * half, alpha)
    values = [schedule(step) for step in range(2 * half + 3)]
    assert all(left >= right - 1e-15 for left, right in pairwise(values))
    for step, expected in ((0, top), (half, top * (1 + alpha) / 2), (2 * half, top * alpha), (99 * half, top * alpha)):
        assert math.isclose(schedule(step), expected, rel_tol=1e-14, abs_tol=1e-15)


def test_the_warmup_is_a_line_whose_end_is_the_top_of_the_cosine():
    schedule = CosineDecay(0.5, 2, warmup_target=0.125, warmup_steps=3)
    assert [schedule(step) for step in (0, 1, 2, 3)] == [0.5, 0.375, 0.25, 0.125]
    assert math.isclose(schedule(4), 0.0625, rel_tol=1e-15)
    assert CosineDecay(0.5, 2, warmup_target=0.125)(0) == 0.125, "a warmup of no steps"
    assert schedule(5) == schedule(6) == 0


@pytest.mark.parametrize("make", catalogue.SCHEDULES.values(), ids=catalogue.SCHEDULES)
def test_configs_and_records_make_the_same_schedule_again(make):
    schedule = make()
    config = schedule.get_config()
    record = {"class_name": type(schedule).__name__, "config": config}
    for other in (type(schedule).from_config(config), get(record)):
        assert type(other) is type(schedule)
        assert other.get_config() == config
        assert [other(step) for step in range(20)] == [schedule(step) for step in range(20)]
    assert get(schedule) is schedule
    assert repr(eval(repr(schedule), dict(NAMES))) == repr(schedule)


def test_configs_have_the_keys_and_values_of_keras():
    assert ExponentialDecay(0.1, 100, 0.9).get_config() == {
        "initial_learning_rate": 0.1, "decay_steps": 100, "decay_rate": 0.9, "staircase": False,
        "name": "ExponentialDecay",
    }  # fmt: skip
    assert CosineDecay(0.1, 10).get_config() == {
        "initial_learning_rate": 0.1, "decay_steps": 10, "alpha": 0.0, "name": "CosineDecay", "warmup_target": None,
        "warmup_steps": 0,
    }  # fmt: skip
    piecewise = PiecewiseConstantDecay((5,), (1, 0.5), name="mine")
    assert piecewise.get_config() == {"boundaries": [5], "values": [1.0, 0.5], "name": "mine"}
    assert type(ExponentialDecay(0.1, np.int64(100), 0.9).get_config()["decay_steps"]) is int
    assert PiecewiseConstantDecay([5], [1, 2]).name == "PiecewiseConstant"


# ---- in an optimizer ----------------------------------------------------------------------------------------------


def test_each_step_takes_the_value_of_the_steps_before_it():
    optimizer, w = SGD(PiecewiseConstantDecay([0, 1], [0.5, 0.25, 0.125])), np.zeros(1)
    places = []
    for rate in (0.5, 0.25, 0.125, 0.125):
        assert optimizer.learning_rate == rate
        optimizer.apply([np.ones(1)], [w])
        places.append(w[0])
    assert places == [-0.5, -0.75, -0.875, -1.0]
    assert repr(optimizer) == "<SGD learning_rate=0.125, iterations=4>"
    optimizer.reset()
    assert optimizer.learning_rate == 0.5


def test_three_steps_on_a_schedule_are_those_of_keras():
    optimizer, w = SGD(ExponentialDecay(0.1, 2, 0.5)), np.float32([1, -2, 3])
    for t in (1, 2, 3):
        optimizer.apply([np.float32([0.1, -0.5, 2 * t])], [w])
    assert np.allclose(w, [0.9779289, -1.8896447, 2.2171574], rtol=0, atol=1e-6)  # float32, and three steps of it


def test_adam_and_weight_decay_follow_the_schedule():
    schedule = ExponentialDecay(0.1, 1, 0.5)
    scheduled, by_hand = Adam(schedule, weight_decay=0.1), Adam(0.1, weight_decay=0.1)
    w, v = np.ones(3), np.ones(3)
    for step in range(4):
        by_hand.learning_rate = schedule(step)
        scheduled.apply([np.arange(3.0) + step], [w])
        by_hand.apply([np.arange(3.0) + step], [v])
        assert np.array_equal(w, v)


def test_a_number_over_a_schedule_is_refused_and_another_schedule_is_not():
    first, second = ExponentialDecay(0.1, 10, 0.5), CosineDecay(0.2, 10)
    optimizer = SGD(first)
    assert optimizer.schedule is first
    with pytest.raises(TypeError, match=r"SGD follows ExponentialDecay\(.*\) and cannot be set to 0.5: set another"):
        optimizer.learning_rate = 0.5
    assert optimizer.learning_rate == 0.1
    optimizer.learning_rate = second
    assert (optimizer.schedule, optimizer.learning_rate) == (second, 0.2)
    plain = SGD(0.1)
    assert plain.schedule is None
    plain.learning_rate = second
    assert plain.schedule is second


def test_an_optimizers_config_holds_the_record_of_its_schedule():
    schedule = CosineDecay(0.1, 10, warmup_target=0.2, warmup_steps=3)
    config = Adam(schedule, clipnorm=1).get_config()
    assert config["learning_rate"] == {
        "module": "keras.optimizers.schedules",
        "class_name": "CosineDecay",
        "config": schedule.get_config(),
        "registered_name": None,
    }
    again = Adam.from_config(config)
    assert again.get_config() == config
    assert again.learning_rate == 0.1
    record = {"class_name": "CosineDecay", "config": {"initial_learning_rate": 0.3, "decay_steps": 5}}
    assert SGD(record).learning_rate == 0.3


def test_a_schedule_of_ones_own():
    class Halves(LearningRateSchedule):
        def __init__(self, start):
            self.start = start

        def __call__(self, step):
            return self.start / 2**step

    optimizer = SGD(Halves(1.0))
    assert optimizer.get_config()["learning_rate"]["config"] == {"start": 1.0}
    optimizer.iterations = 2
    assert optimizer.learning_rate == 0.25
    bad = SGD(Halves(-1.0))
    with pytest.raises(ValueError, match="rate of Halves at step 0 must be a finite number at least 0; got -1"):
        bad.apply([np.ones(1)], [np.ones(1)])
    assert bad.iterations == 0
    with pytest.raises(TypeError, match=r"LearningRateSchedule must define __call__\(step\)"):
        LearningRateSchedule()(0)


def test_fit_goes_along_the_schedule():
    model = tn.Sequential([tn.Input((2,)), tn.layers.Dense(2, "softmax")], seed=0)
    model.compile(SGD(PiecewiseConstantDecay([1], [0.5, 0])), "sparse_categorical_crossentropy")
    x, y = np.ones((4, 2)), [0, 1, 1, 1]
    model.fit(x, y, batch_size=2, verbose=0)  # steps 0 and 1 have rate 0.5, later ones 0
    weights = model.get_weights()
    model.fit(x, y, batch_size=2, verbose=0)
    assert all(map(np.array_equal, model.get_weights(), weights))
    assert (model.optimizer.iterations, model.optimizer.learning_rate) == (4, 0)


# ---- what makes no sense ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: ExponentialDecay(-0.1, 1, 1), ValueError, "initial_learning_rate must be a finite number at least 0"),
        (lambda: ExponentialDecay(0.1, 0, 1), ValueError, "decay_steps must be a finite number above 0; got 0"),
        (lambda: ExponentialDecay(0.1, 1, -0.1), ValueError, "decay_rate must be a finite number at least 0"),
        (lambda: CosineDecay(-0.1, 1), ValueError, "initial_learning_rate must be a finite number at least 0"),
        (lambda: CosineDecay(0.1, -1), ValueError, "decay_steps must be a finite number above 0"),
        (lambda: CosineDecay(0.1, True), ValueError, "decay_steps must be a finite number above 0; got True"),
        (lambda: CosineDecay(0.1, 1, -0.1), ValueError, "alpha must be a finite number at least 0"),
        (lambda: CosineDecay(0.1, 1, warmup_target=-1), ValueError, "warmup_target must be a finite number at least 0"),
        (
            lambda: CosineDecay(0.1, 1, warmup_target=1, warmup_steps=-1),
            ValueError,
            "warmup_steps must be a finite number at least 0",
        ),
        (lambda: CosineDecay(0.1, 1, warmup_steps=5), ValueError, "warmup_steps=5 needs a warmup_target"),
        (lambda: PiecewiseConstantDecay([1, 2], [1, 2]), ValueError, "values must have one entry more"),
        (lambda: PiecewiseConstantDecay([1], [1, 2, 3]), ValueError, "values must have one entry more"),
        (lambda: PiecewiseConstantDecay([2, 2], [1, 2, 3]), ValueError, r"boundaries must increase; got \[2, 2\]"),
        (lambda: PiecewiseConstantDecay([-1], [1, 2]), ValueError, "each of the boundaries must be a finite number at"),
        (lambda: PiecewiseConstantDecay([1], [1, -2]), ValueError, "each of the values must be a finite number at"),
        (lambda: PiecewiseConstantDecay(1, [1, 2]), TypeError, "boundaries must be a list of numbers; got 1"),
        (lambda: PiecewiseConstantDecay([1], 2), TypeError, "values must be a list of numbers; got 2"),
        (lambda: SGD(ExponentialDecay), TypeError, r"write ExponentialDecay\(\), not ExponentialDecay"),
        (lambda: SGD(lambda: 0.1), TypeError, "must be a name .* or an instance of LearningRateSchedule"),
        (lambda: SGD({"class_name": "Cosine", "config": {}}), ValueError, "Did you mean 'CosineDecay'"),
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_zeros_that_make_sense():
    assert ExponentialDecay(0, 1, 0)(1) == 0
    assert ExponentialDecay(0.5, 1, 0)(0) == 0.5
    assert CosineDecay(0, 1, 0, warmup_target=0, warmup_steps=0)(0) == 0
    assert PiecewiseConstantDecay([0], [0, 0])(0) == 0
    assert ExponentialDecay(0.5, 0.25, 0.5)(1) == 0.5**5
