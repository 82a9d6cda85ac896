"""prefetch: elements are made ahead, errors and all."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from small_data import double, numbers, values

import tinynet as tn


def test_prefetch_makes_elements_ahead_and_no_more():
    made, ready = [], threading.Semaphore(0)

    def f(x):
        made.append(int(x))
        ready.release()
        return x

    iterator = iter(numbers(10).map(f).prefetch(3))
    assert next(iterator) == 0
    for _ in range(5):  # the first, three that wait in the queue, and one that waits for a place in it
        assert ready.acquire(timeout=10)
    time.sleep(0.05)
    assert made == [0, 1, 2, 3, 4]
    threads = [thread for thread in threading.enumerate() if thread.name == "tinynet-prefetch"]
    iterator.close()
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()
    assert values(numbers(5).prefetch(tn.data.AUTOTUNE)) == [0, 1, 2, 3, 4]


def test_prefetch_before_a_batch_makes_as_many_elements_ahead():
    made = []
    iterator = iter(numbers(1000).map(lambda x: made.append(x) or x).prefetch(20).batch(10))
    next(iterator)
    deadline = time.monotonic() + 10
    while len(made) < 40 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) == 40, "one batch given, two that wait, and one that waits for a place"
    iterator.close()
    assert values(numbers(6).prefetch(1).batch(4).map(double).take(1)) == [[1, 3, 5, 7]]


def test_prefetch_knows_the_settings_of_whoever_asks():
    divided = numbers(2).map(lambda x: np.float64(1) / x).prefetch(1)
    with np.errstate(divide="raise"), pytest.raises(RuntimeError, match="FloatingPointError"):
        list(divided)


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_prefetch_hands_on_what_is_no_error_too(kind):
    def f(x):
        raise kind

    with pytest.raises(kind):
        list(numbers(3).map(f).prefetch(1))


def test_a_program_ends_although_a_prefetching_thread_is_alive():
    code = "import tinynet as tn; i = iter(tn.data.Dataset.from_tensor_slices([1, 2, 3]).repeat().prefetch(1)); next(i)"
    assert subprocess.run([sys.executable, "-c", code], timeout=30, check=False).returncode == 0


def test_prefetch_hands_on_errors_where_they_belong():
    def f(x):
        if x == 2:
            raise KeyError("two")
        return x

    iterator = iter(numbers(5).map(f).prefetch(2))
    assert [next(iterator), next(iterator)] == [0, 1]
    with pytest.raises(RuntimeError, match=r"map\(f\) failed for element 2, int64 \(\): KeyError: 'two'"):
        next(iterator)
