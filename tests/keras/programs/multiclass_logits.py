"""Several classes from logits, with a softmax put on top of the trained model for predictions."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(4)
y = rng.integers(0, 3, 180)
x = np.eye(3)[y] @ rng.normal(size=(3, 6)) * 2 + rng.normal(size=(180, 6))

model = keras.Sequential([keras.Input((6,)), layers.Dense(10, "relu"), layers.Dense(3)])
model.compile(
    optimizer="adam",
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(x, y, epochs=8, batch_size=36, shuffle=False, verbose=0)

probability_model = keras.Sequential([model, layers.Softmax()])
results = {
    "history": history.history,
    "logits": model.predict(x[:10], verbose=0),
    "probabilities": probability_model.predict(x[:10], verbose=0),
    "called": np.asarray(probability_model(x[:3])),
}
