"""The table of benchmarks/gpu.py: times beside tinynet's, and what a step launches and an epoch moves."""

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


def table(samples, counts, labels, images, waiting=()):
    """The table as a string, by batch and units.

    `samples`: [{"batch", "units", "seconds": {name: [of each epoch]}}]; `counts`: [{"batch", "units", "name", and
    "counts": {kind: number in an epoch} or "uncounted": why there are none}]; `labels`: {name: what the row is called};
    `waiting`: names of variants that only a GPU can run.
    """
    lines = [row(head) for head in HEADS]
    for sample in sorted(samples, key=lambda sample: (sample["units"], sample["batch"])):
        setting = (sample["batch"], sample["units"])
        steps = images // sample["batch"]
        seconds = sample["seconds"]
        for name, label in labels.items():
            if seconds.get(name):
                cells = times(seconds[name], seconds.get("tinynet"), steps)
                lines.append(row((*setting, label, *cells, *numbers(counts, setting, name, steps))))
            elif name in waiting:
                lines.append(row((*setting, label, NEEDS)))
    return "\n".join(lines)


def row(cells):
    """The cells, each as wide as its column; the variant stands left, all else right."""
    texts = [f"  {cell:{width - 2}}" if place == 2 else f"{cell:>{width}}" for place, (cell, width) in fit(cells)]
    return "".join(texts).rstrip()


def fit(cells):
    return enumerate(zip(cells, WIDTHS, strict=False))  # a row may end early, with a remark


def times(seconds, ours, steps):
    """The cells of a variant's epochs."""
    middle = statistics.median(seconds)
    us = [1e6 * value / steps for value in (middle, min(seconds), max(seconds))]
    ratio = f"{middle / statistics.median(ours):.2f}" if ours else "-"
    return "{:,.1f} ({:,.1f}-{:,.1f})".format(*us), f"{1e3 * middle:,.1f}", ratio, len(seconds)


def numbers(counts, setting, name, steps):
    """The cells of what was counted, or a remark in their place."""
    for entry in counts:
        if (entry["batch"], entry["units"], entry["name"]) == (*setting, name):
            if "uncounted" in entry:
                return (f"   {entry['uncounted']}",)
            found = entry["counts"]
            return tuple(f"{found[kind] / steps:.1f}" if kind in EACH_STEP else found[kind] for kind in COUNTS)
    return ("-",) * len(COUNTS)
