"""How one gradient is measured: directions, steps, scales, kinks."""

import math

import numpy as np
import own_layers
import pytest
import sabotage
from checking import Cube, failure, measured, text
from own_layers import Elementwise

import tinynet as tn
from tinynet import gradcheck
from tinynet.gradcheck.measure import units
from tinynet.gradcheck.numeric import EPS
from tinynet.layers import Layer, ReLU, Sigmoid, Softmax, Tanh

H = EPS ** (1 / 3)


# ---- directions and steps ----------------------------------------------------------------------------------------


def test_up_to_200_entries_are_checked_one_by_one():
    whole, large = measured(Cube(), np.ones((2, 100))), measured(Cube(), np.ones((3, 67)))
    assert (whole.count, large.count) == (200, 20)
    assert [whole.direction(i).ravel().argmax() for i in (0, 150)] == [0, 150]
    assert (whole.direction(7).sum(), np.abs(whole.direction(7)).max()) == (1, 1)
    assert whole.direction(7).shape == (2, 100)


def test_a_random_direction_is_the_same_when_it_is_drawn_again_and_has_entries_of_about_the_size_1():
    large = measured(Cube(), np.ones((30, 100)))
    directions = np.array([large.direction(i) for i in range(20)])
    assert np.array_equal(directions[3], large.direction(3))
    assert len({v.sum() for v in directions}) == 20
    assert directions.shape == (20, 30, 100)
    assert directions.std() == pytest.approx(1, abs=5 / math.sqrt(2 * directions.size))  # five standard errors
    again = measured(Cube(), np.ones((30, 100)))
    assert np.array_equal(again.direction(3), large.direction(3)), "the generator decides"


def test_chosen_entries():
    some = measured(Cube(), np.arange(12.0).reshape(3, 4), entries=np.array([2, 11]))
    assert some.count == 2
    assert np.argwhere(some.direction(1)).tolist() == [[2, 3]]
    assert some.numeric == pytest.approx([3 * 2**2, 3 * 11**2], rel=1e-14)
    assert some.along(np.arange(12.0).reshape(3, 4)).tolist() == [2, 11]


def test_steps_are_in_proportion_to_entries_above_1():
    one = measured(Cube(), [[0.5, -4.0, 0.0, 1e-3]])
    assert [one.step(i) / H for i in range(4)] == pytest.approx([1, 4, 1, 1], rel=1e-12)
    assert np.array(one.other_steps(1)) / H == pytest.approx([128, 1 / 8, 4096, 1 / 256, 1 / 8192, 4], rel=1e-12)
    assert np.array(one.other_steps(3)) / H == pytest.approx([32, 1 / 32, 1024, 1 / 1024, 1 / 32768, 1e-3], rel=1e-12)
    assert len(one.other_steps(2)) == 5


def test_the_step_of_a_random_direction_is_shared_out_among_its_entries():
    x = np.array([0.5, 7.0] * 200).reshape(4, 100)  # sizes 1 and 7, whose mean square is 25
    many = measured(Cube(), x)
    assert many.step(0) == pytest.approx(H * 5 / 20, rel=1e-12)
    assert len(many.other_steps(0)) == 5


# ---- scales ------------------------------------------------------------------------------------------------------


def test_the_largest_entry_is_known_where_entries_are_checked():
    assert measured(Cube(), [[1.0, -2.0]]).largest() == pytest.approx(12, rel=1e-14)
    assert measured(Cube(), np.ones((3, 100))).largest() == 0


def test_errors_are_relative_to_the_largest_gradient_or_to_what_rounding_allows():
    small = measured(Cube(), [[1.0, -2.0]], upstream=[[0.5, -3.0]])
    assert small.derivative.rounding("complex step") == pytest.approx(4 * EPS * 3 * 2, rel=1e-12)
    assert small.scale(1e9, 1e-12) == 1e9
    assert small.scale(0, 1e-12) == pytest.approx(4 * EPS * 3 * 2 / 1e-12, rel=1e-12)
    small.method = "central differences"  # |dy y| adds up to 0.5 + 24
    assert small.scale(0, 1e-6) == pytest.approx(10 * EPS * 24.5 / H / 1e-6, rel=1e-12)
    assert small.derivative.rounding("central differences") == pytest.approx(10 * EPS * 24.5 / H, rel=1e-12)


