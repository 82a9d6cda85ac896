"""Dataset: tf.data's semantics, beside a model of them in lists; and datasets in fit, evaluate and predict."""

import copy
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_data import double, numbers, pairs, values

import tinynet as tn
from tinynet.data import Dataset

# What tf.data does, said with lists. A dataset without end is as one that is repeated LONG times.
LONG = 4 * (9 + 9)  # as many passes as the largest batches, skipped and taken, can need of one element
OPERATIONS = {
    "map": (st.just(()), lambda d: d.map(double), lambda e: [double(one) for one in e]),
    "batch": (
        st.tuples(st.integers(1, 4), st.booleans()),
        lambda d, n, drop: d.batch(n, drop_remainder=drop),
        lambda e, n, drop: [np.stack(e[i : i + n]) for i in range(0, len(e), n) if len(e[i : i + n]) == n or not drop],
    ),
    "take": (st.tuples(st.integers(-1, 8)), lambda d, n: d.take(n), lambda e, n: e if n == -1 else e[:n]),
    "skip": (st.tuples(st.integers(-1, 8)), lambda d, n: d.skip(n), lambda e, n: [] if n == -1 else e[n:]),
    "repeat": (st.tuples(st.integers(0, 3)), lambda d, n: d.repeat(n), lambda e, n: e * n),
    "cache": (st.just(()), lambda d: d.cache(), lambda e: e),
    "prefetch": (st.just(()), lambda d: d.prefetch(2), lambda e: e),
    "shuffle": (st.just(()), lambda d: d.shuffle(1), lambda e: e),
}
STEPS = st.lists(
    st.sampled_from(sorted(OPERATIONS)).flatmap(lambda name: st.tuples(st.just(name), OPERATIONS[name][0])), max_size=5
)


@given(st.integers(0, 7), STEPS)
def test_any_pipeline_gives_what_the_same_steps_on_lists_give(n, steps):
    dataset, expected = numbers(n), list(np.arange(n))
    for name, arguments in steps:
        _, make, model = OPERATIONS[name]
        made, modelled = make(dataset, *arguments), model(expected, *arguments)
        if len({np.shape(one) for one in modelled}) > 1 and any(later == "batch" for later, _ in steps):
            return  # batches of unequal length make no batch: another test
        dataset, expected = made, modelled
    for _ in range(2):  # each iteration begins anew
        elements = list(dataset)
        assert len(elements) == len(dataset) == dataset.cardinality() == len(expected)
        for element, other in zip(elements, expected, strict=True):
            assert element.dtype == other.dtype
            assert np.array_equal(element, other)


@given(st.integers(1, 7), st.integers(0, 9), st.integers(0, 9), st.integers(1, 4))
def test_an_endless_pipeline_gives_what_a_long_one_gives(n, skip, take, size):
    endless, long = numbers(n).repeat(), numbers(n).repeat(LONG)
    for dataset in (endless, endless.skip(skip), endless.batch(size).skip(skip)):
        assert dataset.cardinality() == tn.data.INFINITE_CARDINALITY == -1
        with pytest.raises(TypeError, match="The dataset is infinite"):
            len(dataset)
        assert dataset, "an endless dataset is true"
    assert values(endless.skip(skip).take(take)) == values(long.skip(skip).take(take))
    assert values(endless.batch(size).skip(skip).take(take)) == values(long.batch(size).skip(skip).take(take))
    assert len(endless.take(take)) == take


def test_what_tf_data_printed():
    five = numbers(5)
    assert values(five.repeat(2).batch(4)) == [[0, 1, 2, 3], [4, 0, 1, 2], [3, 4]]
    assert values(five.batch(4).repeat(2)) == [[0, 1, 2, 3], [4], [0, 1, 2, 3], [4]]
    assert [len(batch) for batch in numbers(10).batch(4)] == [4, 4, 2]
    assert [len(batch) for batch in numbers(10).batch(4, drop_remainder=True)] == [4, 4]
    assert values(five.repeat(-1).take(6)) == values(five.repeat().take(6)) == [0, 1, 2, 3, 4, 0]
    assert values(five.skip(-1)) == values(five.repeat(0)) == []
    assert next(iter(five)) == next(five.as_numpy_iterator()) == 0


