"""Does the lesson's job in scikit-learn, as near as MLPClassifier comes to it.

It takes uint8 for float64, so the images are float32 from the start; it draws the biases from Glorot's distribution
too; and it reports the loss of an epoch, but no accuracy of training.
"""

import common

options = common.parse()
report = common.Report(options)

import numpy as np  # noqa: E402, the clock runs
from sklearn.neural_network import MLPClassifier  # noqa: E402

(x, y), (x_test, y_test) = common.load(options)
x, x_test = (np.multiply(images, np.float32(1 / 255), dtype=np.float32) for images in (x, x_test))
model = MLPClassifier(
    hidden_layer_sizes=[options.units] * options.layers,
    alpha=0.0,
    batch_size=options.batch,
    learning_rate_init=common.RATE,
    epsilon=common.EPSILON,
    random_state=options.seed,
)
for _ in range(options.epochs):
    model.partial_fit(x, y, classes=np.arange(10))  # an epoch of shuffled batches
    report.epoch(model.loss_, None)

report.trained(
    evaluate=lambda: model.score(x_test, y_test),
    one=lambda: model.predict_proba(x_test[:1]),
    many=lambda: np.concatenate([model.predict_proba(piece) for piece in common.pieces(x_test)]),
)
