"""What is known of the terminal that the output goes to."""

from __future__ import annotations

import os
import sys


def is_interactive() -> bool:
    """Tell whether a line printed to stdout can be drawn over: on a terminal and in a notebook."""
    isatty = getattr(sys.stdout, "isatty", None)
    if isatty is not None and isatty():
        return True
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return any(ancestor.__name__ == "ZMQInteractiveShell" for ancestor in type(shell).__mro__)  # Colab's is a subclass


def columns() -> int:
    """Return the width of the terminal; 80 where there is none, or it does not tell."""
    try:
        return os.get_terminal_size().columns or 80
    except (OSError, ValueError):
        return 80