def test_cache_computes_each_element_once_and_keeps_the_order():
    calls = []

    def f(x):
        calls.append(int(x))
        return x + 0.5

    dataset = numbers(4).map(f).cache()
    assert calls == []
    assert values(dataset.take(2)) == [0.5, 1.5]
    assert values(dataset) == values(dataset.batch(4).map(lambda x: x[0])) + [1.5, 2.5, 3.5]
    assert calls == [0, 1, 2, 3]
    assert sorted(values(dataset.shuffle(4, seed=0))) == [0.5, 1.5, 2.5, 3.5]
    assert len(calls) == 4
    kept = numbers(30).shuffle(30).cache()
    assert values(kept) == values(kept) != list(range(30))
    kept = numbers(30).shuffle(30).map(double).cache()
    assert values(kept) == values(kept)
    twice = numbers(3).map(f).repeat(2).cache()
    assert values(twice) == values(twice) == [0.5, 1.5, 2.5] * 2


def test_without_cache_the_function_is_called_anew_for_what_is_asked_for():
    calls = []
    dataset = numbers(4).map(lambda x: calls.append(x) or x)
    list(dataset.take(2))
    list(dataset)
    assert calls == [0, 1, 0, 1, 2, 3]


def test_cache_of_what_never_ends_is_refused():
    with pytest.raises(ValueError, match="call cache before repeat"):
        numbers(3).repeat().cache()


def test_cache_of_arrays_in_memory_copies_nothing():
    x = np.zeros((5, 2))
    assert np.shares_memory(Dataset.from_tensor_slices(x).cache()._source.arrays, x)


def test_an_empty_dataset_may_be_repeated():
    empty = numbers(0).repeat()
    assert (values(empty), len(empty)) == ([], 0)
    assert values(numbers(0).shuffle(3).batch(2).map(double)) == []


def test_the_models_shuffle_draws_other_numbers(corners):
    x, y = np.arange(60)[:, None], np.zeros(60, int)
    seen = []

    class Look(tn.layers.Layer):
        def forward(self, x, training=False):
            seen.extend(x[:, 0].astype(int).tolist())
            return x, None

        def backward(self, dy, cache, need_dx=True):
            return dy

    made = tn.Sequential([Look(input_shape=(1,)), tn.layers.Dense(1)], seed=3)
    made.compile("sgd", "mse")
    made.fit(x, y, verbose=0, batch_size=60)
    assert seen != values(numbers(60).shuffle(60, seed=3))


def test_each_step_leaves_the_dataset_before_it_as_it_was():
    base = numbers(4)
    for step in (lambda d: d.batch(2), lambda d: d.take(1), lambda d: d.map(double), lambda d: d.repeat()):
        step(base)
        assert values(base) == [0, 1, 2, 3]


def test_a_whole_batch_is_gathered_at_once_and_mapped_row_by_row():
    calls = []
    x = np.arange(10)[:, None]
    list(Dataset.from_tensor_slices(x).batch(4).map(lambda rows: calls.append(rows.shape) or rows))
    list(Dataset.from_tensor_slices(x).map(lambda row: calls.append(row.shape) or row).batch(4))
    assert calls == [(4, 1), (4, 1), (2, 1)] + [(1,)] * 10


def test_a_copy_is_a_dataset_of_its_own():
    dataset = numbers(9).shuffle(9, seed=1)
    copied = copy.deepcopy(dataset)
    assert values(copied) == values(dataset)


