"""Write and read Keras's model file, .keras, and its weight file, .weights.h5.

A .keras file is a zip archive of three stored members, and never a fourth:

    metadata.json        the version of Keras; Keras does not read it. Here it also holds, under "tinynet", three things
                         that have no place in Keras's records: the seed, whether it was given, and the epochs of fit
                         that are done
    config.json          the record of the Sequential and, as "compile_config", those of compile's arguments
    model.weights.h5     the weights and the optimizer's arrays, as HDF5; the same tree as in a .weights.h5 file

    vars                               empty; the attribute "name" of each `vars` is the name of the model or the layer
    layers/dense_1/vars/0, 1, ...      the weights of the second Dense: classes in snake case, each with its own numbers
    layers/sequential/layers/...       a model inside
    optimizer/vars/0                   the steps that are done, an integer
    optimizer/vars/1                   the learning rate, unless a schedule decides; then, from here on, the slots:
        Adam, AdamW                    momentum and velocity of each trained weight; then each one's velocity_hat
        SGD                            momentum of each
        RMSprop                        velocity of each, then momentum of each, then average_gradient of each

Keras 3.3 to 3.15 read the written files (the reduction "mean_with_sample_weight" only those that have it). Whatever has
no equal in Keras raises ValueError: the user's layers, a layer at two places, states of callbacks. Keras's arrays are
our slots times a factor (`Optimizer.keras_scale`). So they come back to the last digit or the one before.

A file to read may come from a stranger: `keras_records` checks the records, and `h5` the arrays. Shapes are computed
from the configuration and compared with those of the arrays in the file. No memory is taken for a size that is only
declared.

Source: keras/src/saving/saving_lib.py, and files that Keras 3.3.3, 3.8.0 and 3.15.1 wrote.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from .. import optimizers
from ..config import from_record, snake_case
from ..layers import LAYERS
from . import archive, bounded_json, h5
from . import keras_records as records
from .record import FileError, SavedModel

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
MEMBERS = {METADATA, CONFIG, WEIGHTS}
WRITTEN_FOR = "3.3.3"  # the oldest Keras that the records are for
STATISTICS = ("moving_mean", "moving_variance")


@dataclasses.dataclass
class Holder:
    """The place of a layer in the tree, and its weights.

    Attributes:
        group: The path of the layer's group.
        name: The layer's name.
        keys: The keys of its weights, in their order.
        shapes: The shapes of its weights, None if they are not known.
        trained: Whether the optimizer changes it.
    """

    group: str
    name: str
    keys: list[str]
    shapes: list[tuple[int, ...]] | None
    trained: bool

    def trained_keys(self) -> list[str]:
        """Return the keys of the weights that have slots."""
        return [key for key in self.keys if self.trained and key.partition("/")[2] not in STATISTICS]


def encode(saved: SavedModel) -> bytes:
    """Return the bytes of a .keras file.

    Raises:
        ValueError: Something in the model has no equal in Keras. The message names it.
    """
    if saved.callbacks:
        names = ", ".join(state.class_name for state in saved.callbacks)
        raise ValueError(f"Keras's files have no place for the state of {names}: write an .npz file.")
    config = records.plain(saved.config)
    record = records.write_model(config)
    if saved.compiled is not None:
        record["compile_config"] = records.write_compiled(saved.compiled)
    ours = {"version": 1, "seed": saved.seed, "seed_given": "seed" in saved.config, "epochs": saved.epochs}
    metadata = {"keras_version": WRITTEN_FOR, "tinynet": ours}
    members = {METADATA: json.dumps(metadata).encode(), CONFIG: json.dumps(record).encode()}
    return archive.pack({**members, WEIGHTS: _encode_tree(saved, config)})


def decode(content: bytes, compiled: bool = True) -> SavedModel:
    """Return the model in the bytes of a .keras file, as plain values and arrays.

    Args:
        content: The bytes of the file.
        compiled: Whether to read the optimizer, the loss and the metrics.

    Raises:
        FileError: The file is damaged, or asks for something that tinynet does not have.
    """
    members = archive.unpack(content)
    if not {CONFIG, WEIGHTS} <= set(members) <= MEMBERS:
        raise FileError(
            f"the archive holds {records.short(sorted(members))}; a .keras file holds {', '.join(sorted(MEMBERS))}"
        )
    record = bounded_json.loads(members[CONFIG], CONFIG, constants=False)
    metadata = bounded_json.loads(members[METADATA], METADATA, constants=False) if METADATA in members else {}
    ours = _read_metadata(metadata)
    config = records.read_model(record)
    if ours.pop("seed_given", False):
        config["seed"] = ours["seed"]
    saved = SavedModel(config, {}, compiled=records.read_compiled(record.get("compile_config")) if compiled else None)
    return _filled(dataclasses.replace(saved, **ours), h5.decode(members[WEIGHTS]))


def _read_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that `encode` put into the metadata, and no entry if another program wrote them."""
    ours = metadata.get("tinynet")
    if ours is None:
        return {}
    seed, epochs = (ours.get("seed"), ours.get("epochs")) if isinstance(ours, dict) else (None, None)
    known = seed is None or (type(seed) is int and seed >= 0)
    if not known or type(epochs) is not int or epochs < 0 or ours.get("version") != 1:
        raise FileError(f"{METADATA} has an entry 'tinynet' that is not read: {records.short(ours)}")
    return {"seed": seed, "epochs": epochs, "seed_given": ours.get("seed_given") is True and seed is not None}


