"""Follows the recipes of examples/speedrun.py in JAX, for benchmarks/speedrun.py.

    python benchmarks/jobs/speedrun_jax.py FOLDER --components 80 --units 192 --batch_size 200 --epochs 1
        --learning_rate 0.027 [--seed N] [--cache FOLDER]

FOLDER holds the four .gz files. The rest of the recipe, Adam and the falling learning rate, stands below. It is written
for the shortest time: the bytes of the images are arguments of two compiled functions, one that whitens and trains, all
steps of all epochs in one scan, and one that whitens and predicts; what is small or done once (the principal
components, the order of the images, the starting weights) is NumPy's, which need not compile. --cache keeps what XLA
compiled from one process to the next.
"""

import argparse
import gzip
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

BETA_1, BETA_2, EPSILON = 0.8, 0.999, 1e-7


def main():
    options = parse()
    if options.cache:
        jax.config.update("jax_compilation_cache_dir", str(options.cache))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    x_train, y_train, x_test, y_test = (read(options.folder, *name) for name in FILES)
    rng = np.random.default_rng(options.seed)
    whitening = components(x_train[:2000], options.components)
    order = np.stack([rng.permutation(len(x_train)) for _ in range(options.epochs)]).astype("int32")
    order = order.reshape(-1, options.batch_size)  # the size of a batch divides 60,000
    weights = glorot(rng, options.components, options.units) + glorot(rng, options.units, 10)
    loaded = time.perf_counter()
    weights = jax.block_until_ready(train(x_train, y_train, whitening, weights, order, options.learning_rate))
    trained = time.perf_counter()
    accuracy = np.mean(np.asarray(predict(x_test, whitening, weights)) == y_test)
    print(f"compiling, whitening and training {trained - loaded:.2f} s")
    print(f"Test accuracy: {accuracy:.4f}")


FILES = (
    ("train-images-idx3-ubyte.gz", 16, (60000, 28, 28)),
    ("train-labels-idx1-ubyte.gz", 8, (60000,)),
    ("t10k-images-idx3-ubyte.gz", 16, (10000, 28, 28)),
    ("t10k-labels-idx1-ubyte.gz", 8, (10000,)),
)


def read(folder, name, offset, shape):
    return np.frombuffer(gzip.decompress((folder / name).read_bytes()), np.uint8, offset=offset).reshape(shape)


def small(images, xp=jnp):
    pairs = images[:, 0::2].astype("uint16") + images[:, 1::2]
    fours = pairs[:, :, 0::2] + pairs[:, :, 1::2]
    return xp.sqrt(fours.reshape(len(fours), -1).astype("float32") / (4 * 255))


def components(images, count):
    pixels = small(images, np)
    mean = pixels.mean(axis=0)
    pixels -= mean
    variances, directions = np.linalg.eigh(pixels.T @ pixels / len(pixels))
    return mean, (directions / np.sqrt(variances + 0.2))[:, -count:]


def glorot(rng, rows, columns):
    limit = np.sqrt(6 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns)).astype("float32"), np.zeros(columns, "float32")


def whiten(images, whitening):
    mean, directions = whitening
    return (small(images) - mean) @ directions


def logits(weights, x):
    w1, b1, w2, b2 = weights
    return jax.nn.relu(x @ w1 + b1) @ w2 + b2


def loss(weights, x, y):
    z = logits(weights, x)
    return (jax.nn.logsumexp(z, axis=1) - jnp.take_along_axis(z, y[:, None], axis=1)[:, 0]).mean()


@jax.jit
def train(images, labels, whitening, weights, order, peak):
    x, y, steps = whiten(images, whitening), labels.astype("int32"), len(order)

    def step(state, now):
        weights, m, v = state
        t, rows = now
        gradients = jax.grad(loss)(weights, x[rows], y[rows])
        m = jax.tree.map(lambda m, g: m + (1 - BETA_1) * (g - m), m, gradients)
        v = jax.tree.map(lambda v, g: v + (1 - BETA_2) * (g * g - v), v, gradients)
        rate = peak * (1 - (t - 1) / steps) * jnp.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + EPSILON), weights, m, v)
        return (weights, m, v), None

    zeros = jax.tree.map(jnp.zeros_like, weights)
    (weights, _, _), _ = jax.lax.scan(step, (weights, zeros, zeros), (jnp.arange(1.0, steps + 1), order))
    return weights


@jax.jit
def predict(images, whitening, weights):
    return logits(weights, whiten(images, whitening)).argmax(axis=1)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the four .gz files are")
    for name in ("components", "units", "batch_size", "epochs"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--learning_rate", type=float, required=True, help="at the first step; it falls to 0")
    parser.add_argument("--seed", type=int, default=0, help="decides starting weights and order (default: 0)")
    parser.add_argument("--cache", type=Path, help="a folder that keeps what is compiled")
    return parser.parse_args()


if __name__ == "__main__":
    main()
