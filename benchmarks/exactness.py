"""Measures the errors of gradients beside the complex step, and of 200 training steps beside Keras's.

    python benchmarks/exactness.py [CASES] [--quick]

Needs the test extra. Hypothesis draws the cases: so many of each entry of the tests' list, 300 by default. Keras's
numbers are those in tests/reference/keras_steps.json. The tests hold the same figures against bounds.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import quick

quick.need("python -m pip install -e '.[test]'", "hypothesis")

from hypothesis import Phase, given, seed, settings  # noqa: E402, only now is it known to be there
from hypothesis import strategies as st  # noqa: E402

import tinynet as tn  # noqa: E402
from tinynet import gradcheck  # noqa: E402
from tinynet.layers import Dense, Flatten  # noqa: E402

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(next(TESTS.rglob(name)).parent) for name in ("catalogue.py", "keras_steps.py")]
import catalogue  # noqa: E402
import keras_steps  # noqa: E402


def errors(check, cases):
    """The errors of the complex step, and of central differences, in so many random cases."""
    found = {"complex": [], "central": []}

    @seed(0)
    @settings(max_examples=cases, database=None, deadline=None, phases=[Phase.generate])
    @given(st.data())
    def run(data):
        for method, report in check(data):
            found[method].append(report.error)

    run()
    return found


def by_both(check, *arguments, **options):
    """(method, report) for the complex step and for central differences; a wrong gradient raises."""
    return [(method, check(*arguments, method=method, **options)) for method in ("complex", "central")]


def checks():
    """What is checked, by name: a function of Hypothesis's data."""
    for name, entry in catalogue.LAYERS.items():

        def layer(data, entry=entry):
            one, shape = data.draw(catalogue.layer_and_shape(entry))
            batch, number = data.draw(catalogue.batches), data.draw(catalogue.seeds)
            return by_both(gradcheck.check_layer, one, shape, batch_size=batch, seed=number)

        yield name, layer
    for name, entry in catalogue.LOSSES.items():

        def loss(data, entry=entry):
            return by_both(gradcheck.check_loss, *data.draw(catalogue.loss_labels_outputs(entry)))

        yield name, loss
    yield "models of up to four layers", lambda data: by_both(
        gradcheck.check_model, *data.draw(catalogue.model_and_data())
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="?", type=int, metavar="CASES", help="of each entry (default: 300)")
    quick.add_to(parser)
    options = parser.parse_args()
    cases = options.cases or (2 if options.quick else 300)
    if options.quick:
        print(quick.NOTICE)
    print(f"largest relative error of a gradient in float64 over {cases} random cases of each, against ...")
    print(f"  {'':32s} {'complex step':>14s} {'central differences':>20s}")
    total, worst = 0, 0.0
    for name, check in checks():
        found = errors(check, cases)
        total, worst = total + len(found["complex"]), max(worst, *found["complex"])
        print(f"  {name:32s} {max(found['complex']):14.1e} {max(found['central']):20.1e}")
    print(f"  {total} cases, no false alarm; largest error against the complex step {worst:.1e}")

    expected = json.loads(Path(keras_steps.__file__).with_suffix(".json").read_text())
    (x, y), (x_test, _) = tn.datasets.fashion_mnist.load_data(sample=True)
    keras = f"Keras {expected['keras']} on {expected['backend']}"
    print(f"\n200 steps beside numbers recorded from {keras}: largest difference")
    for name, (optimizer, activation) in keras_steps.cases(tn.optimizers).items():
        model = tn.Sequential([Flatten(input_shape=(28, 28, 1)), Dense(128, activation), Dense(10, "softmax")])
        model.compile(optimizer, "sparse_categorical_crossentropy")
        model.set_weights(keras_steps.start())
        losses = [model.train_on_batch(images, labels) for images, labels in keras_steps.batches(x, y)]
        predicted = model.predict(x_test[::50].astype("float32") / 255)
        in_loss = np.abs(np.array(losses) - expected[name]["losses"]).max()
        in_probability = np.abs(predicted - expected[name]["probabilities"]).max()
        print(f"  {name:32s} loss {in_loss:.1e}, probability {in_probability:.1e}")


if __name__ == "__main__":
    main()
