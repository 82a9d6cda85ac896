"""Trains the lesson's network in JAX by Adam, in one scan over the steps; for jax_job.py and gpu_jax.py."""

import common
import jax
import jax.numpy as jnp


def logits(parameters, images):
    x = images.astype(jnp.float32) * (1 / 255)
    for kernel, bias in parameters[:-1]:
        x = jax.nn.relu(x @ kernel + bias)
    kernel, bias = parameters[-1]
    return x @ kernel + bias


def cross_entropy(parameters, images, labels):
    """The mean to minimise, and the sum and the hits to report."""
    z = logits(parameters, images)
    loss = -jnp.take_along_axis(jax.nn.log_softmax(z), labels[:, None], 1).sum()
    return loss / len(labels), (loss, (z.argmax(1) == labels).sum())


def train(state, images, labels, order):
    """Train on the batches of indices that `order` has: the new state, the sum of the losses and the hits."""

    def step(carry, batch):
        (parameters, means, squares, count), (loss, right) = carry
        gradient = jax.grad(cross_entropy, has_aux=True)
        gradients, sums = gradient(parameters, images[batch], labels[batch].astype(jnp.int32))
        count += 1
        rate = common.RATE * jnp.sqrt(1 - common.BETA_2**count) / (1 - common.BETA_1**count)
        means = jax.tree.map(lambda m, g: m + (1 - common.BETA_1) * (g - m), means, gradients)
        squares = jax.tree.map(lambda v, g: v + (1 - common.BETA_2) * (g * g - v), squares, gradients)
        parameters = jax.tree.map(
            lambda w, m, v: w - rate * m / (jnp.sqrt(v) + common.EPSILON), parameters, means, squares
        )
        return ((parameters, means, squares, count), (loss + sums[0], right + sums[1])), None

    return jax.lax.scan(step, (state, (0.0, 0)), order)[0]
