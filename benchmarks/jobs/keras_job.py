"""Does the lesson's job in Keras, on JAX or TensorFlow: uint8 images, scaled by the model's first layer."""

import os
import sys

import common

options = common.parse(backend=["jax", "tensorflow"])
report = common.Report(options)
os.environ["KERAS_BACKEND"] = options.backend
os.environ.setdefault("JAX_PLATFORMS", "cpu")  # looks for no other device
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
for name in ("INTRAOP", "INTEROP"):  # TensorFlow's names for what the others call OMP_NUM_THREADS
    if "OMP_NUM_THREADS" in os.environ:
        os.environ.setdefault(f"TF_NUM_{name}_THREADS", os.environ["OMP_NUM_THREADS"])


class WithoutTensorFlow:
    """Keras on JAX imports TensorFlow where it is installed, at 400 MB and more than a second; JAX does not need it."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError(name)


if options.backend == "jax":
    sys.meta_path.insert(0, WithoutTensorFlow())
    common.pin()

import keras  # noqa: E402, the clock runs

if options.backend == "jax" and options.cache:
    import jax

    jax.config.update("jax_compilation_cache_dir", options.cache)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)


class Epochs(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        report.epoch(logs["loss"], logs["accuracy"])


(x, y), (x_test, y_test) = common.load(options)
keras.utils.set_random_seed(options.seed)
model = keras.Sequential(
    [
        keras.Input((784,), dtype="uint8"),
        keras.layers.Rescaling(1 / 255),
        *[keras.layers.Dense(options.units, activation="relu") for _ in range(options.layers)],
        keras.layers.Dense(10, activation="softmax"),
    ]
)
# On TensorFlow XLA and 25 steps a call halve the time of a step; on JAX the latter only loops in Python.
quick = {"jit_compile": True, "steps_per_execution": 25} if options.backend == "tensorflow" else {}
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"], **quick)
model.fit(x, y, options.batch, options.epochs, verbose=0, callbacks=[Epochs()])

report.trained(
    evaluate=lambda: model.evaluate(x_test, y_test, common.PREDICTED, verbose=0)[1],
    one=lambda: model.predict(x_test[:1], verbose=0),
    many=lambda: model.predict(x_test, common.PREDICTED, verbose=0),
    lean=lambda: keras.ops.convert_to_numpy(model(x_test[:1])),
)
