"""Keras's file of a model, .keras, and its file of weights, .weights.h5.

A .keras file is a zip archive of three stored members, and never a fourth:

    metadata.json        the version of Keras; Keras does not read it. Here it also holds what Keras has no place for,
                         under "tinynet": the seed, whether it was given, and how many epochs of fit are done
    config.json          the record of the Sequential and, as "compile_config", those of compile's arguments
    model.weights.h5     the weights and the optimizer's arrays, as HDF5; the same tree as in a .weights.h5 file

    vars                               empty; the attribute "name" of each `vars` is the name of the model or the layer
    layers/dense_1/vars/0, 1, ...      the weights of the second Dense: classes in snake case, numbered each for itself
    layers/sequential/layers/...       a model inside
    optimizer/vars/0                   the steps that are done, an integer
    optimizer/vars/1                   the learning rate, unless a schedule decides; then, from here on, the slots:
        Adam, AdamW                    momentum and velocity of each trained weight; then each one's velocity_hat
        SGD                            momentum of each
        RMSprop                        velocity of each, then momentum of each, then average_gradient of each

What is written is read by Keras 3.3 to 3.15 (the reduction "mean_with_sample_weight" by those that have it). What Keras
has no equal of raises ValueError: layers of your own, a layer that stands at two places, states of callbacks. Our slots
are Keras's arrays but for a factor (`Optimizer.keras_scale`), so they come back to the last digit or the one before.

What is read may come from a stranger: see `keras_records` for the records and `h5` for the arrays. Shapes are computed
from the configuration and compared with those of the arrays that are there; nothing is allocated for a size that is
only declared.

Source: keras/src/saving/saving_lib.py, and files that Keras 3.3.3, 3.8.0 and 3.15.1 wrote.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from .. import optimizers
from ..config import from_record
from ..layers import LAYERS
from ..layers.base import snake_case
from . import archive, h5
from . import bounded_json as texts
from . import keras_records as records
from .record import FileError, SavedModel

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
MEMBERS = {METADATA, CONFIG, WEIGHTS}
WRITTEN_FOR = "3.3.3"  # the oldest Keras that the records are meant for
STATISTICS = ("moving_mean", "moving_variance")


@dataclasses.dataclass
class Holder:
    """Where a layer is in the tree, and its weights: their keys, and their shapes if they are known."""

    group: str
    name: str
    keys: list[str]
    shapes: list[tuple[int, ...]] | None
    trained: bool

    def trained_keys(self) -> list[str]:
        """The keys of the weights that have slots."""
        return [key for key in self.keys if self.trained and key.partition("/")[2] not in STATISTICS]


def encode(saved: SavedModel) -> bytes:
    """The bytes of a .keras file. ValueError, which names it, for what Keras has no equal of."""
    if saved.callbacks:
        names = ", ".join(one.class_name for one in saved.callbacks)
        raise ValueError(f"Keras's files have no place for the state of {names}: write an .npz file.")
    text = records.write_model(records.plain(saved.config))
    if saved.compiled is not None:
        text["compile_config"] = records.write_compiled(saved.compiled)
    own = {"seed": saved.seed, "seed_given": "seed" in saved.config, "epochs": saved.epochs}
    metadata = {"keras_version": WRITTEN_FOR, "tinynet": {"version": 1, **own}}
    members = {METADATA: json.dumps(metadata).encode(), CONFIG: json.dumps(text).encode()}
    return archive.pack({**members, WEIGHTS: encode_weights(saved)})


def decode(content: bytes, compiled: bool = True) -> SavedModel:
    """What is in the bytes of a .keras file; FileError if anything in it is not as it should be, or not in tinynet.

    With compiled=False the optimizer, the loss and the metrics are left unread.
    """
    members = archive.unpack(content)
    if not {CONFIG, WEIGHTS} <= set(members) <= MEMBERS:
        raise FileError(
            f"the archive holds {records.short(sorted(members))}; a .keras file holds {', '.join(sorted(MEMBERS))}"
        )
    text = texts.loads(members[CONFIG], CONFIG, constants=False)
    own = _own(texts.loads(members[METADATA], METADATA, constants=False) if METADATA in members else {})
    config = records.read_model(text)
    if own.pop("seed_given", False):
        config["seed"] = own["seed"]
    saved = SavedModel(config, {}, compiled=records.read_compiled(text.get("compile_config")) if compiled else None)
    return _filled(dataclasses.replace(saved, **own), h5.decode(members[WEIGHTS]))


def _own(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What encode keeps in the metadata; nothing if another program wrote them."""
    own = metadata.get("tinynet")
    if own is None:
        return {}
    seed, epochs = (own.get("seed"), own.get("epochs")) if isinstance(own, dict) else (None, None)
    known = seed is None or (type(seed) is int and seed >= 0)
    if not known or type(epochs) is not int or epochs < 0 or own.get("version") != 1:
        raise FileError(f"{METADATA} has an entry 'tinynet' that is not read: {records.short(own)}")
    return {"seed": seed, "epochs": epochs, "seed_given": own.get("seed_given") is True and seed is not None}


