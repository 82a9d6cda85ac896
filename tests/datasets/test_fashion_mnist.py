"""Fashion-MNIST: the sample that comes with the package, and the numbers of the full data."""

import re

import numpy as np

from tinynet.datasets import fashion_mnist


def first_of_each_class(images, labels, count):
    """The first `count` images and labels of each class, in the order in which they stand."""
    chosen = np.sort(np.concatenate([np.flatnonzero(labels == label)[:count] for label in range(10)]))
    return images[chosen], labels[chosen]


# --- the names


def test_the_classes_have_ten_english_names():
    names = "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot"
    assert ", ".join(fashion_mnist.CLASS_NAMES) == names


def test_the_russian_names_are_the_lessons():
    names = "Футболка / топ, Шорты, Свитер, Платье, Плащ, Сандали, Рубашка, Кроссовок, Сумка, Ботинок"
    assert ", ".join(fashion_mnist.CLASS_NAMES_RU) == names


def test_the_files_are_listed_in_the_order_in_which_they_are_returned():
    parts = [(part, kind) for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
    assert list(fashion_mnist.FILES) == [f"{part}-{kind}-ubyte" for part, kind in parts]
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in fashion_mnist.FILES.values())


def test_every_mirror_is_an_address_that_a_file_name_can_follow():
    assert all(re.fullmatch(r"https?://[^?]+/", mirror) for mirror in fashion_mnist.MIRRORS)


# --- the sample


def test_the_sample_has_2000_training_and_500_test_images(sample):
    (x_train, y_train), (x_test, y_test) = sample
    assert (x_train.shape, y_train.shape) == ((2000, 28, 28), (2000,))
    assert (x_test.shape, y_test.shape) == ((500, 28, 28), (500,))
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}


def test_the_sample_has_200_and_50_images_of_each_class(sample):
    (_, y_train), (_, y_test) = sample
    assert np.bincount(y_train).tolist() == [200] * 10
    assert np.bincount(y_test).tolist() == [50] * 10


def test_the_sample_is_mixed_as_the_full_data_is(sample):
    (_, y_train), (_, y_test) = sample
    assert y_train[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert y_test[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]


def test_the_sample_is_the_callers_to_change():
    first, second = fashion_mnist.load_data(sample=True), fashion_mnist.load_data(sample=True)
    for (x, y), (x_again, y_again) in zip(first, second, strict=True):
        before = x_again.sum(), y_again.sum()
        x[...], y[...] = 1, 1
        assert (x_again.sum(), y_again.sum()) == before


def test_the_sample_needs_no_folder_and_no_network(sample, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNET_DATA", str(tmp_path / "absent"))
    monkeypatch.setattr(fashion_mnist, "MIRRORS", ())
    found = fashion_mnist.load_data(sample=True)
    for (x, y), (x_expected, y_expected) in zip(found, sample, strict=True):
        assert np.array_equal(x, x_expected)
        assert np.array_equal(y, y_expected)
    assert not (tmp_path / "absent").exists()


def test_the_sample_is_the_first_of_each_class_in_the_order_of_the_full_data(sample, full_data):
    for (x, y), (x_full, y_full), count in zip(sample, full_data, (200, 50), strict=True):
        x_expected, y_expected = first_of_each_class(x_full, y_full, count)
        assert np.array_equal(y, y_expected)
        assert np.array_equal(x, x_expected)


def test_the_sample_comes_with_its_licence():
    text = (fashion_mnist.SAMPLE / "LICENSE").read_text(encoding="utf-8")
    assert "MIT License" in text
    assert "Copyright (c) 2017 Zalando SE" in text


# --- the full data


def test_the_full_data_has_60000_training_and_10000_test_images(full_data):
    (x_train, y_train), (x_test, y_test) = full_data
    assert (x_train.shape, y_train.shape) == ((60000, 28, 28), (60000,))
    assert (x_test.shape, y_test.shape) == ((10000, 28, 28), (10000,))
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert all(array.flags.writeable for array in (x_train, y_train, x_test, y_test))


def test_the_full_data_has_as_many_images_of_each_class(full_data):
    (_, y_train), (_, y_test) = full_data
    assert np.bincount(y_train).tolist() == [6000] * 10
    assert np.bincount(y_test).tolist() == [1000] * 10


def test_the_full_data_starts_with_the_published_labels(full_data):
    (_, y_train), (_, y_test) = full_data
    assert y_train[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert y_test[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]


def test_the_pixels_of_the_full_data_have_the_published_sums(full_data):
    (x_train, _), (x_test, _) = full_data
    assert x_train.sum(dtype=np.int64) == 3431114169
    assert x_test.sum(dtype=np.int64) == 573469082


def test_the_pixels_of_the_full_data_have_the_published_mean_and_deviation(full_data):
    (x_train, _), _ = full_data
    counts = np.bincount(x_train.ravel(), minlength=256)  # exact, and without 376 MB of float64
    values = np.arange(256) / 255
    mean = counts @ values / x_train.size
    assert round(mean, 7) == 0.2860406
    assert round((counts @ (values - mean) ** 2 / x_train.size) ** 0.5, 7) == 0.3530242
