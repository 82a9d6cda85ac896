"""Files that Keras wrote, taken apart and put together again with a change."""

import json
from pathlib import Path

import numpy as np
import pytest

import tinynet as tn
from tinynet.formats import archive, keras
from tinynet.formats.record import FileError
from tinynet.formats.state import restore as restore_compiled

FOLDER = Path(__file__).parents[1] / "keras" / "files"
LESSON = (FOLDER / "lesson-3.15.1-jax.keras").read_bytes()


def restore(saved):
    """The model again, compiled if it was."""
    return restore_compiled(saved, tn.Sequential.from_config, {})


def data(shape):
    """The data of tests/keras/reference/keras_files.py."""
    x = np.sin(np.arange(12 * np.prod(shape))).reshape(12, *shape).astype("float32")
    return x, np.arange(12) % 3


def members(content):
    return archive.unpack(content)


def with_members(changed):
    return archive.pack({**members(LESSON), **changed})


def config_of(content):
    return json.loads(members(content)["config.json"])


def changed(change):
    """The lesson's file with another config.json."""
    config = config_of(LESSON)
    change(config)
    return with_members({"config.json": json.dumps(config).encode()})


def refused(content, message):
    with pytest.raises(FileError, match=message) as caught:
        keras.decode(content)
    assert len(str(caught.value)) < 2000