def test_it_says_what_it_is():
    pairs = Dataset.from_tensor_slices((np.zeros((60000, 1), "uint8"), np.zeros(60000, "int64")))
    steps = pairs.map(double).cache().repeat().repeat(2).shuffle(5).batch(32).batch(2, True).take(3).skip(1).prefetch(2)
    assert repr(steps) == (
        "<Dataset: 60,000 x (uint8 (1,), int64 ()) -> map(double) -> cache() -> repeat() -> repeat(2) -> shuffle(5) -> "
        "batch(32) -> batch(2, drop_remainder=True) -> take(3) -> skip(1) -> prefetch(2)>"
    )
    assert repr(Dataset.from_tensor_slices({"x": np.zeros((0, 2))})) == "<Dataset: no elements>"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: numbers(3).batch(0), ValueError, "batch_size must be a positive integer; got 0"),
        (lambda: numbers(3).batch(2.5), ValueError, "batch_size must be a positive integer; got 2.5"),
        (lambda: numbers(3).batch(2, "no"), TypeError, "drop_remainder must be True or False; got 'no'"),
        (lambda: numbers(3).shuffle(0), ValueError, "buffer_size must be a positive integer; got 0"),
        (lambda: numbers(3).shuffle(3, seed=-1), ValueError, "seed must be an integer of at least 0; got -1"),
        (lambda: numbers(3).shuffle(3, None, None), TypeError, "reshuffle_each_iteration must be True or False"),
        (lambda: numbers(3).repeat(-2), ValueError, "count must be an integer of at least -1; got -2"),
        (lambda: numbers(3).take(-2), ValueError, "count must be an integer of at least -1; got -2"),
        (lambda: numbers(3).skip(1.0), ValueError, "count must be an integer of at least -1; got 1.0"),
        (lambda: numbers(3).prefetch(0), ValueError, r"buffer_size must be a positive integer, or -1 \(data.AUTOTUNE"),
        (lambda: numbers(3).prefetch(-2), ValueError, "buffer_size must be an integer of at least -1; got -2"),
        (lambda: numbers(3).map("f"), TypeError, "map needs a function of an element; got 'f'"),
        (lambda: numbers(3).filter(bool), AttributeError, "Dataset.filter is not in tinynet, .* map, batch,"),
        (lambda: Dataset.zip, AttributeError, "Dataset.zip is not in tinynet, which has a part of tf.data"),
        (lambda: numbers(3).bach(2), AttributeError, r"Did you mean batch\?"),
        (lambda: Dataset(np.zeros(3)), TypeError, "A dataset is made by Dataset.from_tensor_slices"),
        (lambda: numbers(3).map(double, num_parallel_calls=-1), TypeError, "'num_parallel_calls' .* Leave it"),
        (lambda: numbers(3).shuffle(buffersize=3), TypeError, r"shuffle has .* Did you mean 'buffer_size'\?"),
        (lambda: numbers(3).batch(2, rest=1), TypeError, "no argument 'rest' .* It takes batch_size, drop_remainder"),
        (lambda: numbers(3).repeat(10**20), ValueError, "count must be at most 9223372036854775807; got 1000000"),
        (lambda: numbers(3).shuffle(10**19), ValueError, "buffer_size must be at most"),
        (lambda: numbers(3).batch(10**19), ValueError, "batch_size must be at most"),
        (lambda: tn.data.experimental, AttributeError, "which is a small part of tf.data"),
        (lambda: Dataset.from_tensor_slices(5), ValueError, "cuts arrays along their first axis; got 5"),
        (lambda: Dataset.from_tensor_slices((np.zeros(2), 1)), ValueError, "cuts arrays along their first axis; got 1"),
        (lambda: Dataset.from_tensor_slices(([1, 2], [1])), ValueError, "must have one length; got 2 and 1"),
        (lambda: Dataset.from_tensor_slices(()), ValueError, "must have one length; got no array"),
        (lambda: Dataset.from_tensor_slices([[1, 2], [1]]), ValueError, "needs arrays, or lists that make some"),
        (lambda: Dataset.from_tensor_slices([None]), ValueError, r"along their first axis; got \[None\]"),
    ],
)
def test_wrong_calls_fail_where_they_are_made(make, error, message):
    with pytest.raises(error, match=message):
        make()


# ---- in fit, evaluate and predict ------------------------------------------------------------------------------


def model(**options):
    made = tn.Sequential([tn.Input((3,)), tn.layers.Dense(8, "relu"), tn.layers.Dense(3, "softmax")], seed=0, **options)
    made.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return made


def test_a_dataset_trains_to_the_same_bits_as_its_arrays(corners):
    x, y = corners()
    dataset = Dataset.from_tensor_slices((x, y)).batch(32)
    a, b = model(), model()
    one = a.fit(x, y, epochs=3, shuffle=False, verbose=0, validation_data=(x, y)).history
    two = b.fit(dataset, epochs=3, verbose=0, validation_data=dataset).history
    assert one == two
    assert all(np.array_equal(p, q) for p, q in zip(a.get_weights(), b.get_weights(), strict=True))
    assert a.evaluate(x, y, verbose=0) == b.evaluate(dataset, verbose=0)
    assert a.evaluate(x[:32], y[:32], verbose=0) == b.evaluate(dataset, steps=1, verbose=0)
    for given_x in (dataset, Dataset.from_tensor_slices(x).batch(32)):
        assert np.array_equal(a.predict(x, batch_size=32), b.predict(given_x))


