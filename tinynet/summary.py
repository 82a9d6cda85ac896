"""The table that `model.summary()` prints, in the form of Keras 3."""

from __future__ import annotations

import sys
from typing import Any

from .progress import columns


def table(model: Any) -> str:
    """The layers with their output shapes and numbers of weights, and the totals, as one text."""
    width = min(88, max(44, columns() - 4))
    edges = [int(width * share) for share in (0.45, 0.80, 1.0)]
    inner = [right - left - 4 for left, right in zip([0, *edges], [e + 1 for e in edges], strict=False)]
    shapes = [str(shape) for shape in model.output_shapes] or ["?"] * len(model.layers)
    params = [f"{layer.count_params():,}" if model.output_shapes else "0 (unbuilt)" for layer in model.layers]
    names = [f"{layer.name} ({type(layer).__name__})" for layer in model.layers]
    rows = list(zip(names, shapes, params, strict=True))

    def line(cells, bar):
        left, middle, right = (_fit(cell, size) for cell, size in zip(cells, inner, strict=True))
        return f"{bar} {left:<{inner[0]}} {bar} {middle:<{inner[1]}} {bar} {right:>{inner[2]}} {bar}"

    def rule(ends):
        start, fill, cross, end = ends
        return start + cross.join(fill * (size + 2) for size in inner) + end

    head = line(("Layer (type)", "Output Shape", "Param #"), "┃")
    lines = [f'Model: "{model.name}"', rule("┏━┳┓"), head, rule("┡━╇┩")]
    for index, row in enumerate(rows):
        lines += [rule("├─┼┤")] * (index > 0) + [line(row, "│")]
    return "\n".join([*lines, rule("└─┴┘"), *_totals(model), *_training(model)])


def printed(text: str) -> None:
    """Print a table, in plain characters where the output's encoding has no box characters."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = text.translate(str.maketrans("┏━┳┓┃┡╇┩│├─┼┤└┴┘…", "+=++|+++|+-+++++~"))
    print(text)


def _totals(model: Any) -> list[str]:
    itemsize = model.dtype.itemsize
    trained = sum(part.__dict__[name].size for part in model.trained_parts() for name in part.weight_names)
    total, optimizer = model.count_params(), model.optimizer.state_size if model.optimizer else 0
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
        lines.append(" from the logits: softmax and loss are computed together")
    return lines


def _fit(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"


def _bytes(size: float) -> str:
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} GB"
