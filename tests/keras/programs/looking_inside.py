"""Looking inside a model: its table, layers, shapes and weights."""

import keras
import numpy as np
from keras import layers

model = keras.Sequential(
    [
        keras.Input(shape=(28, 28)),
        layers.Flatten(name="pixels"),
        layers.Dense(128, activation="relu", name="hidden"),
        layers.Dropout(0.2, name="drop"),
        layers.Dense(10, activation="softmax", name="classes"),
    ],
    name="digits",
)
text = []
model.summary(print_fn=text.append)

hidden = model.get_layer("hidden")
hidden.trainable = False
frozen = []
model.summary(print_fn=frozen.append)
results = {
    "summary": text[0].splitlines(),
    "frozen": frozen[0].splitlines(),
    "parameters": [model.count_params(), hidden.count_params(), *(layer.count_params() for layer in model.layers)],
    "shapes": [model.input_shape, model.output_shape, hidden.kernel.shape, hidden.bias.shape],
    "weights": [weight.shape for weight in model.weights],
    "trainable": [weight.shape for weight in model.trainable_weights],
    "non_trainable": [weight.shape for weight in model.non_trainable_weights],
    "by_index": model.get_layer(index=3).name,
    "units": [hidden.units, model.layers[-1].units, model.layers[2].rate],
    "built": [model.built, hidden.built, layers.Dense(3).built],
    "biases": hidden.get_weights()[1][:5],
    "finite": bool(np.isfinite(model.predict(np.zeros((2, 28, 28)), verbose=0)).all()),
}
