"""Lays out the table of benchmarks/gpu.py: times beside tinynet's, launches of a step, transfers of an epoch."""

from __future__ import annotations

import statistics

NEEDS = "needs a GPU"
HEADS = (
    ("", "", "", "a step, us", "an epoch, ms", "time /", "epochs", "a step:", "", "an epoch:", "", ""),
    ("batch", "units", "variant", "median (range)", "median", "tinynet's", "timed")
    + ("kernels", "graphs", "up", "down", "waits"),
)
WIDTHS = (6, 7, 23, 27, 14, 11, 8, 10, 9, 11, 7, 7)
COUNTS = ("launches", "graph_launches", "uploads", "downloads", "synchronizations")
EACH_STEP = ("launches", "graph_launches")


def table(samples, counts, labels, images, remarks):
    """The table as a string, by batch and units.

    `samples`: [{"batch", "units", "turns": {name: [{"seconds" of an epoch, "epochs"}]}}]; `counts`: [{"batch", "units",
    "name", and "counts": {kind: number in an epoch} or "uncounted": why there are none}], or None before they are
    known; `labels`: {name: what the row is called}; `remarks`: {name: why it has no times, where it has none}.
    """
    lines = [row(head if counts is not None else head[: -len(COUNTS)]) for head in HEADS]
    for sample in sorted(samples, key=lambda sample: (sample["units"], sample["batch"])):
        setting = (sample["batch"], sample["units"])
        steps, turns = images // sample["batch"], sample["turns"]
        for name, label in labels.items():
            if turns.get(name):
                cells = times(turns[name], turns.get("tinynet"), steps)
                counted = () if counts is None else numbers(counts, setting, name, steps)
                lines.append(row((*setting, label, *cells, *counted)))
            elif name in remarks:
                lines.append(row((*setting, label)).ljust(sum(WIDTHS[:3])) + f"  {remarks[name]}")
    return "\n".join(lines)


def row(cells):
    """The cells, each as wide as its column; the variant stands left, all else right."""
    texts = [f"  {cell:{width - 2}}" if place == 2 else f"{cell:>{width}}" for place, (cell, width) in fit(cells)]
    return "".join(texts).rstrip()


def fit(cells):
    return enumerate(zip(cells, WIDTHS, strict=False))  # a row may end early, with a remark


def median(turns):
    """Of the seconds that an epoch took in each turn."""
    return statistics.median(turn["seconds"] for turn in turns)


def times(turns, ours, steps):
    """The cells of a variant's turns."""
    middle, seconds = median(turns), [turn["seconds"] for turn in turns]
    us = [1e6 * value / steps for value in (middle, min(seconds), max(seconds))]
    ratio = f"{middle / median(ours):.2f}" if ours else "-"
    epochs = sum(turn["epochs"] for turn in turns)
    return "{:,.1f} ({:,.1f}-{:,.1f})".format(*us), f"{1e3 * middle:,.1f}", ratio, epochs


def numbers(counts, setting, name, steps):
    """The cells of what was counted, or a remark in their place."""
    for entry in counts:
        if (entry["batch"], entry["units"], entry["name"]) == (*setting, name):
            if "uncounted" in entry:
                return (f"   {entry['uncounted']}",)
            found = entry["counts"]
            return tuple(f"{found[kind] / steps:.1f}" if kind in EACH_STEP else found[kind] for kind in COUNTS)
    return ("-",) * len(COUNTS)
