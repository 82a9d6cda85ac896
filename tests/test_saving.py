"""model.save and load_model: the same model again, and a training that goes on to the same bits."""

import copy
import gc
import io
import json
import subprocess
import sys
import weakref
import zipfile
from pathlib import Path

import catalogue
import numpy as np
import own_layers
import pytest

import tinynet as tn
from tinynet.callbacks import Callback, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from tinynet.data import Dataset
from tinynet.formats import npz
from tinynet.formats.record import FileError
from tinynet.formats.state import restore, save_model, snapshot
from tinynet.layers import BatchNormalization, Dense, Dropout
from tinynet.models import load_model


def corners(n=70, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    return (np.eye(3)[y] * 2 + rng.normal(size=(n, 3))).astype("float32"), y


X, Y = corners()
VALIDATION = corners(30, seed=1)


def model(optimizer="adam", **options):
    made = tn.Sequential(
        [
            tn.Input((3,)),
            Dense(8, "relu", kernel_regularizer="l2"),
            BatchNormalization(momentum=0.9),
            Dropout(0.3),
            tn.Sequential([Dense(4, "tanh"), Dropout(0.2)]),
            Dense(3, "softmax"),
        ],
        **{"seed": 7, **options},
    )
    made.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    return made


def same(a, b):
    return all(np.array_equal(p, q) for p, q in zip(a.get_weights(), b.get_weights(), strict=True))


# ---- the model again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", catalogue.MODELS.values(), ids=catalogue.MODELS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_model_comes_back(entry, dtype, tmp_path):
    made = entry.compiled("adam", dtype=dtype)
    x, y = entry.data(12)
    made.fit(x, y, epochs=1, verbose=0)
    made.save(tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    assert loaded.get_config() == made.get_config()
    assert same(made, loaded)
    assert np.array_equal(made.predict(x), loaded.predict(x))
    assert made.evaluate(x, y, verbose=0) == loaded.evaluate(x, y, verbose=0)
    for one in (made, loaded):
        one.fit(x, y, epochs=1, verbose=0)
    assert same(made, loaded), "the state of the optimizer and the draws too"


@pytest.mark.parametrize("entry", catalogue.LAYERS.values(), ids=catalogue.LAYERS)
def test_every_layer_comes_back(entry, tmp_path):
    layer = entry.make(**entry.arguments)
    made = tn.Sequential([tn.Input((3, 4)[: max(2, entry.least_rank)]), layer], seed=1)
    made.save(tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    x = np.random.default_rng(0).normal(size=(2, *made.input_shape[1:]))
    assert np.array_equal(made.predict(x), loaded.predict(x))
    assert loaded.layers[0].get_config() == layer.get_config()


@pytest.mark.filterwarnings("ignore:The model ends in Dense")
@pytest.mark.parametrize("entry", catalogue.LOSSES.values(), ids=catalogue.LOSSES)
def test_every_loss_comes_back(entry):
    loss = entry.make()
    made = tn.Sequential([tn.Input((2,)), Dense(3)])
    made.compile("sgd", loss)
    assert restore(snapshot(made), {}, True).loss.get_config() == loss.get_config()


def test_compiles_choices_come_back():
    made = tn.Sequential([tn.Input((3,)), Dense(3, "softmax")])
    metrics = ["acc", tn.metrics.SparseTopKCategoricalAccuracy(2, name="two"), "sparse_categorical_accuracy"]
    schedule = tn.optimizers.schedules.ExponentialDecay(0.1, 100, 0.5)
    made.compile(
        tn.optimizers.SGD(schedule, momentum=0.9, nesterov=True, clipnorm=1.0, weight_decay=0.01, name="mine"),
        tn.losses.SparseCategoricalCrossentropy(),
        metrics,
        weighted_metrics=["accuracy"],
    )
    loaded = restore(npz.decode(npz.encode(snapshot(made))), {}, True)
    assert loaded.optimizer.get_config() == made.optimizer.get_config()
    assert type(loaded.optimizer) is tn.optimizers.SGD
    assert loaded.metrics_names == made.metrics_names == ["loss", "acc", "two", *made.metrics_names[3:]]
    assert loaded.metrics[1].k == 2
    assert [one.name for one in loaded.weighted_metrics] == ["accuracy"]


def test_without_compile_and_of_what_was_not_compiled(tmp_path):
    made = model()
    made.save(tmp_path / "m.npz")
    assert not load_model(tmp_path / "m.npz", compile=False).compiled
    bare = tn.Sequential([tn.Input((3,)), Dense(2)])
    bare.save(tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    assert not loaded.compiled
    assert same(bare, loaded)
    assert loaded.seed == bare.seed


def test_the_seed_comes_back_whether_given_or_drawn(tmp_path):
    for given in (7, None):
        made = model(seed=given)
        made.save(tmp_path / "m.npz")
        loaded = load_model(tmp_path / "m.npz")
        assert loaded.seed == made.seed
        assert ("seed" in loaded.get_config()) == (given is not None)


def test_shared_frozen_and_nested_layers_come_back(tmp_path):
    shared = Dense(3)
    frozen = Dense(3, trainable=False)
    inner = tn.Sequential([Dense(3), BatchNormalization()], name="inner")
    made = tn.Sequential([tn.Input((3,)), shared, frozen, inner, shared, Dense(2, "softmax")])
    made.compile("rmsprop", "sparse_categorical_crossentropy")
    made.fit(X, Y % 2, verbose=0)
    made.save(tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    assert loaded.layers[0] is loaded.layers[3]
    assert not loaded.layers[1].trainable
    assert loaded.layers[2].name == "inner"
    for one in (made, loaded):
        one.fit(X, Y % 2, verbose=0)
    assert same(made, loaded)


def test_things_of_ones_own_need_custom_objects(tmp_path):
    class Twice(tn.layers.Layer):
        def build(self, input_shape):
            self.add_weight("scale", input_shape[-1:], "ones")
            return input_shape

        def forward(self, x, training=False):
            return x * self.scale, x

        def backward(self, dy, cache, need_dx=True):
            self.grads["scale"] = (dy * cache).sum(axis=0)
            return dy * self.scale

    class Square(tn.losses.MeanSquaredError):
        pass

    def off(y_true, y_pred):
        return abs(y_true - y_pred)

    made = tn.Sequential([tn.Input((3,)), Twice(), Dense(1)])
    made.compile("sgd", Square(), [off])
    made.fit(X, Y, verbose=0)
    made.save(tmp_path / "m.npz")
    own = {"Twice": Twice, "Square": Square, "off": off}
    loaded = load_model(tmp_path / "m.npz", custom_objects=own)
    assert same(made, loaded)
    assert made.evaluate(X, Y, verbose=0) == loaded.evaluate(X, Y, verbose=0)
    for missing in own:
        some = {name: thing for name, thing in own.items() if name != missing}
        with pytest.raises(FileError, match=missing):
            load_model(tmp_path / "m.npz", custom_objects=some)


def test_things_of_ones_own_may_stand_anywhere(tmp_path):
    class Half(tn.regularizers.L2):
        pass

    class Twos(tn.initializers.Ones):
        pass

    class Slow(tn.optimizers.schedules.ExponentialDecay):
        pass

    class Bent(tn.layers.LeakyReLU):
        pass

    made = tn.Sequential([tn.Input((3,)), Dense(3, Bent(0.3), kernel_regularizer=Half(0.5), bias_initializer=Twos())])
    made.compile(tn.optimizers.SGD(Slow(0.1, 10, 0.5)), "mse")
    made.save(tmp_path / "m.npz")
    own = {one.__name__: one for one in (Half, Twos, Slow, Bent)}
    loaded = load_model(tmp_path / "m.npz", custom_objects=own)
    assert isinstance(loaded.layers[0].kernel_regularizer, Half)
    assert isinstance(loaded.optimizer.schedule, Slow)
    for name in own:
        with pytest.raises(FileError, match=name):
            load_model(tmp_path / "m.npz", custom_objects={n: c for n, c in own.items() if n != name})


def test_what_could_not_be_loaded_is_not_saved(tmp_path):
    shared = Dense(3)
    made = tn.Sequential([tn.Input((3,)), tn.Sequential([shared]), tn.Sequential([shared])])
    with pytest.raises(ValueError, match="could not be loaded again, so it is not saved: its layers and its weights"):
        made.save(tmp_path / "m.npz")
    many = tn.Sequential([tn.Input((3,)), Dense(1)])
    many.compile("sgd", "mse", [tn.metrics.MeanSquaredError(name=f"m{i}") for i in range(101)])
    with pytest.raises(ValueError, match="not saved: metrics in it is no list of at most 100"):
        many.save(tmp_path / "m.npz")
    assert not list(tmp_path.iterdir())


def test_a_loaded_model_is_a_model_like_others(tmp_path):
    made = model()
    made.fit(X, Y, verbose=0)
    made.save(tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    copied = copy.deepcopy(loaded)
    copied.fit(X, Y, verbose=0)
    loaded.fit(X, Y, verbose=0)
    assert same(copied, loaded)
    loaded.layers[0].kernel = np.zeros((3, 8))
    assert (loaded.get_weights()[0] == 0).all()
    assert tn.saving.load_model is load_model
    assert tn.models.load_model is load_model


# ---- the file ----------------------------------------------------------------------------------------------------


def test_numpy_alone_reads_the_file(tmp_path):
    made = model()
    made.fit(X, Y, epochs=2, verbose=0)
    made.save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz", allow_pickle=False) as file:
        assert np.array_equal(file["weights/0/kernel"], made.layers[0].kernel)
        assert file["optimizer/velocity/0/kernel"].shape == (3, 8)
        text = json.loads(file["model.json"])
    assert text["format"] == "tinynet"
    assert text["iterations"] == made.optimizer.iterations
    assert text["epochs"] == 2
    assert text["config"] == made.get_config()


def test_the_same_model_gives_the_same_bytes(tmp_path):
    made = model()
    for name in ("a.npz", "b.npz"):
        made.save(tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_weights_come_from_a_file_of_a_model_too(tmp_path):
    made, other = model(), model(seed=8)
    made.save(tmp_path / "m.npz")
    other.load_weights(tmp_path / "m.npz")
    assert same(made, other)


def test_names_and_overwriting(tmp_path):
    made = model()
    for name in ("m", "m.h5", "m.txt"):
        with pytest.raises(ValueError, match=r"The name of a file of a model must end in '\.npz' or"):
            made.save(tmp_path / name)
        with pytest.raises(ValueError, match=r"must end in '\.npz' or"):
            load_model(tmp_path / name)
    made.save(tmp_path / "m.npz")
    with pytest.raises(FileExistsError, match="exists already, and overwrite is False"):
        made.save(tmp_path / "m.npz", overwrite=False)
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "none.npz")
    with pytest.raises(ValueError, match="is not built yet"):
        tn.Sequential([Dense(3)]).save(tmp_path / "m.npz")
    with pytest.raises(TypeError, match="save_model takes a Sequential"):
        save_model("m.npz", made)
    made.save_weights(tmp_path / "w.npz")
    with pytest.raises(FileError, match=r"w.npz': there is no model.json in it \(it may hold weights alone"):
        load_model(tmp_path / "w.npz")


def test_what_cannot_be_written_is_said(tmp_path):
    class Odd(tn.layers.Layer):
        def __init__(self, thing=None, **options):
            super().__init__(**options)
            self.thing = thing

        def forward(self, x, training=False):
            return x, None

    made = tn.Sequential([tn.Input((3,)), Odd(object())])
    with pytest.raises(ValueError, match="a setting that cannot be written as JSON: Object of type object"):
        made.save(tmp_path / "m.npz")
    assert not list(tmp_path.iterdir())


def test_an_optimizer_of_another_model_is_not_saved_as_this_ones(tmp_path):
    made, other = model(), model()
    made.fit(X, Y, verbose=0)
    other.compile(made.optimizer, "sparse_categorical_crossentropy")
    with pytest.raises(RuntimeError, match="Compile this model again"):
        made.save(tmp_path / "m.npz")


def test_layers_frozen_since_training_began(tmp_path):
    made = model()
    made.fit(X, Y, verbose=0)
    made.layers[0].trainable = False
    with pytest.raises(RuntimeError, match="Call compile again"):
        made.save(tmp_path / "m.npz")


# ---- going on ----------------------------------------------------------------------------------------------------

RESUMED = {
    **{f"optimizer: {name}": (lambda make=make: {"optimizer": make()}) for name, make in catalogue.OPTIMIZERS.items()},
    **{f"clipping: {name}": (lambda make=make: {"optimizer": make()}) for name, make in catalogue.CLIPPING.items()},
    "schedule": lambda: {"optimizer": tn.optimizers.Adam(tn.optimizers.schedules.CosineDecay(0.01, 20))},
    "float64": lambda: {"dtype": "float64"},
}


def pipeline():
    return Dataset.from_tensor_slices((X, Y)).shuffle(len(X), seed=5)


DATA = {
    "arrays": lambda: {"x": X, "y": Y, "batch_size": 16},
    "arrays, in order": lambda: {"x": X, "y": Y, "batch_size": 16, "shuffle": False},
    "arrays, epochs that end within a pass": lambda: {"x": X, "y": Y, "batch_size": 16, "steps_per_epoch": 2},
    "dataset": lambda: {"x": pipeline().batch(16)},
    "dataset that repeats": lambda: {"x": pipeline().repeat().batch(16), "steps_per_epoch": 4},
    "dataset, the lesson's order": lambda: {
        "x": Dataset.from_tensor_slices((X, Y)).repeat().shuffle(50, seed=2).batch(16), "steps_per_epoch": 4
    },
    "dataset, epochs that end within a pass": lambda: {"x": pipeline().batch(16), "steps_per_epoch": 2},
    "dataset, cached": lambda: {"x": pipeline().map(lambda x, y: (x * 2, y)).cache().shuffle(9, 1).batch(16)},
}


def check_resume(path, data, callbacks=list, epochs=6, stop=3, **options):
    """Training whole, and stopped, saved, loaded and resumed: the same weights and the same history."""
    whole, first = model(**options), model(**copy.deepcopy(options))
    settings = {"verbose": 0, "validation_data": VALIDATION}
    expected = whole.fit(**data(), **settings, epochs=epochs, callbacks=callbacks())
    first.fit(**data(), **settings, epochs=stop, callbacks=[ModelCheckpoint(path), *callbacks()])
    loaded = load_model(path)
    assert loaded.epochs_trained == min(stop, len(expected.epoch))
    got = loaded.fit(
        **data(), **settings, epochs=epochs, initial_epoch=loaded.epochs_trained, callbacks=callbacks()
    )
    assert same(whole, loaded)
    for name, values in expected.history.items():
        assert got.history[name] == values[stop:], name
    assert got.epoch == expected.epoch[stop:]
    return expected


@pytest.mark.parametrize("options", RESUMED.values(), ids=RESUMED)
def test_every_optimizer_goes_on_to_the_same_bits(options, tmp_path):
    check_resume(tmp_path / "m.npz", DATA["arrays"], **options())


@pytest.mark.filterwarnings("ignore:The data ran out")
@pytest.mark.parametrize("stop", [1, 2, 3, 5])
@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_all_data_go_on_to_the_same_bits(data, stop, tmp_path):
    check_resume(tmp_path / "m.npz", data, stop=stop)


@pytest.mark.parametrize("stop", [11, 13, 14, 15, 16])
def test_callbacks_go_on_where_they_were(stop, tmp_path):
    def callbacks():
        return [
            EarlyStopping("val_loss", patience=8, restore_best_weights=True),
            ReduceLROnPlateau("val_loss", factor=0.5, patience=2, min_delta=0.02, cooldown=1),
        ]

    optimizer = tn.optimizers.Adam(0.03)
    expected = check_resume(tmp_path / "m.npz", DATA["arrays"], callbacks, epochs=40, stop=stop, optimizer=optimizer)
    assert stop < len(expected.epoch) < 40, "it stopped by itself"
    assert len(set(expected.history["learning_rate"][stop:])) > 1, "and the rate was reduced after the stop"


def test_the_best_value_of_a_checkpoint_goes_on(tmp_path):
    saved = []

    class Told(ModelCheckpoint):
        def _say(self, counts, text):
            saved.append((counts["epoch"], "improved" in text))

    def checkpoint():
        return Told(tmp_path / "best.npz", "val_loss", save_best_only=True)

    settings = {"verbose": 0, "validation_data": VALIDATION}
    model("sgd").fit(X, Y, epochs=8, callbacks=[checkpoint()], **settings)
    expected, saved[:] = list(saved), []
    first = model("sgd")
    first.fit(X, Y, epochs=4, callbacks=[checkpoint()], **settings)
    first.save(tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    loaded.fit(X, Y, epochs=8, initial_epoch=4, callbacks=[checkpoint()], **settings)
    assert saved == expected


def test_a_state_is_for_the_epoch_after_it_alone(tmp_path):
    stopping = EarlyStopping("loss", patience=50)
    made = model()
    made.fit(X, Y, epochs=3, verbose=0, callbacks=[stopping])
    made.save(tmp_path / "m.npz")
    for start, kept in ((3, True), (0, False)):
        loaded, again = load_model(tmp_path / "m.npz"), EarlyStopping("loss", patience=50)
        loaded.fit(X, Y, initial_epoch=start, epochs=start, verbose=0, callbacks=[again])
        assert (again.best == stopping.best) == kept
    assert loaded.saved_callbacks == []


def test_a_callback_of_ones_own_may_have_a_state(tmp_path):
    class Count(Callback):
        saved_attributes = ("epochs", "weights")

        def on_train_begin(self, logs=None):
            self.epochs, self.weights = 0, []

        def on_epoch_end(self, epoch, logs=None):
            self.epochs += 1
            self.weights.append(self.model.layers[0].bias.copy())

    made = model()
    made.fit(X, Y, epochs=2, verbose=0, callbacks=[Count(), Count()])
    made.save(tmp_path / "m.npz")
    loaded, counts = load_model(tmp_path / "m.npz"), [Count(), Count()]
    loaded.fit(X, Y, epochs=5, initial_epoch=2, verbose=0, callbacks=counts)
    assert [count.epochs for count in counts] == [5, 5]
    assert len(counts[1].weights) == 5


def test_checkpoints_are_written_after_all_other_callbacks(tmp_path):
    order = []

    class Last(Callback):
        def on_epoch_end(self, epoch, logs=None):
            order.append("other")

    class Saves(ModelCheckpoint):
        def _save(self, logs, counts):
            order.append("checkpoint")

    model().fit(X, Y, verbose=0, callbacks=[Saves(tmp_path / "m.npz"), Last()])
    assert order == ["other", "checkpoint"]


def test_a_shuffle_without_a_seed_is_told_of(tmp_path):
    data = Dataset.from_tensor_slices((X, Y)).shuffle(70).batch(16)
    made = model()
    made.fit(data, epochs=2, verbose=0)
    made.save(tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    again = Dataset.from_tensor_slices((X, Y)).shuffle(70).batch(16)
    with pytest.warns(UserWarning, match="The dataset's shuffle has no seed"):
        loaded.fit(again, epochs=3, initial_epoch=2, verbose=0)
    loaded.fit(again, epochs=4, initial_epoch=3, verbose=0)  # the same dataset goes on by itself


def test_what_is_passed_over_is_not_computed(tmp_path):
    made = model()
    made.fit(pipeline().batch(16), epochs=3, verbose=0)
    made.save(tmp_path / "m.npz")
    calls = []
    data = pipeline().map(lambda x, y: calls.append(0) or (x, y)).batch(16)
    load_model(tmp_path / "m.npz").fit(data, epochs=4, initial_epoch=3, verbose=0)
    assert len(calls) == len(X)


def test_a_model_that_was_never_trained_numbers_its_epochs_as_it_likes():
    made, other = model(), model()
    made.fit(**DATA["dataset"](), epochs=2, verbose=0)
    other.fit(**DATA["dataset"](), initial_epoch=5, epochs=7, verbose=0)
    assert same(made, other)
    assert other.epochs_trained == 7


SCRIPT = """
import sys
import test_saving as here
path, stop, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
model = here.load_model(path) if stop else here.model()
data = here.DATA["dataset, the lesson's order"]()
checkpoint = here.ModelCheckpoint(path)
model.fit(**data, initial_epoch=model.epochs_trained, epochs=epochs, verbose=0, callbacks=[checkpoint])
"""


def test_in_processes_of_their_own(tmp_path):
    def run(*arguments):
        subprocess.run([sys.executable, "-c", SCRIPT, *map(str, arguments)], check=True, cwd=Path(__file__).parent)

    run(tmp_path / "whole.npz", 0, 4)
    run(tmp_path / "parts.npz", 0, 2)
    run(tmp_path / "parts.npz", 2, 4)
    assert same(load_model(tmp_path / "whole.npz"), load_model(tmp_path / "parts.npz"))


def test_a_training_that_had_stopped_stays_stopped(tmp_path):
    def callbacks():
        return [EarlyStopping("loss", mode="max", patience=2, restore_best_weights=True)]

    made = model()
    made.fit(X, Y, epochs=9, verbose=0, callbacks=[ModelCheckpoint(tmp_path / "m.npz"), *callbacks()])
    done = made.epochs_trained
    assert done < 9
    loaded = load_model(tmp_path / "m.npz")
    history = loaded.fit(X, Y, epochs=9, initial_epoch=done, verbose=0, callbacks=callbacks())
    assert history.epoch == []
    assert same(made, loaded), "the best weights are restored"
    patient = EarlyStopping("loss", mode="max", patience=50)
    load_model(tmp_path / "m.npz").fit(X, Y, epochs=9, initial_epoch=done, verbose=0, callbacks=[patient])
    assert patient.stopped_epoch == 0


def test_a_state_is_for_a_callback_with_the_same_settings(tmp_path):
    made = model()
    made.fit(X, Y, epochs=2, verbose=0, callbacks=[EarlyStopping("loss", patience=9)])
    made.save(tmp_path / "m.npz")
    other = EarlyStopping("accuracy", patience=9)
    with pytest.warns(UserWarning, match="The file's state of EarlyStopping is for other settings"):
        load_model(tmp_path / "m.npz").fit(X, Y, epochs=2, initial_epoch=2, verbose=0, callbacks=[other])
    assert other.best == -np.inf


def test_a_checkpoint_that_kept_no_best_begins_afresh(tmp_path):
    path = tmp_path / "m.npz"
    model().fit(X, Y, epochs=2, verbose=0, callbacks=[ModelCheckpoint(path, "loss")])
    best = ModelCheckpoint(path, "loss", save_best_only=True)
    load_model(path).fit(X, Y, epochs=3, initial_epoch=2, verbose=0, callbacks=[best])
    assert np.isfinite(best.best)


def test_the_last_model_has_the_best_value_of_this_epoch_in_it(tmp_path):
    last = ModelCheckpoint(tmp_path / "last.npz")
    best = ModelCheckpoint(tmp_path / "b.npz", "loss", save_best_only=True)
    model().fit(X, Y, epochs=2, verbose=0, callbacks=[last, best])
    states = npz.decode((tmp_path / "last.npz").read_bytes()).callbacks
    assert [state.values["best"] for state in states] == [best.best, None]


def test_a_loaded_model_that_is_saved_keeps_the_states(tmp_path):
    made = model()
    made.fit(X, Y, epochs=2, verbose=0, callbacks=[EarlyStopping("loss", restore_best_weights=True)])
    made.save(tmp_path / "a.npz")
    load_model(tmp_path / "a.npz").save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def shared():
    """Training and validation data that draw from one shuffle."""
    whole = Dataset.from_tensor_slices((X, Y)).shuffle(len(X), seed=3)
    return {"x": whole.take(50).batch(16), "validation_data": whole.skip(50).batch(16)}


def same_data():
    whole = Dataset.from_tensor_slices((X, Y)).shuffle(len(X), seed=3).batch(16)
    return {"x": whole, "validation_data": whole}


def cut_validation():
    held_out = Dataset.from_tensor_slices(VALIDATION).shuffle(30, seed=4).batch(8)
    return {**DATA["dataset"](), "validation_data": held_out, "validation_steps": 2}


def shared_and_within_a_pass():
    return {**shared(), "steps_per_epoch": 3}


@pytest.mark.filterwarnings("ignore:The data ran out")
@pytest.mark.parametrize("stop", [1, 2, 3])
@pytest.mark.parametrize("data", [shared, same_data, cut_validation, shared_and_within_a_pass])
def test_shuffles_that_validation_data_draw_from_too(data, stop, tmp_path):
    whole, first = model(), model()
    expected = whole.fit(**data(), epochs=5, verbose=0).history
    first.fit(**data(), epochs=stop, verbose=0, callbacks=[ModelCheckpoint(tmp_path / "m.npz")])
    loaded = load_model(tmp_path / "m.npz")
    got = loaded.fit(**data(), epochs=5, initial_epoch=stop, verbose=0).history
    assert same(whole, loaded)
    assert all(got[name] == values[stop:] for name, values in expected.items())


def test_going_on_after_other_uses_of_the_data(tmp_path):
    whole, first = model(), model()
    data = DATA["dataset"]()["x"]
    whole.fit(data, epochs=2, verbose=0)
    whole.fit(data, epochs=2, verbose=0)
    whole.fit(data, epochs=1, verbose=0)
    again = DATA["dataset"]()["x"]
    first.fit(again, epochs=2, verbose=0)
    first.fit(again, epochs=2, verbose=0)
    first.save(tmp_path / "m.npz")
    for fresh in (DATA["dataset"]()["x"], again):  # in a new process, and in this one
        loaded = load_model(tmp_path / "m.npz")
        loaded.evaluate(fresh, verbose=0)
        loaded.fit(fresh, epochs=3, initial_epoch=2, verbose=0)
        assert same(whole, loaded)


def test_the_data_are_let_go_of_after_fit():
    x = X.copy()
    made = model()
    made.fit(x, Y, verbose=0, validation_data=Dataset.from_tensor_slices((x, Y)).batch(16))
    alive = weakref.ref(x)
    del x
    gc.collect()
    assert alive() is None


@pytest.mark.filterwarnings("ignore:The data ran out")
def test_lists_of_batches_go_on_within_a_pass(tmp_path):
    pairs = [(X[i : i + 16], Y[i : i + 16]) for i in range(0, 64, 16)]
    check_resume(tmp_path / "m.npz", lambda: {"x": pairs, "steps_per_epoch": 3})


def test_data_that_are_shuffled_otherwise_are_told_of(tmp_path):
    made = model()
    made.fit(**DATA["dataset"](), verbose=0)
    made.save(tmp_path / "m.npz")
    with pytest.warns(UserWarning, match="The data are shuffled in another way"):
        load_model(tmp_path / "m.npz").fit(pipeline().shuffle(3, 1).batch(16), initial_epoch=1, epochs=2, verbose=0)


# ---- what does not belong together -------------------------------------------------------------------------------


def changed(change, made=None):
    """The bytes of a file of a trained model, with its SavedModel changed."""
    if made is None:
        made = model()
        made.fit(X, Y, verbose=0)
    saved = snapshot(made)
    saved.weights = {key: array.copy() for key, array in saved.weights.items()}
    change(saved)
    return npz.encode(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.weights.pop("0/bias"), "0/bias differs"),
        (lambda s: s.weights.update({"9/kernel": np.zeros(2)}), "9/kernel differs"),
        (lambda s: s.weights.update({"0/kernel": np.zeros((8, 3))}), r"has shape \(3, 8\), but .* \(8, 3\)"),
        (lambda s: s.slots.pop("velocity"), "the arrays of the optimizer adam are not those of this model"),
        (lambda s: s.slots["velocity"].pop("0/kernel"), "the arrays of the optimizer adam are not those"),
        (lambda s: s.slots["velocity"].update({"0/kernel": np.zeros(24)}), r"velocity of 0/kernel has shape \(24,\)"),
        (lambda s: s.slots.clear(), "the state of the optimizer adam is missing"),
        (lambda s: s.config["layers"].pop(0), "no input shape|differs"),
        (lambda s: s.config["layers"][1].update(class_name="Lambda"), "Unknown layer 'Lambda'"),
        (lambda s: s.config["layers"][1]["config"].update(units=10**12), "shape"),
        (lambda s: s.config["layers"][1]["config"].update(units=-1), "units must be a positive integer"),
        (lambda s: s.config["layers"][1]["config"].update(unitz=3), "does not know: 'unitz'"),
        (lambda s: s.place.update(position=-1), "'place' in model.json is no place in the data"),
        (lambda s: s.place.update(began=[0.5]), "'place' in model.json is no place in the data"),
        (lambda s: s.place.update(passes=[0] * 101), "'place' in model.json is no place in the data"),
        (lambda s: s.place.pop("validation"), "'place' in model.json is no place in the data"),
        (lambda s: s.place.update(more=[]), "'place' in model.json is no place in the data"),
        (lambda s: s.compiled.update(loss=None), "there is no loss in it"),
        (lambda s: s.compiled["optimizer"].update(class_name="Adamm"), "Unknown optimizer 'Adamm'"),
        (lambda s: s.compiled.update(metrics=["acuracy"]), "Unknown metric 'acuracy'"),
        (lambda s: s.compiled.update(loss={"class_name": "function", "config": "f"}), "the loss 'f' is a function"),
    ],
)
def test_files_whose_parts_do_not_fit(change, message, tmp_path):
    (tmp_path / "m.npz").write_bytes(changed(change))
    with pytest.raises(FileError, match=message) as caught:
        load_model(tmp_path / "m.npz")
    assert "m.npz" in str(caught.value)


def test_a_file_without_training_state_is_legal(tmp_path):
    def forget(saved):
        saved.iterations, saved.slots = 0, {}

    (tmp_path / "m.npz").write_bytes(changed(forget))
    assert load_model(tmp_path / "m.npz").optimizer.iterations == 0


def test_the_arrays_that_are_listed_are_those_that_are_there(tmp_path):
    content = changed(lambda saved: None)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    text = json.loads(members["model.json"])
    text["arrays"].reverse()
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        for name, data in {**members, "model.json": json.dumps(text).encode()}.items():
            archive.writestr(name, data)
    with pytest.raises(FileError, match="do not belong together: their order differs"):
        load_model(tmp_path / "m.npz")


def test_layers_of_ones_own_from_the_checker_come_back(tmp_path):
    right = {name: make for name, make in own_layers.RIGHT.items() if isinstance(make, type)}
    for name, make in right.items():
        try:
            made = tn.Sequential([tn.Input((4,)), make()], seed=0)
        except (TypeError, ValueError):
            continue  # it wants another shape or arguments
        made.save(tmp_path / "m.npz")
        loaded = load_model(tmp_path / "m.npz", custom_objects={make.__name__: make})
        assert same(made, loaded), name
