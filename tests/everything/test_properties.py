"""What must hold for every layer, loss, metric, optimizer and model of the catalogue, whatever the numbers.

Each property is a function that raises AssertionError (or ValueError, where NumPy refuses to write), so that the
sabotaged classes at the end can show that it is able to fail.

Equality is exact where the same operations meet the same numbers at the same places. It cannot be where an array has
another shape, order or layout: BLAS has a kernel for each of these and adds up in another order in each, and NumPy's
SIMD loops treat the end of an array by other instructions.
"""

import catalogue
import numpy as np
import pytest
from grids import grid
from hypothesis import given, settings
from hypothesis import strategies as st
from strict_dtype import Promoted, Strict, strict, strict_numpy

import tinynet as tn
from tinynet.gradcheck.function import drawn_for
from tinynet.layers import Dense, ReLU, Sigmoid, Softmax, Tanh
from tinynet.layers.chain import backward_chain, forward_chain, unique
from tinynet.losses.labels import as_real

# In float64 a sum of n terms, each below c in size, is off by n * eps * n c at most, with eps = 1.1e-16.
ROWS = 2e-13  # a row's sums: 12 products below 4, as widest in the models, 6e-14; two of them are compared
SUMS = 2e-12  # sums over the rows: 5 samples of 16 rows, products below 1, 7e-13; two of them are compared


def each(entries):
    return pytest.mark.parametrize("entry", entries.values(), ids=entries)


apart = {name: entry for name, entry in catalogue.LAYERS.items() if not entry.mixes_rows}
few = settings(max_examples=20)


def close(actual, expected, tolerance):
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max(initial=0) <= tolerance


def all_close(actual, expected, tolerance):
    for a, b in zip(actual, expected, strict=True):
        close(a, b, tolerance)


def same(actual, expected):
    assert np.array_equal(actual, expected, equal_nan=True)


# ---- layers -------------------------------------------------------------------------------------------------------


@st.composite
def layer_x_dy(draw, entry, dtype="float64", batch=catalogue.batches):
    """A built layer whose weights are all drawn, its inputs and the gradients of its outputs, all within (-1, 1)."""
    layer, shape = draw(catalogue.layer_and_shape(entry))
    return ready(layer, (draw(batch), *shape), draw(catalogue.seeds), dtype)


