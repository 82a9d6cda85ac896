"""Sequential: structure, weights and their buffers, seeds, and what it refuses."""

import copy
import pickle
import threading
import types

import numpy as np
import pytest
from models import same, small

import tinynet as tn
from tinynet.callbacks import progress
from tinynet.layers import Dense, Flatten, ReLU, Softmax
from tinynet.losses import SparseCategoricalCrossentropy
from tinynet.models import summary

# ---- structure and shapes ---------------------------------------------------------------------------------------


def test_the_lessons_model_has_the_lessons_shapes(lesson_model):
    model = lesson_model()
    assert [layer.output_shape for layer in model.layers] == [(None, 784), (None, 128), (None, 10)]
    assert (model.input_shape, model.output_shape) == ((None, 28, 28, 1), (None, 10))
    assert [weight.shape for weight in model.get_weights()] == [(784, 128), (128,), (128, 10), (10,)]
    assert all(weight.dtype == np.float32 for weight in model.get_weights())
    assert model.count_params() == 101770
    assert [layer.name for layer in model.layers] == ["flatten", "dense", "dense_1"]


def test_an_input_may_be_given_in_three_ways():
    for layers in (
        [tn.Input((4,)), Dense(2)],
        [Dense(2, input_shape=(4,))],
        [tn.layers.Input([4]), Dense(2)],
    ):
        model = tn.Sequential(layers)
        assert model.built
        assert len(model.layers) == 1
        assert model.input_shape == (None, 4)


def test_without_an_input_shape_the_first_data_builds_the_model():
    model = tn.Sequential([Flatten(), Dense(2)], seed=3)
    assert not model.built
    assert model.get_weights() == []
    assert model.predict(np.zeros((5, 2, 3))).shape == (5, 2)
    assert model.input_shape == (None, 2, 3)
    declared = tn.Sequential([Flatten(input_shape=(2, 3)), Dense(2)], seed=3)
    assert same(model.get_weights(), declared.get_weights()), "the same seed gives the same start, built early or late"


def test_build_takes_a_shape_with_its_batch_axis_as_keras():
    for shape in ((None, 4), (64, 4), [None, 4]):
        model = tn.Sequential([Dense(2)])
        model.build(shape)
        assert (model.input_shape, model.output_shape) == ((None, 4), (None, 2))
    model.build((None, 4))
    with pytest.raises(ValueError, match=r"is built for inputs \(None, 4\) already; got \(None, 5\)"):
        model.build((None, 5))
    for shape in (4, (), None):
        with pytest.raises(ValueError, match="build needs a shape with its batch axis"):
            tn.Sequential([Dense(2)]).build(shape)


