"""The kernels of tinynet/kernels, on the strict stand-in for CuPy, where g++ builds them, and on a GPU if there is one.

What they compute is held against float64 NumPy and, where they have to round as NumPy does, against its bits.
"""

import copy

import catalogue
import numpy as np
import nvrtc
import pytest

import tinynet as tn
from tinynet import layers, optimizers, rng
from tinynet.backend import xp_of
from tinynet.intake.arrays import ArrayBatches
from tinynet.kernels import dropout as dropping
from tinynet.kernels import launch as cuda
from tinynet.kernels import update as updating
from tinynet.kernels.gather import launch_gather
from tinynet.kernels.softmax_crossentropy import launch_softmax_crossentropy

both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
OPTIMIZERS = {**catalogue.OPTIMIZERS, **catalogue.CLIPPING}


# ---- softmax with cross-entropy -----------------------------------------------------------------------------------


def reference(z, labels, factors):
    """The losses, hits, probabilities and gradient for logits z (rows, classes), in float64."""
    z = z.astype("float64")
    z = z - z.max(axis=1, keepdims=True)
    s = np.exp(z).sum(axis=1, keepdims=True)
    p, rows = np.exp(z) / s, np.arange(len(z))
    onehot = np.eye(z.shape[1])[labels]
    factors = np.broadcast_to(factors, labels.shape)[:, None]
    return np.log(s[:, 0]) - z[rows, labels], p.argmax(axis=1) == labels, p, (p - onehot) * factors


def run(xp, z, labels, factors, wanted="lhpg"):
    """What the kernel writes, as NumPy's; outputs that are not wanted are None."""
    losses, hits = (xp.empty(len(z), dtype="float64") if key in wanted else None for key in "lh")
    factors = factors if isinstance(factors, float) else xp.asarray(factors)
    p, gradient = launch_softmax_crossentropy(
        xp.asarray(z), xp.asarray(labels), factors, losses, hits, "p" in wanted, "g" in wanted
    )
    return [None if array is None else array.get() for array in (losses, hits, p, gradient)]


@both_dtypes
@pytest.mark.parametrize("rows", [1, 3, 8, 33])
@pytest.mark.parametrize("classes", [2, 10, 31, 32, 33, 100])
def test_softmax_crossentropy(cupy_or_stand_in, dtype, rows, classes):
    rng = np.random.default_rng([rows, classes])
    z = (5 * rng.normal(size=(rows, classes))).astype(dtype)
    labels = rng.integers(0, classes, rows)
    weights = rng.random(rows).astype(dtype)
    # z - max z is rounded once, exp is off by 2 units and passes the error of its argument on as a relative one; the
    # sum is of classes / 32 terms in each lane and then of five; then there is a quotient
    error = float(np.finfo(dtype).eps * (np.ptp(z) + classes / 32 + 5 + 4))
    for factors in (1 / rows, weights):
        losses, hits, p, gradient = run(cupy_or_stand_in, z, labels, factors)
        expected = reference(z, labels, factors)
        counted = expected[0] if isinstance(factors, float) else weights * expected[0]
        assert losses == pytest.approx(counted, rel=error, abs=error)
        assert np.array_equal(hits, expected[1])
        assert (abs(p - expected[2]) <= error * expected[2]).all()
        assert (abs(gradient - expected[3]) <= 2 * error * np.max(factors)).all()
        assert (p.dtype, gradient.dtype) == (dtype, dtype)


