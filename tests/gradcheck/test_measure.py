"""The pieces of the checker by hand: steps, directions, scales, derivatives, reports."""

import math

import numpy as np
import pytest
import sabotage

import tinynet as tn
from tinynet import gradcheck
from tinynet.gradcheck.causes import axes, ratio_of, spanned
from tinynet.gradcheck.check import Check, other_inputs
from tinynet.gradcheck.function import Function
from tinynet.gradcheck.measure import METHODS, Measured, units
from tinynet.gradcheck.numeric import EPS, TOLERANCES, Derivative, refusal
from tinynet.gradcheck.report import Report, Row
from tinynet.gradcheck.subjects import _options, _real, distinct_batch, drawn, noisy
from tinynet.layers import Dense, Layer, ReLU, Tanh

H = EPS ** (1 / 3)


class Cube(Layer):
    """y = x^3."""

    def forward(self, x, training=False):
        return x**3, x

    def backward(self, dy, cache, need_dx=True):
        return 3 * dy * cache**2


def measured(layer, x, method="auto", upstream=None, entries=None):
    x = np.asarray(x, float)
    function = Function([layer], x)
    upstream = np.ones(function(function.values).shape) if upstream is None else np.asarray(upstream, float)
    return Measured(Derivative(function, upstream, 0), METHODS[method], np.random.default_rng(0), entries)


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


# ---- derivatives -------------------------------------------------------------------------------------------------


def test_derivatives_of_each_output_and_by_name():
    function = Function([Cube()], np.array([[2.0, -1.0]]))
    derivative = Derivative(function, np.array([[1.0, 10.0]]), 0)
    v = np.array([[1.0, 2.0]])
    assert derivative.of_each_output(v, "complex step") == pytest.approx(np.array([[12.0, 6]]), rel=1e-14)
    assert derivative.of_each_output(v, "central differences", 0.1) == pytest.approx(
        np.array([[12 + 0.01, 6 + 0.01 * 8]]), rel=1e-12
    )
    assert derivative.along(v, "complex step", 0.1) == pytest.approx(72, rel=1e-14)
    assert derivative.along(v, "central differences", 0.1) == pytest.approx(12.01 + 60.8, rel=1e-12)


def test_a_derivative_at_other_values_and_in_a_weight():
    layer = sabotage.Scale()
    layer.setup((2,), dtype="float64")
    function = Function([layer], np.array([[3.0, 5.0]]))
    derivative = Derivative(function, np.array([[1.0, 10.0]]), 1)
    assert derivative.along(np.array([1.0, 1.0]), "complex step") == pytest.approx(53, rel=1e-14)
    there = Derivative(function, np.array([[1.0, 10.0]]), 1, [np.array([[4.0, 6.0]]), np.ones(2)])
    assert there.along(np.array([1.0, 1.0]), "complex step") == pytest.approx(64, rel=1e-14)


def test_a_step_out_of_the_domain_says_nothing_and_warns_of_nothing():
    class Root(Layer):
        def forward(self, x, training=False):
            return np.sqrt(x), x

    one = measured(Root(), [[1e-9]], "central")
    assert np.isnan(one.difference(0))
    assert one.steadiest(0) == pytest.approx(0.5 / math.sqrt(1e-9), rel=1e-6)


def test_bends_are_those_of_every_part():
    function = Function([Cube(), ReLU()], np.array([[2.0, 0.0]]))
    bends, slopes = Derivative(function, np.ones((1, 2)), 0).bends(np.array([[1.0, 1.0]]), 0.5)
    # the cubes at 1.5, 2, 2.5 and -0.5, 0, 0.5; then ReLU cuts off -0.125
    assert bends == pytest.approx([(15.625 - 16 + 3.375) / 0.5, 0, 6, 0.25])
    assert slopes == pytest.approx([(15.625 - 3.375) / 0.5, 0.5, 24.5, 0.25])


@pytest.mark.parametrize(
    ("f", "why"),
    [
        (np.tanh, None),
        (np.floor, "does not work on complex numbers: ufunc 'floor'"),
        (np.abs, "makes real numbers of complex ones"),
        (lambda x: x + np.iscomplexobj(x), "gives other values for complex numbers"),
        (lambda x: x + 1e-8 * np.iscomplexobj(x), "gives other values for complex numbers"),
        (lambda x: x / 10 + 1.5e-9 * np.iscomplexobj(x), "gives other values for complex numbers"),
        (lambda x: x + 1e-10 * np.iscomplexobj(x), None),
        (lambda x: 1e6 * x + 1e-8 * np.iscomplexobj(x), None),
    ],
)
def test_why_the_complex_step_is_refused(f, why):
    class Some(Layer):
        def forward(self, x, training=False):
            return f(x), x

    found = refusal(Function([Some()], np.array([[0.5, 2.0]])))
    assert (found is None) if why is None else (why in found)


