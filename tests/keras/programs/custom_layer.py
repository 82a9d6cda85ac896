"""A layer of one's own: a factor for each feature, with `call` for Keras, `forward` and `backward` for tinynet."""

import keras
import numpy as np
from keras import layers


class Scale(layers.Layer):
    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), initializer="ones")
        return input_shape

    def call(self, x):
        return x * self.scale

    def forward(self, x, training=False):
        return x * self.scale, x

    def backward(self, dy, cache, need_dx=True):
        self.grads["scale"] = (dy * cache).sum(axis=0)
        return dy * self.scale


rng = np.random.default_rng(28)
x = rng.normal(size=(80, 4))
y = np.tanh(x * [0.1, 2.0, -1.0, 0.5]).sum(axis=1, keepdims=True)

model = keras.Sequential()
model.add(keras.Input((4,)))
model.add(Scale(name="input_scale"))
model.add(layers.Dense(6, activation="tanh"))
model.add(Scale(name="hidden_scale"))
model.add(layers.Dense(1))
model.compile(optimizer=keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True), loss="mse")
history = model.fit(x, y, epochs=5, batch_size=16, shuffle=False, verbose=0)

results = {
    "history": history.history,
    "scale": model.get_layer("input_scale").get_weights()[0],
    "parameters": model.count_params(),
    "predicted": model.predict(x[:6], verbose=0),
}
