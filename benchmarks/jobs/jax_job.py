"""Does the lesson's job in JAX alone: one compiled call an epoch, a scan over the steps, updates in place."""

import os

import common

options = common.parse()
report = common.Report(options)
os.environ.setdefault("JAX_PLATFORMS", "cpu")  # looks for no other device

common.pin()

import jax  # noqa: E402, the clock runs
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax_net import logits, train  # noqa: E402

if options.cache:
    jax.config.update("jax_compilation_cache_dir", options.cache)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)


epoch = jax.jit(train, donate_argnums=0)


@jax.jit
def predict(parameters, images):
    return jax.nn.softmax(logits(parameters, images))


(x, y), (x_test, y_test) = common.load(options)
images, labels = jnp.asarray(x), jnp.asarray(y)
parameters = [(jnp.asarray(kernel), jnp.asarray(bias)) for kernel, bias in common.glorot(options)]
state = parameters, jax.tree.map(jnp.zeros_like, parameters), jax.tree.map(jnp.zeros_like, parameters), 0.0
rng = np.random.default_rng(options.seed)
steps, rest = divmod(len(x), options.batch)
for _ in range(options.epochs):
    order = rng.permutation(len(x)).astype(np.int32)
    state, sums = epoch(state, images, labels, order[: steps * options.batch].reshape(steps, -1))
    loss, hits = (float(value) / (steps * options.batch) for value in sums)
    report.epoch(loss, hits)


def many():
    return np.concatenate([predict(state[0], piece) for piece in common.pieces(x_test)])


report.trained(
    evaluate=lambda: (many().argmax(1) == y_test).mean(),
    one=lambda: np.asarray(predict(state[0], x_test[:1])),
    many=many,
)
