"""Computes what each variant of benchmarks/gpu.py must come to: weights and loss on NumPy, in float64.

    python benchmarks/jobs/gpu_reference.py FILE.npz

Twice: with Adam's epsilon where Keras has it, and where PyTorch has it, at the root of the corrected second moment,
sqrt(v / (1 - b2^t)) + epsilon; that is Keras's with epsilon sqrt(1 - b2^t) at step t.
"""

import sys

import common
import gpu_common
import numpy as np

import tinynet as tn


def trained(adam, steps, batch):
    """[kernel, bias, kernel, bias, the mean loss] after the steps of the gate."""
    x, y, order = gpu_common.gate_batches(steps, batch)
    layers = [tn.Input(x.shape[1:]), tn.layers.Rescaling(1 / 255)]
    layers += [tn.layers.Dense(gpu_common.UNITS, activation="relu"), tn.layers.Dense(gpu_common.CLASSES)]
    model = tn.Sequential(layers, seed=0, backend="numpy", dtype="float64")
    model.set_weights(gpu_common.weights(gpu_common.UNITS))
    model.compile("adam", tn.losses.SparseCategoricalCrossentropy(from_logits=True))
    losses = []
    for step, rows in enumerate(order.reshape(steps, batch), start=1):
        if adam == "torch":
            model.optimizer.epsilon = common.EPSILON * (1 - common.BETA_2**step) ** 0.5
        losses.append(model.train_on_batch(x[rows], y[rows]))
    return [*model.get_weights(), np.mean(losses)]


if __name__ == "__main__":
    found = {}
    for steps, batch in gpu_common.GATES:
        for adam in ("keras", "torch"):
            found |= {f"{adam}_{batch}_{n}": array for n, array in enumerate(trained(adam, steps, batch))}
    np.savez(sys.argv[1], **found)