def test_an_exception_without_a_text_is_named():
    class Silent(Layer):
        def forward(self, x, training=False):
            if x.dtype.kind == "c":
                raise NotImplementedError
            return x, x

    assert refusal(Function([Silent()], np.ones((1, 2)))).endswith("complex numbers: NotImplementedError")


# ---- functions ---------------------------------------------------------------------------------------------------


def test_a_function_names_what_it_differentiates():
    layer = Dense(2, name="d")
    layer.setup((3,), dtype="float64")
    loss = tn.losses.SparseCategoricalCrossentropy(from_logits=True)
    chain = Function([layer], np.ones((2, 3)))
    assert list(zip(chain.owners, chain.names, strict=True)) == [("", "x"), ("d", "kernel"), ("d", "bias")]
    assert Function([layer], np.ones((2, 3)), loss, np.array([0, 1])).names == ["x", "kernel", "bias"]
    alone = Function([], np.ones((2, 3)), loss, np.array([0, 1]))
    assert (alone.owners, alone.names) == ([""], ["y_pred"])
    assert alone(alone.values) == pytest.approx(math.log(3))
    assert alone.trace(alone.values) == pytest.approx([math.log(3)] * 2)


def test_the_first_samples_of_a_function():
    layer = Dense(2)
    layer.setup((3,), dtype="float64")
    loss = tn.losses.SparseCategoricalCrossentropy(from_logits=True)
    whole = Function([layer], np.arange(12.0).reshape(4, 3), loss, np.array([0, 1, 1, 0]))
    expected = whole(whole.values)
    whole([whole.values[0], 2 * whole.values[1], whole.values[2]])  # leaves other weights in the layer
    fewer = whole.first(3)
    assert fewer(fewer.values) == pytest.approx(expected[:3], rel=1e-14)
    assert fewer.labels.tolist() == [0, 1, 1]


def test_other_inputs_are_the_samples_in_another_order():
    x = np.arange(6.0).reshape(3, 2)
    assert other_inputs(x).tolist() == [[4, 5], [0, 1], [2, 3]]
    assert other_inputs(x[:2]).tolist() == [[2, 3], [0, 1]]
    assert other_inputs(x[1:2]) == pytest.approx(np.array([[1.8, 2.7]]))


# ---- what is drawn -----------------------------------------------------------------------------------------------


def test_random_inputs_are_spread_over_the_powers_of_ten():
    x = drawn((100, 100), np.random.default_rng(0), (0.03, 10))
    sizes = np.log10(np.abs(x))
    low, high = math.log10(0.03), 1
    assert low <= sizes.min() < low + 0.01
    assert high - 0.01 < sizes.max() <= high
    error = (high - low) / math.sqrt(12) / 100  # of the mean of 10,000 uniform numbers
    assert sizes.mean() == pytest.approx((low + high) / 2, abs=5 * error)
    assert abs((x > 0).mean() - 0.5) < 5 * 0.5 / 100


def test_noise_is_a_tenth_of_what_is_there():
    def weights(values, fresh):
        layer = sabotage.Scale()
        layer.setup((len(values),), dtype="float64")
        layer.a = values
        noisy([layer], np.random.default_rng(0), fresh)
        return layer.a

    values = np.array([0.0, 0, 5, -0.01] * 100)
    moved = weights(values, fresh=True) - values
    share = np.abs(moved) / np.where(values == 0, 1, np.abs(values))
    assert 0.09 < share.max() <= 0.1
    assert abs(moved[::4].mean()) < 0.1 / math.sqrt(3) / 10 * 5
    assert (moved != 0).all()
    assert np.array_equal(weights(values, fresh=False), values)
    assert (weights(np.ones(5), fresh=False) != 1).all()


def test_a_distinct_batch():
    assert distinct_batch((4,), (3,), []) == 5
    assert distinct_batch((5,), (3,), []) == 7
    assert distinct_batch((4,), (7, 5), []) == 11
    layer = Dense(13)
    layer.setup((11,))
    assert distinct_batch((7,), (5,), [layer]) == 3
    assert distinct_batch((5, 7, 3), (11, 13), []) == 5, "there is no other"


