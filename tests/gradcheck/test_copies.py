"""What is checked is a copy: layers, models and their locks stay as they were."""

import copy
import pickle
import threading

import numpy as np
import sabotage
from checking import failure
from models import same

import tinynet as tn
from tinynet import gradcheck
from tinynet.gradcheck.copies import copied
from tinynet.layers import Dense, Tanh


def test_a_layer_stays_as_it_was():
    built = Dense(3, "tanh", name="mine")
    built(np.ones((2, 4)))
    built.grads["kernel"] = np.full((4, 3), 7.0)
    kernel, grads, before = built.kernel, built.grads["kernel"], pickle.dumps(built)
    gradcheck.check_layer(built, (4,))
    failure(gradcheck.check_layer, sabotage.LAYERS["kernel added"].make(), (4,))
    assert built.kernel is kernel
    assert built.grads["kernel"] is grads
    assert pickle.dumps(built) == before
    assert built.dtype == np.float32
    fresh = Dense(3)
    gradcheck.check_layer(fresh, (4,))
    assert not fresh.built
    assert fresh.weights == []


def test_a_layer_in_a_model_and_the_model_stay_as_they_were(lesson_model, sample):
    (x, y), _ = sample
    model = lesson_model(seed=0)
    model.fit(x[:64] / 255, y[:64], verbose=0)
    weights, slots = model.get_weights(), copy.deepcopy(model.optimizer.state)
    buffers = model.compilation.step.buffers.weights
    gradcheck.check_layer(model.layers[1], (784,), method="complex")
    gradcheck.check_model(model, x[:3] / 255, y[:3])
    assert same(model.get_weights(), weights)
    assert all(same(a, b) for a, b in zip(model.optimizer.state, slots, strict=True))
    assert all(weight.base is buffers for weight in model.weights)
    model.fit(x[:64] / 255, y[:64], verbose=0)
    assert model.optimizer.iterations == 4
    assert type(tn.nn.relu).__name__ == "ReLU"
    assert tn.nn.relu.dtype == np.float32


# ---- odd layers --------------------------------------------------------------------------------------------------


def test_modules_locks_and_generators_on_a_layer_are_shared_and_all_else_is_copied():
    class Held(Tanh):
        def __init__(self):
            super().__init__()
            self.xp, self.lock, self.inner = np, threading.Lock(), {"layers": [Tanh()]}
            self.inner["layers"][0].lock = self.lock
            self.numbers = np.ones(3)

    layer = Held()
    twin = copied(layer)
    assert twin.xp is np
    assert twin.lock is twin.inner["layers"][0].lock is layer.lock
    assert twin.inner["layers"][0] is not layer.inner["layers"][0]
    assert twin.numbers is not layer.numbers
    assert gradcheck.check_layer(layer, (3,)).passed


def test_what_can_be_copied_but_not_deeply_is_shared():
    class Odd:
        def __deepcopy__(self, memo):
            raise RuntimeError("no")

    layer = Tanh()
    layer.odd = Odd()
    assert copied(layer).odd is layer.odd
