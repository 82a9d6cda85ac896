"""Prefetching: elements are made in a thread before they are asked for."""

from __future__ import annotations

import contextlib
import contextvars
import queue
import threading
from collections.abc import Iterator
from typing import Any

END = object()


def made_ahead(elements: Iterator[Any], count: int) -> Iterator[Any]:
    """Yield the elements, while a thread makes up to `count` of them ahead.

    An error is raised in the place of the element that caused it. The thread ends after the last element, or soon
    after the iterator is closed or forgotten.
    """
    ready: queue.Queue = queue.Queue(maxsize=count)
    stopped = threading.Event()

    def give(item: Any) -> bool:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for element in elements:
                if not give((element, None)):
                    return
            give((END, None))
        except BaseException as error:
            give((END, error))

    context = contextvars.copy_context()  # np.errstate, for one, is a context variable
    threading.Thread(target=context.run, args=(work,), name="tinynet-prefetch", daemon=True).start()
    try:
        while True:
            element, error = _get(ready)
            if error is not None:
                raise error
            if element is END:
                return
            yield element
    finally:
        stopped.set()


def _get(ready: queue.Queue) -> tuple[Any, BaseException | None]:
    """Return the next item. Each wait has a limit, because on some systems an interrupt cannot end a wait."""
    while True:
        with contextlib.suppress(queue.Empty):
            return ready.get(timeout=1)
