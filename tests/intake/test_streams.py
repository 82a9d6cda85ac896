"""Batches from lists, iterables and generators."""

import warnings

import numpy as np
import pytest
from lines import Sized, X, Y, line, pairs
from models import same

import tinynet as tn
from tinynet.layers import Dense

# ---- batches from elsewhere ---------------------------------------------------------------------------------------


def test_a_list_of_pairs_an_iterable_and_arrays_train_alike():
    expected = line()
    expected.fit(X[:8], Y[:8], batch_size=2, epochs=2, shuffle=False, verbose=0)
    for data in (list(pairs()), Sized()):
        model = line()
        history = model.fit(data, epochs=2, verbose=0)
        assert same(model.get_weights(), expected.get_weights())
        assert history.params["steps"] == 4
        assert model.evaluate(data, verbose=0) == expected.evaluate(X[:8], Y[:8], batch_size=2, verbose=0)
        assert np.array_equal(model.predict(data), expected.predict(X[:8]))


def test_a_generator_trains_one_epoch_and_builds_the_model_from_its_first_batch():
    model = tn.Sequential([Dense(1)], seed=0)
    model.compile("sgd", "mse")
    history = model.fit(pairs(), verbose=0)
    assert model.optimizer.iterations == 4, "the first batch is not lost"
    assert history.params["steps"] is None
    fresh = tn.Sequential([Dense(1)], seed=0)
    fresh.compile("sgd", "mse")
    assert fresh.evaluate(pairs(), verbose=0) > 0
    assert tn.Sequential([Dense(1)], seed=0).predict(x for x, _ in pairs()).shape == (8, 1)
    assert tn.Sequential([Dense(1)], seed=0).predict(pairs()).shape == (8, 1)


def test_a_generator_that_is_used_up_is_said_to_be():
    used = pairs()
    list(used)
    for call in (line().fit, line().evaluate):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(ValueError, match="no batches"):
                call(used, verbose=0)
    with pytest.raises(ValueError, match="no batches"):
        tn.Sequential([Dense(1)]).predict(iter(()))
    with pytest.raises(ValueError, match="validation_data, after epoch 2: There are no batches"):
        line().fit(X, Y, epochs=3, validation_data=pairs(), verbose=0)
    with pytest.warns(UserWarning, match="The data ran out: this epoch has 0 batches"):
        history = line().fit(pairs(), epochs=3, verbose=0)
    assert history.epoch == [0], "an epoch without batches is none"


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ((X, Y, None, 1), "Batches must be .* a tuple of 4"),
        (X[:2], r"Batches must be .* an array of shape \(2, 1\)"),
        ((X, Y[:3]), "x has 10, y has 3"),
        ((X, Y, np.ones(3)), r"sample_weight must have one entry for each sample, \(10,\); got \(3,\)"),
    ],
)
def test_bad_batches_are_refused_when_they_come(batch, message):
    with pytest.raises(ValueError, match=message):
        line().fit(iter([(X, Y), batch]), verbose=0)


@pytest.mark.parametrize(
    ("name", "value"), [("y", Y), ("sample_weight", Y), ("batch_size", 3), ("validation_split", 0.5)]
)
def test_what_cannot_be_given_with_batches(name, value):
    with pytest.raises(ValueError, match=f"{name} cannot be given where x gives the batches"):
        line().fit(pairs(), **{name: value}, verbose=0)
    if name in ("y", "batch_size"):
        with pytest.raises(ValueError, match=f"{name} cannot be given"):
            line().evaluate(pairs(), **{name: value}, verbose=0)


def test_lists_of_numbers_are_samples_and_y_must_be_there():
    assert line().fit(X.tolist(), Y.tolist(), verbose=0).epoch == [0]
    for call in (line().fit, line().evaluate, line().train_on_batch, line().test_on_batch):
        with pytest.raises(ValueError, match="y is missing"):
            call(X)


# ---- steps, epochs, validation ------------------------------------------------------------------------------------


def test_one_pass_goes_on_from_epoch_to_epoch():
    """Three batches, two steps an epoch: 2, 1, 2, 1, as in Keras; where they are four, 2, 2, 2, 2 and no warning."""
    counts = []
    count = tn.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: counts.append(batch))
    with pytest.warns(UserWarning, match="The data ran out: this epoch has 1 batches") as seen:
        line().fit(X[:6], Y[:6], batch_size=2, epochs=4, steps_per_epoch=2, verbose=0, callbacks=count)
    assert counts == [0, 1, 0, 0, 1, 0]
    assert len(seen) == 1, "it is said once"
    counts.clear()
    line().fit(X[:8], Y[:8], batch_size=2, epochs=4, steps_per_epoch=2, verbose=0, callbacks=count)
    assert counts == [0, 1] * 4
    counts.clear()
    line().fit(pairs(4), epochs=2, steps_per_epoch=2, verbose=0, callbacks=count)
    assert counts == [0, 1] * 2


def test_only_steps_given_make_one_pass():
    model = line()
    assert model.fit(X, Y, steps_per_epoch=3, verbose=0).params["steps"] == 3
    assert model.optimizer.iterations == 3  # of 4, 4 and 2
    assert line().evaluate(X, Y, steps=3, verbose=0) == pytest.approx(line().evaluate(X, Y, verbose=0), rel=1e-6)