def test_the_lessons_pipeline(sample):
    def normalize(images, labels):
        images = images.astype("float32")
        images /= 255
        return images, labels

    dataset, metadata = tn.datasets.load("fashion_mnist", as_supervised=True, with_info=True, sample=True)
    n, n_test = (metadata.splits[split].num_examples for split in ("train", "test"))
    train = dataset["train"].map(normalize).repeat().shuffle(n, seed=0).batch(32)
    test = dataset["test"].map(normalize).batch(32)
    made = tn.Sequential(
        [
            tn.layers.Flatten(input_shape=(28, 28, 1)),
            tn.layers.Dense(128, activation=tn.nn.relu),
            tn.layers.Dense(10, activation=tn.nn.softmax),
        ],
        seed=0,
    )
    made.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    steps = math.ceil(n / 32)
    history = made.fit(train, epochs=5, steps_per_epoch=steps, verbose=0)
    assert made.optimizer.iterations == 5 * steps
    assert history.history["loss"] == sorted(history.history["loss"], reverse=True)
    _, accuracy = made.evaluate(test, steps=math.ceil(n_test / 32), verbose=0)
    assert accuracy > 0.75
    for images, labels in test.take(1):  # noqa: B007
        predictions = made.predict(images)
    assert predictions.shape == (32, 10)
    assert predictions.dtype == np.float32
    assert metadata.features["label"].names[labels[0]] == "Ankle boot"
    images, labels = sample[1]
    assert made.evaluate(images / 255, labels, verbose=0)[1] == pytest.approx(accuracy, abs=1e-12)


def test_an_endless_dataset_needs_a_number_of_steps(corners):
    x, y = corners()
    endless = Dataset.from_tensor_slices((x, y)).repeat().batch(32)
    made = model()
    for call, name in (
        (lambda: made.fit(endless, verbose=0), "steps_per_epoch"),
        (lambda: made.fit(x, y, validation_data=endless, verbose=0), "validation_steps"),
        (lambda: made.evaluate(endless, verbose=0), "steps"),
        (lambda: made.predict(endless), "steps"),
    ):
        with pytest.raises(ValueError, match=f"repeats without end, so give {name}, .*: {name}=math.ceil"):
            call()
    assert made.optimizer.iterations == 0
    made.fit(endless, steps_per_epoch=2, epochs=2, validation_data=endless, validation_steps=1, verbose=0)
    assert made.optimizer.iterations == 4
    assert made.predict(endless, steps=3).shape == (96, 3)


def test_one_pass_goes_on_from_epoch_to_epoch():
    seen = []
    endless = pairs(5).map(lambda x, y: seen.append(int(y)) or (x, y % 3)).repeat().batch(2)
    made = tn.Sequential([tn.Input((2,)), tn.layers.Dense(3, "softmax")], seed=0)
    made.compile("sgd", "sparse_categorical_crossentropy")
    made.fit(endless, steps_per_epoch=2, epochs=2, verbose=0)
    assert seen == [0, 1, 2, 3, 4, 0, 1, 2]


def test_a_dataset_that_runs_out_brings_a_warning_and_training_goes_on(corners):
    dataset = Dataset.from_tensor_slices(corners(96)).batch(32)
    made = model()
    with pytest.warns(UserWarning, match=r"this epoch has 1 batches; asked for were 2 .*dataset.repeat\(\)") as seen:
        made.fit(dataset, steps_per_epoch=2, epochs=4, verbose=0)
    assert len(seen) == 1
    assert made.optimizer.iterations == 2 + 1 + 2 + 1, "as in Keras"


@pytest.mark.parametrize("built", [True, False])
def test_a_dataset_of_single_samples_is_told_to_be_batched(built, corners):
    x, y = corners()
    made = model()
    if not built:
        made = tn.Sequential([tn.layers.Dense(3, "softmax")])
        made.compile("adam", "sparse_categorical_crossentropy")
    for labels in (y, np.eye(3)[y]) if built else (y,):
        single = Dataset.from_tensor_slices((x, labels))
        for call in (made.fit, made.evaluate):
            with pytest.raises(ValueError, match=r"gives single samples, x of shape .3,.: call .batch\(32\) on it"):
                call(single, verbose=0)
    assert made.built == built
    if built:
        with pytest.raises(ValueError, match=r"gives single samples, x of shape .3,.: call .batch\(32\)"):
            made.predict(Dataset.from_tensor_slices(x))


def test_arrays_that_are_batches_already_need_no_batch(corners):
    x, y = corners(64)
    made = model()
    made.fit(Dataset.from_tensor_slices((x.reshape(2, 32, 3), y.reshape(2, 32))), verbose=0)
    assert made.optimizer.iterations == 2
    wrong = Dataset.from_tensor_slices((x.reshape(2, 32, 3), y.reshape(2, 32) + 5))
    with pytest.raises(ValueError, match="label") as caught:
        made.fit(wrong, verbose=0)
    assert ".batch" not in str(caught.value), "that is not what is wrong"


