"""Layers: values worked by hand, shapes, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet as tn
from tinynet.layers import Dense, Flatten, Input, Layer, ReLU, Sigmoid, Softmax, Tanh
from tinynet.layers.chain import backward_chain, forward_chain


def close(actual, expected, atol=1e-6):
    return np.allclose(actual, expected, rtol=0, atol=atol)


def test_dense_by_hand():
    dense = Dense(2)
    dense.setup((3,), dtype="float64")
    dense.kernel = [[1, 2], [3, 4], [5, 6]]
    dense.bias = [10, 20]
    x = np.array([[1.0, 0, -1], [2, 1, 0]])
    y, cache = dense.forward(x)
    assert y.tolist() == [[6, 16], [15, 28]]
    dx = dense.backward(np.array([[1.0, 0], [2, 1]]), cache)
    assert dense.grads["kernel"].tolist() == [[5, 2], [2, 1], [-1, 0]]
    assert dense.grads["bias"].tolist() == [3, 1]
    assert dx.tolist() == [[1, 3, 5], [4, 10, 16]]


def test_dense_without_need_of_dx_returns_none_and_still_writes_gradients():
    dense = Dense(2)
    x = np.ones((4, 3), "float32")
    dense(x)
    _, cache = dense.forward(x)
    assert dense.backward(np.ones((4, 2), "float32"), cache, need_dx=False) is None
    assert dense.grads["bias"].tolist() == [4, 4]


def test_dense_treats_middle_axes_as_rows():
    dense = Dense(5)
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    y = dense(x)
    assert y.shape == (2, 3, 5)
    assert dense.kernel.shape == (4, 5)
    assert dense.output_shape == (None, 3, 5)
    assert close(y[1, 2], x[1, 2] @ dense.kernel)


def test_dense_without_bias_has_one_weight():
    dense = Dense(3, use_bias=False)
    assert dense(np.zeros((2, 4))).tolist() == [[0, 0, 0]] * 2
    assert [weight.shape for weight in dense.get_weights()] == [(4, 3)]


def test_dense_applies_its_activation_given_in_any_way():
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    plain = Dense(3)
    plain(x)
    for activation in ("relu", "ReLU", tn.nn.relu, tn.activations.relu, ReLU()):
        dense = Dense(3, activation=activation)
        dense(x)
        dense.set_weights(plain.get_weights())
        assert np.array_equal(dense(x), np.maximum(plain(x), 0))
    for activation in (None, "linear"):
        assert Dense(3, activation).parts()[1:] == []


def test_flatten_is_row_major_and_backward_restores_the_shape():
    flatten = Flatten()
    x = np.arange(12.0).reshape(2, 3, 2)
    y, cache = flatten.forward(x)
    assert y.tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    assert np.array_equal(flatten.backward(y, cache), x)
    assert flatten(np.arange(3.0)).tolist() == [[0], [1], [2]]
    assert Flatten(input_shape=[28, 28, 1]).declared_shape == (28, 28, 1)


def test_relu_by_hand():
    y, cache = ReLU().forward(np.array([-2.0, -0.0, 0.0, 3.0]))
    assert y.tolist() == [0, 0, 0, 3]
    assert ReLU().backward(np.array([5.0, 5, 5, 5]), cache).tolist() == [0, 0, 0, 5]


def test_softmax_by_hand():
    assert close(tn.nn.softmax([[1, 2], [3, 4]]), [[0.26894142, 0.73105858]] * 2)
    assert close(Softmax(axis=0)([[1, 2], [3, 4]]), [[0.1192, 0.1192], [0.8808, 0.8808]], 5e-5)
    assert close(Softmax(axis=(0, 1))([[1, 2], [3, 4]]), [[0.0321, 0.0871], [0.2369, 0.6439]], 5e-5)
    assert tn.nn.softmax([[1e4, 0, -1e4]]).tolist() == [[1, 0, 0]]
    # dx_j = y_j (dy_j - sum_i dy_i y_i) for y = (1/4, 3/4), dy = (1, 0)
    y, cache = Softmax().forward(np.log([[1.0, 3.0]]))
    assert close(y, [[0.25, 0.75]], 1e-15)
    assert close(Softmax().backward(np.array([[1.0, 0.0]]), cache), [[0.1875, -0.1875]], 1e-15)


def test_softmax_takes_the_maximum_of_each_row_not_of_the_whole_array():
    # A rival's NaN depending on the batch: with the largest entry of all subtracted the second row would be 0 / 0.
    assert close(tn.nn.softmax([[1000, 1000], [-1000, -1000]]), 0.5)


def test_sigmoid_and_tanh_by_hand():
    assert close(tn.nn.sigmoid([0, np.log(3), -1000, 1000]), [0.5, 0.75, 0, 1])
    for x in (-10.0, -17.0, -20.0, -80.0, 10.0):  # small values keep their digits
        assert np.isclose(tn.nn.sigmoid(np.float32([x]))[0], 1 / (1 + np.exp(-x)), rtol=3e-7, atol=0)
    y, cache = Sigmoid().forward(np.array([np.log(3.0)]))
    assert close(Sigmoid().backward(np.array([2.0]), cache), 2 * 0.75 * 0.25, 1e-15)
    assert close(tn.nn.tanh([0, np.log(3)]), [0, 0.8])
    y, cache = Tanh().forward(np.array([np.log(3.0)]))
    assert close(Tanh().backward(np.array([2.0]), cache), 2 * (1 - 0.64), 1e-15)
    assert close(y, 0.8, 1e-15)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(0, 4), st.booleans(), st.sampled_from([-1, 1, 0])
)
def test_softmax_sums_to_one_whatever_the_shape(shape, batch, big, axis):
    x = np.random.default_rng(0).normal(size=(batch + 1, *shape)).astype("float32") * (1e30 if big else 1)
    assert close(Softmax(axis=axis)(x).sum(axis=axis), 1)


def test_a_layer_without_weights_computes_in_the_dtype_of_its_inputs():
    for dtype in ("float16", "float32", "float64"):
        assert tn.nn.relu(np.array([1.5], dtype)).dtype == dtype


def test_an_instance_stands_at_two_places_only_where_its_kernel_fits():
    dense = Dense(3)
    dense(np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"kernel of shape \(3, 3\) already .* shape \(5, 3\)"):
        dense.setup((5,))


def test_weights_are_read_by_name_and_written_in_place():
    dense = Dense(2)
    with pytest.raises(AttributeError, match=r"Dense has no attribute 'kernel'\. It is not built yet"):
        _ = dense.kernel
    dense(np.zeros((1, 3)))
    before = dense.kernel
    dense.kernel = np.ones((3, 2))
    assert dense.kernel is before
    assert before.tolist() == [[1, 1]] * 3
    with pytest.raises(ValueError, match=r"dense\.kernel has shape \(3, 2\); got an array of shape \(2, 3\)"):
        dense.kernel = np.ones((2, 3))
    with pytest.raises(ValueError, match="real numbers"):
        dense.bias = ["a", "b"]
    with pytest.raises(AttributeError, match="second name of a weight"):
        dense.other = dense.kernel


def test_layer_get_and_set_weights():
    dense = Dense(2, name="d")
    dense(np.zeros((1, 3)))
    weights = [np.full((3, 2), 2.0), np.array([3.0, 4])]
    dense.set_weights(weights)
    got = dense.get_weights()
    assert [a.tolist() for a in got] == [a.tolist() for a in weights]
    got[0][...] = 9
    assert dense.kernel[0, 0] == 2
    assert dense.count_params() == 8
    with pytest.raises(TypeError, match=r"set_weights takes a list of arrays; got 3\.$"):
        dense.set_weights(3)
    with pytest.raises(ValueError, match=r"'d' has 2 weights \(\(3, 2\), \(2,\)\); set_weights got 1"):
        dense.set_weights([np.zeros((3, 2))])
    with pytest.raises(ValueError, match=r"weight 1 \(d\.bias\) has shape \(2,\); got an array of shape \(3,\)"):
        dense.set_weights([np.zeros((3, 2)), np.zeros(3)])
    assert dense.kernel[0, 0] == 2, "nothing is written when one of the arrays does not fit"


@pytest.mark.parametrize("units", [0, -1, 2.5, "10", None, True, [3], np.float64(3)])
def test_units_must_be_a_positive_integer(units):
    with pytest.raises(ValueError, match="units must be a positive integer; got"):
        Dense(units)


def test_numpy_integers_are_integers():
    assert Dense(np.int64(3)).units == 3
    assert type(Dense(np.uint8(3)).units) is int


@pytest.mark.parametrize("name", ["rleu", "softmx"])
def test_unknown_activation_names_the_nearest(name):
    with pytest.raises(ValueError, match=f"Unknown activation '{name}'. Did you mean '(relu|softmax)'"):
        Dense(2, activation=name)


def test_unknown_initializer_names_the_nearest():
    with pytest.raises(ValueError, match=r"Unknown initializer 'glorot'. Did you mean .*'glorot_uniform'"):
        Dense(2, kernel_initializer="glorot")


def test_activations_of_the_wrong_kind():
    with pytest.raises(TypeError, match=r"write ReLU\(\), not ReLU"):
        Dense(2, activation=ReLU)
    with pytest.raises(TypeError, match="has no gradient here"):
        Dense(2, activation=lambda x: x)
    with pytest.raises(TypeError, match="must be a name"):
        Dense(2, activation=3)


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


@pytest.mark.parametrize("shape", [(3,), (2, 5)])
def test_dense_refuses_wrong_inputs(shape):
    dense = Dense(2, name="d")
    dense(np.zeros((1, 4)))
    with pytest.raises(ValueError, match=r"Layer 'd' needs inputs of shape \(batch, \.\.\., 4\); got"):
        dense(np.zeros(shape))


def test_a_single_number_and_complex_numbers_are_refused():
    with pytest.raises(ValueError, match="got a single number"):
        Dense(2)(5)
    with pytest.raises(ValueError, match="array of real numbers; got dtype complex128"):
        Dense(2)(np.ones((2, 3), complex))


def test_dense_on_vectors_says_how_to_add_an_axis():
    with pytest.raises(ValueError, match=r"x\[:, None\]"):
        Dense(2)(np.zeros(5))


def test_softmax_refuses_axes_that_are_not_there():
    with pytest.raises(ValueError, match="has axis=2, but its inputs have rank 2"):
        Softmax(axis=2)(np.zeros((2, 3)))
    for axis in (1.5, "1", None, (), (1, "2")):
        with pytest.raises(ValueError, match="axis must be"):
            Softmax(axis=axis)


@pytest.mark.parametrize("shape", [3, (0,), (-1, 2), (2.5,), "28", (28, None)])
def test_input_shapes_are_checked(shape):
    with pytest.raises(ValueError, match="input_shape"):
        Flatten(input_shape=shape)
    with pytest.raises(ValueError, match="input_shape"):
        Input(shape)


def test_names():
    assert [make().name for make in (Flatten, ReLU, Softmax)] == ["flatten", "re_lu", "softmax"]
    with pytest.raises(ValueError, match="name must be a string"):
        Dense(2, name=3)
    assert repr(Dense(2, name="d")) == "<Dense name=d, built=False>"


class Scale(Layer):
    """y = a x with one weight for each feature: what a user writes."""

    def build(self, input_shape):
        self.a = self.add_weight("a", input_shape[-1:], "glorot_uniform")
        return input_shape

    def forward(self, x, training=False):
        return x * self.a, x

    def backward(self, dy, cache, need_dx=True):
        self.grads["a"][...] = (dy * cache).sum(axis=0)
        return dy * self.a


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


def test_an_activation_with_weights_is_trained_with_its_dense_and_frozen_with_it():
    for trainable in (True, False):
        scale = Scale()
        dense = Dense(3, activation=scale, trainable=trainable)
        dense(np.zeros((1, 2)))
        assert dense.trained_parts() == ([dense, scale] if trainable else [])


def test_a_layer_called_by_itself_predicts_unless_told_to_train():
    class Training(Layer):
        def forward(self, x, training=False):
            return np.full_like(x, training), None

    layer, x = Training(), np.zeros((1, 2))
    assert layer(x).tolist() == [[0, 0]]
    assert layer(x, training=True).tolist() == [[1, 1]]


def test_backward_through_a_chain_by_hand():
    # y = tanh(2 x) at x = log(3) / 2: tanh(log 3) = 0.8, dy/dx = 2 (1 - 0.64)
    dense = Dense(1, activation="tanh", use_bias=False)
    dense.setup((1,), dtype="float64")
    dense.kernel = [[2]]
    y, caches = forward_chain(dense.parts(), np.array([[np.log(3.0) / 2]]))
    assert close(y, 0.8, 1e-15)
    assert close(backward_chain(dense.parts(), np.ones((1, 1)), caches), 0.72, 1e-15)


def test_a_layer_that_forgets_is_as_if_never_built():
    dense = Dense(2)
    dense(np.zeros((1, 3)))
    dense.forget()
    assert (dense.built, dense.weights, dense.input_shape) == (False, [], None)
    with pytest.raises(AttributeError, match="It is not built yet"):
        _ = dense.kernel
    assert dense(np.zeros((1, 5))).shape == (1, 2)


def test_gradients_may_be_assigned_and_stay_where_they_are(corners):
    class Assigning(Scale):
        def backward(self, dy, cache, need_dx=True):
            self.grads["a"] = (dy * cache).sum(axis=0)
            return dy * self.a

    x, y = corners()
    models = [tn.Sequential([make(input_shape=(3,)), Dense(3, "softmax")], seed=0) for make in (Scale, Assigning)]
    for model in models:
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, verbose=0)
    assert np.array_equal(models[0].get_weights()[0], models[1].get_weights()[0])
    with pytest.raises(ValueError, match=r"The gradient of a has shape \(3,\); got \(2,\)"):
        models[1].layers[0].grads["a"] = np.zeros(2)
    with pytest.raises(KeyError, match=r"'b' is no weight of this layer; it has \['a'\]"):
        models[1].layers[0].grads["b"] = np.zeros(3)
    with pytest.raises(AttributeError, match=r"self\.grads is written by name"):
        models[1].layers[0].grads = {"a": np.zeros(3)}


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


def test_a_weight_of_another_shape_than_its_initializer_draws():
    class Wrong(tn.initializers.Initializer):
        def draw(self, shape, rng):
            return np.zeros(3)

    with pytest.raises(ValueError, match=r"dense\.kernel returned shape \(3,\), not \(4, 2\)"):
        Dense(2, kernel_initializer=Wrong())(np.zeros((1, 4)))


def test_a_layer_with_weights_computes_in_its_own_dtype():
    assert Dense(2)(np.ones((2, 3), "float64")).dtype == np.float32


def test_what_a_layer_can_be_called_on():
    for call in (tn.nn.relu, Dense(2)):
        with pytest.raises(ValueError, match=r"Expected an array of (real )?numbers; got dtype <U1"):
            call([["a", "b"]])
    assert Dense(1, kernel_initializer="zeros")([[True, False]]).tolist() == [[0]]
    assert tn.nn.relu([True, False]).tolist() == [1, 0]
    assert close(tn.nn.tanh([0.5j]), [1j * np.tan(0.5)])  # tanh ix = i tan x; complex numbers stay what they are


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float64"])
def test_weights_can_be_set_to_numbers_of_any_type(dtype):
    dense = Dense(2)
    dense(np.zeros((1, 3)))
    dense.kernel = np.ones((3, 2), dtype)
    assert dense.kernel.dtype == np.float32
    assert dense.kernel.tolist() == [[1, 1]] * 3


def test_softmax_axes_count_from_either_end():
    x = np.zeros((2, 4))
    assert Softmax(axis=-2)(x).tolist() == [[0.5] * 4] * 2
    assert Softmax(axis=[0, 1])(x).tolist() == [[0.125] * 4] * 2
    with pytest.raises(ValueError, match="has axis=-3, but its inputs have rank 2"):
        Softmax(axis=-3)(x)


def test_every_layer_takes_a_name():
    assert Softmax(name="p", input_shape=(3,)).declared_shape == (3,)
    assert [layer.name for layer in (Softmax(name="p"), Input((3,), name="x"), Flatten(name="f"))] == ["p", "x", "f"]
    with pytest.raises(ValueError, match="name must be a string; got ''"):
        Dense(2, name="")


def test_dense_refuses_a_vector_of_the_right_length():
    dense = Dense(2, name="d")
    dense(np.zeros((1, 4)))
    with pytest.raises(ValueError, match=r"Layer 'd' needs inputs of shape \(batch, \.\.\., 4\); got \(4,\)"):
        dense(np.zeros(4))


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


# ---- values of the other layers, by hand --------------------------------------------------------------------------

inf, nan = np.inf, np.nan


@pytest.mark.parametrize(
    ("layer", "x", "y", "slopes"),
    [
        (tn.layers.ReLU(1, 0.5, 0.25), [-1, 0.25, 0.5, 1, 2], [-0.625, 0, 0.5, 1, 1], [0.5, 0.5, 1, 0, 0]),
        (tn.layers.LeakyReLU(0.25), [-2, 0, 3, -inf], [-0.5, 0, 3, -inf], [0.25, 0.25, 1, 0.25]),
        (tn.layers.ELU(2), [-inf, 0, 3], [-2, 0, 3], [0, 2, 1]),
        (tn.layers.Softplus(), [-1000, 0, 1000], [0, np.log(2), 1000], [0, 0.5, 1]),
        (tn.layers.SiLU(), [-1000, 0, 1000], [0, 0, 1000], [0, 0.5, 1]),
        (tn.layers.GELU(), [-100, 0, 100], [0, 0, 100], [0, 0.5, 1]),
        (tn.layers.GELU(True), [-100, 0, 100], [0, 0, 100], [0, 0.5, 1]),
        (tn.layers.Rescaling(2, -1), [-1, 0.5], [-3, 0], [2, 2]),
    ],
    ids=repr,
)
def test_values_and_slopes_at_kinks_and_ends(layer, x, y, slopes):
    with np.errstate(invalid="ignore"):
        got, cache = layer.forward(np.array([x], "float64"))
    assert np.allclose(got, [y], rtol=0, atol=1e-15)
    assert np.allclose(layer.backward(np.ones((1, len(x))), cache), [slopes], rtol=0, atol=1e-15)
    assert np.isnan(layer.forward(np.array([[nan]]))[0]).all()


def test_log_softmax_of_large_numbers():
    assert np.allclose(
        tn.layers.LogSoftmax()(np.array([[1e4, 0.0, 1e4]])), [[-np.log(2), -1e4 - np.log(2), -np.log(2)]]
    )


@pytest.mark.parametrize(("dtype", "error", "relative"), [("float64", 3e-16, 2e-15), ("float32", 1e-7, 5e-6)])
def test_the_normal_distribution_function_is_that_of_scipy(dtype, error, relative):
    ndtr = pytest.importorskip("scipy.special").ndtr
    x = np.linspace(-8, 8, 160001).astype(dtype)
    found, expected = tn.layers.normal_cdf.normal_cdf(x), ndtr(x.astype("float64"))
    assert found.dtype == dtype
    assert np.abs(found - expected).max() <= error
    assert (np.abs(found - expected) / expected).max() <= relative
    assert tn.layers.normal_cdf.normal_cdf(np.array([-inf, inf], dtype)).tolist() == [0, 1]


def test_dropout_keeps_a_share_and_the_mean_and_backward_has_the_same_mask():
    layer, x = tn.layers.Dropout(0.25), np.ones((100, 1000), "float32")
    y, cache = layer.forward(x, True, np.random.default_rng(0))
    assert set(np.unique(y)) == {np.float32(0), np.float32(4 / 3)}
    assert abs((y == 0).mean() - 0.25) < 0.007  # five times its deviation, the root of 3/16 / 100,000
    assert np.array_equal(layer.backward(x, cache), y)
    assert np.array_equal(layer.forward(x, True, np.random.default_rng(0))[0], y)
    assert layer.forward(x)[0] is x
    assert not tn.layers.Dropout(1)(x, training=True).any()
    seeded = tn.layers.Dropout(0.5, seed=3)
    assert np.array_equal(seeded.forward(x, True)[0], seeded.forward(x, True)[0])


def test_moving_statistics_after_a_step_and_frozen():
    x = np.array([[0.0], [4.0]])  # mean 2, variance 4
    for trainable, expected in ((True, [[1.0], [2.5]]), (False, [[0.0], [1.0]])):
        layer = tn.layers.BatchNormalization(momentum=0.5, epsilon=0, trainable=trainable)
        layer.setup((1,), dtype="float64")
        y, cache = layer.forward(x, training=True)
        assert y.tolist() == ([[-1], [1]] if trainable else x.tolist())
        assert layer.get_weights()[2:] == [[0.0], [1.0]]  # forward is pure
        layer.after_step(cache)
        assert layer.get_weights()[2:] == expected


def test_selu_at_zero_has_the_slope_from_below():
    y, cache = tn.layers.SELU().forward(np.array([[0.0, 1.0]]))
    assert y.tolist() == [[0.0, 1.0507009873554805]]
    slopes = tn.layers.SELU().backward(np.ones((1, 2)), cache)
    assert slopes == pytest.approx(np.array([[1.0507009873554805 * 1.6732632423543772, 1.0507009873554805]]), rel=1e-15)


@pytest.mark.parametrize(("shape", "target"), [((6,), (4,)), ((6,), (4, -1)), ((2, 3), (2, 2)), ((4,), (8,))])
def test_reshape_refuses_what_does_not_fit(shape, target):
    with pytest.raises(ValueError, match=f"{np.prod(shape)} entries, the shape"):
        tn.layers.Reshape(target).setup(shape)
    for bad, message in (((0,), "each entry"), ((-1, -1), "one -1 at most"), (3, "must be a tuple")):
        with pytest.raises(ValueError, match=message):
            tn.layers.Reshape(bad)


def test_shares_are_numbers_from_0_to_1_both_included():
    assert [tn.layers.Dropout(rate).rate for rate in (0, 0.5, 1)] == [0.0, 0.5, 1.0]
    for rate in (-0.1, 1.1, float("nan"), "0.5", True, None):
        with pytest.raises(ValueError, match="rate must be a number from 0 to 1; got"):
            tn.layers.Dropout(rate)
        with pytest.raises(ValueError, match="label_smoothing must be a number from 0 to 1; got"):
            tn.losses.BinaryCrossentropy(label_smoothing=rate)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_dense_layer_takes_any_number_of_rows_forward_and_backward(rows):
    layer = tn.layers.Dense(4)
    layer.setup((3,), np.random.default_rng(0), dtype="float64")
    x, dy = np.arange(3.0 * rows).reshape(rows, 3), np.arange(4.0 * rows).reshape(rows, 4) - 1
    _, cache = layer.forward(x)
    assert layer.backward(dy, cache).shape == (rows, 3)
    assert layer.grads["kernel"].tolist() == np.einsum("ni,no->io", x, dy).tolist()