@both_dtypes
def test_large_logits_stay_finite_and_what_is_not_finite_is_nan_and_no_hit(cupy_or_stand_in, dtype):
    inf, nan = np.inf, np.nan
    z = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 0], [nan, 1, 2], [0, inf, 1], [-inf, 0, 0], [-inf, -inf, -inf]], dtype)
    labels = np.array([0, 0, 0, 1, 1, 0])
    losses, hits, p, gradient = run(cupy_or_stand_in, z, labels, 1.0)
    assert losses[:2].tolist() == [0, 2e4]
    assert hits.tolist() == [1, 0, 0, 0, 1, 0]
    assert p[0].tolist() == [1, 0, 0]
    assert gradient[1].tolist() == [-1, 1, 0]
    assert losses[4] == pytest.approx(np.log(2), rel=1e-6)
    assert (np.isnan(losses[[2, 3, 5]]).all(), np.isnan(p[[2, 3, 5]]).all()) == (True, True)
    with np.errstate(all="ignore"):
        for ours, theirs in zip((losses, hits, p), reference(z, labels, 1.0), strict=False):
            assert np.array_equal(np.isnan(ours), np.isnan(theirs))


def test_of_equal_probabilities_the_first_counts(cupy_or_stand_in):
    """Equal as probabilities: the logits 0 and 1e-42 differ, and their exponentials do not."""
    z = np.array([[0, 1, 1], [1, 1, 0], [0, 1e-42, 0], [0, 0, 1e-42]], "float32")
    for label, expected in enumerate(([0, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0])):
        hits = run(cupy_or_stand_in, z, np.full(4, label), 1.0)[1]
        assert hits.tolist() == expected
        assert np.array_equal(hits, (np.exp(z - z.max(1, keepdims=True))).argmax(axis=1) == label)
    z = np.zeros((1, 70), "float32")
    z[0, [33, 65, 40]] = 1  # lanes 1, 1 and 8
    assert [run(cupy_or_stand_in, z, np.array([label]), 1.0)[1][0] for label in (33, 65, 40)] == [1, 0, 0]


def test_logits_labels_and_factors_of_other_layouts_and_dtypes(cupy_or_stand_in):
    """As a user's layer may make them: it transposes, or makes float64 of its outputs, but not of the weights."""
    xp, rng = cupy_or_stand_in, np.random.default_rng(0)
    z, labels, factors = rng.normal(size=(5, 4)), rng.integers(0, 4, 5), rng.random(5).astype("float32")
    expected = run(xp, z, labels, factors.astype("float64"))
    losses, hits = xp.empty(5, dtype="float64"), xp.empty(5, dtype="float64")
    others = xp.asarray(z.T.copy()).T, xp.asarray(labels, dtype="int32"), xp.asarray(np.repeat(factors, 2))[::2]
    p, gradient = launch_softmax_crossentropy(*others, losses, hits)
    for ours, theirs in zip((losses, hits, p, gradient), expected, strict=True):
        assert np.array_equal(ours.get(), theirs)


def test_outputs_that_are_not_asked_for_are_left_alone(cupy_or_stand_in):
    rng = np.random.default_rng(0)
    z, labels = rng.normal(size=(5, 4)).astype("float32"), rng.integers(0, 4, 5)
    everything = run(cupy_or_stand_in, z, labels, 0.2)
    for wanted in ("l", "lh", "lg", "lhg", "lhp"):
        got = run(cupy_or_stand_in, z, labels, 0.2, wanted)
        assert [array is not None for array in got] == [key in wanted for key in "lhpg"]
        for ours, whole in zip(got, everything, strict=True):
            assert ours is None or np.array_equal(ours, whole)


# ---- an optimizer's step ------------------------------------------------------------------------------------------