def ready(layer, shape, seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    y_shape = layer.setup(shape[1:], dtype=dtype)
    draw_weights(layer, rng)
    x, dy = rng.uniform(-1, 1, shape), rng.uniform(-1, 1, (shape[0], *y_shape))
    return layer, x.astype(dtype), dy.astype(dtype)


def draw_weights(layer, rng):
    """All within (-1, 1); those without a gradient, a variance among them, positive."""
    own = [
        (part.weights[i], name in part.grads)
        for part in unique(layer.parts())
        for i, name in enumerate(part.weight_names)
    ]
    layer.set_weights([rng.uniform(-1 if trained else 0.25, 1, weight.shape) for weight, trained in own])


def run(layer, x, dy):
    """(y, dx, the gradients of the weights); what is random is the same in every run."""
    parts = layer.parts()
    y, caches = forward_chain(parts, x, True, drawn_for)
    dx = backward_chain(parts, dy, caches)
    return y, dx, [gradient.copy() for gradient in layer.weight_gradients]


def permuting_the_batch_permutes_outputs_and_dx(layer, x, dy):
    if any(part.random for part in layer.parts()):
        return  # its mask belongs to the place
    y, dx, gradients = run(layer, x, dy)
    order = np.arange(len(x))[::-1]
    y_permuted, dx_permuted, gradients_permuted = run(layer, x[order], dy[order])
    close(y_permuted, y[order], ROWS)
    close(dx_permuted, dx[order], ROWS)
    all_close(gradients_permuted, gradients, SUMS)


def each_row_depends_on_its_own_row_only(layer, x, dy):
    y, dx, _ = run(layer, x, dy)
    for row in range(len(x)):
        others = np.arange(len(x)) != row
        x_other, dy_other = x.copy(), dy.copy()
        x_other[others], dy_other[others] = -3 * x[others], 2 - dy[others]
        y_other, dx_other, _ = run(layer, x_other, dy_other)
        same(y_other[row], y[row])
        same(dx_other[row], dx[row])
        alone = slice(row, row + 1)
        y_alone, dx_alone, _ = run(layer, x[alone], dy[alone])
        close(y_alone, y[alone], ROWS)
        close(dx_alone, dx[alone], ROWS)


def gradients_of_two_part_batches_add_up(layer, x, dy):
    y, dx, gradients = run(layer, x, dy)
    cut = len(x) // 2
    first, second = run(layer, x[:cut], dy[:cut]), run(layer, x[cut:], dy[cut:])
    close(np.concatenate([first[0], second[0]]), y, ROWS)
    close(np.concatenate([first[1], second[1]]), dx, ROWS)
    all_close([a + b for a, b in zip(first[2], second[2], strict=True)], gradients, SUMS)


def nan_in_a_row_stays_there_and_is_seen(layer, x, dy):
    """NaN in x is NaN in that row of y, and NaN in dy is NaN in that row of dx and in every gradient of a weight.

    x alone being NaN need not make dx NaN: ReLU's derivative at NaN is 0, as in Keras. In a model it does, since what
    comes after makes dy NaN as well; the models' test holds that.
    """
    y, dx, _ = run(layer, x, dy)
    for row in range(len(x)):
        others = np.arange(len(x)) != row
        x_nan, dy_nan = x.copy(), dy.copy()
        for array in (x_nan, dy_nan):
            array.reshape(len(array), -1)[row, -1] = np.nan
        y_got, dx_got, _ = run(layer, x_nan, dy)
        assert np.isnan(y_got[row]).any()
        same(y_got[others], y[others])
        same(dx_got[others], dx[others])
        y_got, dx_got, gradients = run(layer, x, dy_nan)
        assert np.isnan(dx_got[row]).any()
        assert all(np.isnan(gradient).any() for gradient in gradients)
        same(y_got, y)
        same(dx_got[others], dx[others])


def nothing_given_is_written_to(layer, x, dy):
    weights = layer.get_weights()
    x, dy = x.copy(), dy.copy()
    x.setflags(write=False)
    dy.setflags(write=False)
    caches = []
    for index, part in enumerate(layer.parts()):
        x, cache = forward_one(index, part, x)
        x.setflags(write=False)  # another layer's input, and often in this one's cache
        caches.append(cache)
    for part, cache in zip(reversed(layer.parts()), reversed(caches), strict=True):
        dy = part.backward(dy, cache)
        dy.setflags(write=False)
    for before, after in zip(weights, layer.weights, strict=True):
        same(after, before)


def layouts(array):
    """The same numbers in Fortran's order, strided and backward in memory; all read-only."""
    strided, backward = np.repeat(array, 2, axis=-1)[..., ::2], np.flip(np.flip(array, 0).copy(), 0)
    for given_as in (np.array(array, order="F"), strided, backward):
        given_as.setflags(write=False)
        yield given_as


def the_layout_in_memory_does_not_matter(layer, x, dy):
    y, dx, gradients = run(layer, x, dy)
    for x_given, dy_given in zip(layouts(x), layouts(dy), strict=True):
        y_got, dx_got, gradients_got = run(layer, x_given, dy_given)
        close(y_got, y, ROWS)
        close(dx_got, dx, ROWS)
        all_close(gradients_got, gradients, SUMS)


def floats_stay_in_their_dtype(layer, x, dy):
    """No operation, forward or backward, is made in a wider float than x; and none gives a NumPy warning.

    Not of underflow either, numbers within (-1, 1) and sums and products of a few of them being far from 1e-38. In
    float16 they are not: its smallest normal number is 6e-5.
    """
    dtype, parts, caches = x.dtype, layer.parts(), []
    with strict_numpy(), np.errstate(under="ignore" if dtype == np.float16 else "raise"):
        x, dy = strict(x), strict(dy)
        for part in parts:
            for name in part.weight_names:
                part.bind(name, strict(getattr(part, name)), strict(part.grads[name]) if name in part.grads else None)
        for index, part in enumerate(parts):
            x, cache = forward_one(index, part, x)
            assert type(x) is Strict
            assert x.dtype == dtype
            assert not isinstance(cache, np.ndarray) or cache.dtype in (dtype, bool)
            caches.append(cache)
        for part, cache in zip(reversed(parts), reversed(caches), strict=True):
            dy = part.backward(dy, cache)
            assert type(dy) is Strict
            assert dy.dtype == dtype
    assert all(gradient.dtype == dtype for gradient in layer.weight_gradients)


def forward_one(index, part, x):
    y, caches = forward_chain([part], x, True, lambda _, part: drawn_for(index, part))
    return y, caches[0]


ANY_LAYER = [
    permuting_the_batch_permutes_outputs_and_dx,
    nothing_given_is_written_to,
    the_layout_in_memory_does_not_matter,
]
ROW_BY_ROW = [
    each_row_depends_on_its_own_row_only,
    gradients_of_two_part_batches_add_up,
    nan_in_a_row_stays_there_and_is_seen,
]


@each(catalogue.LAYERS)
@pytest.mark.parametrize("holds", ANY_LAYER)
@few
@given(data=st.data())
def test_layers(entry, holds, data):
    holds(*data.draw(layer_x_dy(entry)))


@each(apart)
@pytest.mark.parametrize("holds", ROW_BY_ROW)
@few
@given(data=st.data())
def test_layers_row_by_row(entry, holds, data):
    holds(*data.draw(layer_x_dy(entry, batch=st.integers(2, 5))))


@each(catalogue.LAYERS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@few
@given(data=st.data())
def test_layers_keep_the_dtype(entry, dtype, data):
    floats_stay_in_their_dtype(*data.draw(layer_x_dy(entry, dtype)))


@each(catalogue.LAYERS)
@few
@given(data=st.data())
def test_layers_take_integers_as_float32(entry, data):
    layer, x, _ = data.draw(layer_x_dy(entry, "float32"))
    for dtype in ("bool", "int8", "uint8", "int64"):
        numbers = np.abs(9 * x).astype(dtype)
        y = layer(numbers)
        assert y.dtype == np.float32
        same(y, layer(numbers.astype("float32")))


@each(catalogue.LAYERS)
@few
@given(data=st.data())
def test_inputs_of_ten_thousand_stay_finite(entry, data):
    layer, x, dy = data.draw(layer_x_dy(entry, "float32"))
    y, dx, gradients = run(layer, 1e4 * np.sign(x), dy)
    assert all(np.isfinite(array).all() for array in (y, dx, *gradients))


@each(catalogue.LAYERS)
@few
@given(data=st.data())
def test_a_nan_in_a_weight_is_seen_in_every_row(entry, data):
    layer, x, dy = data.draw(layer_x_dy(entry))
    for weight in [part.__dict__[name] for part in layer.parts() for name in part.grads]:
        before = weight.copy()
        weight.reshape(-1)[-1] = np.nan
        y, _, _ = run(layer, x, dy)
        assert np.isnan(y).reshape(len(x), -1).any(axis=1).all()
        weight[...] = before


@given(st.data())
def test_softmax_does_not_see_a_shift_along_its_axis(data):
    """To the last bit: eighths below 128 in size and whole numbers below 2^20 add up exactly in float64."""
    layer, x, dy = data.draw(layer_x_dy(catalogue.LAYERS["Softmax"]))
    x, shift = np.round(1000 * x) / 8, data.draw(st.integers(-(2**20), 2**20))
    for actual, expected in zip(run(layer, x + shift, dy)[:2], run(layer, x, dy)[:2], strict=True):
        same(actual, expected)


# ---- losses -------------------------------------------------------------------------------------------------------


def loss_run(loss, labels, outputs, factors):
    labels = as_real(labels, outputs.dtype)
    values, cache = loss.forward(labels, outputs)
    return values, loss.backward(labels, cache, factors)


def values_of(outputs):
    """An array of the shape that a loss's values have."""
    return outputs[..., 0]


def loss_permutes(loss, labels, outputs):
    factors = np.linspace(0.5, 1, values_of(outputs).size).reshape(outputs.shape[:-1])
    values, gradient = loss_run(loss, labels, outputs, factors)
    order = np.arange(len(labels))[::-1]
    permuted = loss_run(loss, labels[order], outputs[order], factors[order])
    close(permuted[0], values[order], ROWS)
    close(permuted[1], gradient[order], ROWS * np.abs(gradient).max())  # of probabilities it has entries 1 / p


def loss_of_parts_adds_up(loss, labels, outputs):
    """The mean's gradient: that of each part, a mean itself, weighted by its share."""
    cut = len(labels) // 2
    size = values_of(outputs).size
    values, gradient = loss_run(loss, labels, outputs, 1 / size)
    parts = [
        (values_of(of_part).size / size, *loss_run(loss, part, of_part, 1 / values_of(of_part).size))
        for part, of_part in ((labels[:cut], outputs[:cut]), (labels[cut:], outputs[cut:]))
    ]
    close(np.array(sum(share * part.mean() for share, part, _ in parts)), values.mean(), ROWS)
    together = np.concatenate([share * part for share, _, part in parts])
    close(together, gradient, ROWS * np.abs(gradient).max())


def loss_of_a_row_is_its_own(loss, labels, outputs):
    """Other numbers, and NaN, in the other rows change nothing; NaN in the row itself is seen in value and gradient."""
    values, gradient = loss_run(loss, labels, outputs, 0.5)
    for row in range(len(labels)):
        others = np.arange(len(labels)) != row
        changed = outputs.copy()
        changed[others] = outputs[others][..., ::-1]
        for number in (changed[others], np.nan):
            changed[others] = number
            values_got, gradient_got = loss_run(loss, labels, changed, 0.5)
            same(values_got[row], values[row])
            same(gradient_got[row], gradient[row])
        assert np.isnan(values_got[others]).all()
        assert np.isnan(gradient_got[others]).all()
        one = outputs.copy()
        one[row].reshape(-1)[-1:] = np.nan
        values_got, gradient_got = loss_run(loss, labels, one, 0.5)
        assert np.isnan(values_got[row]).any()
        assert np.isnan(gradient_got[row]).any()
        same(values_got[others], values[others])
        same(gradient_got[others], gradient[others])


def loss_takes_any_layout_and_writes_to_nothing(loss, labels, outputs):
    values, gradient = loss_run(loss, labels, outputs, 0.5)
    for labels_given, outputs_given in zip(layouts(labels), layouts(outputs), strict=True):
        values_got, gradient_got = loss_run(loss, labels_given, outputs_given, 0.5)
        close(values_got, values, ROWS)
        close(gradient_got, gradient, ROWS * np.abs(gradient).max())


LOSS_PROPERTIES = [
    loss_permutes,
    loss_of_parts_adds_up,
    loss_of_a_row_is_its_own,
    loss_takes_any_layout_and_writes_to_nothing,
]


@each(catalogue.LOSSES)
@pytest.mark.parametrize("holds", LOSS_PROPERTIES)
@few
@given(data=st.data())
def test_losses(entry, holds, data):
    loss, labels, outputs = data.draw(catalogue.loss_labels_outputs(entry))
    if len(labels) > 1:
        holds(loss, labels, outputs)


def loss_stays_in_its_dtype(loss, labels, outputs, dtype):
    with strict_numpy(), np.errstate(under="ignore" if dtype == "float16" else "raise"):
        for factors in (1 / labels.size, strict(np.full(outputs.shape[:-1], 0.5, dtype))):
            for array in loss_run(loss, labels, strict(outputs.astype(dtype)), factors):
                assert type(array) is Strict or dtype == "float16"  # whose mean NumPy takes in float32
                assert array.dtype == dtype


@each(catalogue.LOSSES)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@few
@given(data=st.data())
def test_losses_keep_the_dtype(entry, dtype, data):
    loss_stays_in_its_dtype(*data.draw(catalogue.loss_labels_outputs(entry)), dtype)


with_link = {name: entry for name, entry in catalogue.LOSSES.items() if entry.make().on_logits() is not None}
with_softmax = {name: entry for name, entry in with_link.items() if entry.make().link == "softmax"}


@st.composite
def logits_and_losses(draw, entry):
    """A loss on probabilities, the same on logits, labels, and logits in float64."""
    loss, labels, outputs = draw(catalogue.loss_labels_outputs(entry).filter(lambda drawn: not drawn[0].from_logits))
    return loss, loss.on_logits(), labels, 3 * np.random.default_rng(draw(catalogue.seeds)).normal(size=outputs.shape)


@each(with_link)
@given(data=st.data())
def test_the_loss_from_logits_is_its_link_and_then_the_loss(entry, data):
    """Value and gradient. Rounding: p of 1e-11, of logits 25 apart, keeps 16 digits, log p so as many after its 25;
    the gradient 1 / p through softmax's y (dy - sum dy y) cancels to 1 from terms of the same size. Sigmoid's 1 - p is
    off by 1.1e-16, of 1e-7 at least."""
    loss, on_logits, labels, z = data.draw(logits_and_losses(entry))
    link = {"softmax": Softmax, "sigmoid": Sigmoid}[loss.link]()
    p, cache = link.forward(z)
    values, of_p = loss_run(loss, labels, p, 0.5)
    expected_values, expected = loss_run(on_logits, labels, z, 0.5)
    unclipped = ((p >= 1e-7) & (p <= 1 - 1e-7)).all(axis=-1)  # a smoothed label takes every class into account
    tolerance = {"softmax": 1e-13, "sigmoid": 3e-9}[loss.link]
    close(values[unclipped], expected_values[unclipped], tolerance)
    close(link.backward(of_p, cache)[unclipped], expected[unclipped], tolerance)
    same(on_logits.probabilities(on_logits.forward(labels, z)[1]), p)


@each(with_softmax)
@given(data=st.data())
def test_the_loss_from_logits_does_not_see_a_shift(entry, data):
    """To the last bit, as softmax."""
    _, on_logits, labels, z = data.draw(logits_and_losses(entry))
    z, shift = np.round(8 * z) / 8, data.draw(st.integers(-(2**20), 2**20))
    for actual, expected in zip(
        loss_run(on_logits, labels, z + shift, 0.5), loss_run(on_logits, labels, z, 0.5), strict=True
    ):
        same(actual, expected)


@each(with_link)
@given(data=st.data())
def test_logits_of_ten_thousand_have_finite_losses_and_gradients(entry, data):
    _, on_logits, labels, z = data.draw(logits_and_losses(entry))
    for dtype in ("float32", "float64"):
        values, gradient = loss_run(on_logits, labels, (1e4 * np.sign(z)).astype(dtype), 1.0)
        assert np.isfinite(values).all()
        assert (np.abs(gradient) <= 1).all()


# ---- metrics ------------------------------------------------------------------------------------------------------


@st.composite
def metric_labels_outputs(draw, entry, dtype="float64"):
    metric, labels, outputs = draw(catalogue.metric_labels_outputs(entry))
    return metric, as_real(labels, dtype), outputs.astype(dtype)


def metric_of_a_row_is_its_own(metric, labels, outputs):
    """It moves with its row, and does not see what the others are."""
    values = metric.values(labels, outputs)
    order = np.arange(len(labels))[::-1]
    same(metric.values(labels[order], outputs[order]), values[order])
    for row in range(len(labels)):
        changed = np.full_like(outputs, np.nan)
        changed[row] = outputs[row]
        same(metric.values(labels, changed)[row], values[row])


def metric_of_nan_is_no_hit(metric, labels, outputs):
    """0 or NaN, wherever in a row the NaN is and whatever the label."""
    for place in range(outputs.shape[-1]):
        for label in range(outputs.shape[-1]):
            bad = outputs.copy()
            bad[..., place] = np.nan
            values = metric.values(np.full_like(labels, label), bad)
            assert not (values > 0).any()


def metric_takes_any_layout(metric, labels, outputs):
    values = metric.values(labels, outputs)
    for labels_given, outputs_given in zip(layouts(labels), layouts(outputs), strict=True):
        same(metric.values(labels_given, outputs_given), values)


@each(catalogue.METRICS)
@pytest.mark.parametrize("holds", [metric_of_a_row_is_its_own, metric_takes_any_layout])
@few
@given(data=st.data())
def test_metrics(entry, holds, data):
    holds(*data.draw(metric_labels_outputs(entry)))


@few
@given(data=st.data())
def test_of_nan_no_class_is_hit(data):
    metric_of_nan_is_no_hit(*data.draw(metric_labels_outputs(catalogue.METRICS["SparseCategoricalAccuracy"])))


@each(catalogue.METRICS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@few
@given(data=st.data())
def test_metrics_promote_nothing(entry, dtype, data):
    metric, labels, outputs = data.draw(metric_labels_outputs(entry, dtype))
    with strict_numpy(), np.errstate(under="ignore" if dtype == "float16" else "raise"):  # 0.0002^2 is 0 in float16
        assert metric.values(labels, strict(outputs)).dtype in (bool, dtype)


# ---- optimizers ---------------------------------------------------------------------------------------------------


def steps(optimizer, gradients, weight):
    """A copy of the weight after a step for each gradient."""
    weight = weight.copy()
    for gradient in gradients:
        optimizer.apply([gradient], [weight])
    return weight


def optimizer_steps_each_entry_by_itself(make, gradients, weight):
    """So that they may stand in any order and number, exactly: +, *, / and the root are rounded correctly anywhere."""
    expected = steps(make(), gradients, weight)
    for places in (slice(None, None, -1), *(slice(place, place + 1) for place in range(len(weight)))):
        same(steps(make(), [gradient[places] for gradient in gradients], weight[places]), expected[places])
    strided = np.repeat(weight, 2)[::2]
    optimizer = make()
    for gradient in gradients:
        optimizer.apply([gradient], [strided])
    same(strided, expected)


def optimizer_writes_to_the_weights_alone(make, gradients, weight):
    for gradient in gradients:
        gradient.setflags(write=False)
    steps(make(), gradients, weight)


def optimizer_shows_bad_gradients_where_they_are(make, gradients, weight):
    """NaN and infinity make that weight NaN or infinite at once, and it stays so; no other changes."""
    expected = steps(make(), gradients, weight)
    for bad in (np.nan, np.inf, -np.inf):
        optimizer, got = make(), weight.copy()
        with np.errstate(invalid="ignore"):
            for index, gradient in enumerate(gradients):
                gradient = gradient.copy()
                gradient[1] = bad if index == 0 else gradient[1]
                optimizer.apply([gradient], [got])
                assert not np.isfinite(got[1])
        others = np.arange(len(weight)) != 1
        same(got[others], expected[others])


def optimizer_stays_in_its_dtype(make, gradients, weight):
    optimizer = make()
    with strict_numpy():
        steps(optimizer, [strict(gradient) for gradient in gradients], strict(weight))
    assert {(type(array), array.dtype) for own in optimizer.state for array in own} == {(Strict, weight.dtype)}


@pytest.mark.parametrize("make", catalogue.OPTIMIZERS.values(), ids=catalogue.OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "holds",
    [
        optimizer_steps_each_entry_by_itself,
        optimizer_writes_to_the_weights_alone,
        optimizer_shows_bad_gradients_where_they_are,
        optimizer_stays_in_its_dtype,
    ],
)
@few
@given(seed=catalogue.seeds)
def test_optimizers(make, dtype, holds, seed):
    rng = np.random.default_rng(seed)
    weight, *gradients = rng.normal(size=(5, 7)).astype(dtype)
    holds(make, gradients, weight)


# ---- models -------------------------------------------------------------------------------------------------------

N = 6


def ready_model(entry, dtype="float64", optimizer="sgd"):
    """A compiled model whose weights, biases too, are drawn; its samples and labels."""
    model, (x, labels) = entry.compiled(optimizer, dtype=dtype), entry.data(N)
    model.build((None, *entry.shape))
    rng = np.random.default_rng(1)
    draw_weights(model, rng)
    return model, x, labels


apart_models = {name: entry for name, entry in catalogue.MODELS.items() if not entry.mixes_rows}


@each(catalogue.MODELS)
def test_models_permute(entry):
    model, x, labels = ready_model(entry)
    order = np.random.default_rng(0).permutation(N)
    close(model.predict(x[order]), model.predict(x)[order], ROWS)
    if any(part.random for part in model.parts()):
        return  # its masks stay where they are
    loss, gradients = model.gradients(x, labels)
    loss_permuted, permuted = model.gradients(x[order], labels[order])
    assert abs(loss_permuted - loss) <= ROWS
    all_close(permuted, gradients, SUMS)


@each(apart_models)
def test_gradients_of_part_batches_weighted_by_their_sizes_add_up(entry):
    model, x, labels = ready_model(entry)
    loss, gradients = model.gradients(x, labels)
    for cut in range(1, N):
        first, second = model.gradients(x[:cut], labels[:cut]), model.gradients(x[cut:], labels[cut:])
        share = cut / N
        assert abs(share * first[0] + (1 - share) * second[0] - loss) <= ROWS
        together = [share * a + (1 - share) * b for a, b in zip(first[1], second[1], strict=True)]
        all_close(together, gradients, SUMS)


@each(apart_models)
def test_models_treat_each_row_by_itself(entry):
    model, x, _ = ready_model(entry)
    expected = model.predict(x)
    for row in range(N):
        changed = np.full_like(x, np.nan)
        changed[row] = x[row]
        got = model.predict(changed)
        same(got[row], expected[row])
        assert np.isnan(np.delete(got, row, axis=0)).all()
        close(model.predict(x[row : row + 1])[0], expected[row], ROWS)


@each(catalogue.MODELS)
def test_models_take_any_layout_and_write_to_nothing(entry):
    model, x, labels = ready_model(entry)
    expected = model.predict(x), model.gradients(x, labels)
    for x_given, labels_given in zip(layouts(x), layouts(labels), strict=True):
        model, _, _ = ready_model(entry)  # which has made no step: masks depend on their number
        close(model.predict(x_given), expected[0], ROWS)
        loss, gradients = model.gradients(x_given, labels_given)
        assert abs(loss - expected[1][0]) <= ROWS
        all_close(gradients, expected[1][1], SUMS)
        model.train_on_batch(x_given, labels_given)  # read-only as they are


@grid(dtype=["float32", "float64"], make=catalogue.OPTIMIZERS, entry=catalogue.MODELS)
def test_models_promote_nothing_in_fit_evaluate_and_predict(entry, make, dtype):
    """Everything at once, as it is used: buffers, batches, caches, loss, metrics, slots. Only sums are float64."""
    model, x, labels = ready_model(entry, dtype)
    x = x.astype(dtype)
    with strict_numpy():
        model.compile(make(), model.loss, model.metrics)
        model.fit(x, labels, epochs=2, batch_size=4, validation_data=(x, labels), verbose=0)
        model.train_on_batch(x, labels)
        model.evaluate(x, labels, verbose=0)
        model.gradients(x, labels)
        model.loss(labels, model.predict(x))
        assert type(model(x)) is Strict
        assert model.predict(x).dtype == dtype
    arrays = [*model.weights, *model.weight_gradients, *(array for own in model.optimizer.state for array in own)]
    assert {(type(array), array.dtype) for array in arrays} == {(Strict, np.dtype(dtype))}


# ---- bad numbers --------------------------------------------------------------------------------------------------


@each(apart_models)
def test_a_nan_sample_is_nan_in_loss_gradients_and_history_and_is_no_hit(entry):
    model, x, labels = ready_model(entry)
    bad = x.copy()
    bad[2].reshape(-1)[0] = np.nan
    loss, gradients = model.gradients(bad, labels)
    assert np.isnan(loss)
    assert all(np.isnan(gradient).any() for gradient in gradients)
    lost = np.isnan(model.predict(bad)).any(axis=-1)
    assert lost[2].any()
    assert not np.delete(lost, 2, axis=0).any()
    loss, reported = model.evaluate(bad, labels, verbose=0)
    assert np.isnan(loss)
    history = model.fit(bad, labels, epochs=2, batch_size=N, verbose=0).history
    assert np.isnan(history["loss"]).all()
    if entry.metric == "accuracy":
        metric = model.metrics[0]
        hits = metric.values(metric.check(labels, (N, *model.output_shape[1:])), ready_model(entry)[0].predict(bad))
        assert not hits[lost].any()
        assert np.isclose(reported, hits.mean(), rtol=0, atol=1e-15)  # the sum of 24 shares is rounded
        assert history["accuracy"][1] == 0
    else:
        assert np.isnan(reported)
    assert all(np.isnan(weight).any() for part in model.trained_parts() for weight in part.weights)


@each(apart_models)
def test_a_nan_sample_has_a_nan_dx_and_no_other_has(entry):
    """Through ReLU too: what comes after it makes its dy NaN."""
    model, x, labels = ready_model(entry)

    def gradient(x):
        outputs, caches = model.forward(x, training=True)
        _, cache = model.loss.forward(labels, outputs)
        return model.backward(model.loss.backward(labels, cache, 1 / labels.size), caches)

    bad = x.copy()
    bad[2].reshape(-1)[0] = np.nan
    expected, got = gradient(x), gradient(bad)
    assert np.isnan(got[2].reshape(-1)[0])
    same(np.delete(got, 2, axis=0), np.delete(expected, 2, axis=0))


def test_numbers_that_are_too_large_for_the_model_are_warned_of():
    model, x, labels = ready_model(catalogue.MODELS["from logits"], "float32")
    for call in (model.predict, model, lambda x: model.evaluate(x, labels), lambda x: model.fit(x, labels)):
        with pytest.warns(RuntimeWarning, match="overflow encountered in cast"), np.errstate(invalid="ignore"):
            call(x + 1e300)


@each(catalogue.MODELS)
@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_an_infinite_sample_does_not_train_to_a_plausible_loss(entry, bad):
    """A forward pass may give the limit that there is, as tanh(inf) = 1; its gradient times infinity is NaN."""
    model, x, labels = ready_model(entry)
    x[2] = bad
    with np.errstate(invalid="ignore"):
        losses = model.fit(x, labels, epochs=3, batch_size=N, verbose=0).history["loss"]
        assert not np.isfinite(losses[1:]).any()
        assert not np.isfinite(model.evaluate(x, labels, verbose=0)[0])


@each(catalogue.MODELS)
def test_a_nan_weight_is_seen_in_every_prediction_and_loss(entry):
    model, x, labels = ready_model(entry)
    own = [(part, name) for part in model.parts() for name in part.weight_names]
    statistics = [index for index, (part, name) in enumerate(own) if name not in part.grads]
    for index, weight in enumerate(model.get_weights()):
        weights = model.get_weights()
        weights[index].reshape(-1)[-1] = np.nan
        spoilt, _, _ = ready_model(entry)
        spoilt.set_weights(weights)
        assert np.isnan(spoilt.predict(x)).reshape(N, -1).any(axis=1).all(), weight.shape
        assert np.isnan(spoilt.evaluate(x, labels, verbose=0)[0])
        in_training = spoilt.train_on_batch(x, labels, return_dict=True)["loss"]  # moving statistics are not used there
        assert np.isnan(in_training) or index in statistics


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_bad_labels_are_refused_by_fit_evaluate_and_gradients(bad):
    model, x, labels = ready_model(catalogue.MODELS["from logits"])
    labels = labels.astype("float64")
    labels[1] = bad
    for call in (model.fit, model.evaluate, model.gradients, model.train_on_batch):
        with pytest.raises(ValueError, match=f"label number 1 is {bad}"):
            call(x, labels)
    assert model.optimizer.iterations == 0


@each(catalogue.LOSSES)
@given(data=st.data())
def test_infinite_outputs_have_no_finite_loss(entry, data):
    """Except -inf among logits of other classes: its probability is 0."""
    loss, labels, outputs = data.draw(catalogue.loss_labels_outputs(entry))
    bad = outputs.copy()
    bad.reshape(-1)[data.draw(st.integers(0, bad.size - 1))] = np.inf
    with np.errstate(invalid="ignore"):
        values, gradient = loss_run(loss, labels, bad, 1.0)
    hit = np.isinf(bad).any(axis=-1)
    assert not np.isfinite(values[hit]).any()
    if loss.link == "softmax":  # of one number alone the limit may exist: infinity, and a slope
        assert np.isnan(values[hit]).all()
        assert np.isnan(gradient[hit]).all()
    assert np.isfinite(values[~hit]).all()


# ---- that each property can fail ----------------------------------------------------------------------------------


class FirstRowDoubled(Tanh):
    def forward(self, x, training=False):
        y, cache = super().forward(x)
        y[0] *= 2
        return y, cache


class DxOfTheRowBefore(Tanh):
    def backward(self, dy, cache, need_dx=True):
        return np.roll(super().backward(dy, cache), 1, axis=0)


class MaximumOfTheWholeArray(Softmax):
    def forward(self, x, training=False):
        y = np.exp(x - x.max())
        y /= y.sum(axis=self.axis, keepdims=True)
        return y, y


class MeanOfTheBatchTaken(Tanh):
    def backward(self, dy, cache, need_dx=True):
        return super().backward(dy, cache) / len(dy)


class MeanGradient(Dense):
    def backward(self, dy, cache, need_dx=True):
        dx = super().backward(dy, cache)
        self.grads["kernel"] /= len(dy)
        return dx


class NaNIsZero(ReLU):
    def forward(self, x, training=False):
        y = np.where(x > 0, x, 0)
        return y, y


class NaNGradientIsZero(ReLU):
    def backward(self, dy, cache, need_dx=True):
        return np.where(cache > 0, dy, 0)


class InPlace(ReLU):
    def forward(self, x, training=False):
        y = np.maximum(x, 0, out=x)
        return y, y


class InPlaceBackward(ReLU):
    def backward(self, dy, cache, need_dx=True):
        dy *= cache > 0
        return dy


class CacheWritten(Sigmoid):
    def backward(self, dy, cache, need_dx=True):
        cache *= 1 - cache
        return dy * cache


class DecayingWeights(Dense):
    def forward(self, x, training=False):
        self.kernel *= 0.5
        return super().forward(x)


class InMemoryOrder(Dense):
    def forward(self, x, training=False):
        return super().forward(x.ravel("K").reshape(x.shape))


class Float64Factor(Tanh):
    def backward(self, dy, cache, need_dx=True):
        return super().backward(dy, cache) * np.float64(1)


class Float64FactorInPlace(Tanh):
    def backward(self, dy, cache, need_dx=True):
        dx = super().backward(dy, cache)
        dx *= np.float64(1)
        return dx


class Float64Temporary(Sigmoid):
    def forward(self, x, training=False):
        y = (1 / (1 + np.exp(-x.astype("float64")))).astype(x.dtype)
        return y, y


class Float64ByACount(Tanh):
    def backward(self, dy, cache, need_dx=True):
        return super().backward(dy, cache) * (cache > -2).mean(axis=0)


class Float64Written(Dense):
    def backward(self, dy, cache, need_dx=True):
        dx = super().backward(dy, cache)
        self.grads["bias"][...] = np.float64(self.grads["bias"])
        return dx


@pytest.mark.parametrize(
    ("make", "holds"),
    [
        (FirstRowDoubled, permuting_the_batch_permutes_outputs_and_dx),
        (DxOfTheRowBefore, permuting_the_batch_permutes_outputs_and_dx),
        (DxOfTheRowBefore, each_row_depends_on_its_own_row_only),
        (MaximumOfTheWholeArray, each_row_depends_on_its_own_row_only),
        (MaximumOfTheWholeArray, nan_in_a_row_stays_there_and_is_seen),
        (MeanOfTheBatchTaken, each_row_depends_on_its_own_row_only),
        (MeanOfTheBatchTaken, gradients_of_two_part_batches_add_up),
        (lambda: MeanGradient(3), gradients_of_two_part_batches_add_up),
        (NaNIsZero, nan_in_a_row_stays_there_and_is_seen),
        (NaNGradientIsZero, nan_in_a_row_stays_there_and_is_seen),
        (InPlace, nothing_given_is_written_to),
        (InPlaceBackward, nothing_given_is_written_to),
        (CacheWritten, nothing_given_is_written_to),
        (lambda: DecayingWeights(3), nothing_given_is_written_to),
        (lambda: InMemoryOrder(3), the_layout_in_memory_does_not_matter),
    ],
)
def test_a_layer_without_the_property_is_rejected(make, holds):
    with pytest.raises((AssertionError, ValueError), match=r"assert|read-only"):
        holds(*ready(make(), (4, 3)))


@pytest.mark.parametrize(
    "make",
    [Float64Factor, Float64FactorInPlace, Float64Temporary, Float64ByACount, lambda: Float64Written(3)],
)
def test_a_layer_that_promotes_is_rejected(make):
    with pytest.raises(Promoted, match="float64"):
        floats_stay_in_their_dtype(*ready(make(), (4, 3), dtype="float32"))


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x * np.float64(2),
        lambda x: x + np.arange(3.0),
        lambda x: x / np.arange(1, 4),
        lambda x: x @ np.eye(3),
        lambda x: x.dot(np.eye(3)) + 1,
        lambda x: x.astype("float64") + 1,
        lambda x: x * np.mean([1, 2]),
        lambda x: x * (x > 0).mean(),
        lambda x: x * x.sum(dtype="float64"),
        lambda x: np.where(x > 0, x, np.zeros(3)),
        lambda x: np.concatenate([x, np.zeros(3)]),
        lambda x: np.einsum("i,i", x, np.zeros(3)),
        lambda x: np.add(x, x, out=np.zeros(3)) + x,
        lambda x: np.multiply(np.ones(3), np.float64(2), out=x),
        lambda x: x.__imul__(np.float64(2)),
        lambda x: x.__setitem__(0, np.float64(2)),
    ],
)
def test_a_strict_array_refuses_to_be_promoted(operation):
    with pytest.raises(Promoted):
        operation(strict(np.ones(3, "float32")))


def test_a_strict_array_allows_what_promotes_nothing_or_is_asked_for():
    x = strict(np.ones(3, "float32"))
    for result in (2 * x, 0.1 * x, x * np.int8(2), x @ x[:, None], x.mean(axis=0, keepdims=True), np.stack([x, x])[:1]):
        assert result.dtype == np.float32
        assert type(result) is Strict
    assert x.sum(dtype="float64").dtype == np.float64
    assert (x.astype("float16") + 1).dtype == np.float16


def test_a_layer_that_warns_is_rejected():
    class Overflowing(Sigmoid):
        def forward(self, x, training=False):
            y = 1 / (1 + np.exp(-1000 * x))
            return y, y

    with pytest.raises(FloatingPointError, match="overflow"):
        floats_stay_in_their_dtype(*ready(Overflowing(), (4, 3), dtype="float32"))


def test_losses_metrics_and_optimizers_without_a_property_are_rejected():
    cross_entropy = tn.losses.SparseCategoricalCrossentropy

    class SharedMaximum(cross_entropy):
        def forward(self, labels, outputs):
            return super().forward(labels, outputs - outputs.max())

    class MeanTwice(cross_entropy):
        def backward(self, labels, cache, factors):
            return super().backward(labels, cache, factors) / len(labels)

    class NaNIgnored(cross_entropy):
        def forward(self, labels, outputs):
            values, cache = super().forward(labels, outputs)
            return np.nan_to_num(values), cache

    class OutputsOverwritten(cross_entropy):
        def forward(self, labels, outputs):
            outputs -= outputs.max(axis=-1, keepdims=True)
            return super().forward(labels, outputs)

    class Float64Values(cross_entropy):
        def forward(self, labels, outputs):
            values, cache = super().forward(labels, outputs)
            return values / np.float64(1), cache

    labels, outputs = np.array([0, 1, 1, 0]), np.random.default_rng(0).normal(size=(4, 3))
    for make, holds in (
        (SharedMaximum, loss_of_a_row_is_its_own),
        (MeanTwice, loss_of_parts_adds_up),
        (NaNIgnored, loss_of_a_row_is_its_own),
        (OutputsOverwritten, loss_takes_any_layout_and_writes_to_nothing),
        (Float64Values, lambda *drawn: loss_stays_in_its_dtype(*drawn, "float32")),
    ):
        with pytest.raises((AssertionError, ValueError), match=r"assert|read-only|float64"):
            holds(make(from_logits=True), labels, outputs)

    class NaNHits(tn.metrics.SparseCategoricalAccuracy):
        def values(self, labels, outputs):
            return outputs.argmax(axis=-1) == labels

    with pytest.raises(AssertionError):
        metric_of_nan_is_no_hit(NaNHits(), labels, outputs)

    class MeanOfTheSlot(tn.optimizers.SGD):
        def change(self, gradient, scratch, rate, m=None):
            return super().change(gradient - gradient.mean(), scratch, rate, m)

    class GradientScaled(tn.optimizers.SGD):
        def change(self, gradient, scratch, rate, m=None):
            gradient *= -rate
            return gradient

    class NaNSkipped(tn.optimizers.SGD):
        def change(self, gradient, scratch, rate, m=None):
            return super().change(np.nan_to_num(gradient), scratch, rate, m)

    class Float64Rate(tn.optimizers.SGD):
        def change(self, gradient, scratch, rate, m=None):
            return -np.float64(rate) * gradient

    weight, *gradients = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    for make, holds in (
        (MeanOfTheSlot, optimizer_steps_each_entry_by_itself),
        (GradientScaled, optimizer_writes_to_the_weights_alone),
        (NaNSkipped, optimizer_shows_bad_gradients_where_they_are),
        (Float64Rate, optimizer_stays_in_its_dtype),
    ):
        with pytest.raises((AssertionError, ValueError), match=r"assert|read-only|float64"):
            holds(make, [gradient.copy() for gradient in gradients], weight)
