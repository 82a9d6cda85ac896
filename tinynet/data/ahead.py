"""Elements made ahead of their use, in a thread."""

from __future__ import annotations

import contextlib
import contextvars
import queue
import threading
from collections.abc import Iterator
from typing import Any

END = object()


def made_ahead(elements: Iterator[Any], count: int) -> Iterator[Any]:
    """The elements, up to `count` of them ready before they are asked for; an error is raised in its place.

    The thread ends with the elements, or soon after the iterator is closed or forgotten.
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

    context = contextvars.copy_context()  # such as np.errstate's
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
    """The next item; with a limit to each wait, so that an interrupt comes through on every system."""
    while True:
        with contextlib.suppress(queue.Empty):
            return ready.get(timeout=1)