def steps_of(xp, make, dtype, size, count):
    """The weights and slots after some steps, with gradients of every size, 0, NaN and infinity among them.

    But none whose square is subnormal in float32: a GPU makes that 0, since CuPy compiles with -ftz=true.
    """
    rng, optimizer = np.random.default_rng(0), make()
    weight = xp.asarray(rng.normal(size=size), dtype=dtype)
    with np.errstate(all="ignore"):
        for _ in range(count):
            gradient = rng.normal(size=size) * 10.0 ** rng.integers(-15 if dtype == "float32" else -30, 10, size)
            gradient[: size // 3] = 0
            if size > 10:
                gradient[-3:] = [np.nan, np.inf, 1e30]
            optimizer.apply([xp.asarray(gradient, dtype=dtype)], [weight])
    return [weight, *optimizer.state[0][1:]]


@both_dtypes
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_step_has_numpys_bits(cupy_or_stand_in, make, dtype, monkeypatch):
    """70 steps: twice among them small momenta are cleared. A clip's norm is a sum, which a GPU rounds in its way."""
    clips = any(make().get_config().get(name) for name in ("clipnorm", "global_clipnorm"))
    monkeypatch.setattr(updating, "BLOCKS", 2)  # so that a thread has several entries
    size, count = (1, 3) if clips else (1200, 70)
    for ours, theirs in zip(*(steps_of(xp, make, dtype, size, count) for xp in (cupy_or_stand_in, np)), strict=True):
        assert np.array_equal(ours.get(), theirs, equal_nan=True)


def test_small_momenta_are_cleared_as_on_the_host(cupy_or_stand_in):
    optimizer = optimizers.SGD(0.1, momentum=0.5)
    weight = cupy_or_stand_in.zeros(4, dtype="float32")
    optimizer.apply([cupy_or_stand_in.asarray([1e-33, 1e-20, 0, 1], dtype="float32")], [weight])
    for iterations, first in ((29, True), (30, True), (31, False)):
        optimizer.iterations = iterations
        optimizer.apply([cupy_or_stand_in.zeros(4, dtype="float32")], [weight])
        assert (optimizer.state[0][1].get() != 0).tolist() == [first, True, False, True]
    assert np.signbit(optimizer.state[0][1].get()).tolist() == [True, True, False, True]  # -0 the first, as in NumPy


def test_a_subclass_with_a_change_of_its_own_is_not_replaced_by_its_parents_kernel(cupy_or_stand_in):
    class Half(optimizers.Adam):
        def change(self, gradient, scratch, rate, *slots):
            return super().change(gradient, scratch, rate, *slots) * 0.5

    class Slower(optimizers.Adam):  # with its parent's change, and other numbers in both
        def numbers(self, rate):
            return super().numbers(rate / 2)

    for kind in (Half, Slower):
        weights = [steps_of(xp, kind, "float32", 5, 2)[0] for xp in (cupy_or_stand_in, np)]
        assert np.array_equal(weights[0].get(), weights[1])


def test_a_change_that_an_object_was_given_is_not_replaced_by_its_classes_kernel(cupy_or_stand_in):
    sgd, weight = optimizers.SGD(0.1), cupy_or_stand_in.zeros(2, dtype="float32")
    sgd.change = lambda gradient, scratch, rate: gradient * 0 + 4
    sgd.apply([cupy_or_stand_in.ones(2, dtype="float32")], [weight])
    assert weight.get().tolist() == [4, 4]


def test_a_formula_needs_the_change_that_it_is_a_form_of():
    with pytest.raises(TypeError, match="Fast defines a formula, and must define the `change`"):
        type("Fast", (optimizers.SGD,), {"formula": "change = g * -rate * 100;"})


def test_a_formula_has_to_set_change(cupy_or_stand_in):
    change = optimizers.SGD.change
    kind = type("Idle", (optimizers.SGD,), {"formula": "real c = g == 0 ? 1 : change == 2;", "change": change})
    with pytest.raises(ValueError, match=r"An optimizer's formula must set `change`, .* got 'real c = "):
        kind().apply([cupy_or_stand_in.ones(2, dtype="float32")], [cupy_or_stand_in.ones(2, dtype="float32")])


def test_numbers_of_a_users_own_are_not_mixed_up_with_ours(cupy_or_stand_in):
    class Mine(optimizers.SGD):
        formula = "momentum = momentum + g; change = -decay * w - bound * momentum;"

        def numbers(self, rate):
            return {"decay": 0.5, "bound": 0.25}

        def change(self, gradient, scratch, rate, momentum):
            raise AssertionError

    weight = cupy_or_stand_in.ones(2, dtype="float32")
    optimizer = Mine(0.1, momentum=0.5, weight_decay=0.5)
    optimizer.apply([cupy_or_stand_in.ones(2, dtype="float32")], [weight])
    assert weight.get() == pytest.approx(np.full(2, 1 - 0.5 - 0.25 - 0.05))


def test_a_root_of_what_is_rounded_below_zero(cupy_or_stand_in):
    """RMSprop, centered, with constant gradients: v - a^2 is 0 but for its rounding."""
    weights = []
    for xp in (cupy_or_stand_in, np):
        optimizer, gradient = optimizers.RMSprop(0.01, centered=True, epsilon=1e-12), np.linspace(0.1, 3, 64)
        weights.append(xp.zeros(64, dtype="float32"))
        for _ in range(200):
            optimizer.apply([xp.asarray(gradient, dtype="float32")], weights[-1:])
    assert np.isfinite(weights[1]).all()
    assert np.array_equal(weights[0].get(), weights[1])


def test_what_the_kernel_of_a_step_takes(cupy_or_stand_in):
    """Not arrays of two dtypes, nor one on the host; but a weight as its own gradient, as any array would."""
    narrow, wide = (cupy_or_stand_in.asarray([1, 2, 3], dtype=dtype) for dtype in ("float32", "float64"))
    integers = cupy_or_stand_in.asarray([1, 2, 3])
    assert updating.updates(narrow, narrow, [narrow])
    for arrays in ((narrow, wide, []), (narrow, np.ones(3, "float32"), []), (narrow, narrow, [wide])):
        assert not updating.updates(*arrays)
    assert not updating.updates(integers, integers, [])
    optimizers.SGD(0.5).apply([narrow], [narrow])
    assert narrow.get().tolist() == [0.5, 1, 1.5]


@both_dtypes
def test_a_formula_of_a_users_own(cupy_or_stand_in, dtype):
    """The one in the docstring of Optimizer: as a kernel, with arrays on the device, and on the host."""

    class SignMomentum(optimizers.Optimizer):
        slots = ("momentum",)
        formula = "momentum = momentum * real(0.9) + g; change = ((momentum > 0) - (momentum < 0)) * -rate;"

        def change(self, gradient, scratch, rate, momentum):
            momentum *= 0.9
            momentum += gradient
            return xp_of(gradient).sign(momentum, out=scratch) * -rate

    class OfArrays(SignMomentum):
        def change(self, *arguments):
            return super().change(*arguments)

    places = ((SignMomentum, cupy_or_stand_in), (OfArrays, cupy_or_stand_in), (SignMomentum, np))
    results = [steps_of(xp, lambda kind=kind: kind(0.5), dtype, 9, 5) for kind, xp in places]
    for ours, arrays, theirs in zip(*results, strict=True):
        assert np.array_equal(ours.get(), theirs)
        assert np.array_equal(arrays.get(), theirs)


def test_weights_that_are_not_contiguous_take_the_way_of_the_arrays(cupy_or_stand_in):
    results = []
    for xp in (cupy_or_stand_in, np):
        whole, gradient = xp.zeros((4, 3), dtype="float32"), xp.asarray(np.arange(12.0).reshape(3, 4), dtype="float32")
        adam = optimizers.Adam(0.1)
        for weight, own in ((whole.T, gradient), (whole, gradient.T)):
            adam.reset()
            adam.apply([own], [weight])
        results.append(whole)
    assert np.array_equal(results[0].get(), results[1])


# ---- batches ------------------------------------------------------------------------------------------------------


@both_dtypes
@pytest.mark.parametrize("kind", cuda.TYPES)
def test_a_batch_has_numpys_bits_whatever_the_samples_are(cupy_or_stand_in, dtype, kind):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2 if kind == "bool" else 120, (7, 5, 3)).astype(kind)
    if kind.startswith("float"):
        x = (x / 7).astype(kind)
        x[0, 0] = -0.0
    labels, weights, order = rng.integers(0, 9, 7), rng.random((7, 2)).astype(dtype), rng.permutation(7)
    expected = list(shuffled(np, x, labels, weights, order, dtype))
    got = list(shuffled(cupy_or_stand_in, x, labels, weights, order, dtype))
    assert [len(batch[0]) for batch in got] == [3, 3, 1]
    for ours, theirs in zip(got, expected, strict=True):
        assert np.array_equal(ours[0], theirs[0])
        assert np.array_equal(np.signbit(ours[0]), np.signbit(theirs[0]))
        assert (ours[0].dtype, ours[1].dtype, ours[2].dtype) == (dtype, labels.dtype, dtype)
        assert (np.array_equal(ours[1], theirs[1]), np.array_equal(ours[2], theirs[2])) == (True, True)


