"""Does the lesson's job in tinynet: uint8 images, scaled batch by batch by the model's first layer."""

import common

options = common.parse()
report = common.Report(options)

import tinynet as tn  # noqa: E402, the clock runs


class Epochs(tn.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        report.epoch(logs["loss"], logs["accuracy"])


train, (x_test, y_test) = tn.datasets.fashion_mnist.load_data(options.data, sample=options.quick)
x, y = common.limit(train, options)
model = tn.Sequential(
    [
        tn.Input((28, 28)),
        tn.layers.Rescaling(1 / 255),
        tn.layers.Flatten(),
        *[tn.layers.Dense(options.units, activation="relu") for _ in range(options.layers)],
        tn.layers.Dense(10, activation="softmax"),
    ],
    seed=options.seed,
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, options.batch, options.epochs, verbose=0, callbacks=[Epochs()])

report.trained(
    evaluate=lambda: model.evaluate(x_test, y_test, common.PREDICTED, verbose=0)[1],
    one=lambda: model.predict(x_test[:1]),
    many=lambda: model.predict(x_test, common.PREDICTED),
    lean=lambda: model(x_test[:1]),
)
