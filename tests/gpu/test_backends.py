"""Everything in the catalogue on the strict stand-in for CuPy: NumPy's numbers, and no transfer that is not needed.

Whoever adds a layer, loss, metric, optimizer, activation or model to the catalogue has it checked here for nothing.
"""

import copy
import pickle

import catalogue
import numpy as np
import pytest
from both_backends import (
    check_layer,
    check_loss,
    check_optimizer,
    close,
    equal,
    life_of,
    loss_on_arrays,
    same_on_both,
)
from grids import grid
from hypothesis import given, settings
from hypothesis import strategies as st
from strict_cupy import device, module

import tinynet as tn
from tinynet import backend, callbacks, terminal
from tinynet.callbacks import progress
from tinynet.kernels import softmax_crossentropy
from tinynet.training import report

SMALL = catalogue.MODELS["the lesson's, small"]
pytestmark = pytest.mark.usefixtures("stand_in")
dtypes = st.sampled_from(["float32", "float64"])
DTYPES = ["float32", "float64"]
both_dtypes = pytest.mark.parametrize("dtype", DTYPES)
OPTIMIZERS = {**catalogue.OPTIMIZERS, **catalogue.CLIPPING}
WITH_THE_LOSS_KERNEL = {
    name: entry
    for name, entry in catalogue.MODELS.items()
    if entry.loss in (tn.losses.SparseCategoricalCrossentropy, catalogue.from_logits) and "over the batch" not in name
}


def give_to_the_device(array):
    return module.asarray(array)


# ---- the same numbers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", catalogue.LAYERS.values(), ids=catalogue.LAYERS)
@given(data=st.data())
def test_every_layer(entry, data):
    layer, shape = data.draw(catalogue.layer_and_shape(entry))
    rng = np.random.default_rng(data.draw(catalogue.seeds))
    check_layer(layer, rng.normal(size=(data.draw(catalogue.batches), *shape)), data.draw(dtypes))


@pytest.mark.parametrize("name", catalogue.ACTIVATIONS)
@given(data=st.data())
def test_every_activation_stays_where_its_input_is(name, data):
    x = np.random.default_rng(data.draw(catalogue.seeds)).normal(size=(3, *data.draw(catalogue.shapes())))

    def run(name_of_backend):
        array = backend.module(name_of_backend).asarray(x, dtype="float32")
        with device.at_most():
            return [tn.layers.activation_names.ACTIVATIONS[name](array)]

    same_on_both(run)


@pytest.mark.parametrize("entry", catalogue.LOSSES.values(), ids=catalogue.LOSSES)
@given(data=st.data())
def test_every_loss(entry, data):
    loss, labels, outputs = data.draw(catalogue.loss_labels_outputs(entry))
    check_loss(loss, labels, outputs, data.draw(dtypes))
    expected = loss(labels, outputs)
    for y, p in product_of_places(labels, outputs):
        assert np.array_equal(loss(y, p), expected)


@pytest.mark.parametrize("entry", catalogue.METRICS.values(), ids=catalogue.METRICS)
@given(data=st.data())
def test_every_metric(entry, data):
    metric, labels, outputs = data.draw(catalogue.metric_labels_outputs(entry))
    checked = metric.check(labels, outputs.shape)

    def run(name):
        y, p = (backend.module(name).asarray(array) for array in (checked, outputs))
        with device.at_most():
            return [metric.values(y, p)]

    same_on_both(run)
    expected = metric(labels, outputs)
    for y, p in product_of_places(labels, outputs):
        assert metric(y, p) == expected


def product_of_places(labels, outputs):
    """The two as a user may give them: each on the host or on the device."""
    gpu = give_to_the_device
    return [(gpu(labels), gpu(outputs)), (labels, gpu(outputs)), (gpu(labels), outputs)]


@grid(make=OPTIMIZERS, dtype=DTYPES)
def test_every_optimizer(make, dtype):
    check_optimizer(make, dtype)


@both_dtypes
@pytest.mark.parametrize("make", catalogue.REGULARIZERS.values(), ids=catalogue.REGULARIZERS)
def test_every_regularizer(make, dtype):
    def run(name):
        xp, regularizer = backend.module(name), make()
        weight, gradient = xp.asarray([[1, -2], [0, 0.3]], dtype=dtype), xp.ones((2, 2), dtype=dtype)
        with device.at_most():
            penalty = regularizer(weight)
            regularizer.add_gradient(weight, gradient)
        return [penalty, gradient]

    assert {array.dtype for array in same_on_both(run)} == {np.dtype(dtype)}


