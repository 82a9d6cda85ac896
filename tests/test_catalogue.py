"""The list of everything that is checked is complete, and what it lists can be made."""

import catalogue
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet as tn

# The base classes, a shape, and what stands for "accuracy" and for a function: get makes these two.
EXEMPT = {"Layer", "Input", "Loss", "Metric", "Optimizer", "LearningRateSchedule", "Initializer", "Regularizer"}
EXEMPT |= {"AnyAccuracy", "FunctionMetric", "TimeDecay"}


@pytest.mark.parametrize(
    ("module", "base", "listed"),
    [
        (tn.layers, tn.layers.Layer, catalogue.LAYERS),
        (tn.losses, tn.losses.Loss, catalogue.LOSSES),
        (tn.metrics, tn.metrics.Metric, catalogue.METRICS),
        (tn.optimizers, tn.optimizers.Optimizer, catalogue.OPTIMIZERS),
        (tn.optimizers.schedules, tn.optimizers.schedules.LearningRateSchedule, catalogue.SCHEDULES),
        (tn.initializers, tn.initializers.Initializer, catalogue.INITIALIZERS),
        (tn.regularizers, tn.regularizers.Regularizer, catalogue.REGULARIZERS),
    ],
    ids=["layers", "losses", "metrics", "optimizers", "schedules", "initializers", "regularizers"],
)
def test_every_public_class_is_listed_under_its_name(module, base, listed):
    public = {value.__name__ for value in vars(module).values() if isinstance(value, type) and issubclass(value, base)}
    assert len(public - EXEMPT) >= 1
    assert public - EXEMPT <= set(listed)


def test_every_activation_is_listed():
    assert set(catalogue.ACTIVATIONS) == set(tn.layers.activation_names.ACTIVATIONS)
    public = {name for name, value in vars(tn.activations).items() if isinstance(value, tn.layers.Layer)}
    assert public <= set(catalogue.ACTIVATIONS)


@given(st.data())
def test_what_is_listed_can_be_made(data):
    for entry in catalogue.LAYERS.values():
        layer, shape = data.draw(catalogue.layer_and_shape(entry))
        assert isinstance(layer.setup(shape), tuple)
    for entry in catalogue.LOSSES.values():
        loss, labels, outputs = data.draw(catalogue.loss_labels_outputs(entry))
        assert loss.forward(loss.check(labels, outputs.shape), outputs)[0].shape == outputs.shape[:-1]
    for entry in catalogue.METRICS.values():
        metric, labels, outputs = data.draw(catalogue.metric_labels_outputs(entry))
        assert metric.values(metric.check(labels, outputs.shape), outputs).shape == outputs.shape[:-1]
    model, x, labels = data.draw(catalogue.model_and_data())
    assert model.evaluate(x, labels, verbose=0) >= 0


@pytest.mark.parametrize("entry", catalogue.MODELS.values(), ids=catalogue.MODELS)
def test_every_model_trains(entry):
    model, (x, labels) = entry.compiled("adam"), entry.data(20)
    before = model.evaluate(x, labels, verbose=0)[0]  # without what dropout draws
    model.fit(x, labels, epochs=60, batch_size=20, verbose=0)
    assert model.evaluate(x, labels, verbose=0)[0] < before