def test_the_first_batch_that_builds_a_model_is_not_lost_nor_drawn_twice(corners):
    x, y = corners()
    made = []
    for built in (True, False):
        one = tn.Sequential([tn.Input((3,))] * built + [tn.layers.Dense(3, "softmax")], seed=0)
        one.compile("sgd", "sparse_categorical_crossentropy")
        one.fit(Dataset.from_tensor_slices((x, y)).shuffle(60, seed=1).batch(16), epochs=2, verbose=0)
        made.append(one.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*made, strict=True))


@pytest.mark.parametrize("call", ["fit", "evaluate"])
def test_a_dataset_without_elements_or_of_something_else(call):
    run = getattr(model(), call)
    with pytest.raises(ValueError, match="There are no batches"):
        run(Dataset.from_tensor_slices((np.zeros((0, 3)), np.zeros(0))).batch(2), verbose=0)
    named = Dataset.from_tensor_slices({"image": np.zeros((4, 3)), "label": np.zeros(4)}).batch(2)
    with pytest.raises(ValueError, match=r"Batches must be \(x, y\) or .*; got a dictionary of 'image', 'label'"):
        run(named, verbose=0)
    with pytest.raises(ValueError, match="batch_size cannot be given where x gives the batches"):
        run(pairs().batch(2), batch_size=3, verbose=0)
    with pytest.raises(ValueError, match=r"x is a dictionary of 'train', 'test'\. Of the splits"):
        run({"train": pairs(), "test": pairs()}, verbose=0)


def test_predict_says_what_it_takes_instead_of_dictionaries():
    with pytest.raises(ValueError, match=r"Batches must be x, \(x,\), .* got a dictionary of 'image'"):
        model().predict(Dataset.from_tensor_slices({"image": np.zeros((4, 3))}).batch(2))


def test_validation_data_are_looked_at_before_the_training(corners):
    x, y = corners()
    made = model()
    for wrong, message in (
        (Dataset.from_tensor_slices((x[:0], y[:0])).batch(2), "validation_data: There are no batches"),
        (Dataset.from_tensor_slices((x, y)), "validation_data: The dataset gives single samples"),
        (Dataset.from_tensor_slices((x[:, :2], y)).batch(8), "validation_data: x has the wrong shape"),
    ):
        with pytest.raises(ValueError, match=message):
            made.fit(x, y, validation_data=wrong, verbose=0)
    assert made.optimizer.iterations == 0
    drawn = []
    counted = Dataset.from_tensor_slices((x, y)).map(lambda *pair: drawn.append(0) or pair).batch(60)
    made.fit(x, y, validation_data=counted, epochs=2, verbose=0)
    assert len(drawn) == 3 * 60, "twice to validate, and once to look"


def test_fewer_batches_than_asked_for_bring_a_warning(corners):
    x, y = corners()
    made, dataset = model(), Dataset.from_tensor_slices(corners()).batch(32)
    with pytest.warns(UserWarning, match="there were 2 batches; asked for were 10"):
        made.evaluate(dataset, steps=10, verbose=0)
    with pytest.warns(UserWarning, match="there were 2 batches; asked for were 3"):
        assert len(made.predict(dataset, steps=3)) == 60
    with pytest.warns(UserWarning, match="asked for were 3") as seen:
        made.fit(x, y, validation_data=dataset, validation_steps=3, epochs=3, verbose=0)
    assert len(seen) == 1
    made.evaluate(dataset, steps=2, verbose=0)


def test_a_function_that_fails_in_fit_says_where(corners):
    def f(x, y):
        if y > 5:
            raise ValueError("wrong")
        return x, y

    dataset = Dataset.from_tensor_slices((np.ones((9, 3)), np.arange(9))).map(f).batch(2)
    made = tn.Sequential([tn.layers.Dense(9, "softmax")], seed=0)
    made.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(RuntimeError, match=r"map\(f\) failed for element 6, .*: wrong"):
        made.fit(dataset, verbose=0)
    assert made.optimizer.iterations == 3


def test_sample_weights_come_as_the_third_part(corners):
    x, y = corners()
    weights = np.linspace(0.5, 2, 60).astype("float32")
    a, b = model(), model()
    one = a.fit(x, y, sample_weight=weights, shuffle=False, epochs=2, verbose=0).history
    two = b.fit(Dataset.from_tensor_slices((x, y, weights)).batch(32), epochs=2, verbose=0).history
    assert one == two
