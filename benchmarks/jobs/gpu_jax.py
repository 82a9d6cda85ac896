"""Trains in JAX for benchmarks/gpu.py: one compiled call an epoch, a scan over the steps, state updated in place."""

import functools

import gpu_common

try:
    import jax
    import jax.numpy as jnp
    from jax_net import train
except ImportError as error:
    jax, missing = None, error

INSTALL = 'python -m pip install "jax[cuda13]", or "jax[cuda12]" for a driver of CUDA 12'


def shuffled(key, count, batch):
    """The key of the next epoch, and the batches of this one."""
    key, now = jax.random.split(key)
    return key, jax.random.permutation(now, count).reshape(-1, batch)


class Jax:
    adam = "keras"

    def __init__(self, options):
        if jax is None:
            raise gpu_common.LeftOut(f"JAX cannot be imported ({missing}): {INSTALL}")
        jax.config.update("jax_default_matmul_precision", "highest")
        try:
            jax.devices("cpu" if options.rehearse else "gpu")
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise gpu_common.LeftOut(f"JAX {jax.__version__} finds no GPU ({reason}): {INSTALL}") from error
        self.train = jax.jit(train, donate_argnums=0)
        self.shuffled = jax.jit(shuffled, static_argnums=(1, 2))

    def configure(self, x, y, weights, batch):
        self.x, self.y, self.batch = jnp.asarray(x), jnp.asarray(y), batch
        parameters = [tuple(jnp.array(array) for array in weights[place : place + 2]) for place in (0, 2)]
        zeros = functools.partial(jax.tree.map, jnp.zeros_like)
        self.state = parameters, zeros(parameters), zeros(parameters), jnp.zeros(())
        self.key = jax.random.key(0)

    def epoch(self, order=None):
        if order is None:
            self.key, order = self.shuffled(self.key, len(self.x), self.batch)
        else:
            order = jnp.asarray(order.reshape(-1, self.batch))
        self.state, sums = self.train(self.state, self.x, self.y, order)
        loss, right = (float(value) / len(self.x) for value in sums)
        return loss, right

    def wait(self):
        jax.block_until_ready(self.state)

    def weights(self):
        return [jax.device_get(array) for layer in self.state[0] for array in layer]


if __name__ == "__main__":
    gpu_common.serve(Jax)
