"""Trains a network by hand, one step after another, as `fit` does.

    python examples/training_loop.py

It is chapter one of the reading list, whose files are named in the inner loop. The data
are the sample of 2,000 real images. It takes seconds.
"""

import numpy as np
from threadpoolctl import threadpool_limits

import tinynet as tn

threadpool_limits(1, "blas")  # for matrices this small several threads are slower; `fit` does this by itself

(x, y), (x_test, y_test) = tn.datasets.fashion_mnist.load_data(sample=True)
x, x_test = x.reshape(-1, 784).astype("float32") / 255, x_test.reshape(-1, 784).astype("float32") / 255

model = tn.Sequential([tn.Input((784,)), tn.layers.Dense(64, activation="relu"), tn.layers.Dense(10)], seed=0)
loss = tn.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = tn.optimizers.Adam(0.001)
rng = np.random.default_rng(0)

for epoch in range(10):
    order, total = rng.permutation(len(x)), 0.0
    for rows in np.split(order, range(32, len(x), 32)):
        logits, caches = model.forward(x[rows], training=True)  # each layer in turn: layers/
        values, cache = loss.forward(y[rows], logits)  # one value for each image: losses/sparse_crossentropy.py
        dlogits = loss.backward(y[rows], cache, 1 / len(rows))  # gradient of their mean, in which each counts 1 / 32
        model.backward(dlogits, caches)  # each layer in reverse, into its gradients
        optimizer.apply(model.weight_gradients, model.weights)  # a small step downhill: optimizers/adam.py
        total += values.sum()
    accuracy = np.mean(model.predict(x_test).argmax(axis=1) == y_test)
    print(f"epoch {epoch + 1:2d}: training loss {total / len(x):.4f}, test accuracy {accuracy:.3f}")
