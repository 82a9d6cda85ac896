"""How exact the library is: its gradients beside the complex step, 200 of its steps beside Keras's.

    python benchmarks/exactness.py

Needs nothing but the package; Keras's numbers are those in tests/reference/keras_steps.json. The tests hold the same
figures against bounds.
"""

import json
import sys
from pathlib import Path

import numpy as np

import tinynet as tn

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "reference")]
import gradients  # noqa: E402
import keras_steps  # noqa: E402

from tinynet.layers import Dense, Flatten, ReLU, Sigmoid, Softmax, Tanh  # noqa: E402

LAYERS = {
    "Dense": lambda: Dense(3),
    "Flatten": Flatten,
    "ReLU": ReLU,
    "Sigmoid": Sigmoid,
    "Tanh": Tanh,
    "Softmax": Softmax,
}


def main():
    print("largest relative error of a gradient over 200 random cases, float64, against the complex step")
    for name, make in LAYERS.items():
        errors = []
        for seed in range(200):
            rng = np.random.default_rng(seed)
            shape = rng.integers(1, 5, rng.integers(2, 4))
            x = rng.choice([-1, 1], shape) * (0.1 + rng.random(shape))  # off ReLU's kink
            errors.append(gradients.layer_error(make(), x))
        print(f"  {name:32s} {max(errors):.1e}")
    for from_logits in (True, False):
        loss, errors = tn.losses.SparseCategoricalCrossentropy(from_logits), []
        for seed in range(200):
            rng = np.random.default_rng(seed)
            n, classes = rng.integers(1, 6), rng.integers(2, 7)
            labels, outputs = rng.integers(0, classes, n), 0.05 + rng.random((n, classes))
            errors.append(gradients.loss_error(loss, labels, outputs, rng.random(n)))
        print(f"  {'cross-entropy of ' + ('logits' if from_logits else 'probabilities'):32s} {max(errors):.1e}")

    expected = json.loads((TESTS / "reference" / "keras_steps.json").read_text())
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
