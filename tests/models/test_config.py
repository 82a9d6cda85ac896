"""Models and layers written down as plain values, and made again from them."""

import copy
import json

import numpy as np
import pytest
from models import Scale, everything, same

import tinynet as tn
from tinynet.layers import Activation, BatchNormalization, Dense, ReLU

# ---- written down -------------------------------------------------------------------------------------------------


def test_a_model_comes_back_from_its_configuration():
    model = everything()
    config = model.get_config()
    assert json.loads(json.dumps(config)) == config
    assert config["layers"][0]["config"]["batch_shape"] == [None, 2, 3]
    assert config["layers"][3]["config"]["activation"] == "relu"
    assert config["layers"][3]["class_name"] == "Dense"
    for other in (
        tn.Sequential.from_config(config),
        tn.models.clone_model(model),
        tn.models.model_from_json(model.to_json(indent=1)),
    ):
        assert other.get_config() == config
        assert [type(layer) for layer in other.all_layers()] == [type(layer) for layer in model.all_layers()]
        assert other.output_shape == model.output_shape
        assert not other.compiled
        assert other.seed == 5
        assert same(other.get_weights(), model.get_weights()), "the seed says so"
        other.set_weights([weight + 1 for weight in model.get_weights()])
        assert not np.array_equal(model.get_weights()[0], other.get_weights()[0])


def test_models_inside_a_class_of_ones_own_are_plain_ones():
    class My(tn.Sequential):
        pass

    model = My([tn.Input((5,)), tn.Sequential([Dense(2)])])
    again = My.from_config(model.get_config())
    assert type(again) is My
    assert type(again.layers[0]) is tn.Sequential


def test_only_known_classes_are_made():
    text = tn.Sequential([tn.Input((4,)), Scale()]).to_json()
    with pytest.raises(ValueError, match="Unknown layer 'Scale'"):
        tn.models.model_from_json(text)
    model = tn.models.model_from_json(text, custom_objects={"Scale": Scale})
    assert type(model.layers[0]) is Scale
    for bad in ("{", "3", '{"class_name": "Dense"}', '{"class_name": "Sequential"}', None):
        with pytest.raises(ValueError, match="model_from_json takes what"):
            tn.models.model_from_json(bad)
    with pytest.raises(ValueError, match="needs 'name' and 'layers'"):
        tn.Sequential.from_config({"layers": []})
    with pytest.raises(ValueError, match="needs records of its layers; got 3"):
        tn.Sequential.from_config({"name": "m", "layers": [3]})
    with pytest.raises(ValueError, match="needs 'class_name' and 'config'"):
        tn.Sequential.from_config({"name": "m", "layers": [{"class_name": 3}]})


def test_a_layer_that_keeps_an_argument_elsewhere_is_told():
    class Hidden(tn.layers.Layer):
        def __init__(self, size, **options):
            super().__init__(**options)
            self._size = size

    with pytest.raises(TypeError, match=r"no self\.size\. Or define get_config"):
        Hidden(3).get_config()
    assert Scale(3.0, name="s").get_config() == {"name": "s", "trainable": True, "factor": 3.0}
    again = Scale.from_config(Scale(3.0, name="s").get_config())
    assert (again.factor, again.name) == (3.0, "s")


@pytest.mark.parametrize(
    "layer",
    [Dense(3, tn.layers.ELU(0.5), bias_initializer="ones"), Activation("tanh"), BatchNormalization(center=False)],
)
def test_layers_come_back_from_their_configurations(layer):
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again(np.ones((2, 2))).shape == layer(np.ones((2, 2))).shape


def test_activations_are_written_by_name_or_with_their_settings():
    assert Dense(1).get_config()["activation"] == "linear"
    assert Dense(1, tn.nn.relu).get_config()["activation"] == "relu"
    assert Dense(1, ReLU()).get_config()["activation"] == "relu"
    assert Dense(1, "swish").get_config()["activation"] == "silu"
    assert copy.deepcopy(Dense(1, "gelu")).get_config()["activation"] == "gelu"
    record = Dense(1, ReLU(max_value=6)).get_config()["activation"]
    assert (record["class_name"], record["config"]["max_value"]) == ("ReLU", 6.0)
    assert tn.activations.get(record).max_value == 6.0
    assert tn.activations.get("leaky_relu").negative_slope == 0.2
    assert tn.activations.get(None) is tn.activations.get("linear") is tn.activations.get(tn.activations.linear) is None
