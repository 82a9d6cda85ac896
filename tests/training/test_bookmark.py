"""A training that is cut off and goes on from a file, to the same bits."""

import copy
import gc
import os
import pickle
import subprocess
import sys
import weakref

import catalogue
import numpy as np
import pytest
from resumed import DATA, VALIDATION, X, Y, model, pipeline, same

import tinynet as tn
from tinynet.callbacks import Callback, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from tinynet.data import Dataset
from tinynet.formats import npz
from tinynet.models import load_model

RESUMED = {
    **{f"optimizer: {name}": (lambda make=make: {"optimizer": make()}) for name, make in catalogue.OPTIMIZERS.items()},
    **{f"clipping: {name}": (lambda make=make: {"optimizer": make()}) for name, make in catalogue.CLIPPING.items()},
    "schedule": lambda: {"optimizer": tn.optimizers.Adam(tn.optimizers.schedules.CosineDecay(0.01, 20))},
    "float64": lambda: {"dtype": "float64"},
}


def check_resume(path, data, callbacks=list, epochs=6, stop=3, **options):
    """Training whole, and stopped, saved, loaded and resumed: the same weights and the same history."""
    whole, first = model(**options), model(**copy.deepcopy(options))
    settings = {"verbose": 0, "validation_data": VALIDATION}
    expected = whole.fit(**data(), **settings, epochs=epochs, callbacks=callbacks())
    first.fit(**data(), **settings, epochs=stop, callbacks=[ModelCheckpoint(path), *callbacks()])
    loaded = load_model(path)
    assert loaded.epochs_trained == min(stop, len(expected.epoch))
    got = loaded.fit(**data(), **settings, epochs=epochs, initial_epoch=loaded.epochs_trained, callbacks=callbacks())
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
    assert not loaded.bookmark().from_file


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
from resumed import DATA, model
from tinynet.callbacks import ModelCheckpoint
from tinynet.models import load_model
path, stop, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
model = load_model(path) if stop else model()
data = DATA["dataset, the lesson's order"]()
model.fit(**data, initial_epoch=model.epochs_trained, epochs=epochs, verbose=0, callbacks=[ModelCheckpoint(path)])
"""


def test_in_processes_of_their_own(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def run(*arguments):
        command = [sys.executable, "-c", SCRIPT, *map(str, arguments)]
        subprocess.run(command, check=True, env=environment)

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


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
def test_a_copy_made_within_a_fit_knows_where_it_is(clone):
    class Copies(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.copy = clone(self.model)
            seen.append(self.copy.epochs_trained)

    seen, callback, made = [], Copies(), model()
    made.fit(X, Y, epochs=3, verbose=0, callbacks=[callback])
    assert seen == [1, 2, 3]


def test_a_fit_that_fails_before_it_begins_leaves_the_files_states_to_the_next(tmp_path):
    class Fails(Callback):
        def on_train_begin(self, logs=None):
            raise RuntimeError

    stopping = EarlyStopping("loss", patience=50)
    made = model()
    made.fit(X, Y, epochs=3, verbose=0, callbacks=[stopping])
    made.save(tmp_path / "m.npz")
    loaded, again = load_model(tmp_path / "m.npz"), EarlyStopping("loss", patience=50)
    with pytest.raises(RuntimeError):
        loaded.fit(X, Y, initial_epoch=3, epochs=4, verbose=0, callbacks=[Fails()])
    loaded.save(tmp_path / "again.npz")
    for each in (load_model(tmp_path / "again.npz"), loaded):
        again = EarlyStopping("loss", patience=50)
        each.fit(X, Y, initial_epoch=3, epochs=3, verbose=0, callbacks=[again])
        assert again.best == stopping.best


def test_states_that_were_taken_over_are_not_kept(tmp_path):
    made = model()
    made.fit(X, Y, epochs=2, verbose=0, callbacks=[EarlyStopping("loss", restore_best_weights=True)])
    made.save(tmp_path / "m.npz")

    class Looks(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            assert self.model._run.states == []

    loaded = load_model(tmp_path / "m.npz")
    loaded.fit(X, Y, initial_epoch=2, epochs=3, verbose=0, callbacks=[Looks()])


class FailsOnce(Callback):
    """Raises in the first on_train_begin."""

    failed = False

    def on_train_begin(self, logs=None):
        if not self.failed:
            self.failed = True
            raise RuntimeError


@pytest.mark.filterwarnings("ignore:The data ran out")
@pytest.mark.parametrize("wrong", [0, 2])
def test_a_fit_that_fails_before_it_begins_leaves_the_files_place_to_the_next(wrong, tmp_path):
    """Without states of callbacks, and with another initial_epoch in the try that failed."""
    given = {"x": X, "y": Y, "batch_size": 16, "steps_per_epoch": 2, "verbose": 0}  # of five
    made = model()
    made.fit(**given, epochs=2)
    made.save(tmp_path / "m.npz")
    whole, tried, once = load_model(tmp_path / "m.npz"), load_model(tmp_path / "m.npz"), FailsOnce()
    whole.fit(**given, initial_epoch=2, epochs=4)
    with pytest.raises(RuntimeError):
        tried.fit(**given, initial_epoch=wrong, epochs=4, callbacks=[once])
    tried.fit(**given, initial_epoch=2, epochs=4, callbacks=[once])
    assert same(whole, tried)


def test_a_place_that_cannot_be_gone_to_stays_in_the_file(tmp_path):
    def data():
        return Dataset.from_tensor_slices((X, Y)).shuffle(10).batch(16).repeat()

    made = model()
    made.fit(data(), epochs=2, steps_per_epoch=3, verbose=0, callbacks=[EarlyStopping("loss", patience=50)])
    made.save(tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    before = loaded.bookmark()
    with pytest.raises(UserWarning, match="shuffle has no seed"):  # warnings are errors here
        loaded.fit(data(), epochs=3, initial_epoch=2, steps_per_epoch=3, verbose=0)
    assert loaded.bookmark() == before


@pytest.mark.filterwarnings("ignore:The data ran out")
def test_a_fit_within_a_resumed_fit_begins_by_itself(tmp_path):
    class Counts(Callback):
        def on_train_batch_end(self, batch, logs=None):
            made_batches[-1] += 1

    class FitsInside(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            made_batches.append(0)
            inner = {"initial_epoch": 2, "epochs": 3, "batch_size": 16, "verbose": 0, "callbacks": [Counts()]}
            self.model.fit(X, Y, **inner)

    made_batches, given = [], {"x": X, "y": Y, "batch_size": 16, "steps_per_epoch": 3, "verbose": 0}
    made = model()
    made.fit(**given, epochs=2)
    made.save(tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    history = loaded.fit(**given, initial_epoch=2, epochs=4, callbacks=[FitsInside()])
    assert made_batches == [-(-len(X) // 16)] * 2
    assert loaded.history is history


def test_a_shallow_copy_has_a_bookmark_of_its_own():
    made = model()
    made.fit(X, Y, epochs=2, verbose=0)
    copy.copy(made).epochs_trained = 7
    assert made.epochs_trained == 2