def test_layers_can_be_added_one_by_one():
    model = tn.Sequential()
    model.add(tn.Input((3,)))
    model.add(Dense(8, "relu"))
    model.add(Dense(3, "softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    assert model.output_shape == (None, 3)
    assert model.predict(np.ones((2, 3))).shape == (2, 3)


def test_a_model_runs_its_layers_in_order():
    model = small()
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    w1, b1, w2, b2 = model.get_weights()
    z = np.maximum(x @ w1 + b1, 0) @ w2 + b2
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert np.allclose(model(x), p, rtol=0, atol=1e-6)
    assert np.array_equal(model(x), model.predict(x))


def test_images_may_lack_or_have_an_extra_last_axis(lesson_model):
    model = lesson_model(seed=0)
    x = np.random.default_rng(0).random((6, 28, 28)).astype("float32")
    expected = model.predict(x[..., None])
    assert expected.shape == (6, 10)
    assert np.array_equal(model.predict(x), expected)
    assert np.array_equal(model.predict(x[..., None, None]), expected)
    assert np.array_equal(model.predict(x.tolist()), expected)


def test_predict_gives_probabilities_in_float32(lesson_model, sample):
    probabilities = lesson_model(seed=0).predict(sample[1][0][:32])
    assert probabilities.shape == (32, 10)
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities.sum(axis=1), 1, rtol=0, atol=1e-6)


def test_predict_does_not_depend_on_how_it_is_cut_into_batches():
    x = np.random.default_rng(0).normal(size=(50, 3))
    model = small()
    assert np.allclose(model.predict(x, batch_size=7), model.predict(x), rtol=0, atol=1e-6)


def test_predict_of_nothing_has_the_right_shape():
    assert small().predict(np.zeros((0, 3))).shape == (0, 3)


def test_predict_prints_nothing_unasked(capsys):
    small().predict(np.zeros((4, 3)))
    assert capsys.readouterr().out == ""
    small().predict(np.zeros((4, 3)), verbose=1)
    assert capsys.readouterr().out.startswith("1/1 [==============================] - ")


def test_predict_runs_in_several_threads():
    model, x = small(), np.random.default_rng(0).normal(size=(8, 200, 3))
    expected = [model.predict(part) for part in x]
    results = [None] * len(x)

    def work(i):
        for _ in range(20):
            results[i] = model.predict(x[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(x))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same(results, expected)


def test_a_float64_model_computes_in_float64(corners):
    model = small(dtype="float64")
    assert model.predict(np.ones((1, 3), "float32")).dtype == np.float64
    model.fit(*corners(), verbose=0)
    assert all(weight.dtype == np.float64 for weight in model.get_weights())


def test_models_nest_and_share_weights():
    inner = tn.Sequential([Dense(4, "tanh"), Dense(2)], name="inner")
    model = tn.Sequential([tn.Input((3,)), inner, ReLU()], seed=0)
    assert [weight.shape for weight in model.get_weights()] == [(3, 4), (4,), (4, 2), (2,)]
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    assert np.array_equal(model(x), np.maximum(inner(x), 0))


def test_names_are_unique_in_a_model():
    model = tn.Sequential([Dense(1), Dense(1, name="dense_1"), Dense(1), ReLU()])
    assert [layer.name for layer in model.layers] == ["dense", "dense_1", "dense_2", "re_lu"]
    with pytest.raises(ValueError, match="A layer named 'dense' is in the model already"):
        model.add(Dense(1, name="dense"))


def test_what_cannot_be_added():
    with pytest.raises(TypeError, match=r"Only layers can be added to a Sequential; got 3\."):
        tn.Sequential([3])
    with pytest.raises(TypeError, match=r"write ReLU\(\.\.\.\)"):
        tn.Sequential([ReLU])
    with pytest.raises(ValueError, match="An Input must come first"):
        tn.Sequential([tn.Input((3,)), Dense(2), tn.Input((3,))])
    with pytest.raises(ValueError, match="An Input must come first"):
        tn.Sequential([tn.Input((3,)), tn.Input((3,))])
    dense = Dense(2)
    dense(np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"'dense' was built in float32 on numpy; this model is float64 on numpy"):
        tn.Sequential([tn.Input((3,)), dense], dtype="float64")
    with pytest.raises(ValueError, match="has no layers"):
        tn.Sequential().predict(np.zeros((1, 2)))
    with pytest.raises(ValueError, match="dtype must be 'float32' or 'float64'"):
        tn.Sequential(dtype="float16")


def test_repr_and_summary(lesson_model, capsys, monkeypatch):
    monkeypatch.setattr("tinynet.models.summary.columns", lambda: 80)
    model = lesson_model(seed=0)
    assert repr(model) == "<Sequential name=sequential, built=True>"
    model.summary()
    out = capsys.readouterr().out
    assert "│ dense (Dense)                   │ (None, 128)            │       100,480 │" in out
    assert " Total params: 101,770 (397.54 KB)\n" in out
    assert "\n from the logits: softmax and loss are computed together\n" in out
    assert len({len(line) for line in out.splitlines()[1:10]}) == 1, "the table's lines are of one length"
    model.fit(np.zeros((2, 28, 28)), [0, 1], verbose=0)
    texts = []
    model.summary(print_fn=texts.append)
    assert " Total params: 305,310 (1.16 MB)\n" in texts[0]
    assert " Optimizer params: 203,540 (795.08 KB)\n" in texts[0]
    tn.Sequential([Dense(3)]).summary()
    assert "?" in capsys.readouterr().out
    monkeypatch.setattr("tinynet.models.summary.columns", lambda: 20)
    model = small()
    model.layers[0].trainable = False
    model.summary()
    assert " Non-trainable params: 32 (128.00 B)\n" in capsys.readouterr().out


# ---- weights and buffers ----------------------------------------------------------------------------------------


def is_view(model):
    """Whether every weight and gradient lies in the step's flat buffers."""
    buffers = model._step.buffers
    return all(weight.base is buffers.weights for weight in model.weights) and all(
        gradient.base is buffers.gradients for gradient in model.weight_gradients
    )


def test_weights_are_views_of_the_buffer_after_all_that_can_happen_to_them(corners):
    x, y = corners()
    model = small()
    model.fit(x, y, verbose=0)
    assert is_view(model)
    buffer = model._step.buffers.weights
    model.set_weights([weight + 1 for weight in model.get_weights()])
    model.layers[0].kernel = np.ones((3, 8))
    model.layers[0].kernel *= 2
    model.layers[0].kernel += 1
    assert is_view(model)
    assert model._step.buffers.weights is buffer
    assert (buffer[:24] == 3).all()
    model.fit(x, y, verbose=0)
    assert is_view(model)


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("epochs_before", [0, 2])
def test_a_copy_goes_on_as_the_original_and_shares_nothing(twin, epochs_before, corners):
    x, y = corners()
    model = small()
    if epochs_before:
        model.fit(x, y, epochs=epochs_before, verbose=0)
    other = twin(model)
    assert same(other.get_weights(), model.get_weights())
    before = model.get_weights()
    other.fit(x, y, epochs=2, verbose=0)
    assert same(model.get_weights(), before)
    assert is_view(other)
    model.fit(x, y, epochs=2, verbose=0)
    assert same(other.get_weights(), model.get_weights()), "to the last bit, the optimizer's state included"


def test_a_pickle_holds_the_weights_once(corners):
    model = small()
    model.fit(*corners(), verbose=0)
    extra = len(pickle.dumps(model)) - len(pickle.dumps(small()))
    assert extra < 3.5 * 4 * model.count_params() + 2000, "two slots and a scratch array of the optimizer, no buffers"


def test_a_layer_lent_to_another_model_trains_in_both(corners):
    x, y = corners()
    shared = Dense(8, "relu")
    models = [tn.Sequential([tn.Input((3,)), shared, Dense(3, "softmax")], seed=seed) for seed in (0, 1)]
    for model in models:
        model.compile("adam", "sparse_categorical_crossentropy")
    for model in [*models, *models]:
        before = shared.kernel.copy()
        model.fit(x, y, verbose=0)
        assert not np.array_equal(shared.kernel, before)
        assert is_view(model)
    assert np.array_equal(models[0].get_weights()[0], models[1].get_weights()[0])


def test_a_layer_standing_twice_has_one_set_of_weights(corners):
    x, y = corners()
    shared = Dense(3, "relu")
    model = tn.Sequential([tn.Input((3,)), shared, shared, Dense(3, "softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    assert len(model.layers) == 3
    assert len(model.get_weights()) == 4
    assert model.count_params() == 24
    losses = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_frozen_layers_stay_as_they_are_and_the_rest_trains(corners):
    x, y = corners()
    for frozen in (0, 1):
        model = small()
        model.layers[frozen].trainable = False
        model.compile("adam", "sparse_categorical_crossentropy")
        before = model.get_weights()
        model.fit(x, y, verbose=0)
        changed = [not np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True)]
        assert changed == [frozen == 1, frozen == 1, frozen == 0, frozen == 0]
        assert model.optimizer.state_size == 2 * sum(w.size for w, c in zip(before, changed, strict=True) if c)
    nested = tn.Sequential([tn.Input((3,)), small(trainable=False)])
    for model in (small(trainable=False), nested):
        model.compile("adam", "sparse_categorical_crossentropy")
        before = model.get_weights()
        model.fit(x, y, verbose=0)
        assert same(model.get_weights(), before)
        assert model.optimizer.state_size == 0


def test_get_weights_are_copies_and_set_weights_copies():
    model = small()
    weights = model.get_weights()
    weights[0][...] = 7
    assert not (model.layers[0].kernel == 7).any()
    model.set_weights(weights)
    assert (model.layers[0].kernel == 7).all()
    weights[0][...] = 8
    assert (model.layers[0].kernel == 7).all()


def test_gradients_are_those_of_the_mean_loss_in_the_order_of_the_weights(corners):
    x, y = corners(8)
    model = small(dtype="float64")
    before = model.get_weights()
    loss, gradients = model.gradients(x, y)
    assert type(loss) is float
    assert np.isclose(loss, model.evaluate(x, y, verbose=0)[0], rtol=0, atol=1e-12)
    assert [gradient.shape for gradient in gradients] == [weight.shape for weight in before]
    assert same(model.get_weights(), before)
    assert model.optimizer.iterations == 0
    # gradients of two part-batches, weighted by their sizes, add up to the whole's
    parts = [model.gradients(x[rows], y[rows])[1] for rows in (slice(0, 3), slice(3, 8))]
    for whole, first, second in zip(gradients, *parts, strict=True):
        assert np.allclose(whole, (3 * first + 5 * second) / 8, rtol=0, atol=1e-15)


def test_gradients_of_frozen_layers_are_there_too(corners):
    x, y = corners()
    model = small()
    expected = model.gradients(x, y)[1]
    model.layers[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    assert same(model.gradients(x, y)[1], expected)


# ---- seeds ------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits(corners):
    x, y = corners()
    first, second = small(seed=5), small(seed=5)
    for model in (first, second):
        model.fit(x, y, epochs=3, verbose=0)
    assert same(first.get_weights(), second.get_weights())
    assert first.history.history == second.history.history


def test_another_seed_gives_other_weights_and_another_order(corners):
    assert not np.array_equal(small(seed=1).get_weights()[0], small(seed=2).get_weights()[0])
    x, y = corners()
    one, other = small(seed=1), small(seed=2)
    other.set_weights(one.get_weights())
    for model in (one, other):
        model.fit(x, y, verbose=0)
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])


def test_without_a_seed_one_is_drawn_and_kept(corners):
    first, second = tn.Sequential(seed=None), tn.Sequential()
    assert first.seed != second.seed
    drawn = small(seed=None)
    assert same(small(seed=drawn.seed).get_weights(), drawn.get_weights())


def test_two_layers_of_a_model_start_with_different_weights():
    model = tn.Sequential([tn.Input((4,)), Dense(4), Dense(4)], seed=0)
    assert not np.array_equal(model.layers[0].kernel, model.layers[1].kernel)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True])
def test_bad_seeds(seed):
    with pytest.raises(ValueError, match="seed must be an integer of at least 0"):
        tn.Sequential(seed=seed)


# ---- bad input --------------------------------------------------------------------------------------------------


CALLS = [
    lambda model, x, y: model.fit(x, y, verbose=0),
    lambda model, x, y: model.evaluate(x, y, verbose=0),
    lambda model, x, y: model.train_on_batch(x, y),
    lambda model, x, y: model.gradients(x, y),
    lambda model, x, y: model.fit(np.zeros((4, 3)), [0, 1, 2, 0], validation_data=(x, y), verbose=0),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((4, 3)), [0, 1, 2, 3], "Labels must be integers from 0 to 2.* label number 3 is 3"),
        (np.zeros((4, 3)), [0, -1, 2, 0], "label number 1 is -1"),
        (np.zeros((4, 3)), [0, 0.5, 2, 0], "label number 1 is 0.5"),
        (np.zeros((4, 3)), [0, np.nan, 2, 0], "label number 1 is nan"),
        (np.zeros((4, 3)), [0, 1, 2], "x has 4, y has 3"),
        (np.zeros((4, 3)), 1, "x has 4, y is 1"),
        (np.zeros((4, 2)), [0, 1, 2, 0], r"x has the wrong shape: expected \(batch, 3\), got \(4, 2\)"),
        (np.zeros((4, 3, 2)), [0, 1, 2, 0], r"expected \(batch, 3\), got \(4, 3, 2\)"),
        (np.zeros(3), [0], r"x is a single sample: expected \(batch, 3\), got \(3,\)\. Add a batch axis: x\[None\]"),
        (np.zeros((0, 3)), np.zeros(0, int), "There are no samples"),
        (np.array([["a", "b", "c"]]), [0], "x must be an array of real numbers; got dtype <U1"),
        ([[1, 2, 3], [1, 2]], [0, 1], "x must be an array, or lists that make one"),
        (5, [0], "got a single number"),
    ],
)
def test_bad_data_is_refused_where_it_is_given_and_nothing_changes(call, x, y, message):
    model = small()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        call(model, x, y)
    assert same(model.get_weights(), before)
    assert model.optimizer.iterations == 0


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 28)])
def test_a_single_image_is_told_to_take_a_batch_axis(lesson_model, shape):
    message = r"expected \(batch, 28, 28, 1\).* Add a batch axis: x\[None\]"
    with pytest.raises(ValueError, match=message):
        lesson_model().predict(np.zeros(shape))
    with pytest.raises(ValueError, match=message):
        lesson_model()(np.zeros(shape))