# ---- the weights ----------------------------------------------------------------------------------------------------


def encode_weights(saved: SavedModel) -> bytes:
    """Return the bytes of a .weights.h5 file: the weights and, of a compiled model, the optimizer's arrays.

    Raises:
        ValueError: Something in the model has no equal in Keras.
    """
    return _encode_tree(saved, records.plain(saved.config))


def _encode_tree(saved: SavedModel, config: Mapping[str, Any]) -> bytes:
    """Encode the weights and the optimizer's arrays; `config` is the plain form of the model's configuration."""
    groups, arrays = {"vars": saved.config["name"]}, {}
    holders, keys = list(_holders(config)), iter(saved.weights)
    saved_key: dict[str, str] = {}  # of each holder's key; the two differ behind a layer Linear
    for holder in holders:
        groups[f"{holder.group}/vars"] = holder.name
        for index, key in enumerate(holder.keys):
            found = saved_key[key] = next(keys, "")
            if found.partition("/")[2] != key.partition("/")[2]:
                missing = f"there is {found!r}" if found else "it is not built"
                raise ValueError(f"The weight {key!r} of layer {holder.name!r} is not where it should be: {missing}.")
            arrays[f"{holder.group}/vars/{index}"] = saved.weights[found]
    if rest := list(keys):
        raise ValueError(f"The model has weights that no layer of Keras's has: {rest}.")
    if saved.compiled is not None:
        groups["optimizer/vars"] = saved.compiled["optimizer"]["config"].get("name") or "optimizer"
        trained = [saved_key[key] for holder in holders for key in holder.trained_keys()]
        for index, array in enumerate(_optimizer_arrays(saved, trained)):
            arrays[f"optimizer/vars/{index}"] = array
    return h5.encode(groups, arrays)


def decode_weights(content: bytes, like: SavedModel) -> SavedModel:
    """Return a model with the weights, and the optimizer's state, from a .weights.h5 file.

    Args:
        content: The bytes of the file.
        like: The model to fill. Its optimizer's state is left alone if the file has none. To take the weights alone,
            give it with compiled=None.

    Raises:
        FileError: The file is damaged, or holds other weights than those of `like`, or the state of another optimizer.
    """
    return _filled(like, h5.decode(content))


def _filled(saved: SavedModel, arrays: dict[str, np.ndarray]) -> SavedModel:
    """Return the model with the weights and the optimizer's arrays of a tree."""
    dtype, rest = np.dtype(saved.config["dtype"]), dict(arrays)
    state = {path: rest.pop(path) for path in arrays if path.startswith("optimizer/vars/")}
    rest = {path: array for path, array in rest.items() if "/seed_generator/" not in path}  # Dropout's, before 3.3
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
    """Return an array in the model's dtype, if it is there and has this shape."""
    if array is None:
        raise FileError(f"there is no {path!r}, of shape {shape}")
    if array.shape != shape or array.dtype.kind != "f":
        raise FileError(f"{path!r} has shape {array.shape} and dtype {array.dtype}; it should be {shape}, real numbers")
    with np.errstate(over="ignore", invalid="ignore"):  # too large for float32 is infinite, as in training
        return array.astype(dtype)


# ---- the optimizer --------------------------------------------------------------------------------------------------


def _slots(optimizer: optimizers.Optimizer, trained: Iterable[str]) -> list[tuple[str, str]]:
    """Return (slot, key of the weight) in Keras's order."""
    together = ("momentum", "velocity") if isinstance(optimizer, optimizers.Adam) else ()
    first = [(slot, key) for key in trained for slot in together]
    return first + [(slot, key) for slot in optimizer.slots if slot not in together for key in trained]


def _optimizer_arrays(saved: SavedModel, trained: list[str]) -> list[np.ndarray]:
    """Return optimizer/vars in order. Before the first step the slots are zeros, as in Keras."""
    optimizer = optimizers.get(saved.compiled["optimizer"])
    steps = saved.iterations
    arrays = [np.asarray(steps, "int32" if steps < 2**31 else "int64")]
    if optimizer.schedule is None:
        arrays.append(np.asarray(optimizer.learning_rate, "float32"))
    for slot, key in _slots(optimizer, trained):
        weight = saved.weights[key]
        array = saved.slots[slot][key] if saved.slots else np.zeros_like(weight)
        with np.errstate(under="ignore", invalid="ignore"):
            arrays.append((array * optimizer.keras_scale[slot]).astype(weight.dtype))
    return arrays