def test_numbers_inside_are_taken_to_be_of_size_1_at_least():
    tiny = measured(Cube(), [[1e-3, 1e-3]], upstream=[[2.0, 1.0]])
    assert tiny.derivative.rounding("complex step") == pytest.approx(4 * EPS * 2, rel=1e-12)
    assert tiny.derivative.rounding("central differences") == pytest.approx(10 * EPS * 2 / H, rel=1e-12)


def test_along_random_directions_rounding_grows_with_the_root_of_the_number_of_entries():
    many = measured(Cube(), np.ones((4, 100)))
    assert many.scale(0, 1e-12) == pytest.approx(4 * EPS * 20 / 1e-12, rel=1e-12)


def test_errors_by_hand():
    one = measured(Cube(), [[1.0, -2.0, 3.0]])  # 3, 12, 27
    gradient = np.array([[3.0, 12.5, 26.0]])
    assert one.errors(gradient, 10) == pytest.approx([0, 0.05, 0.1], abs=1e-13)
    assert one.error(gradient, 10, 1e-12) == pytest.approx(0.1, rel=1e-12)
    one.kinks = [2]
    assert one.errors(gradient, 10) == pytest.approx([0, 0.05, 0], abs=1e-13)
    index, value = one.worst(gradient, 10, np.random.default_rng(0))
    assert (tuple(map(int, index)), value) == ((0, 1), pytest.approx(12, rel=1e-14))
    assert one.errors(np.array([[np.nan, 12, 27]]), 10)[0] == math.inf


def test_the_worst_entry_is_found_at_either_end_of_a_large_array():
    for place in (0, 1, 150, 298, 299):
        many = measured(Cube(), np.ones((3, 100)))
        gradient = np.full((3, 100), 3.0)
        gradient.flat[place] = 4
        index, value = many.worst(gradient, 3, np.random.default_rng(place))
        assert np.ravel_multi_index(index, (3, 100)) == place
        assert value == pytest.approx(3, rel=1e-14)


# ---- causes ------------------------------------------------------------------------------------------------------


def test_units():
    assert [v.tolist() for v in units((1, 2))] == [[[1, 0]], [[0, 1]]]


# ---- reports -----------------------------------------------------------------------------------------------------


def test_a_tolerance_counts_where_entries_are_measured_again():
    class Wave(Layer):
        def forward(self, x, training=False):
            return np.sin(100 * x), x

        def backward(self, dy, cache, need_dx=True):
            return 100 * dy * np.cos(100 * cache)

    # at the first step h^2 100^2 / 6 = 6e-8 is cut off; a shorter one leaves less than 1e-9
    assert gradcheck.check_layer(Wave(), x=[[0.3, -0.7]], method="central", tolerance=1e-9).passed
    assert gradcheck.check_layer(Tanh(), x=[[0.3, -0.7]], method="central", tolerance=1e-9).passed


@pytest.mark.parametrize("method", ["auto", "central"])
def test_a_steep_wave_raises_no_alarm(method):
    class Wave(Layer):
        def forward(self, x, training=False):
            return np.sin(1000 * x), x

        def backward(self, dy, cache, need_dx=True):
            return 1000 * dy * np.cos(1000 * cache)

    for seed in range(5):
        assert gradcheck.check_layer(Wave(), (4,), method=method, seed=seed).passed


# ---- small things that only show by hand -------------------------------------------------------------------------


class Bends:
    """Stands for a Derivative whose slopes differ by the numbers given, at the step and at a 32nd of it."""

    STEP = H

    def __init__(self, bend, finer, slope=1.0):
        self.answers, self.slope, self.steps = [bend, finer], slope, []

    def bends(self, v, h):
        self.steps.append(h)
        return np.array([self.answers[len(self.steps) - 1]]), np.array([self.slope])


@pytest.mark.parametrize(
    ("bend", "finer", "slope", "kink"),
    [
        (1, 1, 1, True),
        (1, 0.55, 1, True),
        (1, 0.45, 1, False),
        (1, 1.9, 1, True),
        (1, 2.1, 1, False),
        (1, 1 / 32, 1, False),  # a curve
        (1, 32, 1, False),  # rounding
        (1, 0, 1, False),  # a kink that the shorter step does not reach
        (1.1e-4, 1.1e-4, 1, True),
        (0.9e-4, 0.9e-4, 1, False),
        (2e-5, 2e-5, 0.1, True),
    ],
)
def test_what_is_a_kink(bend, finer, slope, kink):
    one = measured(Cube(), [[0.5]])
    one.derivative, values = Bends(bend, finer, slope), one.derivative.values
    one.derivative.values, one.derivative.which = values, 0
    assert one.at_kink(0) == kink
    assert one.derivative.steps == pytest.approx([H, H / 32], rel=1e-12)