# ---- causes ------------------------------------------------------------------------------------------------------


def test_the_ratio_of_two_gradients():
    one = measured(Cube(), [[1.0, -2.0, 0.0]])  # 3, 12, 0
    assert ratio_of(one, np.array([[6.0, 24, 0]])) == pytest.approx(2, rel=1e-14)
    assert ratio_of(one, np.array([[1.0, 0, 0]])) == pytest.approx(3 / (9 + 144), rel=1e-14)
    assert ratio_of(measured(Cube(), [[0.0, 0.0]]), np.ones((1, 2))) == 0


def test_the_axes_that_rows_span():
    y_shape = (3, 2, 4)
    rows = np.zeros((2, *y_shape), bool)
    rows[0, :, 0, 1] = True  # axis 0, filled
    rows[1, 2, 1, :] = True  # axis 2, filled, but row 0 is at one place of it
    assert spanned(rows.reshape(2, -1), y_shape) == {0: False, 2: False}
    assert spanned(rows[:1].reshape(1, -1), y_shape) == {0: True}
    rows[0, 1, 0, 1] = False
    assert spanned(rows[:1].reshape(1, -1), y_shape) == {0: False}
    pair = np.zeros((1, *y_shape), bool)
    pair[0, 0, :, 0] = True
    assert spanned(pair.reshape(1, -1), y_shape) == {1: False}, "two in a row of two may be chance"
    assert spanned(np.zeros((1, 24), bool), y_shape) == {}


def test_axes_in_words():
    assert axes([0]) == "axis 0 (the batch)"
    assert axes([0, 2]) == "axis 0 (the batch) and axis 2"


def test_units():
    assert [v.tolist() for v in units((1, 2))] == [[[1, 0]], [[0, 1]]]


# ---- reports -----------------------------------------------------------------------------------------------------


def row(**options):
    given = {"layer": "d", "parameter": "k", "error": 0.0, "tolerance": 1e-12, "method": "complex step"}
    return Row(**{**given, "size": 4, "checked": 4, "whole": True, **options})


def test_when_a_row_passes():
    assert row().passed
    assert row(error=1e-12).passed
    assert not row(error=1.1e-12).passed
    assert row(kinks=3).passed
    assert not row(kinks=4).passed
    assert row(size=0, checked=0).passed


def test_when_a_report_passes():
    assert Report("s", [row()]).passed
    assert not Report("s", [row(), row(error=1.0)]).passed
    assert not Report("s", [row()], problems=["p"]).passed
    assert not Report("s", [row()], parts=[Report("t", [row(error=1.0)])]).passed
    assert Report("s", [row(error=1e-14), row(error=1e-13)]).error == 1e-13
    assert Report("s").error == 0


def test_the_text_of_a_report():
    rows = [
        row(error=3e-16, index=(0, 12), analytic=1.5, numeric=1.5, size=400, checked=200, kinks=7),
        row(layer="", parameter="x", error=0.25, index=(1,), analytic=-2.0, numeric=2.0, cause="sign.", tolerance=1e-6),
        row(parameter="b", whole=False, checked=20, method="central differences", error=1e-9, tolerance=1e-6),
        row(parameter="c", kinks=4),
    ]
    rows[1].method = "central differences"
    text = str(Report("Some 'd'", rows, problems=["one."], notes=["two."], scale=12.345))
    assert text.splitlines() == [
        "Gradient check of Some 'd': WRONG",
        "",
        "           gradient of  largest error  at       backward gives  should be  checked by",
        "           d.k          3.0e-16        [0, 12]  1.5             1.5        complex step,"
        " 200 of 400 entries, 7 at kinks left out",
        "WRONG      x            2.5e-01        [1]      -2              2          central differences, 4 entries",
        "           d.b          1.0e-09                                            central differences, 20 directions",
        "UNCHECKED  d.c          0.0e+00                                            complex step, 4 entries,"
        " 4 at kinks left out",
        "Errors are relative to 12.3, the largest entry of all these gradients; up to 1e-12 (complex step) or",
        "    1e-06 (central differences) they count as rounding.",
        "Note: two.",
        "",
        "Wrong: one.",
        "Likely cause, x: sign.",
    ]
    assert str(Report("s", problems=["p."])).splitlines() == ["Gradient check of s: WRONG", "", "Wrong: p."]
    assert "WRONG" not in str(Report("s", [row()]))
    assert not str(Report("s", [row()])).endswith("\n")
    assert str(Report(70 * "s ")).splitlines() == ["Gradient check of" + 41 * " s", "   " + 29 * " s" + " : right"]
    assert str(Report("s" * 150)).splitlines() == ["Gradient check of", f"    {'s' * 150}:", "    right"]