@grid(make=OPTIMIZERS, entry=catalogue.MODELS, dtype=DTYPES)
def test_every_model_with_every_optimizer(entry, make, dtype):
    """18 samples in batches of 4, so that the last one is short; given on the host and on the device."""
    x, y = entry.data(18)
    expected = life_of(entry.compiled(make(), dtype=dtype), x, y)
    on_device = entry.compiled(make(), dtype=dtype, backend="cupy")
    with loss_on_arrays():
        assert equal(life_of(entry.compiled(make(), dtype=dtype, backend="cupy"), x, y), expected)
        assert equal(life_of(on_device, x, y, give_to_the_device), expected)
    assert all(isinstance(weight, module.ndarray) for weight in on_device.weights)


@grid(entry=WITH_THE_LOSS_KERNEL, make=OPTIMIZERS)
def test_every_model_with_the_kernel_of_its_loss(entry, make):
    """In float64. Its rounding is 1e-16, but a bias before a batch normalization has no other gradient, which Adam then
    divides by a root as small: in 15 steps some 1e-10."""
    x, y = entry.data(18)
    expected = life_of(entry.compiled(make(), dtype="float64"), x, y)
    assert close(life_of(entry.compiled(make(), dtype="float64", backend="cupy"), x, y), expected, 1e-9)


def test_the_kernel_of_the_loss_is_not_taken_for_other_losses():
    class Doubled(tn.losses.SparseCategoricalCrossentropy):
        """A user's own: twice the loss."""

        def forward(self, labels, outputs):
            values, cache = super().forward(labels, outputs)
            return 2 * values, cache

        def backward(self, labels, cache, factors):
            return 2 * super().backward(labels, cache, factors)

    x, y = catalogue.MODELS["from logits"].data(18)

    def life(name):
        model = catalogue.MODELS["from logits"].make(seed=0, backend=name)
        model.compile("adam", Doubled(from_logits=True), ["accuracy"])
        return life_of(model, x, y)

    assert equal(life("cupy"), life("numpy"))


def test_batches_of_every_size_count_what_they_have(monkeypatch):
    """More labels in a batch than wait for their sum at first, between batches of fewer; with weights and metrics."""
    rng, batches = np.random.default_rng(0), []
    monkeypatch.setattr(report, "TOGETHER", 64)
    for size in (11, 36, 94, 8, 156, 8):
        batches.append((rng.normal(size=(size, 4)), rng.integers(0, 3, size), rng.random(size)))
    results = []
    for name in ("numpy", "cupy"):
        model = catalogue.MODELS["from logits"].make(seed=0, backend=name, dtype="float64")
        loss = tn.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("sgd", loss, ["accuracy", "sparse_top_k_categorical_accuracy"], ["accuracy"])
        results.append([model.fit(batches, epochs=2, verbose=0).history, model.evaluate(batches, verbose=0)])
    assert close(*results, 1e-12)


def test_subclasses_and_views_take_their_own_way():
    """A Rescaling, an accuracy and a layer of a user's own, whose outputs are float64 and transposed."""

    class Halves(tn.layers.Rescaling):
        def forward(self, x, training=False):
            return x // 2, None

    class Misses(tn.metrics.SparseCategoricalAccuracy):
        def values(self, labels, outputs):
            return ~super().values(labels, outputs)

    class Wide(tn.layers.Layer):
        def forward(self, x, training=False):
            return (x.T * np.float64(0.5)).T, None

        def backward(self, dy, cache, need_dx=True):
            return (dy * 0.5).astype("float32")

    rng = np.random.default_rng(0)
    x, y, weights = rng.integers(0, 9, (18, 4)), rng.integers(0, 3, 18), rng.random((18, 2)).astype("float32")
    results = []
    for name in ("numpy", "cupy"):
        stack = [tn.Input((4,)), Halves(0.5), tn.layers.Dense(3), Wide(), tn.layers.Softmax()]
        model = tn.Sequential(stack, seed=0, backend=name)
        model.compile("sgd", "sparse_categorical_crossentropy", [Misses(name="misses"), "accuracy"])
        own = weights[:, 0] if name == "numpy" else give_to_the_device(weights)[:, 0]  # of every second number
        history = model.fit(x, y, sample_weight=own, batch_size=4, epochs=2, verbose=0).history
        results.append([history, model.evaluate(x, y, sample_weight=own, verbose=0), model.get_weights()])
    assert close(*results, 1e-5)
    assert np.allclose(np.add(results[1][0]["misses"], results[1][0]["accuracy"]), 1)


