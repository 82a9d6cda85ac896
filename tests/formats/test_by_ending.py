"""A model's weights go to a file, by the ending of its name, and back."""

import numpy as np
import pytest
from models import everything, same, small
from resumed import model

import tinynet as tn
from tinynet import layers
from tinynet.formats.record import FileError
from tinynet.layers import Dense, ReLU
from tinynet.models import load_model

# ---- files --------------------------------------------------------------------------------------------------------


def test_weights_go_to_a_file_and_back(tmp_path):
    model = everything()
    twice = Dense(3)
    for one, other in (
        (model, everything(seed=6)),
        (tn.Sequential([tn.Input((3,)), twice, twice]), tn.Sequential([tn.Input((3,)), *[Dense(3)] * 2])),
    ):
        one.save_weights(tmp_path / "w.npz")
        assert not same(one.get_weights(), other.get_weights())
        other.load_weights(str(tmp_path / "w.npz"))
        assert same(one.get_weights(), other.get_weights())
    assert [path.name for path in tmp_path.iterdir()] == ["w.npz"]


def test_files_that_do_not_fit_change_nothing(tmp_path):
    model = small()
    before = model.get_weights()
    path = tmp_path / "w.npz"
    tn.Sequential([tn.Input((3,)), Dense(8)]).save_weights(path)
    with pytest.raises(ValueError, match=r"does not hold the weights of model 'sequential': .*/kernel are in one of"):
        model.load_weights(path)
    tn.Sequential([tn.Input((3,)), Dense(8), ReLU(), Dense(4), layers.Softmax()]).save_weights(path)
    with pytest.raises(ValueError, match=r"has shape \(8, 3\); got an array of shape \(8, 4\)"):
        model.load_weights(path)
    model.save_weights(path)
    content = path.read_bytes()
    for damaged in (content[:-30], content[:200], b"", b"hello", content[:300] + b"\x00" * 50 + content[350:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"w.npz': (it is no archive|the archive|the array)"):
            model.load_weights(path)
    np.savez(path, **{"0/kernel": np.array([{}], dtype=object)})
    with pytest.raises(ValueError, match=r"w.npz': (it is no archive|the archive|the array)"):
        model.load_weights(path)
    with pytest.raises(FileNotFoundError):
        model.load_weights(tmp_path / "missing.npz")
    assert same(model.get_weights(), before)


def test_names_and_models_that_cannot_be_saved(tmp_path):
    for name in ("w", "w.h5", "w.npz.txt"):
        with pytest.raises(ValueError, match=r"must end in '\.npz' or"):
            small().save_weights(tmp_path / name)
    unbuilt = tn.Sequential([Dense(3)])
    with pytest.raises(ValueError, match="is not built yet, so it has no weights to save"):
        unbuilt.save_weights(tmp_path / "w.npz")
    with pytest.raises(ValueError, match="is not built yet: build it first"):
        unbuilt.load_weights(tmp_path / "w.npz")


# ---- the file ----------------------------------------------------------------------------------------------------


def test_names_and_overwriting(tmp_path):
    made = model()
    for name in ("m", "m.h5", "m.txt"):
        with pytest.raises(ValueError, match=r"The name of a file of a model must end in '\.npz' or"):
            made.save(tmp_path / name)
        with pytest.raises(ValueError, match=r"must end in '\.npz' or"):
            load_model(tmp_path / name)
    made.save(tmp_path / "m.npz")
    with pytest.raises(FileExistsError, match="exists already, and overwrite is False"):
        made.save(tmp_path / "m.npz", overwrite=False)
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "none.npz")
    with pytest.raises(ValueError, match="is not built yet"):
        tn.Sequential([Dense(3)]).save(tmp_path / "m.npz")
    with pytest.raises(TypeError, match="save_model takes a Sequential"):
        tn.models.save_model("m.npz", made)
    made.save_weights(tmp_path / "w.npz")
    with pytest.raises(FileError, match=r"w.npz': there is no model.json in it \(it may hold weights alone"):
        load_model(tmp_path / "w.npz")