def test_tolerances_are_those_of_the_documentation():
    assert TOLERANCES == {"complex step": 1e-12, "central differences": 1e-6}
    assert "default 1e-12 for the complex step, 1e-6 for differences" in gradcheck.check_layer.__doc__


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


def test_forward_is_given_training_by_default():
    class Tells(Layer):
        def forward(self, x, training=False):
            return x + training, x

    assert Function([Tells()], np.zeros((1, 2)))([np.zeros((1, 2))]).tolist() == [[1, 1]]
    assert Function([Tells()], np.zeros((1, 2)), training=False)([np.zeros((1, 2))]).tolist() == [[0, 0]]
    assert Function([Tells()], np.zeros((2, 2)), training=False).first(1).training is False


def test_factors_are_a_number_or_an_array_as_in_training():
    seen = []

    class Looks(sabotage.MeanSquaredError):
        def backward(self, labels, cache, factors):
            seen.append((type(factors), np.shape(factors)))
            return super().backward(labels, cache, factors)

    gradcheck.check_loss(Looks(), np.zeros((4, 3)), np.ones((4, 3)))
    assert set(seen) == {(np.ndarray, (4,)), (float, ())}
    model = tn.Sequential([Dense(3, input_shape=(2,))], seed=0)
    model.compile("sgd", Looks())
    seen.clear()
    gradcheck.check_model(model, np.ones((4, 2)), np.zeros((4, 3)))
    assert seen[0] == (float, ())


@pytest.mark.parametrize(("off", "found"), [(3e-11, True), (5e-12, False)])
def test_how_far_the_gradients_without_dx_may_be_off(off, found):
    class Short(sabotage.Scale):
        def backward(self, dy, cache, need_dx=True):
            dx = super().backward(dy, cache, need_dx)
            if not need_dx:
                self.grads["a"] += off
            return dx

    layer = Short()
    layer.setup((1,), dtype="float64")
    x, dy = [[100.0]], np.random.default_rng([0, 0])
    size = abs(100 * dy.normal())  # the largest gradient, which errors are relative to: 1e-12 of it is rounding
    assert 5e-12 < 1e-12 * size < 3e-11
    layer.a = [1.0]
    if found:
        with pytest.raises(gradcheck.GradientError, match=r"need_dx=False backward gives another gradient of short"):
            gradcheck.check_layer(layer, x=x)
    else:
        assert gradcheck.check_layer(layer, x=x).passed


@pytest.mark.parametrize(("off", "found"), [(1e-11, True), (1e-13, False)])
def test_how_far_a_number_as_factors_may_be_off(off, found):
    class Nearly(sabotage.MeanSquaredError):
        def backward(self, labels, cache, factors):
            return super().backward(labels, cache, factors) * (1 + off * (np.ndim(factors) == 0))

    labels, outputs = np.zeros((2, 2)), np.array([[1e3, 2e3], [3e3, 1.0]])
    if found:
        with pytest.raises(gradcheck.GradientError, match="with a number as factors"):
            gradcheck.check_loss(Nearly(), labels, outputs)
    else:
        assert gradcheck.check_loss(Nearly(), labels, outputs).passed


def test_only_what_is_transposed_is_called_so():
    class Longer(Tanh):
        def backward(self, dy, cache, need_dx=True):
            return np.concatenate([dy, dy])

    with pytest.raises(gradcheck.GradientError) as caught:
        gradcheck.check_layer(Longer(), (4,))
    assert caught.value.report.problems == ["the gradient of x has shape (10, 4), not (5, 4)."]


def test_every_misshapen_gradient_is_told():
    class Casts(sabotage.Scale):
        def backward(self, dy, cache, need_dx=True):
            return super().backward(dy, cache, need_dx).astype("float32")

    with pytest.raises(gradcheck.GradientError) as caught:
        gradcheck.check_layer(Casts(), (4,))
    assert caught.value.report.problems == ["the gradient of x is float32, where all else is float64."]


def test_largest():
    from tinynet.gradcheck.numeric import largest

    assert largest(np.array([1.0, -3.0]), np.array([2.0])) == 3
    assert largest(np.array([np.nan, np.inf, -1.0])) == 1
    assert largest(np.array([])) == largest() == 0
    assert largest(np.array([[0.5]])) == 0.5


