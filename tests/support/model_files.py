"""Files of a model, taken apart and put together again: for the tests of what a damaged or hostile file may do."""

import copy
import io
import json
import math
import zipfile

import numpy as np

import tinynet as tn
from tinynet.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from tinynet.config import serialize

FIXED_TIME = (1980, 1, 1, 0, 0, 0)
X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = np.arange(24) % 2


def trained(folder):
    """A small model with something of everything that a file can hold, trained for two epochs."""
    layers = tn.layers
    inner = tn.Sequential([layers.Dense(3, "tanh", name="within")], name="inner")
    model = tn.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(3, "relu", kernel_regularizer="l2", kernel_initializer="he_normal", name="first"),
            layers.BatchNormalization(),
            layers.Dropout(0.25),
            inner,
            layers.Reshape((3, 1)),
            layers.Flatten(),
            layers.Dense(2, activation="softmax", use_bias=False),
        ],
        seed=1,
        name="small",
    )
    model.compile(
        tn.optimizers.Adam(0.01, clipnorm=1.0, amsgrad=True),
        tn.losses.SparseCategoricalCrossentropy(),
        ["accuracy", tn.metrics.SparseTopKCategoricalAccuracy(k=1)],
        weighted_metrics=["acc"],
    )
    callbacks = [
        EarlyStopping("loss", patience=5, restore_best_weights=True),
        ReduceLROnPlateau("loss"),
        ModelCheckpoint(folder / "best.npz", "loss", save_best_only=True),
    ]
    model.fit(X, Y, epochs=2, batch_size=8, verbose=0, callbacks=callbacks)
    return model


def members_of(content):
    """The members of a zip archive by name, as zipfile reads them."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def packed(members, method=zipfile.ZIP_STORED):
    """A zip archive of these (name, bytes), with sizes and checksums that are right, whatever the names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items() if isinstance(members, dict) else members:
            archive.writestr(zipfile.ZipInfo(name, FIXED_TIME), data, method)
    return out.getvalue()


def edited(content, change):
    """The file with its model.json changed by a function: in place, or to what it returns."""
    members = members_of(content)
    text = json.loads(members["model.json"])
    returned = change(text)
    text = text if returned is None else returned
    members["model.json"] = text if isinstance(text, bytes) else json.dumps(text).encode()
    return packed(members)


def with_array(content, name, array):
    """The file with an array more, or another one of that name."""
    members = members_of(content)
    out = io.BytesIO()
    np.lib.format.write_array(out, array, (1, 0), False)
    members[f"{name}.npy"] = out.getvalue()
    text = json.loads(members["model.json"])
    text["arrays"] += [] if name in text["arrays"] else [name]
    members["model.json"] = json.dumps(text).encode()
    return packed(members)


def npy(header, data=b"", version=(1, 0)):
    """A .npy file with this header, as text."""
    header = header if isinstance(header, bytes) else header.encode()
    size = len(header).to_bytes(2 if version == (1, 0) else 4, "little")
    return b"\x93NUMPY" + bytes(version) + size + header + data


def assert_as_the_file_says(model, content):
    """The model is what another reader, NumPy's and Python's own, finds in the file."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        text = json.loads(arrays["model.json"])
        weights = [arrays[name] for name in text["arrays"] if name.startswith("weights/")]
        for own, given in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(own, given)
    assert model.epochs_trained == text["epochs"]
    assert model.seed == (text["config"].get("seed", model.seed) if text["seed"] is None else text["seed"])
    found = differences(model.get_config(), text["config"])
    assert not found, found
    if text["compiled"] is None:
        assert not model.compiled
        return
    assert model.optimizer.iterations == text["iterations"]
    given = text["compiled"]
    for name in ("optimizer", "loss"):
        found = differences(serialize(getattr(model, name)), given[name])
        assert not found, found
    for name in ("metrics", "weighted_metrics"):
        assert len(getattr(model, name)) == len(given.get(name) or []), name


def differences(own, given, path=""):
    """Where an object's configuration is not what was given, of the settings that both have, with their types."""
    if path.endswith("/batch_shape/0"):
        same = given is None or type(given) is int  # the size of the batch, which is not kept
    elif isinstance(own, bool) or isinstance(given, bool):
        same = own is given
    elif given is None or own is None or (given == "" and path.endswith("/name")):
        same = given in (None, "")  # the default was asked for
    elif isinstance(own, dict) and isinstance(given, dict):
        shared = (own.keys() & given.keys()) - {"module", "registered_name"}  # of which no notice is taken
        shared -= {"name", "dtype"} if "batch_shape" in shared else set()  # nor of these of an InputLayer
        return [where for key in shared for where in differences(own[key], given[key], f"{path}/{key}")]
    elif isinstance(own, list) and isinstance(given, list) and len(own) == len(given):
        pairs = enumerate(zip(own, given, strict=True))
        return [where for i, pair in pairs for where in differences(*pair, f"{path}/{i}")]
    elif isinstance(given, str):
        same = same_name(own["class_name"] if isinstance(own, dict) else own, given)
    elif isinstance(own, str) and isinstance(given, dict):
        same = same_name(own, given["class_name"])
    else:
        same = own == (float(given) if isinstance(own, float) else given) and abs(given) < math.inf
    return [] if same else [f"{path}: {str(own)[:80]}, but the file has {str(given)[:80]}"]


def same_name(own, given):
    """Names are found whatever their case, and some things have two."""
    plain = [name.lower().replace("_", "") for name in (own, given)]
    return plain[0] == plain[1] or {*plain} in ALIASES


ALIASES = [{"normal", "randomnormal"}, {"normal", "truncatednormal"}, {"silu", "swish"}]
ALIASES += [{"uniform", "randomuniform"}, {"one", "ones"}, {"zero", "zeros"}]


def places(value, path=()):
    """The path to every value in a JSON text."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*path, key))


def at(value, path):
    """The value at a path."""
    for key in path:
        value = value[key]
    return value


def replaced(text, path, new):
    """A copy of the JSON text with another value at this path."""
    if not path:
        return new
    text = copy.deepcopy(text)
    at(text, path[:-1])[path[-1]] = new
    return text