def test_more_classes_than_a_warp_takes_are_left_to_the_arrays(monkeypatch):
    x, y = np.random.default_rng(0).normal(size=(6, 4)).astype("float32"), np.arange(6) % 3
    launches = []
    for most in (3, 2):
        monkeypatch.setattr(softmax_crossentropy, "CLASSES", most)
        model = catalogue.MODELS["from logits"].compiled(backend="cupy")
        with device.counted() as used:
            model.train_on_batch(x, y)
        launches.append(used.launches)
    assert launches[1] > launches[0] + 5


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
@pytest.mark.parametrize("shape", ["samples", "values", None])
def test_weights_and_other_metrics_beside_the_kernel_of_the_loss(reduction, shape):
    """Labels (18, 4), with a weight for each sample, for each label, or none."""
    entry = catalogue.MODELS["sequences"]
    x, y = entry.data(18)
    weights = {"samples": (18,), "values": (18, 4), None: None}[shape]
    weights = None if weights is None else np.random.default_rng(1).random(weights)
    metrics = [["accuracy", tn.metrics.SparseTopKCategoricalAccuracy(2), "sparse_categorical_accuracy"], ["accuracy"]]
    results = []
    for name in ("numpy", "cupy"):
        model = entry.make(seed=0, backend=name, dtype="float64")
        model.compile("sgd", tn.losses.SparseCategoricalCrossentropy(reduction=reduction), *metrics)
        history = model.fit(x, y, sample_weight=weights, batch_size=4, epochs=2, verbose=0).history
        evaluated = model.evaluate(x, y, sample_weight=weights, batch_size=4, verbose=0)
        results.append([history, evaluated, model.get_weights(), *model.gradients(x, y, weights)])
    assert close(*results, 1e-12)


@settings(max_examples=15)
@given(catalogue.maker_and_data(), dtypes)
def test_drawn_models(maker_and_data, dtype):
    make, x, labels = maker_and_data
    x, labels = np.concatenate([x] * 4), np.concatenate([labels] * 4)
    expected = life_of(make(dtype=dtype), x, labels)
    with loss_on_arrays():
        assert equal(life_of(make(dtype=dtype, backend="cupy"), x, labels), expected)


@pytest.mark.parametrize("give", [np.asarray, give_to_the_device], ids=["host", "device"])
def test_images_of_bytes(give):
    x, y = np.random.default_rng(0).integers(0, 256, (18, 4, 3), "uint8"), SMALL.data(18)[1]
    expected = life_of(SMALL.compiled("adam"), x, y)
    with loss_on_arrays():
        assert equal(life_of(SMALL.compiled("adam", backend="cupy"), x, y, give), expected)


def test_a_numpy_model_takes_what_is_on_the_device(xy):
    expected = life_of(SMALL.compiled("adam"), *xy)
    assert equal(life_of(SMALL.compiled("adam"), *xy, give_to_the_device), expected)


def test_a_dataset_lives_on_the_host_and_its_batches_go_to_the_device_one_by_one(xy):
    x, y = xy
    results = []
    for name in ("numpy", "cupy"):
        model = SMALL.compiled("adam", backend=name, dtype="float64")
        dataset = tn.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=1).batch(8)
        with device.at_most(uploads=2 * 2 * len(dataset), downloads=2):
            history = model.fit(dataset, epochs=2, verbose=0).history
        results.append([*history["loss"], *model.evaluate(dataset, verbose=0), model.predict(dataset.take(1)).tolist()])
    assert close(*results, 1e-12)


class Scale(tn.layers.Layer):
    """y = s x, with a scale s for each feature; as a user writes it."""

    def build(self, input_shape):
        self.add_weight("scale", input_shape[-1:], "ones")
        return input_shape

    def forward(self, x, training=False):
        return x * self.scale, x

    def backward(self, dy, cache, need_dx=True):
        self.grads["scale"] = (dy * cache).sum(axis=0)
        return dy * self.scale


class SquaredError(tn.losses.Loss):
    """The mean over the outputs of (y - p)^2; its labels are real and stay where the user has them."""

    name = "squared_error"

    def forward(self, labels, outputs):
        difference = outputs - labels
        return (difference * difference).mean(axis=-1), difference

    def backward(self, labels, cache, factors):
        return cache * (2 * factors / cache.shape[-1])


