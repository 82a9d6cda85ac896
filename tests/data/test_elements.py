"""Elements of a dataset: tuples, dictionaries, arrays, and what goes wrong at one."""

import numpy as np
import pytest
from small_data import numbers, pairs, values

from tinynet.data import Dataset


def test_elements_are_tuples_dictionaries_and_arrays():
    x, y = np.arange(12, dtype="uint8").reshape(3, 2, 2), np.arange(3)
    pairs = Dataset.from_tensor_slices((x, {"label": y, "weight": [0.5, 1.5, 2.5]}))
    image, rest = list(pairs)[1]
    assert image.tolist() == [[4, 5], [6, 7]]
    assert image.dtype == np.uint8
    assert rest == {"label": 1, "weight": 1.5}
    images, rest = next(iter(pairs.batch(2)))
    assert images.shape == (2, 2, 2)
    assert rest["label"].tolist() == [0, 1]
    seen = list(pairs.map(lambda image, rest: {"sum": image.sum(), "name": ("a", "b")[rest["label"] % 2]}).batch(3))
    assert seen[0]["sum"].tolist() == [6, 22, 38]
    assert seen[0]["name"].tolist() == ["a", "b", "a"]
    assert ["zero", "one", "two"][next(iter(Dataset.from_tensor_slices([2])))] == "two", "a label indexes a list"
    one = Dataset.from_tensor_slices((y,)).map(lambda y: y + 1)
    assert values(one) == [1, 2, 3]
    nested = Dataset.from_tensor_slices([[1, 2], [3, 4]]).map(lambda row: [row, row])
    assert values(nested.batch(2)) == [[[[1, 2]] * 2, [[3, 4]] * 2]]
    assert isinstance(next(iter(Dataset.from_tensor_slices((y, y)).map(lambda a, b: [a, b]))), np.ndarray)


def test_the_data_are_not_copied_and_cannot_be_changed_through_an_element():
    x = np.arange(6, dtype="uint8").reshape(3, 2)
    dataset = Dataset.from_tensor_slices(x)
    assert np.shares_memory(dataset._source.arrays, x)

    def spoil(row):
        row[...] = 9
        return row

    for pipeline in (dataset, dataset.batch(2), dataset.map(spoil), dataset.map(spoil).batch(2), dataset.cache()):
        for element in pipeline:
            element[...] = 7
    assert x.tolist() == [[0, 1], [2, 3], [4, 5]]
    cached = dataset.map(lambda row: row + 1).cache()
    for element in cached:
        element[...] = 7
    for batch in cached.batch(2):
        batch[...] = 7
    assert values(cached.map(spoil).batch(2)) == [[[9, 9]] * 2, [[9, 9]]]
    assert values(cached) == [[1, 2], [3, 4], [5, 6]]


def test_a_function_may_return_the_same_array_each_time():
    x = np.arange(4.0)[:, None]
    buffer = np.empty(1)
    reused = Dataset.from_tensor_slices(x).map(lambda row: np.multiply(row, 2, out=buffer))
    expected = [[0], [2], [4], [6]]
    assert [row.tolist() for row in list(reused)] == expected
    assert [row.tolist() for row in list(reused.prefetch(4))] == expected
    assert [row.tolist() for row in list(reused.cache())] == expected
    assert next(iter(reused.batch(4))).tolist() == expected
    table = np.zeros(2)
    for row in numbers(3).map(lambda i: table):
        row += 1
    assert table.tolist() == [0, 0], "what is given out is a copy"
    for row in numbers(2).map(lambda i: np.broadcast_to(i, (2,))):
        row += 1


def test_what_is_cached_keeps_no_more_than_itself():
    cached = numbers(3).map(lambda i: np.zeros(1000)[:1]).cache()
    list(cached)
    assert all(element.base is None for element in cached._source.elements.values())


def test_strings_of_any_length_make_a_batch():
    names = numbers(4).map(lambda i: (["a", "bbb", "cc", "dddd"][i], i))
    texts, places = next(iter(names.batch(4)))
    assert texts.tolist() == ["a", "bbb", "cc", "dddd"]
    assert places.tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match=r"element 0 is <U1 \(\), but element 1 is int64 \(\)"):
        list(numbers(2).map(lambda i: i if i else "a").batch(2))


def test_the_error_in_a_function_is_the_cause_of_what_is_raised():
    with pytest.raises(RuntimeError) as caught:
        list(numbers(2).map(lambda x: {}["a"]))
    assert isinstance(caught.value.__cause__, KeyError)


def _in_place(x, y):
    x /= 255
    return x, y


def _shape(x, y):
    return x[: 1 + (y == 4)], y


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: pairs().map(lambda x: x), RuntimeError, "element 0, .uint8 .2,., int64 .... TypeError: .* takes 1"),
        (lambda: pairs().map(lambda x, y: 1 / int(y - 3)), RuntimeError, "for element 3, .*ZeroDivisionError"),
        (lambda: pairs().batch(4).map(lambda x, y: x[9]), RuntimeError, "the batch of elements 0, 1, 2, .*Index"),
        (lambda: pairs().map(lambda x, y: None), RuntimeError, "it returned None; is a return missing"),
        (lambda: pairs().map(lambda x, y: (x, None)), RuntimeError, "it returned None; is a return missing"),
        (lambda: pairs().map(lambda x, y: {1, 2}), RuntimeError, "it returned {1, 2}, which is no array"),
        (lambda: pairs().map(lambda x, y: np.array([None])), RuntimeError, r"returned array\(\[None\].* no array"),
        (lambda: pairs().map(lambda x, y: [x, y]), RuntimeError, "lists that make no array; return a tuple"),
        (lambda: pairs().map(_in_place), RuntimeError, r'divided in place: take images.astype\("float32"\) first'),
        (lambda: pairs().map(lambda x: x), RuntimeError, "The parts of a tuple are arguments of their own"),
        (lambda: pairs().map(lambda x, y: x / 2 if y else x).batch(2), ValueError, r"uint8 \(2,\), .* float64 \(2,\)"),
        (lambda: numbers(2).map(lambda x: {"a": x} if x else (x,)).batch(2), ValueError, "element 1 is {'a': int64"),
        (lambda: pairs().map(_shape).batch(3), ValueError, r"3 is \(uint8 \(1,\), .* element 4 is \(uint8 \(2,\)"),
        (lambda: numbers(2).map(lambda x: x / 2 if x else x).batch(2), ValueError, r"0 is int64 \(\), but .* float64"),
        (lambda: numbers(2).map(lambda x: (x, x) if x else x).batch(2), ValueError, r"1 is \(int64 \(\), int64"),
        (lambda: numbers(2).map(lambda x: (x,) * (1 + x)).batch(2), ValueError, r"element 0 is \(int64 \(\),\), but"),
        (lambda: numbers(2).map(lambda x: {f"a{x}": x}).batch(2), ValueError, "0 is {'a0': .* element 1 is {'a1'"),
        (lambda: numbers(3).batch(2).batch(2), ValueError, r"elements 0, 1 is int64 \(2,\), but the batch of .* 2"),
    ],
)
def test_what_goes_wrong_on_the_way_says_at_which_element(make, error, message):
    with pytest.raises(error, match=message):
        list(make())