# ---- the weights ----------------------------------------------------------------------------------------------------


def encode_weights(saved: SavedModel) -> bytes:
    """The bytes of a .weights.h5 file: the weights and, of a compiled model, the optimizer's arrays."""
    groups, arrays = {"vars": saved.config["name"]}, {}
    holders, keys = list(_holders(records.plain(saved.config))), iter(saved.weights)
    own: dict[str, str] = {}  # keys of ours -> saved's: they differ behind a layer Linear
    for holder in holders:
        groups[f"{holder.group}/vars"] = holder.name
        for index, key in enumerate(holder.keys):
            own[key] = next(keys, "")
            if own[key].partition("/")[2] != key.partition("/")[2]:
                missing = "it is not built" if not own[key] else f"there is {own[key]!r}"
                raise ValueError(f"The weight {key!r} of layer {holder.name!r} is not where it should be: {missing}.")
            arrays[f"{holder.group}/vars/{index}"] = saved.weights[own[key]]
    if rest := list(keys):
        raise ValueError(f"The model has weights that no layer of Keras's has: {rest}.")
    if saved.compiled is not None:
        groups["optimizer/vars"] = saved.compiled["optimizer"]["config"].get("name") or "optimizer"
        trained = [own[key] for holder in holders for key in holder.trained_keys()]
        for index, array in enumerate(_optimizer_arrays(saved, trained)):
            arrays[f"optimizer/vars/{index}"] = array
    return h5.encode(groups, arrays)


def decode_weights(content: bytes, like: SavedModel) -> SavedModel:
    """`like` with the weights in the bytes of a .weights.h5 file, and with the state of the optimizer that is there.

    The state is left alone where the file has none or `like` is not compiled. FileError unless exactly the weights of
    `like` are in it, and a state for its optimizer: to take the weights alone, give it with compiled=None.
    """
    return _filled(like, h5.decode(content))


def _filled(saved: SavedModel, arrays: dict[str, np.ndarray]) -> SavedModel:
    """The model with weights and optimizer's arrays from the tree."""
    dtype, rest = np.dtype(saved.config["dtype"]), dict(arrays)
    state = {path: rest.pop(path) for path in arrays if path.startswith("optimizer/vars/")}
    rest = {path: array for path, array in rest.items() if "/seed_generator/" not in path}  # of Dropout, before 3.3
    try:
        holders = list(_holders(saved.config))
    except (TypeError, ValueError) as error:
        raise FileError(f"the layers do not fit together: {error}") from None
    if not rest and any(holder.shapes is None for holder in holders):
        return saved
    weights = {}
    for holder in holders:
        for index, key in enumerate(holder.keys):
            path = f"{holder.group}/vars/{index}"
            if holder.shapes is None:
                raise FileError("there are weights, but no shape of the inputs")
            weights[key] = _array(path, rest.pop(path, None), holder.shapes[index], dtype)
    if rest:
        raise FileError(f"there is {next(iter(rest))!r}, which no layer of the model has")
    saved = dataclasses.replace(saved, weights=weights)
    if not state or saved.compiled is None:
        return saved
    trained = [key for holder in holders for key in holder.trained_keys()]
    return _with_state(saved, [state.get(f"optimizer/vars/{index}") for index in range(len(state))], trained)