# ---- kinks -------------------------------------------------------------------------------------------------------


class Threshold(Layer):
    """y = max(x, 0.3), with the derivative 0 at 0.3."""

    def forward(self, x, training=False):
        return np.maximum(x, 0.3), x

    def backward(self, dy, cache, need_dx=True):
        return dy * (cache > 0.3)


@pytest.mark.parametrize("method", ["auto", "complex", "central"])
def test_entries_at_a_kink_are_left_out_and_counted(method):
    report = gradcheck.check_layer(Threshold(), x=[[0.3, 1.0, -1.0, 0.5]], method=method)
    assert (report["x"].kinks, report["x"].checked) == (1, 4)
    assert "4 entries, 1 at kinks left out" in text(report)
    assert report["x"].index != (0, 0)


@pytest.mark.parametrize("method", ["auto", "complex", "central"])
@pytest.mark.parametrize("distance", [3e-6, -3e-6, 1e-6])
def test_entries_near_a_kink_are_checked_by_a_shorter_step(method, distance):
    report = gradcheck.check_layer(Threshold(), x=[[0.3 + distance, 1.0, -1.0]], method=method)
    assert report["x"].kinks == 0


def test_a_wrong_gradient_is_no_kink():
    class Wrong(Threshold):
        def backward(self, dy, cache, need_dx=True):
            return dy * (cache > 0.4)

    for method in ("auto", "complex", "central"):
        report = failure(gradcheck.check_layer, Wrong(), x=[[0.3, 0.35, 1.0]], method=method)
        assert report["x"].index == (0, 1)


def test_nothing_but_kinks_is_no_success():
    report = failure(gradcheck.check_layer, ReLU(), x=np.zeros((2, 3)))
    assert "UNCHECKED x" in text(report)
    assert "all of x lies at a kink and is not checked" in text(report)


# ---- scale, noise, restoring -------------------------------------------------------------------------------------


def test_errors_are_relative_to_the_largest_entry_of_all_gradients():
    class Biased(sabotage.Scale):
        """Scale with an error of 1e-3 in one entry of dx."""

        def backward(self, dy, cache, need_dx=True):
            dx = super().backward(dy, cache, need_dx)
            dx[0, 0] += 1e-3
            return dx

    report = failure(gradcheck.check_layer, Biased(), x=[[100.0, 1.0], [50.0, 2.0]])
    assert report.scale == pytest.approx(abs(report["a"].analytic), rel=0.5)
    assert report["x"].error == pytest.approx(1e-3 / report.scale, rel=1e-6)


def test_gradients_that_vanish_are_no_failure():
    saturated = Sigmoid()
    assert gradcheck.check_layer(saturated, x=[[40.0, -800.0], [700.0, 60.0]]).passed
    assert gradcheck.check_layer(Softmax(), (1,)).error == 0
    assert gradcheck.check_loss(
        tn.losses.SparseCategoricalCrossentropy(from_logits=True), [0, 1], [[60.0, 0], [0, 60.0]]
    ).passed


def test_gradients_far_below_dy_are_checked_all_the_same():
    report = gradcheck.check_layer(own_layers.Tiny(), (3,))
    assert "The error of x is relative to 0.00" in text(report)
    assert "relative to 0.00" not in str(gradcheck.check_layer(Tanh(), (3,)))

    class Wrong(own_layers.Tiny):
        def backward(self, dy, cache, need_dx=True):
            return 1e-9 * dy * cache

    for method in ("complex", "central"):
        assert "the same factor, 0.5" in failure(gradcheck.check_layer, Wrong(), (3,), method=method)["x"].cause


WAYS = ["auto", "complex", "central"]


