"""Sequential: a stack of layers with its weights, and thin calls into training."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from . import backend as backends
from . import inputs, losses, metrics, optimizers, summary, training
from .callbacks import Callback, CallbackList, History
from .checks import integer, number
from .checks import shape as check_shape
from .data import ArrayBatches
from .layers.base import Layer, as_array, backward_chain, forward_chain, snake_case
from .layers.core import Input
from .metrics import get as get_metric
from .progress import Progress, choose_verbose
from .rng import choose_seed, generator


class Sequential(Layer):
    """A model that is a stack of layers: each one's output is the next one's input.

        model = Sequential([Flatten(input_shape=(28, 28, 1)), Dense(128, activation="relu"), Dense(10, "softmax")])
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x, y, epochs=5)

    The input shape is that of `Input(shape)` or `input_shape=` of the first layer; without either the model is built
    when it sees its first data. The same layer may stand at several places; it has one set of weights.

    `seed` decides the starting weights and the order of the samples (one is drawn and kept in `model.seed` if none is
    given); `backend` is "numpy" or "cupy" (default: the environment variable TINYNET_BACKEND, else "numpy"); `dtype`
    is "float32" or "float64", and each batch is cast to it.

    A Sequential is a layer, so models nest.
    """

    def __init__(
        self,
        layers: Iterable[Layer] | None = None,
        name: str | None = None,
        *,
        trainable: bool = True,
        seed: int | None = None,
        backend: str | None = None,
        dtype: Any = "float32",
    ):
        super().__init__(name=name, trainable=trainable)
        self.backend = backends.resolve(backend)
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype must be 'float32' or 'float64'; got {dtype!r}.")
        self.seed = choose_seed(seed)
        self.layers: list[Layer] = []
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: losses.Loss | None = None
        self.metrics: list[metrics.Metric] = []
        self.history: History | None = None
        self.stop_training = False
        self._step: training.Step | None = None
        self._mark: object = None
        for layer in [] if layers is None else layers:
            self.add(layer)

    # ---- structure --------------------------------------------------------------------------------------------

    def add(self, layer: Layer) -> None:
        """Put a layer on top of the stack; it is built at once where the input shape is known."""
        if not isinstance(layer, Layer):
            hint = f"; write {layer.__name__}(...)" if isinstance(layer, type) else ""
            raise TypeError(f"Only layers can be added to a Sequential; got {layer!r}{hint}.")
        if not self.layers and self.declared_shape is None:
            self.declared_shape = layer.declared_shape
        elif isinstance(layer, Input):
            raise ValueError("An Input must come first, once, in a Sequential.")
        if isinstance(layer, Input):
            return
        self._give_name(layer)
        if self.declared_shape is not None:
            known = self.output_shape[1:] if self.layers else self.declared_shape
            shape = self._setup_layer(len(self.layers), layer, known)
            self.input_shape, self.output_shape = (None, *self.declared_shape), (None, *shape)
        self.layers.append(layer)
        self._step = None

    def _give_name(self, layer: Layer) -> None:
        if layer in self.layers:
            return
        taken = {other.name for other in self.layers}
        if layer.named_by_user and layer.name in taken:
            raise ValueError(f"A layer named {layer.name!r} is in the model already; names must be unique.")
        if not layer.named_by_user:
            base = snake_case(type(layer).__name__)
            names = itertools.chain([base], (f"{base}_{count}" for count in itertools.count(1)))
            layer.name = next(name for name in names if name not in taken)

    def _setup_layer(self, index: int, layer: Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
        for part in layer.parts():
            if part.weight_names and (part.backend, part.dtype) != (self.backend, self.dtype):
                raise ValueError(
                    f"Layer '{layer.name}' was built in {part.dtype} on {part.backend}; this model is "
                    f"{self.dtype} on {self.backend}."
                )
        return layer.setup(shape, generator(self.seed, "weights", index), self.backend, self.dtype)

    def setup(self, input_shape, rng=None, backend=None, dtype=None):
        if not self.layers:
            raise ValueError(f"Model '{self.name}' has no layers; add one first.")
        shape = input_shape
        for index, layer in enumerate(self.layers):
            shape = self._setup_layer(index, layer, shape)
        if not self.built:
            self.input_shape, self.output_shape = (None, *input_shape), (None, *shape)
        return shape

    def build(self, input_shape):
        """Build all layers for this input shape, without its batch axis or with None for it."""
        shape = tuple(input_shape)
        return self.setup(check_shape("input_shape", shape[1:] if shape[:1] == (None,) else shape))

    def parts(self):
        return [part for layer in self.layers for part in layer.parts()]

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name == "trainable":
            for layer in self.__dict__.get("layers", ()):
                layer.trainable = value

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_step": None}  # made again when it is next needed, from what is kept

    def summary(self, print_fn: Callable[[str], Any] | None = None) -> None:
        """Print a table of the layers, their output shapes and weights; `print_fn` gets it as one string."""
        (print_fn or print)(summary.table(self))

    # ---- arithmetic -------------------------------------------------------------------------------------------

    def forward(self, x, training=False):
        return forward_chain(self.parts(), x, training)

    def backward(self, dy, cache, need_dx=True):
        return backward_chain(self.parts(), dy, cache, need_dx=need_dx)

    def __call__(self, x: Any, training: bool = False) -> Any:
        """The outputs for a batch, as an array of the model's backend."""
        x = as_array(self._inputs(x), backends.module(self.backend), self.dtype)
        return self.forward(x, training)[0]

    def gradients(self, x: Any, y: Any) -> tuple[float, list[np.ndarray]]:
        """The mean loss of a batch and its gradient with respect to every weight, in the order of get_weights."""
        step, x, labels = self._ready(x, y)
        loss = step.gradients(*self._whole(x, labels))
        return loss, [np.array(backends.to_numpy(gradient)) for gradient in self.weight_gradients]

    # ---- training ---------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: str | optimizers.Optimizer,
        loss: str | losses.Loss,
        metrics: Sequence[str | metrics.Metric] | None = None,
    ) -> None:
        """Choose the optimizer, the loss and the metrics; weights stay, the optimizer's state starts afresh.

        Each is a name or an object; an unknown name raises ValueError here, with the nearest valid ones.
        """
        if metrics is not None and not isinstance(metrics, (list, tuple)):
            raise TypeError(f"metrics must be a list, as in metrics=['accuracy']; got {metrics!r}.")
        chosen = [get_metric(metric) for metric in metrics or ()]
        names = [metric.name for metric in chosen]
        if len({"loss", *names}) != len(names) + 1:
            raise ValueError(f"Metrics need names of their own, other than 'loss'; got {names}.")
        loss, optimizer = losses.get(loss), optimizers.get(optimizer)
        if self.layers:
            training.on_logits(self.parts(), self.output_shape or (), loss)  # raises if softmax would be taken twice
        self.loss, self.optimizer, self.metrics = loss, optimizer, chosen
        self.optimizer.reset()
        self.optimizer.owner = self._mark = object()
        self._step = None

    @property
    def trains_from_logits(self) -> bool:
        """Whether the last softmax and the loss are computed together, from the logits."""
        if not self.layers or self.loss is None:
            return False
        return training.on_logits(self.parts(), self.output_shape or (), self.loss) is not None

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: tuple[Any, Any] | None = None,
        shuffle: bool = True,
    ) -> History:
        """Train on arrays for a number of epochs; returns the History, which is also `model.history`.

        Each epoch goes once over all samples in batches of `batch_size` (default 32; the last may be short), shuffled
        in an order that depends on the model's seed and the optimizer's iterations alone. The loss and metrics that
        are reported are means over the samples of the epoch, taken while the weights change.

        `validation_data=(x, y)` is evaluated after each epoch; `validation_split=0.1` takes the last tenth of the
        samples for that, before shuffling. `verbose` is 0 (silent), 1 (a progress bar), 2 (a line per epoch) or
        "auto": 1 on a terminal or in a notebook, else 2.

        An interrupt (Ctrl-C) leaves the weights of the last whole step, and the finished epochs in `model.history`.

        ValueError for labels that are not classes of the model, samples of the wrong shape, x and y of unequal
        length, and for other arguments that make no sense, before any work is done.
        """
        batch_size = 32 if batch_size is None else integer("batch_size", batch_size)
        epochs = integer("epochs", epochs, least=0)
        verbose = choose_verbose(verbose)
        split = number("validation_split", validation_split, least=0, below=1)
        step, x, labels = self._ready(x, y)
        if validation_data is not None:
            x_val, labels_val = self._validation(validation_data)
        elif split:
            cut = int(len(x) * (1 - split))
            if not 0 < cut < len(x):
                raise ValueError(f"validation_split={split} of {len(x)} samples leaves one side empty.")
            (x, x_val), (labels, labels_val) = (x[:cut], x[cut:]), (labels[:cut], labels[cut:])
        batches = ArrayBatches(x, labels, batch_size, self.backend, self.dtype)
        validation = None
        if validation_data is not None or split:
            validation = ArrayBatches(x_val, labels_val, batch_size, self.backend, self.dtype)
        history = History()
        params = {"verbose": verbose, "epochs": epochs, "steps": len(batches)}
        hooks = CallbackList([*(callbacks or ()), history], self, params)
        self.history = history
        training.fit(step, self, batches, validation, epochs, bool(shuffle), verbose, hooks)
        return history

    def evaluate(
        self, x: Any, y: Any, batch_size: int | None = None, verbose: str | int = "auto", return_dict: bool = False
    ) -> Any:
        """The mean loss and metrics on arrays: [loss, metric, ...] in compile's order, or the loss alone without any.

        return_dict=True gives a dictionary by name.
        """
        batch_size = 32 if batch_size is None else integer("batch_size", batch_size)
        verbose = choose_verbose(verbose)
        step, x, labels = self._ready(x, y)
        batches = ArrayBatches(x, labels, batch_size, self.backend, self.dtype)
        progress = Progress(verbose, len(batches))
        try:
            results = training.run_pass(step, batches, False, progress)
        except BaseException:
            progress.abort()
            raise
        progress.finish(results)
        return results if return_dict else _as_list(results)

    def predict(self, x: Any, batch_size: int | None = None, verbose: str | int = 0) -> np.ndarray:
        """The outputs for an array of samples, as a NumPy array (N, ...); of no samples, with N = 0.

        Computed in batches of `batch_size` (default 256). Prints nothing unless verbose=1.
        """
        batch_size = 256 if batch_size is None else integer("batch_size", batch_size)
        verbose = choose_verbose(verbose)
        x = self._inputs(x)
        batches = ArrayBatches(x, None, batch_size, self.backend, self.dtype)
        parts = self.parts()
        outputs = np.empty((len(x), *self.output_shape[1:]), dtype=self.dtype)
        progress = Progress(verbose, len(batches))
        for index, (batch, _) in enumerate(batches):
            start = index * batch_size
            outputs[start : start + len(batch)] = backends.to_numpy(forward_chain(parts, batch)[0])
            if progress.due():
                progress.draw(index + 1, {})
        if len(x):
            progress.finish({})
        return outputs

    def train_on_batch(self, x: Any, y: Any, return_dict: bool = False) -> Any:
        """One step on one batch; the loss and metrics, in the form of evaluate, are those before the update."""
        step, x, labels = self._ready(x, y)
        totals = step.new_totals()
        count = step.train(*self._whole(x, labels), totals)
        results = step.means(totals, count)
        return results if return_dict else _as_list(results)

    # ---- what comes in ----------------------------------------------------------------------------------------

    def _ready(self, x: Any, y: Any) -> tuple[training.Step, Any, np.ndarray]:
        """Validated samples and labels, and the step with every weight in its place."""
        if self.loss is None or self.optimizer is None:
            raise RuntimeError("Call model.compile(optimizer, loss) first.")
        if self.optimizer.owner is not self._mark:
            raise RuntimeError(
                "This model's optimizer was compiled into another model since. Give each model an optimizer of its "
                "own, or compile this one again."
            )
        x, labels = self._pair(x, y)
        if self._step is None:
            parts = self.parts()
            self._step = training.Step(
                parts, self.output_shape, self.loss, self.optimizer, self.metrics, self.backend, self.dtype
            )
        self._step.buffers.claim()
        return self._step, x, labels

    def _pair(self, x: Any, y: Any) -> tuple[Any, np.ndarray]:
        x = self._inputs(x)
        return x, inputs.check_labels(x, y, self.loss, self.metrics, self.output_shape)

    def _inputs(self, x: Any) -> Any:
        """x as an array whose samples have the model's input shape; builds the model if it is not yet built."""
        x = inputs.as_samples(x)
        if not self.built:
            self.setup(x.shape[1:])
        return inputs.fit_shape(x, self.input_shape[1:])

    def _validation(self, data: Any) -> tuple[Any, np.ndarray]:
        if not isinstance(data, (tuple, list)) or len(data) != 2:
            raise ValueError("validation_data must be a pair (x, y).")
        try:
            return self._pair(*data)
        except ValueError as error:
            raise ValueError(f"validation_data: {error}") from None

    def _whole(self, x: Any, labels: np.ndarray) -> tuple[Any, Any]:
        """Samples and labels as one batch on the backend."""
        xp = backends.module(self.backend)
        return as_array(x, xp, self.dtype), backends.move(labels, xp)


def _as_list(results: dict[str, float]) -> Any:
    values = list(results.values())
    return values if len(values) > 1 else values[0]