def _array(path: str, array: np.ndarray | None, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array of that shape in the model's dtype."""
    if array is None:
        raise FileError(f"there is no {path!r}, of shape {shape}")
    if array.shape != shape or array.dtype.kind != "f":
        raise FileError(f"{path!r} has shape {array.shape} and dtype {array.dtype}; it should be {shape}, real numbers")
    with np.errstate(over="ignore", invalid="ignore"):  # what float32 cannot hold becomes infinite, as in training
        return array.astype(dtype)


# ---- the optimizer --------------------------------------------------------------------------------------------------


def _slots(optimizer: optimizers.Optimizer, trained: Iterable[str]) -> list[tuple[str, str]]:
    """(slot, key of the weight) in Keras's order."""
    together = ("momentum", "velocity") if isinstance(optimizer, optimizers.Adam) else ()
    first = [(slot, key) for key in trained for slot in together]
    return first + [(slot, key) for slot in optimizer.slots if slot not in together for key in trained]


def _optimizer_arrays(saved: SavedModel, trained: list[str]) -> list[np.ndarray]:
    """optimizer/vars in order. Before the first step the slots are zeros, which Keras starts from as well."""
    optimizer = optimizers.get(saved.compiled["optimizer"])
    steps = saved.iterations
    arrays = [np.asarray(steps, "int32" if steps < 2**31 else "int64")]
    if optimizer.schedule is None:
        arrays.append(np.asarray(optimizer.learning_rate, "float32"))
    for slot, key in _slots(optimizer, trained):
        weight = saved.weights[key]
        own = saved.slots[slot][key] if saved.slots else np.zeros_like(weight)
        with np.errstate(under="ignore", invalid="ignore"):
            arrays.append((own * optimizer.keras_scale[slot]).astype(weight.dtype))
    return arrays


def _with_state(saved: SavedModel, arrays: list[np.ndarray | None], trained: list[str]) -> SavedModel:
    """The model with the steps, the learning rate and the slots of the optimizer."""
    optimizer = optimizers.get(saved.compiled["optimizer"])
    places = _slots(optimizer, trained)
    scalars = 1 if optimizer.schedule is not None else 2
    if len(arrays) not in (scalars, scalars + len(places)):
        raise FileError(
            f"the optimizer has {len(arrays)} arrays; {type(optimizer).__name__} for these weights has "
            f"{scalars + len(places)}, or {scalars} before its first step"
        )
    if any(array is None for array in arrays) or any(array.shape for array in arrays[:scalars]):
        raise FileError("the optimizer's arrays are not numbered from 0, or one that is a single number is none")
    if arrays[0].dtype.kind not in "iu" or arrays[0] < 0:
        raise FileError(f"the optimizer's number of steps is {arrays[0]}")
    compiled = dict(saved.compiled)
    if scalars == 2:
        compiled["optimizer"] = _with_rate(optimizer, saved.compiled["optimizer"], arrays[1])
    slots: dict[str, dict[str, np.ndarray]] = {}
    for index, ((slot, key), array) in enumerate(zip(places, arrays[scalars:], strict=False), scalars):
        weight = saved.weights[key]
        own = _array(f"optimizer/vars/{index}", array, weight.shape, weight.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            slots.setdefault(slot, {})[key] = (own / optimizer.keras_scale[slot]).astype(weight.dtype)
    steps = int(arrays[0])
    return dataclasses.replace(saved, compiled=compiled, iterations=steps, slots=slots if steps else {})


def _with_rate(optimizer: optimizers.Optimizer, record: Mapping[str, Any], stored: np.ndarray) -> dict[str, Any]:
    """The optimizer's record with the stored learning rate, unless its own is that one to the digits of float32."""
    config = record["config"]
    try:
        if np.float32(optimizer.learning_rate) != np.float32(stored):
            optimizer.learning_rate = float(stored)
            config = {**config, "learning_rate": optimizer.learning_rate}
    except (TypeError, ValueError) as error:
        raise FileError(f"the optimizer's learning rate cannot be: {error}") from None
    return {**record, "config": config}


# ---- places ---------------------------------------------------------------------------------------------------------


def _holders(config: Mapping[str, Any]) -> Iterator[Holder]:
    """Every layer of a configuration in order, models inside and their layers among them."""
    first = config["layers"][:1]
    shape = None
    if first and first[0]["class_name"] == "InputLayer":
        shape = tuple(first[0]["config"]["batch_shape"][1:])
    yield from _Tree(shape).layers(config, "", True)


class _Tree:
    """Goes through the layers as a sample does: `shape` is its shape, None if unknown, `place` the number of parts."""

    def __init__(self, shape: tuple[int, ...] | None):
        self.shape, self.place = shape, 0

    def layers(self, config: Mapping[str, Any], above: str, trained: bool) -> Iterator[Holder]:
        """The holders in a Sequential."""
        counts: dict[str, int] = {}
        trained = trained and config["trainable"]
        for record in config["layers"]:
            kind = snake_case(records.keras_class(record))
            if kind == "input_layer":
                self._check_inner(config["name"], tuple(record["config"]["batch_shape"][1:]))
                continue
            count = counts[kind] = counts.get(kind, -1) + 1
            group = f"{above}layers/{kind}_{count}" if count else f"{above}layers/{kind}"
            yield from self.layer(record, group, trained)

    def layer(self, record: Mapping[str, Any], group: str, trained: bool) -> Iterator[Holder]:
        """The holders of a layer: itself, or a model and the layers in it."""
        config, kind = record["config"], record["class_name"]
        if kind == "Sequential":
            yield Holder(group, config["name"], [], [], False)
            yield from self.layers(config, f"{group}/", trained)
            return
        names = _weight_names(kind, config)
        keys, shapes = [f"{self.place}/{name}" for name in names], self._pass(record, len(names))
        yield Holder(group, config["name"], keys, shapes, trained and config["trainable"])

    def _check_inner(self, name: str, declared: tuple[int, ...]) -> None:
        """A model inside is built for the shape that it declares, so this must be the shape that comes to it."""
        if declared != self.shape:
            raise ValueError(f"model {name!r} declares inputs of shape {declared}; what comes to it has {self.shape}")

    def _pass(self, record: Mapping[str, Any], count: int) -> list[tuple[int, ...]] | None:
        """The shapes of the layer's weights for the present shape; then the shape is that of its outputs."""
        layer = from_record("layer", record, LAYERS)
        parts = layer.parts()
        self.place += len(parts)
        if self.shape is None:
            return None if count else []
        features = self.shape[-1:]
        if count and not features:
            raise ValueError(f"layer {layer.name!r} needs inputs of rank 2 or more")
        shapes = [features] * count
        if record["class_name"] == "Dense":
            self.shape = (*self.shape[:-1], layer.units)
            shapes = [(*features, layer.units), (layer.units,)][:count]
        elif record["class_name"] == "BatchNormalization" and layer.axis not in (-1, len(self.shape)):
            raise ValueError(f"layer {layer.name!r} normalizes the axis {layer.axis}, which is not the last")
        for part in parts:
            if part is not layer or not count:  # it has no weights, so build computes its shape alone
                self.shape = tuple(part.build(self.shape))
        return shapes


def _weight_names(kind: str, config: Mapping[str, Any]) -> list[str]:
    """The names of the weights of a layer, in their order."""
    if kind == "Dense":
        return ["kernel", "bias"] if config.get("use_bias", True) else ["kernel"]
    if kind == "BatchNormalization":
        scaled = ["gamma"] * config.get("scale", True) + ["beta"] * config.get("center", True)
        return [*scaled, *STATISTICS]
    return []
