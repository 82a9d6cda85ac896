"""What `fit` does, by hand: forward, loss, backward, update. A learner's loop, on the sample of real images."""

import numpy as np

import tinynet as tn

(x, y), (x_test, y_test) = tn.datasets.fashion_mnist.load_data(sample=True)
x, x_test = x.reshape(-1, 784).astype("float32") / 255, x_test.reshape(-1, 784).astype("float32") / 255

model = tn.Sequential([tn.Input((784,)), tn.layers.Dense(64, activation="relu"), tn.layers.Dense(10)], seed=0)
loss = tn.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = tn.optimizers.Adam(0.001)
rng = np.random.default_rng(0)

for epoch in range(10):
    order, total = rng.permutation(len(x)), 0.0
    for rows in np.split(order, range(32, len(x), 32)):
        logits, caches = model.forward(x[rows], training=True)  # forward: each layer in turn
        values, cache = loss.forward(y[rows], logits)  # loss: one value for each image
        dlogits = loss.backward(y[rows], cache, 1 / len(rows))  # gradient of their mean with respect to the logits
        model.backward(dlogits, caches)  # backward: each layer in reverse, into its gradients
        optimizer.apply(model.weight_gradients, model.weights)  # update: a small step downhill
        total += values.sum()
    accuracy = np.mean(model.predict(x_test).argmax(axis=1) == y_test)
    print(f"epoch {epoch + 1:2d}: training loss {total / len(x):.4f}, test accuracy {accuracy:.3f}")
