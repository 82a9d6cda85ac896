"""Trains in tinynet for benchmarks/gpu.py: an epoch is one call of fit, on arrays that the device has already."""

import contextlib
from unittest import mock

import gpu_common

try:
    import tinynet as tn
    from tinynet import backend
    from tinynet.intake.arrays import ArrayBatches
except ImportError as error:
    tn, missing = None, error


class Tinynet:
    adam = "keras"

    def __init__(self, options):
        if tn is None:
            raise gpu_common.LeftOut(f"tinynet cannot be imported: {missing}")
        try:
            self.backend = backend.resolve("numpy" if options.rehearse else "cupy")
        except (ImportError, RuntimeError) as error:
            raise gpu_common.LeftOut(str(error)) from error
        self.xp = backend.module(self.backend)

    def configure(self, x, y, weights, batch):
        self.x, self.y, self.batch = self.xp.asarray(x), self.xp.asarray(y), batch
        self.model = tn.Sequential(
            [
                tn.Input(x.shape[1:]),
                tn.layers.Rescaling(1 / 255),
                tn.layers.Dense(weights[0].shape[1], activation="relu"),
                tn.layers.Dense(gpu_common.CLASSES),
            ],
            seed=0,
            backend=self.backend,
        )
        self.model.set_weights(weights)
        loss = tn.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])

    def epoch(self, order=None):
        with contextlib.nullcontext() if order is None else self.shuffled(order):
            history = self.model.fit(self.x, self.y, batch_size=self.batch, epochs=1, verbose=0).history
        return history["loss"][0], history["accuracy"][0]

    def shuffled(self, order):
        """Within it `fit` draws this order, and cuts its batches as it does in every shuffled epoch."""
        order = self.xp.asarray(order)
        return mock.patch.object(ArrayBatches, "shuffle", lambda batches, rng: setattr(batches, "order", order))

    def wait(self):
        if self.backend == "cupy":
            self.xp.cuda.Device().synchronize()

    def weights(self):
        return self.model.get_weights()


if __name__ == "__main__":
    gpu_common.serve(Tinynet)
