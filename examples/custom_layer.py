"""Shows a layer of one's own: written, got wrong, found out by the gradient checker, and got right.

    python examples/custom_layer.py

Needs nothing but the package; takes a few seconds. The layer is Swish with a slope of its own for each feature,

    y = x s(b x),  s(z) = 1 / (1 + exp(-z))

(Ramachandran, Zoph and Le, "Searching for activation functions", 2017, arXiv 1710.05941). With s' = s (1 - s):

    dy/dx = s + b x s (1 - s)
    dy/db = x^2 s (1 - s)

The slope b_f of feature f acts on every sample n: dL/db_f = sum_n dy_nf x_nf^2 s_nf (1 - s_nf).
"""

import numpy as np

import tinynet as tn
from tinynet import gradcheck


class Swish(tn.layers.Layer):
    """Swish with a slope for each feature: x and y (B, ..., F), b (F,)."""

    b: np.ndarray  # a declaration for type checkers: build makes it

    def build(self, input_shape):
        self.add_weight("b", input_shape[-1:], "ones")
        return input_shape

    def forward(self, x, training=False):
        s = tn.nn.sigmoid.forward(self.b * x)[0]
        return x * s, (x, s)

    def backward(self, dy, cache, need_dx=True):
        x, s = cache
        rows = tuple(range(x.ndim - 1))  # all axes but the last
        self.grads["b"] = (dy * x * x * s * (1 - s)).sum(axis=rows)
        return dy * (s + self.b * x * s * (1 - s))


class FirstTry(Swish):
    """The same with a backward that has two mistakes; it would train, only worse."""

    def backward(self, dy, cache, need_dx=True):
        x, s = cache
        self.grads["b"] = (dy * x * x * s * (1 - s)).mean(axis=0)  # the sum is meant
        return dy * (s + x * s * (1 - s))  # b is missing, which nobody sees as long as every b is 1


def main():
    print("1. The first try is checked for samples of 4 features.\n")
    try:
        gradcheck.check_layer(FirstTry(), (4,))
    except gradcheck.GradientError as error:
        print(error)

    print("\n2. The right one.\n")
    print(gradcheck.check_layer(Swish(), (4,)))

    print("\n3. It trains, between layers of the library, on the sample of Fashion-MNIST.\n")
    (x, y), (x_test, y_test) = tn.datasets.fashion_mnist.load_data(sample=True)
    model = tn.Sequential(
        [tn.layers.Flatten(), tn.layers.Dense(64), Swish(), tn.layers.Dense(10, activation="softmax")], seed=0
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x / 255, y, epochs=10, verbose=0)
    gradcheck.check_model(model, x[:8] / 255, y[:8])  # the whole of it, loss included, where training has brought it
    slopes = model.layers[2].b
    print(f"The slopes began at 1 and now lie between {slopes.min():.2f} and {slopes.max():.2f}.")
    print(f"Test accuracy: {model.evaluate(x_test / 255, y_test, verbose=0)[1]:.4f}")


if __name__ == "__main__":
    main()
