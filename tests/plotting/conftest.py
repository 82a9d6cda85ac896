"""What all tests of pictures share."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    """Nothing is shown, settings stay as they were, and figures are closed."""

    def fail(*args, **kwargs):
        raise AssertionError("show was called")

    monkeypatch.setattr(plt, "show", fail)
    monkeypatch.setattr(matplotlib.figure.Figure, "show", fail)
    settings = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == settings
    plt.close("all")


@pytest.fixture(scope="module")
def things(sample):
    """40 real images, their labels, and probabilities, the first of them right and sure, the second wrong and sure."""
    _, (images, labels) = sample
    probabilities = np.random.default_rng(0).dirichlet(np.ones(10), 40).astype("float32")
    probabilities[0] = np.eye(10)[labels[0]]
    probabilities[1] = np.eye(10)[(labels[1] + 1) % 10]
    return images[:40], labels[:40], probabilities