def test_images_of_the_wrong_size(lesson_model):
    for shape in ((5, 784), (5, 28, 27), (5, 27, 28, 1), (5, 28, 28, 3), (5, 28, 28, 1, 2)):
        with pytest.raises(ValueError, match="x has the wrong shape"):
            lesson_model().predict(np.zeros(shape))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": "adm"}, "Unknown optimizer 'adm'. Did you mean 'adam'"),
        ({"loss": "sparse_crossentropy"}, "Unknown loss .* Did you mean .*'sparse_categorical_crossentropy'"),
        ({"metrics": ["acuracy"]}, "Unknown metric 'acuracy'. Did you mean 'accuracy'"),
    ],
)
def test_unknown_names_are_refused_in_compile_and_the_old_ones_stay(arguments, message):
    model = small()
    optimizer = model.optimizer
    given = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", **arguments}
    with pytest.raises(ValueError, match=message):
        model.compile(**given)
    assert model.optimizer is optimizer


def test_compile_arguments_of_the_wrong_kind():
    model = small()
    with pytest.raises(TypeError, match=r"metrics must be a list, as in metrics=\['accuracy'\]; got 'accuracy'"):
        model.compile("adam", "sparse_categorical_crossentropy", "accuracy")
    with pytest.raises(ValueError, match="Metrics need names of their own"):
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy", "accuracy"])
    with pytest.raises(TypeError, match="optimizer must be a name"):
        model.compile(None, "sparse_categorical_crossentropy")