def shuffled(xp, x, y, weights, order, dtype):
    """The batches of a pass in this order, as NumPy's."""
    source = ArrayBatches(x, y, weights, 3, xp.__name__, np.dtype(dtype))
    source.order = xp.asarray(order)
    for batch in source:
        yield [np.array(array if xp is np else array.get()) for array in batch if array is not None]


def test_samples_of_no_features_have_labels_all_the_same(cupy_or_stand_in):
    x, y = np.empty((5, 0), "float32"), np.arange(5)
    got = list(shuffled(cupy_or_stand_in, x, y, None, np.arange(5)[::-1].copy(), "float32"))
    assert [labels.tolist() for _, labels in got] == [[4, 3, 2], [1, 0]]


def test_more_rows_than_a_grid_has(cupy_or_stand_in):
    xp, rows = cupy_or_stand_in, 70_000
    x, y = (xp.asarray(np.arange(rows), dtype=kind) for kind in ("int32", "int64"))
    order = xp.asarray(np.arange(rows)[::-1].copy())
    batch, labels = xp.empty(rows, dtype="float32"), xp.empty(rows, dtype="int64")
    launch_gather((x, y, None), order, (batch, labels, None))
    assert np.array_equal(batch.get(), np.arange(rows)[::-1])
    assert np.array_equal(labels.get(), np.arange(rows)[::-1])


