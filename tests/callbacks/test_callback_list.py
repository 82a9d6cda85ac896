"""The hooks: their order, their logs, and who is called at all."""

import pytest
from models import Interrupt, small
from told import X, Y

import tinynet as tn
from tinynet.callbacks import (
    Callback,
    LambdaCallback,
)


def test_hooks_are_called_in_keras_order_with_floats(corners):
    calls = []

    class Recorder(Callback):
        def set_model(self, model):
            super().set_model(model)
            calls.append("set_model")

        def set_params(self, params):
            super().set_params(params)
            calls.append("set_params")

    def record(name):
        def hook(self, *arguments):
            *arguments, logs = arguments
            assert all(type(value) is float for value in logs.values())
            calls.append((name, *arguments, *logs))

        return hook

    for name in dir(Callback):
        if name.startswith("on_"):
            setattr(Recorder, name, record(name))
    model = small()
    model.fit(*corners(40), validation_data=corners(8), epochs=1, callbacks=[Recorder()], verbose=0)
    assert calls == [
        "set_model",
        "set_params",
        ("on_train_begin",),
        ("on_epoch_begin", 0),
        ("on_train_batch_begin", 0),
        ("on_train_batch_end", 0, "loss", "accuracy"),
        ("on_train_batch_begin", 1),
        ("on_train_batch_end", 1, "loss", "accuracy"),
        ("on_test_begin",),
        ("on_test_batch_begin", 0),
        ("on_test_batch_end", 0, "loss", "accuracy"),
        ("on_test_end", "loss", "accuracy"),
        ("on_epoch_end", 0, "loss", "accuracy", "val_loss", "val_accuracy"),
        ("on_train_end", "loss", "accuracy", "val_loss", "val_accuracy"),
    ]


def test_what_is_no_callback_and_what_is_no_hook(corners):
    with pytest.raises(TypeError, match="callbacks must be instances of Callback; got 3"):
        small().fit(*corners(), callbacks=[3], verbose=0)

    class Typo(Callback):
        def on_epoch_ends(self, epoch, logs=None):
            raise AssertionError("never called")

    with pytest.raises(TypeError, match=r"Typo\.on_epoch_ends would never be called\. Did you mean on_epoch_end\?"):
        small().fit(*corners(), callbacks=[Typo()], verbose=0)

    for given in ([Typo], Typo):
        with pytest.raises(TypeError, match=r"write Typo\(\)"):
            small().fit(*corners(), callbacks=given, verbose=0)


def test_only_callbacks_that_ask_for_batches_cost_a_transfer_for_each(corners, monkeypatch):
    means = []
    original = tn.training.report.Report.means
    monkeypatch.setattr(tn.training.report.Report, "means", lambda self: means.append(1) or original(self))
    small().fit(*corners(64), epochs=3, callbacks=[Callback()], verbose=0)
    assert len(means) == 3
    means.clear()
    small().fit(*corners(64), epochs=3, callbacks=[Interrupt(after=1000)], verbose=0)
    assert len(means) == 3 + 3 * 2


def test_hooks_set_on_an_instance_are_called_and_other_things_named_on_something_are_left_alone(corners):
    callback, calls = Callback(), []
    callback.on_train_batch_end = lambda batch, logs: calls.append(batch)
    callback.on_gpu, callback.on_fire = False, lambda: None
    small().fit(*corners(64), callbacks=[callback], verbose=0)
    assert calls == [0, 1]


def test_a_hook_may_name_its_logs_as_it_likes(corners):
    class Own(Callback):
        def on_epoch_end(self, number, values):
            self.values = values

    own = Own()
    small().fit(*corners(), callbacks=[own], verbose=0)
    assert list(own.values) == ["loss", "accuracy"]


# ---- the progress line --------------------------------------------------------------------------------------------


def test_hooks_of_evaluate_and_predict_in_order():
    calls = []

    def record(name):
        return lambda *arguments: calls.append((name, *arguments[:-1], *sorted(arguments[-1])))

    every = LambdaCallback(**{name: record(name) for name in vars(Callback) if name.startswith("on_")})
    model = small()
    model.evaluate(X, Y, verbose=0, callbacks=every)
    assert calls == [
        ("on_test_begin",),
        ("on_test_batch_begin", 0),
        ("on_test_batch_end", 0, "accuracy", "loss"),
        ("on_test_end", "accuracy", "loss"),
    ]
    calls.clear()
    model.predict(X, batch_size=3, callbacks=[every])
    assert calls == [
        ("on_predict_begin",),
        ("on_predict_batch_begin", 0),
        ("on_predict_batch_end", 0, "outputs"),
        ("on_predict_batch_begin", 1),
        ("on_predict_batch_end", 1, "outputs"),
        ("on_predict_end",),
    ]
