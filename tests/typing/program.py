"""A user's program, in which type checkers must find nothing."""

from typing import Any

import numpy as np

import tinynet as tn
from tinynet import callbacks, layers


class Scale(layers.Layer):
    """y = a x."""

    a: Any

    def build(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        self.add_weight("a", input_shape, "ones", regularizer="l2")
        return input_shape

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        return x * self.a, x

    def backward(self, dy: Any, cache: Any, need_dx: bool = True) -> Any:
        self.grads["a"] = (dy * cache).sum(axis=0)
        return dy * self.a if need_dx else None


class Losses(callbacks.Callback):
    """Collects the loss of each epoch."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.losses.append(logs["loss"] if logs else 0.0)


def main() -> None:
    (x, y), (x_test, y_test) = tn.datasets.fashion_mnist.load_data(sample=True)
    model = tn.Sequential(
        [
            layers.Flatten(input_shape=(28, 28)),
            layers.Rescaling(1 / 255),
            Scale(name="scale"),
            layers.Dense(16, activation="relu", kernel_regularizer=tn.regularizers.L2(1e-4), name="hidden"),
            layers.Dropout(0.1, seed=1),
            layers.Dense(10, "softmax", trainable=True),
        ],
        seed=0,
    )
    schedule = tn.optimizers.schedules.CosineDecay(0.01, 100)
    model.compile(tn.optimizers.Adam(schedule, clipnorm=1.0), "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(x, y, epochs=1, validation_split=0.1, callbacks=[Losses()], verbose=0)
    losses: list[float] = history.history["loss"]
    probabilities: np.ndarray = model.predict(x_test)
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(losses, probabilities.shape, loss, accuracy, model.layers[3].get_weights()[0].shape)
    report = tn.gradcheck.check_layer(Scale(), (3,))
    print(report, tn.nn.relu(np.ones((1, 2))), tn.activations.get("relu"), model.optimizer, model.count_params())
    figure = tn.plotting.plot_history(history)
    figure.savefig("history.png")
    for images, labels in tn.data.Dataset.from_tensor_slices((x, y)).shuffle(100, seed=0).batch(32).take(1):
        print(model.train_on_batch(images, labels, return_dict=True))
    model.save("model.npz")
    tn.models.load_model("model.npz").summary()


if __name__ == "__main__":
    main()