@pytest.mark.parametrize("first", [(1 / 255, 0.0), (1 / 127.5, -1.0), None])
def test_a_model_with_a_rescaling_in_front(cupy_or_stand_in, first):
    """It gives what NumPy gives, in training and outside it."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (20, 6), "uint8"), rng.integers(0, 3, 20)
    results = []
    for name in ("cupy", "numpy"):
        front = [] if first is None else [tn.layers.Rescaling(*first)]
        stack = [tn.Input((6,)), *front, tn.layers.Dropout(0.5), tn.layers.Dense(3, "softmax")]
        model = tn.Sequential(stack, seed=0, backend=name)
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        history = model.fit(x, y, batch_size=8, epochs=2, validation_split=0.2, verbose=0).history
        model.train_on_batch(x, y)
        results.append([*history.values(), model.evaluate(x, y, verbose=0), *model.get_weights(), model.predict(x)])
    for ours, theirs in zip(*results, strict=True):
        assert np.asarray(ours) == pytest.approx(np.asarray(theirs), rel=1e-5, abs=1e-6)


# ---- dropout ------------------------------------------------------------------------------------------------------


@both_dtypes
@pytest.mark.parametrize("size", [1, 7, 8, 9, 16, 1001])
def test_dropout_draws_what_numpy_draws(cupy_or_stand_in, dtype, size, monkeypatch):
    monkeypatch.setattr(dropping, "BLOCKS", 1)  # so that a thread of a longer array has several blocks of eight
    x = np.random.default_rng(0).normal(size=(size, 3)).astype(dtype)
    x[0, 0] = np.inf  # which is NaN where it is dropped
    drawn = float(rng.counter(1, "step", 2).random(dtype="float32"))  # for the first entry, which is then kept
    for rate in (0.1, 0.5, 0.999, drawn):
        dropout = layers.Dropout(rate)
        with np.errstate(invalid="ignore"):
            theirs = dropout.forward(x, True, rng.counter(1, "step", 2))
        ours = dropout.forward(cupy_or_stand_in.asarray(x), True, rng.counter(1, "step", 2))
        for own, other in zip(ours, theirs, strict=True):
            assert own.dtype == other.dtype
            assert np.array_equal(own.get(), other, equal_nan=True)


def test_dropout_leaves_other_generators_to_numpy(cupy_or_stand_in):
    """Those of another kind, and those that have drawn; afterwards a generator does not draw the same again."""
    x = np.ones((4, 5), "float32")

    def used():
        generator = rng.counter(1, "step")
        generator.random(3, dtype="float32")
        return generator

    for make in (used, lambda: np.random.default_rng(0), lambda: np.random.Generator(np.random.SFC64(0))):
        (ours, _), (theirs, _) = (
            layers.Dropout(0.5).forward(given, True, make()) for given in (cupy_or_stand_in.asarray(x), x)
        )
        assert np.array_equal(ours.get(), theirs)
    generator = rng.counter(1, "step")
    first, second = (layers.Dropout(0.5).forward(cupy_or_stand_in.asarray(x), True, generator)[0] for _ in range(2))
    assert not np.array_equal(first.get(), second.get())


# ---- all of them --------------------------------------------------------------------------------------------------


def sources():
    """The text of every kernel that the library can make, by a name."""
    found = {}
    for real in cuda.REALS.values():
        for name in ("softmax_crossentropy", "dropout"):
            found[f"{name}, {real}"] = name, cuda.text(name, real=real)
        for sample in cuda.TYPES.values():
            found[f"gather, {sample} to {real}"] = "gather", cuda.text("gather", sample=sample, real=real)
        for name, make in OPTIMIZERS.items():
            found[f"{name}, {real}"] = "update", text_of(make(), real)
    return found


def text_of(optimizer, real):
    """The text of this optimizer's kernel, caught on its way to the compiler."""
    dtype = {own: name for name, own in cuda.REALS.items()}[real]
    caught = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(updating, "launch", lambda xp, code, *rest: caught.append(code))
        patch.setattr(updating, "computes", lambda array: True)
        optimizer.apply([np.ones(2, dtype)], [np.ones(2, dtype)])
    return caught[0]