class Doubt(tn.metrics.Metric):
    name = "doubt"

    def values(self, labels, outputs):
        return 1 - outputs.max(axis=-1)


@pytest.mark.parametrize("give", [np.asarray, give_to_the_device], ids=["host", "device"])
def test_a_users_layer_loss_and_metric(give):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(18, 3)), rng.normal(size=(18, 2))

    def make(name):
        model = tn.Sequential([Scale(), tn.layers.Dense(2, "tanh"), Scale()], seed=0, backend=name)
        model.compile("adam", SquaredError(), [Doubt()])
        return model

    assert equal(life_of(make("cupy"), x, y, give), life_of(make("numpy"), x, y))


@pytest.mark.slow
@pytest.mark.parametrize("entry", catalogue.MODELS.values(), ids=catalogue.MODELS)
def test_gradients_are_checked_on_the_device(entry):
    model, (x, labels) = entry.compiled(backend="cupy"), entry.data(3)
    weights = model.get_weights()
    for at in (x, give_to_the_device(x)):
        report = tn.gradcheck.check_model(model, at, labels)
        assert report.error <= 1e-12
        assert {row.method for row in report.rows} == {"complex step"}
    assert equal(model.get_weights(), weights)
    for layer in model.layers:
        if layer.weights:
            assert tn.gradcheck.check_layer(layer, layer.input_shape[1:]).error <= 1e-12


def test_a_wrong_gradient_is_found_on_the_device():
    class Mean(Scale):
        def backward(self, dy, cache, need_dx=True):
            dx = super().backward(dy, cache, need_dx)
            self.grads["scale"] /= len(dy)
            return dx

    model = tn.Sequential([tn.layers.Dense(4), Mean(), tn.layers.Dense(3, "softmax")], seed=0, backend="cupy")
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(tn.gradcheck.GradientError, match=r"mean\.scale: every element is off by a factor"):
        tn.gradcheck.check_model(model, np.random.default_rng(0).normal(size=(6, 2)), [0, 1, 2, 0, 1, 2])


def test_a_loop_written_by_hand(xy):
    """What examples/training_loop.py does, in float64 arrays of the backend."""
    x, y = xy

    def run(name):
        xp, model = backend.module(name), SMALL.make(seed=0, backend=name, dtype="float64")
        loss, optimizer = tn.losses.SparseCategoricalCrossentropy(), tn.optimizers.Adam(0.01)
        samples, labels, total = xp.asarray(x), xp.asarray(y), xp.zeros((), dtype="float64")
        with device.at_most():
            for start in range(0, len(samples), 4):
                rows = slice(start, start + 4)
                outputs, caches = model.forward(samples[rows], training=True)
                values, cache = loss.forward(labels[rows], outputs)
                model.backward(loss.backward(labels[rows], cache, 1 / len(values)), caches)
                optimizer.apply(model.weight_gradients, model.weights)
                total += values.sum()
        return [total, *model.weights]

    same_on_both(run)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_of_a_model_trains_on(xy, clone):
    def run(name):
        model = SMALL.compiled("adam", backend=name)
        model.fit(*xy, batch_size=4, verbose=0)
        other = clone(model)
        other.fit(*xy, batch_size=4, verbose=0)
        return [*other.weights, *model.weights]

    with loss_on_arrays():
        same_on_both(run)


def test_weights_are_set_one_by_one_from_either_place(model):
    kernel = np.arange(24.0).reshape(8, 3)
    for value in (kernel, module.asarray(kernel)):
        model.layers[-1].kernel = value
        assert np.array_equal(model.get_weights()[2], kernel)
        model.layers[-1].kernel = 0 * value


def test_wrong_labels_and_samples_on_the_device_are_refused_as_on_the_host(model, xy):
    x, y = xy
    for samples, labels in ((x, y + 1), (x, y + 0.5), (x[:3], y), (x, y[0]), (x[:, :2], y), (x[0], y)):
        errors = []
        for give in (np.asarray, give_to_the_device):
            with pytest.raises(ValueError, match=r".") as error:
                model.fit(give(samples), give(labels), verbose=0)
            errors.append(str(error.value))
        assert errors[0] == errors[1]


# ---- what goes between host and device ----------------------------------------------------------------------------