@pytest.mark.parametrize("call", CALLS)
def test_compile_comes_first(call):
    model = tn.Sequential([tn.Input((3,)), Dense(3, "softmax")])
    with pytest.raises(RuntimeError, match=r"Call model\.compile"):
        call(model, np.zeros((1, 3)), [0])


def test_two_models_cannot_mix_their_steps_in_one_optimizer(corners):
    x, y = corners()
    optimizer = tn.optimizers.Adam()
    first, second = small(seed=0), small(seed=1)
    first.compile(optimizer, "sparse_categorical_crossentropy")
    first.fit(x, y, verbose=0)
    second.compile(optimizer, "sparse_categorical_crossentropy")
    assert optimizer.iterations == 0
    second.fit(x, y, verbose=0)
    with pytest.raises(RuntimeError, match="replaced, or compiled into another model"):
        first.fit(x, y, verbose=0)


def test_a_layer_added_after_training_asks_for_a_new_compile(corners):
    x, y = corners()
    model = small()
    model.fit(x, y, verbose=0)
    model.add(Dense(3, "softmax"))
    with pytest.raises(RuntimeError, match=r"added since training began\. Call compile again"):
        model.fit(x, y, verbose=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)


def test_weights_of_the_wrong_number_or_shape():
    model = small()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"has 4 weights .* set_weights got 3"):
        model.set_weights(before[:3])
    with pytest.raises(ValueError, match=r"weight 2 \(dense_1\.kernel\) has shape \(8, 3\); got .* \(3, 8\)"):
        model.set_weights([before[0] + 1, before[1], before[2].T, before[3]])
    assert same(model.get_weights(), before)


# ---- what a model keeps to itself -----------------------------------------------------------------------------------


def test_freezing_after_training_asks_for_a_new_compile_and_summary_tells_the_truth(corners):
    x, y = corners()
    model = small()
    model.layers[0].trainable = False  # before the first step it simply counts
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    assert same(model.get_weights()[:2], before[:2])
    model.layers[0].trainable = True
    model.evaluate(x, y, verbose=0)
    for twin in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        with pytest.raises(RuntimeError, match="Layers were frozen, unfrozen or added since training began"):
            twin.fit(x, y, verbose=0)
        twin.compile("adam", "sparse_categorical_crossentropy")
        twin.fit(x, y, verbose=0)
        assert not same(twin.get_weights()[:1], before[:1])


def test_a_nested_model_gets_the_outer_models_seed_and_dtype():
    def make(dtype):
        inner = tn.Sequential([Dense(4, "tanh"), tn.Sequential([Dense(5)])])
        return tn.Sequential([tn.Input((3,)), inner, Dense(2)], seed=0, dtype=dtype)

    assert same(make("float32").get_weights(), make("float32").get_weights())
    model = make("float64")
    assert {weight.dtype.name for weight in model.get_weights()} == {"float64"}
    assert model.layers[0].dtype == model(np.ones((1, 3))).dtype == np.float64


