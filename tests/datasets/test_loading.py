"""datasets.load: Fashion-MNIST and folders of one's own, splits and metadata."""

from pathlib import Path

import numpy as np
import pytest

import tinynet as tn
from tinynet.datasets import fashion_mnist, idx, load
from tinynet.datasets.info import ClassLabel, SplitInfo, Splits, select

SAMPLE = {"name": "fashion_mnist", "sample": True}


def rows(dataset):
    return [int(label) for _, label in dataset]


def test_a_dictionary_of_pairs_and_metadata(sample):
    dataset, metadata = load(**SAMPLE, as_supervised=True, with_info=True)
    assert list(dataset) == ["train", "test"]
    for split, (images, labels) in zip(("train", "test"), sample, strict=True):
        whole, numbers = next(iter(dataset[split].batch(5000)))
        assert np.array_equal(whole, images[..., None])
        assert whole.dtype == np.uint8
        assert np.array_equal(numbers, labels)
        assert numbers.dtype == np.int64
        assert metadata.splits[split].num_examples == len(dataset[split]) == len(images)
    assert metadata.name == "fashion_mnist"
    assert metadata.supervised_keys == ("image", "label")
    assert metadata.features["image"].shape == (28, 28, 1)
    assert metadata.features["image"].dtype == "uint8"
    label = metadata.features["label"]
    assert label.names == list(fashion_mnist.CLASS_NAMES)
    assert label.num_classes == 10
    assert label.int2str(9) == "Ankle boot"
    assert label.str2int("Bag") == 8
    assert metadata.splits["train[:80%]"].num_examples == 1600
    assert metadata.description.startswith("Fashion-MNIST: 70,000 grey images")
    assert "Source" not in metadata.description


def test_the_images_are_held_once():
    images, _ = load(**SAMPLE, split="train", as_supervised=True, batch_size=-1)
    dataset = load(**SAMPLE, split="train", as_supervised=True)
    assert dataset._source.arrays[0].base is not None, "a view of what was read"
    assert images.base is not None


def test_elements_are_dictionaries_unless_pairs_are_asked_for():
    element = next(iter(load(**SAMPLE, split="train")))
    assert sorted(element) == ["image", "label"]
    assert element["image"].shape == (28, 28, 1)
    whole = load(**SAMPLE, split="test", batch_size=-1)
    assert whole["image"].shape == (500, 28, 28, 1)
    images, labels = load(**SAMPLE, split="test", batch_size=-1, as_supervised=True)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    batch = next(iter(load(**SAMPLE, split="test", batch_size=7)))
    assert batch["image"].shape == (7, 28, 28, 1)


def test_names_in_english_russian_and_of_ones_own():
    def names(class_names=None):
        return load(**SAMPLE, with_info=True, class_names=class_names)[1].features["label"].names

    assert names() == names("en") == list(fashion_mnist.CLASS_NAMES)
    assert names("ru") == list(fashion_mnist.CLASS_NAMES_RU)
    assert names(list("abcdefghij")) == list("abcdefghij")
    with pytest.raises(ValueError, match=r"Unknown language of class names 'fr'\..* Known: 'en', 'ru'"):
        names("fr")
    with pytest.raises(ValueError, match="class_names has 2 names, but the labels go up to 9"):
        names(["a", "b"])
    with pytest.raises(ValueError, match=r"class_names must be strings; got \[1, 2\]"):
        names([1, 2])


def test_splits_as_strings_and_lists(sample):
    labels = sample[0][1].tolist()
    tests = sample[1][1].tolist()

    def one(split):
        return rows(load(**SAMPLE, split=split, as_supervised=True))

    assert one("train") == labels
    assert one("train[:10]") == labels[:10]
    assert one("train[-10:]") == labels[-10:]
    assert one("train[100:-1800]") == labels[100:200]
    assert one("train[:80%]") == labels[:1600]
    assert one("train[80%:]") == labels[1600:]
    assert one("train[-5%:]") == labels[-100:]
    assert one("train[:2000]") == one("train[:]") == one(" train ") == labels
    assert one("train[:5]+test[:5]") == labels[:5] + tests[:5]
    assert one("train + test") == one("all") == labels + tests
    assert sorted(load(**SAMPLE, split={"a": "train[:3]", "b": "test"}, as_supervised=True)) == ["a", "b"]
    parts = load(**SAMPLE, split=["train[:90%]", "train[90%:]", "test"], as_supervised=True)
    assert [len(part) for part in parts] == [1800, 200, 500]