@pytest.mark.parametrize("architecture", ["sm_75", "sm_80", "sm_90", "sm_100"])
def test_every_kernel_compiles(architecture):
    """By NVRTC itself, which needs no GPU."""
    if nvrtc.library() is None:
        pytest.skip("needs NVRTC: python -m pip install -e '.[nvrtc]'")
    update = sources()["Adam, float"][1]
    exact, contracted = (nvrtc.compile(update, architecture, (option,)) for option in ("--fmad=false", "--fmad=true"))
    assert nvrtc.compile(update, architecture, cuda.OPTIONS) == exact != contracted
    for function, code in sources().values():
        binary = nvrtc.compile(code, architecture, (*cuda.OPTIONS, "-ftz=true"))  # which CuPy adds
        assert function.encode() in binary


def test_kernels_are_only_for_arrays_on_a_gpu():
    weight = np.ones(3, "float32")
    assert not cuda.computes(weight)
    optimizer = copy.deepcopy(optimizers.Adam())
    optimizer.apply([weight], [weight.copy()])


def test_a_formula_belongs_to_the_change_of_its_class(cupy_or_stand_in):
    """Whoever changes `change`, in a mixin, later or on the object, computes with arrays on a GPU too."""

    class Mixin:
        def change(self, gradient, scratch, rate, *slots):
            return gradient * (-10 * rate)

    class Mixed(Mixin, optimizers.Adam):
        pass

    class Late(optimizers.Adam):
        pass

    Late.change = Mixin.change

    def on_the_object():
        optimizer = optimizers.Adam()
        optimizer.change = lambda gradient, scratch, rate, *slots: gradient * (-10 * rate)
        return optimizer

    for make in (Mixed, Late, on_the_object):
        ours, theirs = (steps_of(xp, make, "float32", 9, 3)[0] for xp in (cupy_or_stand_in, np))
        assert np.array_equal(ours.get(), theirs)
