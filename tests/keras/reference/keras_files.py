"""Files of models that Keras wrote, and what Keras predicts with them: tests/keras/files/. In this folder:

    KERAS_BACKEND=jax python keras_files.py lesson weights many rmsprop sgd plain         (Keras 3.15.1)
    KERAS_BACKEND=jax python keras_files.py many                                          (3.8.0 and 3.3.3)
    KERAS_BACKEND=tensorflow python keras_files.py tf_nn                                    (3.15.1, TensorFlow 2.21.0)

In each environment there must be h5py; 3.3.3 ran with jax 0.4.30 and numpy 1.26, 3.8.0 with jax 0.5.3. A file is called
by the model, the version and the backend; its predictions before and after one more step of training are added to
tests/keras/files/expected.json. Keras itself cannot load tf_nn: it does not find the function "softmax_v2".
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers, optimizers

FOLDER = Path(__file__).resolve().parent.parent / "files"
SHAPES = {"many": (2, 3)}  # of a sample; else (4, 4, 1)


def data(shape):
    """Twelve samples and their labels; the tests make the same."""
    x = np.sin(np.arange(12 * np.prod(shape))).reshape(12, *shape).astype("float32")
    return x, np.arange(12) % 3


def lesson(last="softmax", first="relu"):
    model = keras.Sequential([layers.Flatten(input_shape=(4, 4, 1)), layers.Dense(8, first), layers.Dense(3, last)])
    loss = keras.losses.SparseCategoricalCrossentropy()
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    return model


def tf_nn():
    import tensorflow as tf

    return lesson(tf.nn.softmax, tf.nn.relu)


def plain():
    return keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(3, keras.activations.softmax)])


def many():
    inner = keras.Sequential(
        [layers.Dense(4, layers.LeakyReLU(negative_slope=0.1)), layers.BatchNormalization(momentum=0.5)], name="inner"
    )
    stack = [
        keras.Input((2, 3)),
        layers.Flatten(),
        layers.Rescaling(0.5, offset=1.0),
        layers.Dense(4, kernel_regularizer="l2", kernel_initializer="he_normal", use_bias=False),
        layers.ReLU(6.0, negative_slope=0.1),
        inner,
        layers.Dense(4, "silu", trainable=False),
        layers.Reshape((2, 2)),
        layers.Softmax(),
        layers.Activation(layers.ELU()),
        layers.Flatten(),
        layers.Dropout(0.0, seed=3),
        layers.Dense(3, keras.activations.softmax),
    ]
    model = keras.Sequential(stack)
    rate = optimizers.schedules.CosineDecay(0.05, 10)
    metrics = ["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(k=2)]
    loss = keras.losses.sparse_categorical_crossentropy
    model.compile(optimizers.AdamW(rate, amsgrad=True), loss, metrics=metrics, weighted_metrics=["acc"])
    return model


def rmsprop():
    model = lesson()
    model.compile(
        optimizers.RMSprop(0.01, momentum=0.5, centered=True, clipnorm=1.0), "sparse_categorical_crossentropy"
    )
    return model


def sgd():
    model = lesson()
    model.compile(optimizers.SGD(0.1, momentum=0.9, nesterov=True), "sparse_categorical_crossentropy", metrics=["acc"])
    return model


def write(name):
    keras.utils.set_random_seed(5)
    model = (lesson if name == "weights" else globals()[name])()
    x, y = data(SHAPES.get(name, (4, 4, 1)))
    options = {"batch_size": 12, "shuffle": False, "verbose": 0}
    if model.compiled:
        model.fit(x, y, epochs=3, **options)
    file = f"{name}-{keras.__version__}-{keras.backend.backend()}"
    if name == "weights":
        file += ".weights.h5"
        model.save_weights(FOLDER / file)
    else:
        file += ".keras"
        model.save(FOLDER / file)
    entry = {"predictions": model.predict(x, verbose=0).tolist()}
    if model.compiled:
        model.fit(x, y, epochs=1, **options)
        entry["after"] = model.predict(x, verbose=0).tolist()
    table = FOLDER / "expected.json"
    expected = json.loads(table.read_text()) if table.exists() else {}
    rows = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in sorted({**expected, file: entry}.items())]
    table.write_text("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for one in sys.argv[1:]:
        write(one)