def test_hundredths_are_rounded_to_the_nearest_and_leave_nothing_out():
    splits = {"train": SplitInfo("train", 7)}
    assert select("train[:33%]", splits) == [("train", range(2))]  # 2.31
    assert select("train[:36%]", splits) == [("train", range(3))]  # 2.52
    for percent in range(10, 91):
        (_, first), (_, second) = select(f"train[:{percent}%]+train[{percent}%:]", splits)
        assert [*first, *second] == list(range(7))
    assert Splits(splits)["train[:4]"] == SplitInfo("train[:4]", 4)
    assert Splits(splits)["train+train"].num_examples == 14


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "fashion_mnst"}, "'fashion_mnst'. Did you mean 'fashion_mnist'.* Nor is there a folder"),
        ({"split": "tain"}, "Unknown split 'tain'. Did you mean 'train'.* Known: 'train', 'test'"),
        ({"split": "validation"}, r"Take a part of 'train' .* 'train\[80%:\]'.* Known: 'train'"),
        ({"split": "Train"}, r"Unknown split 'Train'. Did you mean 'train'\? Known: 'train', 'test'"),
        ({"split": "xyz"}, "Unknown split 'xyz'. Known: 'train', 'test'"),
        ({"name": "Fashion_MNIST"}, "'Fashion_MNIST'. Did you mean 'fashion_mnist'"),
        ({"split": "train[:200%]"}, r"The bound 200% of 'train\[:200%\]' is outside of its 2,000 examples"),
        ({"split": "train[:2001]"}, "The bound 2001 .* is outside of its 2,000 examples"),
        ({"split": "train[-2001:]"}, "The bound -2001 .* is outside of its 2,000 examples"),
        ({"split": "train[7:7]"}, r"The split 'train\[7:7\]' holds none of the 2,000 examples of 'train'"),
        ({"split": "train[5]"}, r"A split is written as 'train', .*; got 'train\[5\]'"),
        ({"split": "train[1:2:3]"}, r"A split is written as"),
        ({"split": "train+"}, "A split is written as .*; got ''"),
        ({"split": ["train", "dev"]}, "Unknown split 'dev'"),
        ({"batch_size": 0}, "batch_size must be a positive integer; got 0"),
    ],
)
def test_wrong_names_bounds_and_sizes(options, message):
    with pytest.raises(ValueError, match=message):
        load(**{**SAMPLE, **options})


def test_wrong_kinds():
    with pytest.raises(TypeError, match=r"split must be a string, .*; got 5"):
        load(**SAMPLE, split=5)
    with pytest.raises(TypeError, match=r"A split is a string, .*; got 5"):
        load(**SAMPLE, split=[5])
    with pytest.raises(TypeError, match="A data set is named by a string or a path; got 5"):
        load(5)
    with pytest.raises(TypeError, match=r"no argument 'shuffle_files' in tinynet. Leave it out: shuffle"):
        load(**SAMPLE, shuffle_files=True)
    with pytest.raises(TypeError, match=r"load has no argument 'batchsize' in tinynet. Did you mean 'batch_size'\?"):
        load(**SAMPLE, batchsize=3)
    with pytest.raises(AttributeError, match=r"tinynet.datasets.lod is not in tinynet.* Did you mean load"):
        tn.datasets.lod  # noqa: B018


def test_class_labels():
    label = ClassLabel(["a", "b"])
    assert repr(label) == "ClassLabel(['a', 'b'])"
    for wrong in (2, -1, 0.5, "a"):
        with pytest.raises(ValueError, match=f"Labels are integers from 0 to 1; got {wrong!r}"):
            label.int2str(wrong)
    assert label.int2str(np.int64(1)) == "b"
    with pytest.raises(ValueError, match="Unknown class 'c'"):
        label.str2int("c")


# ---- folders ---------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """Files as EMNIST has them: 12 and 4 images of 5 x 4, three classes."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 12), ("t10k", 4)):
        images, labels = rng.integers(0, 256, (count, 5, 4)).astype("uint8"), (np.arange(count) % 3).astype("uint8")
        idx.write(tmp_path / f"emnist-letters-{split}-images-idx3-ubyte.gz", images)
        idx.write(tmp_path / f"emnist-letters-{split}-labels-idx1-ubyte", labels)
    return tmp_path


def test_a_folder_of_ones_own(folder):
    dataset, metadata = load(folder, as_supervised=True, with_info=True, class_names=["a", "b", "c"])
    assert list(dataset) == ["train", "test"]
    assert rows(dataset["train"]) == [0, 1, 2] * 4
    image, label = next(iter(dataset["test"]))
    expected = idx.read(folder / "emnist-letters-t10k-images-idx3-ubyte.gz")
    assert np.array_equal(image[..., 0], expected[0])
    assert label.dtype == np.int64
    assert metadata.features["image"].shape == (5, 4, 1)
    assert metadata.features["label"].names == ["a", "b", "c"]
    assert metadata.splits["test"].num_examples == 4
    assert load(str(folder), with_info=True)[1].features["label"].names == ["0", "1", "2"]
    assert len(load(folder, split="train[:50%]")) == 6
    made = tn.Sequential([tn.layers.Flatten(), tn.layers.Dense(3, "softmax")])
    made.compile("adam", "sparse_categorical_crossentropy")
    made.fit(dataset["train"].batch(4), verbose=0)


def test_a_folder_is_found_under_home(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent))
    assert len(load(Path("~") / folder.name, split="train")) == 12
    assert len(load(f"~/{folder.name}", split="train")) == 12


