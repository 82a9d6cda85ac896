"""The table that `model.summary()` prints, in the form of Keras 3."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from .. import terminal
from ..layers.base import Layer

HEADINGS = ("Layer (type)", "Output Shape", "Param #", "Trainable")


def table(model: Any, width: int | None = None, expand_nested: bool = False, show_trainable: bool = False) -> str:
    """Return the layers with their output shapes and numbers of weights, and the totals, as one text."""
    width = width or min(88 + 12 * show_trainable, max(44, terminal.columns() - 4))
    shares = (0.405, 0.72, 0.9, 1.0) if show_trainable else (0.45, 0.80, 1.0)
    edges = [0, *(int(width * share) - (share >= 0.8) for share in shares)]  # where the vertical rules are
    inner = [right - left - 3 for left, right in pairwise(edges)]
    if min(inner) < 3:
        raise ValueError(f"A summary needs more room than line_length={width}.")
    aligned = "<<>^"[: len(inner)]

    def line(cells, bar):
        padded = (f"{cell:{side}{size}}" for cell, side, size in zip(cells, aligned, inner, strict=True))
        return f"{bar} {f' {bar} '.join(padded)} {bar}"

    def rule(ends):
        start, fill, cross, end = ends
        return start + cross.join(fill * (size + 2) for size in inner) + end

    heads = line([_cut(head, size) for head, size in zip(HEADINGS, inner, strict=False)], "┃")
    lines = [f'Model: "{model.name}"', rule("┏━┳┓"), heads, rule("┡━╇┩")]
    for index, cells in enumerate(_rows(model, expand_nested, show_trainable)):
        lines += [rule("├─┼┤")] * (index > 0)
        folded = [_folded(cell, size) for cell, size in zip(cells, inner, strict=True)]
        height = max(map(len, folded))
        lines += [line(row, "│") for row in zip(*(cell + [""] * (height - len(cell)) for cell in folded), strict=True)]
    return "\n".join([*lines, rule("└─┴┘"), *_totals(model), *_training(model)])


def printed(text: str) -> None:
    """Print a table, in colour on a terminal unless NO_COLOR is set.

    Plain characters stand for box characters that the output's encoding does not have.
    """
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = text.translate(str.maketrans("┏━┳┓┃┡╇┩│├─┼┤└┴┘…", "+=++|+++|+-+++++~"))
    isatty = getattr(sys.stdout, "isatty", None)
    print(_coloured(text) if isatty is not None and isatty() and "NO_COLOR" not in os.environ else text)


def _coloured(text: str) -> str:
    """Return the text with the title bold, numbers green and types blue."""
    title, *lines = text.split("\n")
    lines = [re.sub(r"(?<![\w.])(\d[\d,.]*)(?![\w])", "\x1b[32m\\1\x1b[0m", line) for line in lines]
    lines = [re.sub(r"\(([A-Z]\w*)\)", "(\x1b[34m\\1\x1b[0m)", line) for line in lines]
    return "\n".join([f"\x1b[1m{title}\x1b[0m", *lines])


def _rows(model: Any, expand_nested: bool, show_trainable: bool, indent: str = "") -> Iterator[list[str]]:
    """Yield the cells of each layer."""
    shapes = [str(shape) for shape in model.output_shapes] or ["?"] * len(model.layers)
    for layer, shape in zip(model.layers, shapes, strict=True):
        if layer.built:
            params = f"{layer.count_params():,}"
        else:
            params = "0" if type(layer).build is Layer.build else "0 (unbuilt)"
        cells = [f"{indent}{layer.name} ({type(layer).__name__})", shape, params]
        trained = "-" if not layer.weights else "Y" if layer.trained_parts() else "N"
        yield [*cells, trained] if show_trainable else cells
        if expand_nested and hasattr(layer, "output_shapes"):
            yield from _rows(layer, expand_nested, show_trainable, f"   {indent or '└ '}")


def _totals(model: Any) -> list[str]:
    itemsize = model.dtype.itemsize
    trained = sum(weight.size for weight in model.trainable_weights)
    total, optimizer = sum(w.size for w in model.weights), model.optimizer.state_size if model.optimizer else 0
    lines = [
        f" Total params: {total + optimizer:,} ({_bytes((total + optimizer) * itemsize)})",
        f" Trainable params: {trained:,} ({_bytes(trained * itemsize)})",
        f" Non-trainable params: {total - trained:,} ({_bytes((total - trained) * itemsize)})",
    ]
    if optimizer:
        lines.append(f" Optimizer params: {optimizer:,} ({_bytes(optimizer * itemsize)})")
    return lines


def _training(model: Any) -> list[str]:
    if model.loss is None:
        return []
    lines = [f" Trained with {type(model.optimizer).__name__} on {model.loss.name}"]
    if model.trains_from_logits:
        lines.append(f" from the logits: {model.loss.link} and loss are computed together")
    return lines


def _folded(text: str, size: int) -> list[str]:
    """Return the text in lines of this size, folded at spaces. A longer word is cut."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= size:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [_cut(line, size) for line in lines]


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"


def _bytes(size: float) -> str:
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} GB"
