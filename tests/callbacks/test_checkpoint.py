"""ModelCheckpoint: which files it writes, when, and under which names."""

import pytest
from models import same, small
from told import TellAll, X, Y, fitted

from tinynet.callbacks import (
    ModelCheckpoint,
)


def checkpoint(path, **options):
    return ModelCheckpoint(path, save_weights_only=True, **options)


def test_names_are_filled_in_and_folders_made(tmp_path):
    path = tmp_path / "a" / "b" / "w-{epoch:02d}-{loss:.2f}.npz"
    model = small()
    fitted([TellAll({"loss": 0.5}, {"loss": 0.25}), checkpoint(path)], epochs=2, model=model)
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["w-01-0.50.npz", "w-02-0.25.npz"]
    other = small(seed=1)
    other.load_weights(files[1])
    assert same(other.get_weights(), model.get_weights())
    other.load_weights(files[0])
    assert not same(other.get_weights(), model.get_weights())


def test_only_what_is_better_than_ever_is_saved(tmp_path, capsys):
    values = [0.5, 0.6, 0.4, 0.4, 0.3]
    told = TellAll(*({"val_loss": value} for value in values))
    saving = checkpoint(tmp_path / "{epoch}.npz", save_best_only=True, verbose=1)
    fitted([told, saving], epochs=5)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["1.npz", "3.npz", "5.npz"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Epoch 1: val_loss improved from inf to 0.5; the weights are saved in {tmp_path / '1.npz'}."
    assert lines[1] == "Epoch 2: val_loss did not improve from 0.5."
    fitted([TellAll({"val_loss": 0.35}), saving])
    assert saving.best == 0.3, "the best lasts over several fits"
    threshold = checkpoint(tmp_path / "t{epoch}.npz", save_best_only=True, initial_value_threshold=0.45)
    fitted([told, threshold], epochs=5)
    assert sorted(file.name for file in tmp_path.iterdir() if file.name[0] == "t") == ["t3.npz", "t5.npz"]
    rising = checkpoint(tmp_path / "m{epoch}.npz", save_best_only=True, mode="max")
    fitted([told, rising], epochs=5)
    assert sorted(file.name for file in tmp_path.iterdir() if file.name[0] == "m") == ["m1.npz", "m2.npz"]


def test_without_the_value_it_warns_and_saves(tmp_path):
    with pytest.warns(UserWarning, match="watches 'val_loss', which is not among the logs: loss, accuracy") as seen:
        small().fit(X, Y, callbacks=checkpoint(tmp_path / "w.npz", save_best_only=True), verbose=0)
    assert seen[0].filename == __file__
    assert (tmp_path / "w.npz").exists()


def test_saving_after_batches_counts_across_epochs(tmp_path):
    saving = checkpoint(tmp_path / "{epoch}-{batch}.npz", save_freq=3)
    fitted(saving, epochs=2, batch_size=1)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["1-3.npz", "2-2.npz"]


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("w.h5", {"save_weights_only": False}, "must end in '.npz' or"),
        ("w.h5", {}, "must end in '.npz' or"),
        ("w.npz", {"save_freq": 0}, "save_freq, unless 'epoch', must be a positive integer"),
        ("w.npz", {"save_freq": "batch"}, "save_freq, unless 'epoch', must be a positive integer"),
        ("w.npz", {"mode": "best"}, "mode must be one of"),
        ("w.npz", {"initial_value_threshold": "low"}, "initial_value_threshold must be"),
    ],
)
def test_bad_arguments_of_a_checkpoint(path, options, message):
    with pytest.raises(ValueError, match=message):
        ModelCheckpoint(path, **{"save_weights_only": True, **options})


def test_a_name_that_is_not_among_the_logs(tmp_path):
    with pytest.raises(ValueError, match="asks for 'val_acc'; what there is: epoch, loss, accuracy"):
        fitted(checkpoint(tmp_path / "{val_acc}.npz"))