def test_a_known_name_goes_before_a_folder_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fashion_mnist").mkdir()
    assert len(load(**SAMPLE, split="test")) == 500


def test_two_sets_in_one_folder_are_refused_unless_they_are_copies(folder):
    images, labels = np.zeros((3, 5, 4), "uint8"), np.zeros(3, "uint8")
    idx.write(folder / "emnist-digits-train-images-idx3-ubyte", images)
    idx.write(folder / "emnist-digits-train-labels-idx1-ubyte", labels)
    with pytest.raises(ValueError, match="two files of train images, emnist-digits-train-images-idx3-ubyte and"):
        load(folder)


def test_images_of_colours_and_names_in_capitals(tmp_path):
    idx.write(tmp_path / "Train-Images-idx4-ubyte", np.zeros((2, 5, 4, 3), "uint8"))
    idx.write(tmp_path / "Train-Labels-idx1-ubyte", np.zeros(2, "uint8"))
    idx.write(tmp_path / "test_images_idx4", np.zeros((1, 5, 4, 3), "uint8"))
    idx.write(tmp_path / "test_labels_idx1", np.zeros(1, "uint8"))
    dataset, metadata = load(tmp_path, with_info=True)
    assert list(dataset) == ["train", "test"]
    assert metadata.features["image"].shape == (5, 4, 3)


def test_the_published_names_and_a_plain_and_a_gzipped_copy_of_a_file(folder, tmp_path):
    (tmp_path / "mnist").mkdir()
    images, labels = np.zeros((2, 3, 3), "uint8"), np.zeros(2, "uint8")
    for name in ("train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"):
        idx.write(tmp_path / "mnist" / name, images)
    for name in ("train-labels-idx1-ubyte", "train-labels-idx1-ubyte.gz"):
        idx.write(tmp_path / "mnist" / name, labels)
    assert [*load(tmp_path / "mnist")] == ["train"]


def _write(folder, images=None, labels=None, name="train"):
    if images is not None:
        idx.write(folder / f"{name}-images-idx3-ubyte", images)
    if labels is not None:
        idx.write(folder / f"{name}-labels-idx1-ubyte", labels)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (None, None, r"has no files such as train-images-idx3-ubyte .*: it is empty"),
        (None, np.zeros(2, "uint8"), "has no files such as .*: there are train-labels-idx1-ubyte"),
        (np.zeros((2, 3, 3), "uint8"), None, "train-labels-idx1-ubyte is missing"),
        (np.zeros((2, 3, 3), "uint8"), np.zeros(3, "uint8"), "do not fit together: there are 2 images and 3 labels"),
        (np.zeros((2, 3), "uint8"), np.zeros(2, "uint8"), r"are not images .* got uint8 \(2, 3\) and"),
        (np.zeros((2, 3, 3), "uint8"), np.zeros(2, "float32"), "are not images .* and float32"),
        (np.zeros((2, 3, 3), "uint8"), np.array([0, -1], "int8"), "labels count from 0, .* got -1 to 0"),
        (np.zeros((2, 3, 3), "uint8"), np.array([0, 2**31 - 1], "int32"), "at most 99,999 .* got 0 to 2147483647"),
        (np.zeros((0, 3, 3), "uint8"), np.zeros(0, "uint8"), "there are 0 images and 0 labels"),
    ],
)
def test_folders_that_are_not_right(tmp_path, images, labels, message):
    _write(tmp_path, images, labels)
    with pytest.raises(ValueError, match=message):
        load(tmp_path)


def test_folders_whose_parts_differ_and_arguments_that_are_not_for_folders(tmp_path):
    _write(tmp_path, np.zeros((2, 3, 3), "uint8"), np.zeros(2, "uint8"))
    with pytest.raises(ValueError, match="data_dir and sample are for data sets with a name"):
        load(tmp_path, sample=True)
    with pytest.raises(ValueError, match="class_names for a folder are a list of names; got 'en'"):
        load(tmp_path, class_names="en")
    _write(tmp_path, np.zeros((2, 4, 4), "uint8"), np.zeros(2, "uint8"), name="test")
    with pytest.raises(ValueError, match=r"must all have one size; got test \(2, 4, 4, 1\), train \(2, 3, 3, 1\)"):
        load(tmp_path)
    for missing in (tmp_path / "none", str(tmp_path / "none")):
        with pytest.raises(FileNotFoundError, match=r"There is no folder '.*none'"):
            load(missing)
    with pytest.raises(ValueError, match=r"'.*train-labels-idx1-ubyte' is a file; name the folder"):
        load(tmp_path / "train-labels-idx1-ubyte")


def test_a_damaged_file_says_which(tmp_path):
    _write(tmp_path, np.zeros((2, 3, 3), "uint8"), np.zeros(2, "uint8"))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x08")
    with pytest.raises(idx.IdxError, match="train-labels-idx1-ubyte: an IDX header"):
        load(tmp_path)