def _with_state(saved: SavedModel, arrays: list[np.ndarray | None], trained: list[str]) -> SavedModel:
    """Return the model with the steps, the learning rate and the slots of its optimizer."""
    optimizer = optimizers.get(saved.compiled["optimizer"])
    names = _slots(optimizer, trained)
    scalars = 1 if optimizer.schedule is not None else 2
    if len(arrays) not in (scalars, scalars + len(names)):
        raise FileError(
            f"the optimizer has {len(arrays)} arrays; {type(optimizer).__name__} for these weights has "
            f"{scalars + len(names)}, or {scalars} before its first step"
        )
    if any(array is None for array in arrays) or any(array.shape for array in arrays[:scalars]):
        raise FileError("the optimizer's arrays are not numbered from 0, or one that is a single number is none")
    if arrays[0].dtype.kind not in "iu" or arrays[0] < 0:
        raise FileError(f"the optimizer's number of steps is {arrays[0]}")
    compiled = dict(saved.compiled)
    if scalars == 2:
        compiled["optimizer"] = _with_rate(optimizer, saved.compiled["optimizer"], arrays[1])
    slots: dict[str, dict[str, np.ndarray]] = {}
    for index, ((slot, key), stored) in enumerate(zip(names, arrays[scalars:], strict=False), scalars):
        weight = saved.weights[key]
        array = _array(f"optimizer/vars/{index}", stored, weight.shape, weight.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            slots.setdefault(slot, {})[key] = (array / optimizer.keras_scale[slot]).astype(weight.dtype)
    steps = int(arrays[0])
    return dataclasses.replace(saved, compiled=compiled, iterations=steps, slots=slots if steps else {})


def _with_rate(optimizer: optimizers.Optimizer, record: Mapping[str, Any], stored: np.ndarray) -> dict[str, Any]:
    """Return the optimizer's record with the stored learning rate, unless float32 cannot tell the two rates apart."""
    config = record["config"]
    try:
        if np.float32(optimizer.learning_rate) != np.float32(stored):
            optimizer.learning_rate = float(stored)
            config = {**config, "learning_rate": optimizer.learning_rate}
    except (TypeError, ValueError) as error:
        raise FileError(f"the optimizer's learning rate cannot be: {error}") from None
    return {**record, "config": config}


# ---- layers ---------------------------------------------------------------------------------------------------------


def _holders(config: Mapping[str, Any]) -> Iterator[Holder]:
    """Yield the holder of every layer in order, those of models inside and of their layers included."""
    first = config["layers"][:1]
    shape = None
    if first and first[0]["class_name"] == "InputLayer":
        shape = tuple(first[0]["config"]["batch_shape"][1:])
    yield from _Tree(shape).layers(config, "", True)


class _Tree:
    """Goes through the layers as a sample does.

    `shape` is the shape of the sample, None if it is unknown, and `parts` the number of parts that it has passed.
    """

    def __init__(self, shape: tuple[int, ...] | None):
        self.shape, self.parts = shape, 0

    def layers(self, config: Mapping[str, Any], above: str, trained: bool) -> Iterator[Holder]:
        """Yield the holders in a Sequential."""
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
        """Yield the holder of a layer, or those of a model and of the layers in it."""
        config, kind = record["config"], record["class_name"]
        if kind == "Sequential":
            yield Holder(group, config["name"], [], [], False)
            yield from self.layers(config, f"{group}/", trained)
            return
        names = _weight_names(kind, config)
        keys, shapes = [f"{self.parts}/{name}" for name in names], self._pass(record, len(names))
        yield Holder(group, config["name"], keys, shapes, trained and config["trainable"])

    def _check_inner(self, name: str, declared: tuple[int, ...]) -> None:
        """Raise ValueError if a model inside declares another shape than it is given: it is built for the declared."""
        if declared != self.shape:
            raise ValueError(f"model {name!r} declares inputs of shape {declared}; what comes to it has {self.shape}")

    def _pass(self, record: Mapping[str, Any], count: int) -> list[tuple[int, ...]] | None:
        """Return the shapes of the layer's weights, and go on to the shape of its outputs."""
        layer = from_record("layer", record, LAYERS)
        parts = layer.parts()
        self.parts += len(parts)
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
            if part is not layer or not count:  # it has no weights: build computes a shape and no more
                self.shape = tuple(part.build(self.shape))
        return shapes


def _weight_names(kind: str, config: Mapping[str, Any]) -> list[str]:
    """Return the names of the weights of a layer, in their order."""
    if kind == "Dense":
        return ["kernel", "bias"] if config.get("use_bias", True) else ["kernel"]
    if kind == "BatchNormalization":
        scaled = ["gamma"] * config.get("scale", True) + ["beta"] * config.get("center", True)
        return [*scaled, *STATISTICS]
    return []
