"""Wrong arguments are told before anything is drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from readable import check_readable, small

import tinynet as tn
from tinynet.plotting import (
    plot_confusion,
    plot_grid,
    plot_image,
    plot_mistakes,
    plot_picture,
    plot_predictions,
    plot_value_array,
    plot_weights,
)

# ---- images ---------------------------------------------------------------------------------------------------------


def shown(ax):
    return np.asarray(ax.images[0].get_array())


# ---- arguments ------------------------------------------------------------------------------------------------------

X, Y, P = np.zeros((3, 4, 5)), [0, 1, 1], np.full((3, 2), 0.5)
SET = tn.data.Dataset.from_tensor_slices((X, Y))
WRONG_CALLS = [
    (lambda: plot_picture(X), r"image must be one grey image of shape \(H, W\) or \(H, W, 1\); got \(3, 4, 5\)\.$"),
    (lambda: plot_picture(X[:1]), r"got \(1, 4, 5\)\. It is a batch of one image: image\[0\]"),
    (lambda: plot_picture(X[0, 0]), r"got \(5,\)"),
    (lambda: plot_picture(X[0, :0]), r"got \(0, 5\)"),
    (lambda: plot_picture([["a"]]), "image must be an array of real numbers"),
    (lambda: plot_picture([[1], [2, 3]]), "image must be an array, or lists that make one"),
    (lambda: plot_grid(X[0]), r"got \(4, 5\)\. A single image needs an axis in front: image\[None\]"),
    (lambda: plot_grid(np.zeros((3, 4, 4, 3))), r"images must be grey, of shape .*; got \(3, 4, 4, 3\)\.$"),
    (lambda: plot_grid(X[:0]), r"got \(0, 4, 5\)"),
    (lambda: plot_grid(X, Y[:2]), "the same number of samples: images has 3, labels has 2"),
    (lambda: plot_grid(X, [0, 1, 2], ["a", "b"]), "labels must be classes, integers from 0 to 1; got 2 at place 2"),
    (lambda: plot_grid(X, [0, -1, 2]), "labels must be classes, integers of at least 0; got -1 at place 1"),
    (lambda: plot_grid(X, [0, 1, 0.5]), r"got 0\.5 at place 2"),
    (lambda: plot_grid(X, [0, 1, np.nan]), "got nan at place 2"),
    (lambda: plot_grid(X, class_names=["a"]), "give labels as well"),
    (lambda: plot_grid(X, rows=0), "rows must be a positive integer; got 0"),
    (lambda: plot_grid(X, columns=1.5), r"columns must be a positive integer; got 1\.5"),
    (lambda: plot_image(3, P, Y, X), "i must be the place of a sample, an integer from 0 to 2; got 3"),
    (lambda: plot_image(-1, P, Y, X), "from 0 to 2; got -1"),
    (lambda: plot_value_array(1.0, P, Y), r"from 0 to 2; got 1\.0"),
    (lambda: plot_value_array(1, P[:1], Y), "from 0 to 0; got 1"),
    (lambda: plot_image(0, P, Y, X[:2]), "images has 2, true_labels has 3. Do they belong together"),
    (lambda: plot_image(0, P[:2], Y, X), "predictions has 2, true_labels has 3"),
    (lambda: plot_image(0, P, Y, X, ["a"]), "one name for each of the 2 classes; got 1 names"),
    (lambda: plot_image(0, P, Y, X, ["a", "b", "c"]), "one name for each of the 2 classes; got 3 names"),
    (lambda: plot_image(0, P, Y, X, "ab"), "class_names must be a list or tuple of strings.*; got 'ab'"),
    (lambda: plot_grid(X, Y, 3), r"class_names must be a list or tuple of strings.*; got 3"),
    (lambda: plot_grid(X, Y, []), r"class_names must be a list or tuple of strings.*; got \[\]"),
    (lambda: plot_image(0, P, Y, X, [1, 2]), r"class_names must be a list or tuple of strings.*; got \[1, 2\]"),
    (lambda: plot_value_array(0, P, [0, 1, 2]), "true_labels must be classes, integers from 0 to 1; got 2 at place 2"),
    (lambda: plot_value_array(0, P, np.eye(2)[Y]), r"If they are one-hot: true_labels\.argmax\(axis=1\)"),
    (lambda: plot_value_array(0, P[0], Y), r"got \(2,\)\. The prediction for a single sample .*: prediction\[None\]"),
    (lambda: plot_value_array(0, P[:, :1], Y), r"Of a sigmoid's p make two classes: np\.hstack\(\[1 - p, p\]\)"),
    (lambda: plot_value_array(0, P[:0], Y), r"predictions must have shape \(N, C\).*; got \(0, 2\)"),
    (lambda: plot_value_array(0, P * [[1], [4], [1]], Y), r"row 1 holds 2\. If they are logits: tn\.activations\.soft"),
    (lambda: plot_value_array(0, -P, Y), r"from 0 to 1; row 0 holds -0\.5"),
    (lambda: plot_value_array(0, P * [[1], [1], [np.nan]], Y), "predictions must be numbers; row 2 holds NaN"),
    (lambda: plot_predictions(P, Y, X[:2]), "predictions has 3, images has 2"),
    (lambda: plot_predictions(P[:1], Y, X), "predictions has 1, true_labels has 3"),
    (lambda: plot_predictions(P, Y, X, columns=0), "columns must be a positive integer; got 0"),
    (lambda: plot_predictions(P, Y, X, rows="1"), "rows must be a positive integer; got '1'"),
    (lambda: plot_mistakes(P[:2], Y[:2], X), "predictions has 2, images has 3"),
    (lambda: plot_mistakes(P, Y, X, rows=-1), "rows must be a positive integer; got -1"),
    (lambda: plot_mistakes(P, Y, X, columns=True), "columns must be a positive integer; got True"),
    (lambda: plot_confusion(P[:2], Y), "predictions has 2, true_labels has 3"),
    (lambda: plot_confusion(P, [0, 2, 1]), "true_labels must be classes, integers from 0 to 1; got 2 at place 1"),
    (lambda: plot_confusion([0, 5, 1], Y, ["a", "b"]), "predictions must be classes, integers from 0 to 1; got 5"),
    (lambda: plot_confusion(P, Y, ["a", "b", "c"]), "one name for each of the 2 classes; got 3 names"),
    (lambda: plot_confusion(Y, P), r"are the arguments swapped\? It is plot_confusion\(predictions, true_labels\)\.$"),
    (lambda: plot_confusion(Y, np.eye(2)[Y]), r"If they are one-hot: true_labels\.argmax\(axis=1\)"),
    (lambda: plot_confusion(P, P), r"true_labels must be classes, of shape \(N,\); got \(3, 2\)"),
    (lambda: plot_confusion(small, Y), r"what model\.predict\(images\) returns; got <Sequential name=sequential"),
    (lambda: plot_confusion(None, Y), r"predictions must be what model\.predict\(images\) returns; got None"),
    (lambda: plot_image(0, small, Y, X), r"what model\.predict\(images\) returns; got <Sequential name=sequential"),
    (lambda: plot_value_array(0, None, Y), r"predictions must be what model\.predict\(images\) returns; got None"),
    (lambda: plot_mistakes(small.predict, Y, X), r"what model\.predict\(images\) returns; got <bound method"),
    (lambda: plot_grid(SET), r"images must be an array: .*, images, labels = next\(iter\(dataset\.batch\(25\)\)\)"),
    (lambda: plot_grid(SET.batch(2)), r"or next\(iter\(dataset\)\) .*; got <Dataset: 3 x .* -> batch\(2\)>"),
    (lambda: plot_picture(SET), "image must be an array: take a batch of the dataset"),
    (lambda: plot_grid(X, SET), "labels must be an array: take a batch of the dataset"),
    (lambda: plot_mistakes(P, Y, SET), "images must be an array: take a batch of the dataset"),
    (lambda: plot_predictions(SET, Y, X), r"predictions must be an array: .*, and model\.predict\(images\);"),
    (lambda: plot_confusion(SET, Y), "predictions must be an array: take a batch of the dataset"),
    (lambda: plot_mistakes(Y, Y, X), r"got \(3,\)\. These are classes: give the probabilities, as model\.predict"),
    (lambda: plot_image(0, Y, Y, X), "These are classes: give the probabilities"),
    (lambda: plot_value_array(0, [1], [1]), r"got \(1,\)\. The prediction for a single sample needs an axis"),
    (lambda: plot_image(0, P, Y, X, (name for name in "abc")), "one name for each of the 2 classes; got 3 names"),
    (lambda: plot_grid(X, Y, (name for name in "a")), "labels must be classes, integers from 0 to 0; got 1 at place 1"),
    (lambda: plot_grid(X, Y, (name for name in ())), r"class_names must be a list or tuple of strings.*got <generator"),
    (lambda: plot_confusion([], []), r"predictions must be classes, of shape \(N,\); got \(0,\)"),
    (lambda: plot_weights(small, rows=0, shape=(2, 2)), "rows must be a positive integer; got 0"),
    (lambda: plot_weights(small, columns=0, shape=(2, 2)), "columns must be a positive integer; got 0"),
]


@pytest.mark.parametrize("number", range(len(WRONG_CALLS)))
def test_wrong_arguments_are_told_before_anything_is_drawn(number):
    call, message = WRONG_CALLS[number]
    with pytest.raises(ValueError, match=message):
        call()
    assert plt.get_fignums() == []


def test_lists_columns_of_labels_and_names_of_any_sequence_are_accepted():
    drawn = plot_image(0, P.tolist(), np.array([[0], [1], [1]]), X.astype(bool).tolist(), np.array(["a", "b"]))
    assert drawn.get_xlabel() == "a 50% (a)"
    assert plot_image(np.int64(1), P.astype("float16"), [0.0, 1.0, 1.0], X).get_xlabel() == "0 50% (1)"
    dollars = plot_grid(X, [0, 0, 0], ("$x$ and $y$", "never"))
    assert check_readable(dollars)[0].get_text() == "$x$ and $y$"
    bars = plot_value_array(0, P, Y, ["$x$", "$y$"])
    for text in (dollars.axes[0].xaxis.label, *bars.get_xticklabels()):
        assert not text.get_parse_math(), "a name is no formula"
    assert plot_image(0, P[:1], Y, X).get_xlabel() == "0 50% (0)", "a single prediction, as in the lesson"


def test_names_may_come_one_by_one():
    def names():
        yield from ("a", "b")

    assert [ax.get_xlabel() for ax in plot_grid(X, Y, names()).axes] == ["a", "b", "b"]
    assert plot_image(0, P, Y, X, names()).get_xlabel() == "a 50% (a)"
    drawn = [plot_value_array(0, P, Y, names()), plot_confusion(Y, Y, names()), plot_confusion(P, Y, names())]
    for ax in drawn:
        assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b"]
    for draw in (plot_predictions, plot_mistakes):
        assert draw(P, Y, X, names()).axes[0].get_xlabel().endswith(("(a)", "(b)"))


def test_arrays_of_cupys_are_fetched(stand_in):
    images, labels, predictions = (stand_in.asarray(np.asarray(array)) for array in (X, Y, P))
    assert plot_image(2, predictions, labels, images).get_xlabel() == "0 50% (1)"
    assert np.array_equal(shown(plot_confusion(predictions, labels)), [[1, 0], [2, 0]])