def test_a_layer_added_to_an_inner_model_is_seen_by_the_outer_one(corners):
    x, y = corners()
    inner = tn.Sequential([tn.Input((3,)), Dense(4)])
    model = tn.Sequential([inner, tn.Sequential([Dense(3, "softmax")])], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.evaluate(x, y, verbose=0)
    inner.add(tn.layers.Tanh())
    assert np.isclose(model.evaluate(x, y, verbose=0), model.loss(y, model.predict(x)), rtol=0, atol=1e-6)
    model.fit(x, y, verbose=0)
    inner.add(Dense(4))
    assert np.isclose(model.evaluate(x, y, verbose=0), model.loss(y, model.predict(x)), rtol=0, atol=1e-6)
    with pytest.raises(RuntimeError, match="Call compile again"):
        model.fit(x, y, verbose=0)


def test_layers_is_a_list_of_ones_own():
    model = small()
    model.layers.pop()
    assert len(model.layers) == 2
    with pytest.raises(AttributeError):
        model.layers = []


def test_layers_can_be_added_to_a_model_that_its_data_has_built():
    model = tn.Sequential([Dense(2)])
    model.predict(np.ones((1, 4)))
    model.add(Dense(3))
    assert model.predict(np.ones((1, 4))).shape == (1, 3)


def test_a_layer_that_cannot_be_added_leaves_the_model_as_it_was():
    model = small()
    with pytest.raises(ValueError, match="has axis=5"):
        model.add(Softmax(axis=5))
    assert len(model.layers) == 2
    assert model.predict(np.ones((1, 3))).shape == (1, 3)


def test_a_call_with_labels_of_another_length_builds_nothing():
    model = tn.Sequential([Flatten(), Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="same number of samples"):
        model.fit(np.zeros((4, 5)), 1)
    assert not model.built
    model.fit(np.zeros((2, 4, 5)), [1, 2], verbose=0)


def test_the_activations_of_the_package_stay_as_they_are(corners):
    before = dict(vars(tn.nn.relu))
    models = [tn.Sequential([tn.Input((3,)), Dense(units), tn.nn.relu, Dense(units), tn.nn.relu]) for units in (4, 7)]
    models[0].trainable = False
    assert vars(tn.nn.relu) == before
    assert [layer.name for layer in models[1].layers] == ["dense", "re_lu", "dense_1", "re_lu_1"]
    texts = []
    models[1].summary(print_fn=texts.append)
    assert "(None, 4)" not in texts[0]


def test_a_layer_keeps_the_name_that_its_first_model_gave_it():
    shared = Dense(3)
    first = tn.Sequential([Dense(3), shared])
    tn.Sequential([shared])
    assert [layer.name for layer in first.layers] == ["dense", "dense_1"]
    with pytest.raises(ValueError, match=r"'dense_1' is in the model already.* give the new one a name"):
        tn.Sequential([Dense(2), Dense(2), shared])


def test_a_layer_at_two_places_has_both_shapes_in_the_summary():
    flat = Flatten()
    model = tn.Sequential([tn.Input((2, 3)), flat, Dense(4), flat])
    assert model.output_shapes == [(None, 6), (None, 4), (None, 4)]


def test_weights_can_be_permuted_among_themselves():
    model = tn.Sequential([tn.Input((3,)), Dense(3, use_bias=False), Dense(3, use_bias=False)], seed=0)
    first, second = model.get_weights()
    model.set_weights(model.weights[::-1])
    assert same(model.get_weights(), [second, first])
    model.layers[0].kernel = model.layers[0].kernel.T
    assert np.array_equal(model.layers[0].kernel, second.T)


def test_set_weights_of_an_archive_says_what_to_pass(tmp_path):
    model = small()
    np.savez(tmp_path / "w.npz", *model.get_weights())
    with np.load(tmp_path / "w.npz") as archive:
        with pytest.raises(TypeError, match=r"pass list\(archive\.values\(\)\)"):
            model.set_weights(archive)
        other = small(seed=1)
        other.set_weights(list(archive.values()))
    assert same(other.get_weights(), model.get_weights())


def test_references_to_weights_taken_after_compile_stay_the_weights(corners):
    model = small()
    weights = model.weights
    model.fit(*corners(), verbose=0)
    assert all(a is b for a, b in zip(weights, model.weights, strict=True))


def test_the_first_predictions_of_several_threads_build_the_model_once():
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    expected = tn.Sequential([Dense(8, "relu"), Dense(3)], seed=0).predict(x)
    for _ in range(20):
        model = tn.Sequential([Dense(8, "relu"), Dense(3)], seed=0)
        results = [None] * 4
        barrier = threading.Barrier(4)

        def work(i, model=model, results=results, barrier=barrier):
            barrier.wait()
            results[i] = model.predict(x)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(np.array_equal(result, expected) for result in results)


def test_reset_of_the_optimizer_starts_it_afresh(corners):
    x, y = corners()
    model = small()
    start = model.get_weights()
    first = model.fit(x, y, verbose=0).history
    model.optimizer.reset()
    model.set_weights(start)
    assert model.fit(x, y, verbose=0).history == first


def test_evaluate_needs_no_optimizer_of_its_own(corners):
    x, y = corners()
    optimizer, models = tn.optimizers.Adam(), [small(), small()]
    for model in models:
        model.compile(optimizer, "sparse_categorical_crossentropy")
    assert models[0].evaluate(x, y, verbose=0) == models[1].evaluate(x, y, verbose=0)
    models[0].gradients(x, y)


def test_summary_is_plain_where_the_output_has_no_box_characters(capsys, monkeypatch):
    import io
    import sys

    out = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", newline="\n")
    monkeypatch.setattr(sys, "stdout", out)
    small().summary()
    out.flush()
    text = out.buffer.getvalue().decode("cp1252")
    assert "| dense (Dense)" in text
    assert "+--" in text
    assert "?" not in text


def test_attributes_that_are_not_there(corners):
    model = small()
    with pytest.raises(AttributeError, match=r"^Sequential has no attribute 'export'\.$"):
        model.export("m")
    with pytest.raises(AttributeError, match=r"It is not built yet; weights exist after its first call"):
        _ = Dense(2).kernel

    class Forgetful(tn.layers.Layer):
        def __init__(self):
            pass

    with pytest.raises(AttributeError, match=r"Forgetful\.__init__ must call super\(\)\.__init__\(\) first"):
        tn.Sequential([tn.Input((3,)), Forgetful()])


# ---- softmax and cross-entropy meet in the loss -------------------------------------------------------------------


def test_a_subclass_of_softmax_is_trained_as_what_it_is(corners):
    x, y = corners()

    class Temperature(Softmax):
        def forward(self, x, training=False):
            return super().forward(x / 10)

        def backward(self, dy, cache, need_dx=True):
            return super().backward(dy, cache) / 10

    model = tn.Sequential([tn.Input((3,)), Dense(3), Temperature()], seed=0, dtype="float64")
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert not model.trains_from_logits
    assert np.isclose(model.evaluate(x, y, verbose=0), model.loss(y, model.predict(x)), rtol=0, atol=1e-12)


def test_outputs_that_cannot_be_probabilities_are_warned_of():
    for end in (Dense(3), Dense(3, "tanh"), ReLU()):
        model = tn.Sequential([tn.Input((3,)), end])
        with pytest.warns(UserWarning, match=r"are no probabilities.* Add activation='softmax'") as caught:
            model.compile("sgd", "sparse_categorical_crossentropy")
        assert caught[0].filename == __file__
    model.compile("sgd", tn.losses.SparseCategoricalCrossentropy(from_logits=True))
    tn.Sequential([tn.Input((3,)), Dense(3, "sigmoid")]).compile("sgd", "sparse_categorical_crossentropy")


def test_one_output_is_not_enough_and_a_forgotten_flatten_is_named():
    model = tn.Sequential([tn.Input((3,)), Dense(1, "sigmoid")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"an output for each class.* Dense\(2, activation='softmax'\)"):
        model.fit(np.zeros((2, 3)), [0, 1])
    model = tn.Sequential([tn.Input((4, 3)), Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"Outputs of shape \(None, 4, 2\) need labels .* put a Flatten\(\) in front"):
        model.fit(np.zeros((2, 4, 3)), [0, 1])


def test_flat_images_are_told_how_to_be_reshaped(lesson_model):
    with pytest.raises(ValueError, match=r"Its samples have as many entries: x\.reshape\(-1, 28, 28, 1\)"):
        lesson_model().predict(np.zeros((5, 784)))


def test_training_from_logits_is_decided_once_and_only_where_it_is_right():
    def trained_from_logits(*end, **loss):
        model = tn.Sequential([tn.Input((3,)), Dense(3), *end])
        model.compile("sgd", tn.losses.SparseCategoricalCrossentropy(**loss))
        return model.trains_from_logits

    assert trained_from_logits(Softmax())
    assert trained_from_logits(Dense(3, activation="softmax"))
    assert trained_from_logits(Softmax(axis=1))
    assert not trained_from_logits(Softmax(axis=0))
    with pytest.warns(UserWarning, match="ends in ReLU, whose outputs are no probabilities"):
        assert not trained_from_logits(ReLU())
    assert not trained_from_logits(from_logits=True)


def test_softmax_with_from_logits_is_refused():
    model = tn.Sequential([tn.Input((3,)), Dense(3, "softmax")])
    with pytest.raises(ValueError, match="softmax twice"):
        model.compile("sgd", tn.losses.SparseCategoricalCrossentropy(from_logits=True))


def test_both_ways_give_the_same_loss_and_gradients(corners):
    x, y = corners()

    class Plain(tn.losses.SparseCategoricalCrossentropy):
        def on_logits(self):
            return None

    fused, plain = small(dtype="float64"), small(dtype="float64")
    plain.compile("adam", Plain(), ["accuracy"])
    (loss, gradients), (expected_loss, expected) = fused.gradients(x, y), plain.gradients(x, y)
    assert np.isclose(loss, expected_loss, rtol=0, atol=1e-12)
    assert all(np.allclose(a, b, rtol=0, atol=1e-12) for a, b in zip(gradients, expected, strict=True))
    assert fused.evaluate(x, y, verbose=0)[1] == plain.evaluate(x, y, verbose=0)[1]


def test_a_confident_mistake_still_has_a_gradient():
    model = tn.Sequential([tn.Input((1,)), Dense(2, "softmax", use_bias=False)])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.set_weights([[[1000.0, -1000.0]]])
    loss, gradients = model.gradients([[1.0]], [1])
    assert loss == 2000
    assert gradients[0].tolist() == [[1, -1]]


def test_metrics_see_probabilities_when_trained_from_logits(corners):
    class Mass(tn.metrics.Metric):
        name = "mass"

        def values(self, labels, outputs):
            return outputs.sum(axis=-1)

    model = small(dtype="float64")
    model.compile("adam", "sparse_categorical_crossentropy", [Mass()])
    x, y = corners()
    assert np.isclose(model.evaluate(x, y, verbose=0)[1], 1, rtol=0, atol=1e-12)
    assert np.isclose(model.fit(x, y, verbose=0).history["mass"][0], 1, rtol=0, atol=1e-12)


def test_given_names_are_kept_and_a_named_layer_may_stand_twice():
    shared = Dense(3, name="shared")
    model = tn.Sequential([tn.Input((3,)), Dense(3, name="first"), shared, shared, Dense(3)], name="mine")
    assert [layer.name for layer in model.layers] == ["first", "shared", "shared", "dense"]
    assert model.name == "mine"
    assert [tn.Sequential(trainable=flag).trainable for flag in (True, False)] == [True, False]
    assert model.trainable is True


def test_an_input_cannot_come_after_a_layer_of_unknown_input():
    with pytest.raises(ValueError, match="An Input must come first"):
        tn.Sequential([Dense(3), tn.Input((3,))])


@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 1), (5, 3, 1, 1)])
def test_a_last_axis_that_is_missing_or_extra_is_mended_without_flatten_too(shape):
    model = tn.Sequential([tn.Input((3, 1)), Dense(2)])
    assert model.predict(np.ones(shape)).shape == (5, 3, 2)


@pytest.mark.parametrize("dtype", ["uint8", "float64", "bool"])
def test_inputs_of_any_type_are_cast_to_the_models(dtype):
    x, y = (np.random.default_rng(0).random((6, 3)) > 0.5).astype(dtype), [0, 1, 2, 0, 1, 2]
    x_float32, model, expected = x.astype("float32"), small(), small()
    assert model(x).dtype == np.float32
    assert np.array_equal(model.predict(x), expected.predict(x_float32))
    assert same(model.gradients(x, y)[1], expected.gradients(x_float32, y)[1])


def test_trainable_may_be_any_truth_value(corners):
    model = small()
    model.layers[0].trainable = 0
    model.layers[1].trainable = 1
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit(*corners(), verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True)]
    assert changed == [False, False, True, True]


