"""What every layer has: names, shapes, calls, and what a layer of one's own must not forget."""

import numpy as np
import pytest
from scale import Scale

import tinynet as tn
from tinynet.layers import Dense, Flatten, Input, Layer, ReLU, Softmax


def close(actual, expected, atol=1e-6):
    return np.allclose(actual, expected, rtol=0, atol=atol)


def test_an_instance_stands_at_two_places_only_where_its_kernel_fits():
    dense = Dense(3)
    dense(np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"kernel of shape \(3, 3\) already .* shape \(5, 3\)"):
        dense.setup((5,))


def test_unknown_arguments_are_named():
    with pytest.raises(TypeError, match=r"does not know: 'actvation'\. Did you mean 'activation'\?"):
        Dense(2, actvation="relu")
    with pytest.raises(
        TypeError,
        match=r"ReLU got .* 'foo'\. It knows input_shape, max_value, name, negative_slope, threshold, trainable",
    ):
        ReLU(foo=3)
    every = "activation, bias_initializer, bias_regularizer, input_shape, kernel_initializer, kernel_regularizer, "
    every += "name, trainable, units, use_bias"
    with pytest.raises(TypeError, match=rf"Dense got .* 'foo'\. It knows {every}\."):
        Dense(2, foo=3)
    with pytest.raises(TypeError, match="positional"):
        Flatten("channels_first")


def test_a_single_number_and_complex_numbers_are_refused():
    with pytest.raises(ValueError, match="got a single number"):
        Dense(2)(5)
    with pytest.raises(ValueError, match="array of real numbers; got dtype complex128"):
        Dense(2)(np.ones((2, 3), complex))


def test_names():
    assert [make().name for make in (Flatten, ReLU, Softmax)] == ["flatten", "re_lu", "softmax"]
    with pytest.raises(ValueError, match="name must be a string"):
        Dense(2, name=3)
    assert repr(Dense(2, name="d")) == "<Dense name=d, built=False>"


def test_a_layer_of_ones_own_trains(corners):
    x, y = corners()
    model = tn.Sequential([Scale(input_shape=(3,)), Dense(3, "softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.layers[0].a.copy()
    losses = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert (model.layers[0].a != before).all()


def test_a_frozen_layer_of_ones_own_stays_as_it_is(corners):
    x, y = corners()
    scale = Scale(input_shape=(3,), trainable=False)
    model = tn.Sequential([scale, Dense(3, "softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    before = scale.a.copy()
    model.fit(x, y, verbose=0)
    assert scale.trained_parts() == []
    assert np.array_equal(scale.a, before)


def test_a_layer_called_by_itself_predicts_unless_told_to_train():
    class Training(Layer):
        def forward(self, x, training=False):
            return np.full_like(x, training), None

    layer, x = Training(), np.zeros((1, 2))
    assert layer(x).tolist() == [[0, 0]]
    assert layer(x, training=True).tolist() == [[1, 1]]


def test_a_layer_that_forgets_is_as_if_never_built():
    dense = Dense(2)
    dense(np.zeros((1, 3)))
    dense.forget()
    assert (dense.built, dense.weights, dense.input_shape) == (False, [], None)
    with pytest.raises(AttributeError, match="It is not built yet"):
        _ = dense.kernel
    assert dense(np.zeros((1, 5))).shape == (1, 2)


def test_layers_of_ones_own_that_forget_something_are_told_what(corners):
    class NoShape(Scale):
        def build(self, input_shape):
            super().build(input_shape)

    class NoCache(Scale):
        def forward(self, x, training=False):
            return x

    class NoDx(Scale):
        def backward(self, dy, cache, need_dx=True):
            super().backward(dy, cache)

    class WrongShape(Scale):
        def forward(self, x, training=False):
            return x[:, :2] * self.a[:2], x

    class Holder(Layer):
        def build(self, input_shape):
            self.inner = Dense(2)
            return self.inner.setup(input_shape)

    x, y = corners(2)
    with pytest.raises(TypeError, match=r"NoShape\.build must return the shape of the output; it returned None"):
        NoShape()(x)
    with pytest.raises(TypeError, match=r"NoCache\.forward must return a tuple \(y, cache\)"):
        NoCache()(x)
    with pytest.raises(TypeError, match=r"Holder holds the layer self\.inner, which is not among its parts\(\)"):
        Holder()(x)
    model = tn.Sequential([tn.Input((3,)), Dense(3), NoDx(), Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(TypeError, match=r"NoDx\.backward must return dx"):
        model.fit(x, y, verbose=0)
    model = tn.Sequential([tn.Input((3,)), WrongShape(), Softmax()])
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"outputs have shape \(2, 2\), but the layers were built for \(None, 3\)"):
        model.fit(x, y, verbose=0)


def test_a_layer_without_its_methods_says_which():
    with pytest.raises(TypeError, match=r"Layer must define forward"):
        Layer()(np.zeros((1, 2)))
    with pytest.raises(TypeError, match=r"Layer must define backward"):
        Layer().backward(np.zeros((1, 2)), None)


def test_a_layer_with_weights_computes_in_its_own_dtype():
    assert Dense(2)(np.ones((2, 3), "float64")).dtype == np.float32


def test_what_a_layer_can_be_called_on():
    for call in (tn.nn.relu, Dense(2)):
        with pytest.raises(ValueError, match=r"Expected an array of (real )?numbers; got dtype <U1"):
            call([["a", "b"]])
    assert Dense(1, kernel_initializer="zeros")([[True, False]]).tolist() == [[0]]
    assert tn.nn.relu([True, False]).tolist() == [1, 0]
    assert close(tn.nn.tanh([0.5j]), [1j * np.tan(0.5)])  # tanh ix = i tan x; complex numbers stay what they are


def test_every_layer_takes_a_name():
    assert Softmax(name="p", input_shape=(3,)).declared_shape == (3,)
    assert [layer.name for layer in (Softmax(name="p"), Input((3,), name="x"), Flatten(name="f"))] == ["p", "x", "f"]
    with pytest.raises(ValueError, match="name must be a string; got ''"):
        Dense(2, name="")


def test_build_can_be_called_by_itself():
    dense = Dense(2)
    assert dense.build((4, 3)) == (4, 2)
    assert [weight.shape for weight in dense.get_weights()] == [(3, 2), (2,)]
    assert dense.kernel.dtype == np.float32


def test_a_built_layer_knows_its_shapes():
    flatten = Flatten()
    assert (flatten.built, flatten.input_shape, flatten.output_shape) == (False, None, None)
    flatten(np.zeros((5, 2, 3)))
    assert (flatten.built, flatten.input_shape, flatten.output_shape) == (True, (None, 2, 3), (None, 6))


def test_a_layer_of_ones_own_can_stand_twice():
    class Scale(Layer):
        def build(self, input_shape):
            self.a = self.add_weight("a", [input_shape[-1]])
            return input_shape

        def forward(self, x, training=False):
            return x * self.a, x

    scale = Scale()
    model = tn.Sequential([tn.Input((3,)), scale, scale])
    assert [weight.shape for weight in model.get_weights()] == [(3,)]
    assert np.array_equal(model(np.ones((1, 3))), scale.a[None] ** 2)


def test_a_layer_lent_to_another_model_keeps_the_shapes_of_its_first_place():
    layer = Flatten()
    for shape in ((2, 3), (4,)):
        assert tn.Sequential([tn.Input(shape), layer]).output_shape == (None, np.prod(shape))
        assert (layer.input_shape, layer.output_shape) == ((None, 2, 3), (None, 6))
