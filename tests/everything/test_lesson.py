"""The lesson's model learns: images, the sample, the real data, sequences."""

import numpy as np
import pytest

import tinynet as tn
from tinynet.layers import Dense


def test_sequences_train(corners):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 5, 3))
    y = x.argmax(axis=-1)
    model = tn.Sequential([tn.Input((5, 3)), Dense(16, "tanh"), Dense(3, "softmax")], seed=0)
    model.compile(tn.optimizers.Adam(0.02), "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(x, y, epochs=60, batch_size=7, verbose=0).history
    assert history["accuracy"][-1] > 0.95
    assert model.predict(x).shape == (40, 5, 3)
    assert np.isclose(model.evaluate(x, y, verbose=0)[1], (model.predict(x).argmax(-1) == y).mean())


# ---- learning -----------------------------------------------------------------------------------------------------


def test_32_images_are_overfitted(sample, lesson_model):
    (x, y), _ = sample
    x, y = x[:32].astype("float32") / 255, y[:32]
    model = lesson_model(seed=0)
    losses = model.fit(x, y, epochs=200, verbose=0).history["loss"]
    assert losses[-1] < 0.01
    assert (model.predict(x).argmax(axis=1) == y).all()


def test_an_untrained_model_knows_nothing(sample, lesson_model):
    # -log(1/10) = 2.303; weights of Glorot's size on pixels in [0, 1] move it by some tenths.
    (x, y), _ = sample
    loss, accuracy = lesson_model(seed=0).evaluate(x.astype("float32") / 255, y, verbose=0)
    assert 2.2 < loss < 2.7
    assert accuracy < 0.3


def test_the_sample_is_learned(sample, lesson_model):
    (x, y), (x_test, y_test) = sample
    model = lesson_model(seed=0)
    model.fit(x.astype("float32") / 255, y, epochs=10, verbose=0)
    assert model.evaluate(x_test.astype("float32") / 255, y_test, verbose=0)[1] > 0.78


@pytest.mark.slow
def test_the_lesson_on_the_real_data_over_five_seeds(full_data, lesson_model):
    (x, y), (x_test, y_test) = full_data
    x, x_test = x.astype("float32") / 255, x_test.astype("float32") / 255
    printed_in_the_lesson = np.array([0.4921, 0.3652, 0.3341, 0.3111, 0.2911])
    accuracies = []
    for seed in range(5):
        model = lesson_model(seed=seed)
        losses = model.fit(x, y, epochs=5, batch_size=32, verbose=0).history["loss"]
        assert np.abs(losses - printed_in_the_lesson).max() < 0.02
        accuracies.append(model.evaluate(x_test, y_test, verbose=0)[1])
    assert np.mean(accuracies) >= 0.865