# ---- one check ---------------------------------------------------------------------------------------------------


def checked(layer, x, method="auto", tolerance=None):
    """A Check that has run, with dy = 1 everywhere."""
    check = Check(Function([layer], np.asarray(x, float)), "s", METHODS[method], tolerance, np.random.default_rng(0))
    check.run(lambda size: np.ones(size))
    return check


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        ((5, 2, 3), {"the batch size": 5, "the number of rows": 10, "the number of values": 30}),
        ((5, 3), {"the batch size": 5, "the number of values": 15}),
        ((5,), {"the batch size": 5}),
        ((5, 1, 1), {"the batch size": 5}),
        ((1, 3), {"the number of values": 3}),
        ((1, 2, 3), {"the number of rows": 2, "the number of values": 6}),
        ((1, 1), {}),
    ],
)
def test_the_sizes_that_a_factor_may_be_mistaken_by(shape, sizes):
    assert checked(Tanh(), np.full(shape, 0.5)).counts == sizes


def test_what_a_check_says_of_itself():
    check = checked(Cube(), [[1.0, -2.0]])
    assert check.largest == pytest.approx(12, rel=1e-14)
    assert check.report.scale == check.largest
    assert check.tolerance_of(check.measured[0]) == 1e-12
    assert checked(Cube(), [[1.0]], tolerance=1e-3).tolerance_of(check.measured[0]) == 1e-3
    assert not check.met_kinks
    assert checked(ReLU(), [[0.0, 1.0]]).met_kinks
    assert check.changed == []
    assert check.finished() is check.report


def test_rounding_is_looked_for_close_by():
    class Narrow(Layer):
        """y = x, for x within two hundredths of 1, 2, 3 ..."""

        def forward(self, x, training=False):
            if (np.abs(x.real / np.rint(x.real) - 1) > 0.02).any():
                raise ValueError("too far")
            return x * 1.0, None

        def backward(self, dy, cache, need_dx=True):
            return dy

    assert checked(Narrow(), [[1.0, 2.0], [3.0, 5.0]], "complex").report.passed


def test_whole_numbers_are_no_rounding():
    class Whole(Layer):
        def forward(self, x, training=False):
            return np.rint(101 * x), None

        def backward(self, dy, cache, need_dx=True):
            return 0 * dy

    assert checked(Whole(), [[1.23456789, 3.3333, 0.777]]).report.rows[0].error == 0


def test_the_error_that_is_shown_of_a_large_array_is_that_of_the_entry_that_is_shown():
    case = sabotage.LAYERS["one entry of a large kernel"]
    with pytest.raises(gradcheck.GradientError) as caught:
        gradcheck.check_layer(case.make(), case.shape)
    report = caught.value.report
    assert report["kernel"].error == pytest.approx(1 / report.scale, rel=1e-9)


def test_a_right_large_array_shows_the_error_of_its_directions_alone():
    row = checked(Cube(), np.random.default_rng(0).normal(size=(3, 100))).report.rows[0]
    assert (row.index, row.analytic, row.numeric) == (None, None, None)
    assert 0 < row.error < 1e-12


def test_a_check_of_many_kinks_looks_at_different_entries():
    x = np.random.default_rng(0).normal(size=(4, 100))
    x[:, ::2] = 0
    check = checked(ReLU(), x)
    entries = check.measured[0].entries
    assert len(set(entries.tolist())) == 200
    assert (np.diff(entries) > 0).all()
    assert entries.max() < 400


def test_a_gradient_may_be_as_small_as_its_noise():
    notes = checked(Cube(), [[1e-9, 1.0]]).report.notes
    assert notes == []
    notes = checked(Cube(), [[1e-9, 1e-9]]).report.notes
    assert any(note.startswith("all gradients are small beside the numbers that they come from.") for note in notes)


@pytest.mark.parametrize("values", [[[1, 2]], [[True, False]], np.ones((1, 2), "uint8"), np.ones((1, 2), "float16")])
def test_inputs_are_made_float64(values):
    assert _real("x", values).dtype == np.float64


def test_options_are_checked():
    assert _options("auto", None, 3) == (METHODS["auto"], None, 3)
    assert _options("Complex", 1e-300, 0) == (("complex step",), 1e-300, 0)
    for options in (("auto", 0, 0), ("auto", -1, 0), ("auto", None, -1), ("none", None, 0)):
        with pytest.raises(ValueError, match=r"must be|Unknown method"):
            _options(*options)
