"""CSVLogger and History, and what an interrupt leaves of them."""

import pickle

import pytest
from told import TellAll, fitted

import tinynet as tn
from tinynet.callbacks import (
    CSVLogger,
    LambdaCallback,
)


def test_the_csv_file_to_the_byte(tmp_path):
    path = tmp_path / "log.csv"
    told = TellAll({"loss": 0.5, "acc": 0.25}, {"acc": 0.5, "loss": 0.125, "val_loss": 1.0})
    fitted([told, CSVLogger(path)], epochs=2)
    assert path.read_bytes() == (b"epoch,acc,loss,val_acc,val_loss\r\n0,0.25,0.5,NA,NA\r\n1,0.5,0.125,NA,1.0\r\n")
    fitted([TellAll({"loss": 0.5, "val_loss": 2.0}), CSVLogger(str(path), separator=";")])
    assert path.read_bytes() == b"epoch;loss;val_loss\r\n0;0.5;2.0\r\n"


def test_appending_writes_no_second_header(tmp_path):
    path = tmp_path / "log.csv"
    for epochs in (1, 2):
        fitted([TellAll({"a": 1}, {"a": 2}), CSVLogger(path, append=True)], epochs=epochs, initial_epoch=epochs - 1)
    assert path.read_text().split() == ["epoch,a,val_a", "0,1,NA", "1,2,NA"]


def test_an_interrupted_fit_leaves_the_rows_so_far_and_the_next_one_starts_afresh(tmp_path):
    path = tmp_path / "log.csv"

    def stop(epoch, logs):
        if epoch == 1:
            raise KeyboardInterrupt

    logger = CSVLogger(path)
    with pytest.raises(KeyboardInterrupt):
        fitted([TellAll({"a": 1}, {"a": 2}), LambdaCallback(on_epoch_end=stop), logger], epochs=2)
    assert path.read_text().split() == ["epoch,a,val_a", "0,1,NA"]
    pickle.loads(pickle.dumps(logger))
    fitted([TellAll({"b": 3}), logger])
    assert path.read_text().split() == ["epoch,b,val_b", "0,3,NA"]


def test_bad_separators():
    for separator in ("", ", ", None):
        with pytest.raises(ValueError, match="separator must be a single character"):
            CSVLogger("log.csv", separator)


def test_the_history_tells_the_epochs_of_each_name():
    history = tn.callbacks.History()
    assert history.epochs_of == {}
    for epoch, logs in ((3, {"loss": 1.0}), (4, {"loss": 0.5, "val_loss": 2.0}), (5, None), (6, {"val_loss": 1.5})):
        history.on_epoch_end(epoch, logs)
    assert history.epochs_of == {"loss": [3, 4], "val_loss": [4, 6]}
    assert history.history == {"loss": [1.0, 0.5], "val_loss": [2.0, 1.5]}
    assert history.epoch == [3, 4, 5, 6]