@pytest.fixture
def model():
    """A small model on the stand-in, built."""
    return SMALL.compiled("adam", backend="cupy")


@pytest.fixture
def xy():
    """25 samples and their labels: seven batches of 4."""
    return SMALL.data(25)


@pytest.mark.parametrize("entry", catalogue.MODELS.values(), ids=catalogue.MODELS)
def test_no_model_waits_for_the_device_inside_an_epoch(entry):
    """One array goes to the host at the end of each epoch, and one at the end of its validation."""
    model, (x, y), epochs = entry.compiled("adam", backend="cupy"), entry.data(25), 3
    uploads = 4 + epochs  # x, y, and those of the validation; and each epoch the order of the samples
    with device.at_most(uploads, downloads=2 * epochs) as used:
        model.fit(x, y, batch_size=4, epochs=epochs, validation_split=0.2, verbose=0)
    assert (used.uploads, used.downloads) == (uploads, 2 * epochs)


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_in_order_nothing_is_uploaded_in_an_epoch(model, xy, verbose):
    with device.at_most(uploads=2, downloads=3) as used:
        model.fit(*xy, batch_size=4, epochs=3, shuffle=False, verbose=verbose)
    assert (used.uploads, used.downloads) == (2, 3)


def test_samples_that_are_on_the_device_are_not_brought_to_the_host(model, xy):
    x, y = map(give_to_the_device, xy)
    with device.at_most(uploads=2, downloads=2) as used:  # the labels are checked on the host, and go back; the order
        model.fit(x, y, batch_size=4, verbose=0)
    assert (used.uploads, used.downloads) == (2, 2)
    with device.at_most(downloads=1):
        model.predict(x)


@pytest.mark.parametrize(("wait", "drawn"), [(0, 7), (1e6, 0)])
def test_the_progress_line_costs_one_transfer_each_time_that_it_is_due(model, xy, monkeypatch, wait, drawn):
    monkeypatch.setattr(terminal, "is_interactive", lambda: True)
    monkeypatch.setattr(progress, "REDRAW_EVERY", wait)
    with device.at_most(uploads=3, downloads=drawn + 1) as used:
        model.fit(*xy, batch_size=4, verbose=1)
    assert used.downloads == drawn + 1


def test_a_callback_with_a_batch_hook_costs_one_transfer_a_batch(model, xy):
    class EachBatch(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            assert type(logs["loss"]) is float

    with device.at_most(uploads=3, downloads=7 + 1) as used:
        model.fit(*xy, batch_size=4, verbose=0, callbacks=EachBatch())
    assert used.downloads == 7 + 1


def test_the_transfers_of_all_else(model, xy):
    x, y = xy
    for call, uploads, downloads in (
        (lambda: model.evaluate(x, y, verbose=0), 2, 1),
        (lambda: model.predict(x, batch_size=4), 1, 7),  # batch by batch, so that the outputs need not fit the device
        (lambda: model(x), 1, 0),
        (lambda: model.train_on_batch(x, y), 2, 1),
        (lambda: model.gradients(x, y), 2, 1 + 4),  # the loss and four weights' gradients
        (model.get_weights, 0, 4),
        (lambda: model.set_weights([np.zeros(weight.shape) for weight in model.weights]), 4, 0),
        (lambda: model.set_weights(model.weights), 0, 0),
        (model.count_params, 0, 0),
        (lambda: model.summary(print_fn=len), 0, 0),
    ):
        with device.at_most(uploads, downloads) as used:
            call()
        assert (used.uploads, used.downloads) == (uploads, downloads)


# ---- launches -----------------------------------------------------------------------------------------------------


def test_the_launches_of_a_step(sample, lesson_model):
    """How many operations a step of the lesson costs, shuffled, from images of bytes.

    On a GPU, where a launch takes longer than the arithmetic of so small a step, this number is the time of training.
    A change that lowers it writes the new number here; one that raises it has to say why, and 22 is the limit.
    """
    (x, y), _ = sample
    model, launches = lesson_model(seed=0, backend="cupy"), []
    for n in (64, 96, 128):  # the first makes the optimizer's state
        with device.counted() as used:
            model.fit(x[:n], y[:n], verbose=0)
        launches.append(used.launches)
    batch, forward, loss, backward, adam = 1, 5, 1, 7, 1  # the totals are summed for 64 batches at once
    assert launches[2] - launches[1] == batch + forward + loss + backward + adam == 15