def test_metrics_may_be_a_tuple_but_not_be_called_loss():
    model = small()
    model.compile("adam", "sparse_categorical_crossentropy", ("accuracy",))
    assert [metric.name for metric in model.metrics] == ["accuracy"]
    with pytest.raises(ValueError, match="Metrics need names of their own, other than 'loss'"):
        model.compile("adam", "sparse_categorical_crossentropy", [tn.metrics.SparseCategoricalAccuracy(name="loss")])


def test_compile_may_come_before_the_shapes_and_the_layers(corners):
    model = tn.Sequential([Dense(3, "softmax")])
    assert model.trains_from_logits is False
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert model.trains_from_logits is True
    model.fit(*corners(), verbose=0)
    empty = tn.Sequential()
    empty.compile("sgd", "sparse_categorical_crossentropy")
    assert empty.trains_from_logits is False
    empty.add(Dense(3, "softmax"))
    empty.fit(*corners(), verbose=0)


def test_softmax_over_the_last_axis_counted_from_the_front_is_trained_from_logits_after_flatten_too():
    model = tn.Sequential([tn.Input((1, 1)), Flatten(), Dense(2, use_bias=False), Softmax(axis=1)])
    with pytest.raises(ValueError, match="softmax twice"):
        model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True))
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.set_weights([[[1000.0, -1000.0]]])
    loss, gradients = model.gradients([[[1.0]]], [1])
    assert loss == 2000
    assert gradients[0].tolist() == [[1, -1]]