# ---- right layers, unkind numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", WAYS)
@pytest.mark.parametrize(
    ("f", "derivative", "x"),
    [
        (np.tanh, lambda x: 1 - np.tanh(x) ** 2, [[1000.0, 0.0, 1e-6]]),
        (lambda x: np.sin(10 * x), lambda x: 10 * np.cos(10 * x), [[100.0, 0.0, 0.5]]),
        (lambda x: np.sin(1000 * x), lambda x: 1000 * np.cos(1000 * x), [[0.0, 1e-3]]),
        (lambda x: (x + 1e6) - 1e6, np.ones_like, [[0.3, -2.0, 5.0]]),
        (np.log, lambda x: 1 / x, [[1e-6, 1.0, 100.0]]),
        (np.log, lambda x: 1 / x, [[1e-60, 1e-3]]),
        (np.sqrt, lambda x: 0.5 / np.sqrt(x), [[1e-8, 1.0]]),
        (lambda x: x**3 - 1e4, lambda x: 3 * x**2, [[1.0, -2.0]]),
    ],
    ids=["tanh", "sin 10x", "sin 1000x", "cancels", "log", "log of 1e-60", "sqrt", "offset"],
)
def test_steps_of_several_lengths(method, f, derivative, x):
    report = gradcheck.check_layer(Elementwise(f, derivative), x=x, method=method)
    assert report["x"].kinks == 0
    wrong = Elementwise(f, lambda x: 1.001 * derivative(x))
    with pytest.raises(gradcheck.GradientError, match=r"the same factor, 1\.001"):
        gradcheck.check_layer(wrong, x=x, method=method)


def test_what_cancels_in_a_large_array():
    layer = Elementwise(lambda x: (x + 1e6) - 1e6, np.ones_like)
    assert gradcheck.check_layer(layer, x=np.random.default_rng(0).normal(size=(5, 60))).passed


# ---- many kinks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", WAYS)
def test_an_array_of_which_half_lies_at_kinks_is_checked_by_single_entries(method):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 60)) * rng.choice([0, 1], (8, 60))
    report = gradcheck.check_layer(ReLU(), x=x, method=method)
    row = report["x"]
    assert (row.checked, row.size, row.whole) == (200, 480, True)
    assert 60 < row.kinks < 140
    assert f"200 of 480 entries, {row.kinks} at kinks left out" in str(report)

    class Forgets(ReLU):
        def backward(self, dy, cache, need_dx=True):
            return dy.copy()

    with pytest.raises(gradcheck.GradientError):
        gradcheck.check_layer(Forgets(), x=x, method=method)


@pytest.mark.parametrize("method", WAYS)
def test_kinks_that_cancel_in_the_output(method):
    class Difference(Layer):
        """y = |a| - |b| for each pair."""

        def parts(self):
            return [Elementwise(lambda x: np.where(x > 0, x, -x), np.sign), Pairs()]

    class Pairs(Layer):
        def build(self, input_shape):
            return (input_shape[0] // 2,)

        def forward(self, x, training=False):
            return x[:, ::2] - x[:, 1::2], x.shape

        def backward(self, dy, cache, need_dx=True):
            dx = np.empty(cache)
            dx[:, ::2], dx[:, 1::2] = dy, -dy
            return dx

    x = np.random.default_rng(0).normal(size=(6, 100))
    x[:, :40] = 0
    row = gradcheck.check_layer(Difference(), x=x, method=method)["x"]
    assert (row.kinks > 0) == (method != "central"), "the mean of -1 and 1 is the 0 that backward gives"


# ---- tiny gradients ----------------------------------------------------------------------------------------------


def test_of_a_gradient_below_all_others_no_more_is_said_than_that_it_is_tiny():
    layer = sabotage.Scale()
    layer.setup((2,))
    layer.a = [1e-14, 2e-14]
    report = gradcheck.check_layer(layer, x=[[1.0, -2.0]])
    assert "of x no more is shown than that it is tiny, " in str(report)
    assert "no more is shown" not in str(gradcheck.check_layer(Tanh(), (3,)))


# ---- notes -------------------------------------------------------------------------------------------------------


def test_how_tiny_a_gradient_must_be_to_be_called_so():
    layer = sabotage.Scale()
    layer.setup((2,), dtype="float64")
    layer.a = [1e-11, 2e-11]  # dx is some 1e-12; da is some 100, of which 1e-12 is 1e-10
    report = gradcheck.check_layer(layer, x=[[1000.0, -2000.0]])
    assert [note.split(",")[0] for note in report.notes] == ["of x no more is shown than that it is tiny"]
    layer.a = [1e-8, 2e-8]
    assert gradcheck.check_layer(layer, x=[[1000.0, -2000.0]]).notes == []


def test_one_entry_at_a_kink_and_none_at_all():
    with pytest.raises(gradcheck.GradientError, match="Note: all of x lies at a kink"):
        gradcheck.check_layer(ReLU(), x=[[0.0]])

    class Empty(sabotage.Scale):
        def build(self, input_shape):
            self.add_weight("nothing", (0,), "zeros")
            return super().build(input_shape)

    assert gradcheck.check_layer(Empty(), (3,)).notes == []