def test_metrics_see_the_logits_of_a_model_that_ends_in_them(corners):
    class Mass(tn.metrics.Metric):
        def values(self, labels, outputs):
            return outputs.sum(axis=-1)

    x, y = corners()
    model = tn.Sequential([tn.Input((3,)), Dense(3)], seed=0, dtype="float64")
    model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True), [Mass()])
    assert np.isclose(model.evaluate(x, y, verbose=0)[1], model.predict(x).sum(axis=1).mean(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("bottom", [Dense(3), ReLU()])
def test_model_backward_without_need_of_dx_returns_none(bottom):
    model, ones = tn.Sequential([tn.Input((3,)), bottom, Dense(3)]), np.ones((2, 3), "float32")
    _, caches = model.forward(ones)
    assert model.backward(ones, caches).shape == (2, 3)
    assert model.backward(ones, caches, need_dx=False) is None


@pytest.mark.parametrize(("columns", "width"), [(20, 44), (80, 76), (91, 87), (92, 88), (93, 88), (200, 88)])
def test_the_summary_is_as_wide_as_the_terminal_within_bounds(columns, width, monkeypatch):
    monkeypatch.setattr("tinynet.models.summary.columns", lambda: columns)
    lines = summary.table(small()).splitlines()
    assert {len(line) for line in lines[1:8]} == {width}


def test_the_summary_to_the_letter(monkeypatch):
    monkeypatch.setattr("tinynet.models.summary.columns", lambda: 60)
    model = tn.Sequential([tn.Input((2, 3)), Flatten(), Dense(2, name="a_name_too_long_for_it")])
    assert summary.table(model) == (
        'Model: "sequential"\n'
        "┏━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━┓\n"
        "┃ Layer (type)           ┃ Output Shape    ┃   Param # ┃\n"
        "┡━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━┩\n"
        "│ flatten (Flatten)      │ (None, 6)       │         0 │\n"
        "├────────────────────────┼─────────────────┼───────────┤\n"
        "│ a_name_too_long_for_it │ (None, 2)       │        14 │\n"
        "│ (Dense)                │                 │           │\n"
        "└────────────────────────┴─────────────────┴───────────┘\n"
        " Total params: 14 (56.00 B)\n"
        " Trainable params: 14 (56.00 B)\n"
        " Non-trainable params: 0 (0.00 B)"
    )
    model.compile("adam", SparseCategoricalCrossentropy(from_logits=True))
    assert summary.table(model).splitlines()[-1] == " Trained with Adam on sparse_categorical_crossentropy"


def test_sizes_and_columns(monkeypatch):
    assert [summary._bytes(n) for n in (0, 1023, 1024, 1024**2, 1024**3, 5 * 1024**4)] == [
        "0.00 B", "1023.00 B", "1.00 KB", "1.00 MB", "1.00 GB", "5120.00 GB"
    ]  # fmt: skip
    assert [summary._cut("abcd", size) for size in (5, 4, 3)] == ["abcd", "abcd", "ab…"]
    assert summary._folded("a_long_name (Dense)", 12) == ["a_long_name", "(Dense)"]
    assert summary._folded("dense (Dense)", 13) == ["dense (Dense)"]
    assert summary._folded("a_long_name (Dense)", 9) == ["a_long_n…", "(Dense)"]

    def no_terminal():
        raise OSError

    for size, expected in ((lambda: types.SimpleNamespace(columns=100), 100), (no_terminal, 80)):
        monkeypatch.setattr("os.get_terminal_size", size)
        assert progress.columns() == expected
    monkeypatch.setattr("os.get_terminal_size", lambda: types.SimpleNamespace(columns=0))  # as some CI machines say
    assert progress.columns() == 80


def test_a_model_inside_another_keeps_its_own_shape(corners):
    inner = tn.Sequential([tn.Input((3,)), Dense(3, "softmax")], seed=0)
    inner.compile("adam", "sparse_categorical_crossentropy")
    outer = tn.Sequential([tn.Input((7, 3)), inner])
    assert outer.predict(np.zeros((2, 7, 3))).shape == (2, 7, 3)
    x, y = corners()
    assert inner.predict(x).shape == (60, 3)
    inner.fit(x, y, verbose=0)


def test_compile_after_an_inner_model_has_grown(corners):
    inner = tn.Sequential([tn.Input((3,)), Dense(4)])
    outer = tn.Sequential([tn.Input((3,)), inner])
    inner.add(Dense(3, "softmax"))
    outer.compile("adam", "sparse_categorical_crossentropy")
    outer.fit(*corners(), verbose=0)
    assert outer.output_shape == (None, 3)


def test_a_failed_build_leaves_nothing_behind():
    model = tn.Sequential([Dense(3), Softmax(axis=2)], seed=0)
    with pytest.raises(ValueError, match="has axis=2, but its inputs have rank 2"):
        model.predict(np.zeros((5, 7)))
    assert model.get_weights() == []
    assert model.predict(np.zeros((5, 6, 4))).shape == (5, 6, 3)
    expected = tn.Sequential([Dense(3), Softmax(axis=2)], seed=0)
    expected.build((None, 6, 4))
    assert same(model.get_weights(), expected.get_weights())


def test_a_failed_build_leaves_nothing_behind_in_inner_models_either():
    innermost = tn.Sequential([Dense(3)])
    inner = tn.Sequential([innermost])
    built = Dense(4)
    built(np.zeros((1, 4)))
    kernel = built.kernel.copy()
    with pytest.raises(ValueError, match="has axis=5"):
        tn.Sequential([built, inner, Softmax(axis=5)], seed=0).build((None, 4))
    assert [model.built for model in (inner, innermost)] == [False, False]
    assert (inner.get_weights(), innermost.output_shapes) == ([], [])
    assert np.array_equal(built.kernel, kernel), "what was built before stays"
    with pytest.raises(ValueError, match="has axis=5"):
        tn.Sequential([tn.Sequential([Dense(2), Softmax(axis=5)], name="inner")], dtype="float64").build((None, 4))
    with pytest.raises(ValueError, match="has axis=5"):
        tn.Sequential([inner, Softmax(axis=5)], dtype="float64").build((None, 4))
    assert tn.Sequential([inner, Softmax()]).predict(np.zeros((2, 7))).shape == (2, 3)


def test_a_failed_first_layer_leaves_no_input_shape():
    model = tn.Sequential()
    with pytest.raises(ValueError, match="has axis=5"):
        model.add(Softmax(axis=5, input_shape=(3,)))
    model.add(tn.Input((4,)))
    model.add(Dense(2))
    assert model.input_shape == (None, 4)


def test_a_model_cannot_hold_itself():
    model = small()
    with pytest.raises(ValueError, match="cannot be a layer of itself"):
        model.add(model)
    with pytest.raises(ValueError, match="cannot be a layer of itself"):
        model.add(tn.Sequential([tn.Sequential([model])]))


def test_layers_of_an_inner_model_draw_from_generators_of_their_own():
    first, second = Dense(4), Dense(4)
    tn.Sequential([tn.Input((4,)), first], seed=0)
    tn.Sequential([tn.Input((4,)), tn.Sequential([first, second])], seed=0)
    assert not np.array_equal(first.kernel, second.kernel)


def test_outputs_of_another_shape_than_built_are_refused_everywhere(corners):
    class Narrow(tn.layers.Layer):
        def forward(self, x, training=False):
            return x.sum(axis=1, keepdims=True), x

    model = tn.Sequential([tn.Input((3,)), Narrow()])
    for call in (model.predict, model):
        with pytest.raises(ValueError, match=r"shape \(60, 1\), but the layers were built for \(None, 3\)"):
            call(corners()[0])


def test_a_frozen_model_as_an_activation_stays_as_it_is(corners):
    dense = Dense(5, activation=tn.Sequential([Dense(3)], trainable=False))
    model = tn.Sequential([tn.Input((3,)), dense, Softmax()], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit(*corners(), verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True)]
    assert changed == [True, True, False, False]


def test_layers_held_in_others_are_refused_however_they_are_built(corners):
    class Lazy(tn.layers.Layer):
        def __init__(self):
            super().__init__()
            self.held = Dense(3)

        def forward(self, x, training=False):
            return self.held(x), x

    class Stack(tn.layers.Layer):
        def build(self, input_shape):
            self.held = tn.Sequential([Dense(3)])
            return self.held.setup(input_shape)

    model = tn.Sequential([tn.Input((3,)), Lazy(), Softmax()])
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(TypeError, match=r"Lazy holds the layer self\.held"):
        model.fit(*corners(), verbose=0)
    with pytest.raises(TypeError, match=r"Stack holds the layer self\.held"):
        tn.Sequential([tn.Input((3,)), Stack()])


def test_a_metric_that_gives_a_mean_is_refused_and_ragged_labels_are_named(corners):
    class Mean(tn.metrics.Metric):
        def values(self, labels, outputs):
            return (outputs.argmax(-1) == labels).mean()

    model = small()
    model.compile("adam", "sparse_categorical_crossentropy", [Mean()])
    with pytest.raises(ValueError, match=r"must give one value for each label, \(32,\); got \(\)"):
        model.evaluate(*corners(), batch_size=32, verbose=0)
    with pytest.raises(ValueError, match="y must be an array, or lists that make one"):
        model.fit(np.zeros((2, 3)), [[0], [1, 2]])
