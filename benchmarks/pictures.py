"""Draws what peers.py and scaling.py have measured."""

from __future__ import annotations

import statistics

import matplotlib

matplotlib.use("Agg")  # no window
import matplotlib.pyplot as plt

OURS, OTHERS = "#d95f02", "#7a8ca3"


def draw_peers(samples, columns, path):
    """A panel of bars for each column, tinynet's first; the lines reach from the least to the greatest value."""
    rows = list(samples)[::-1]
    figure, panels = plt.subplots(2, 4, figsize=(17, 8), layout="constrained", sharey=True)
    for panel, (column, (heading, unit, factor)) in zip(panels.flat, columns.items(), strict=False):
        values = [[value * factor for value in samples[row][column]] for row in rows]
        middles = [statistics.median(each) for each in values]
        panel.barh(rows, middles, color=[OURS if row == "tinynet" else OTHERS for row in rows])
        panel.hlines(range(len(rows)), [min(each) for each in values], [max(each) for each in values], "black", lw=1)
        for place, (value, each) in enumerate(zip(middles, values, strict=True)):
            panel.text(max(each), place, f" {float(f'{value:.3g}'):,g}", va="center", fontsize=9)
        wide = max(middles) > 20 * min(middles)
        panel.set_xscale("log" if wide else "linear")
        panel.set_xlim(right=max(map(max, values)) * (4 if wide else 1.2))
        panel.set_title(f"{heading}, {unit}" + (" (log scale)" if wide else ""))
        panel.spines[["top", "right"]].set_visible(False)
    for panel in panels.flat[len(columns) :]:
        panel.axis("off")
    figure.suptitle("784-128-10 on Fashion-MNIST, batch 32, 5 epochs, CPU. Less is better; medians and ranges")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw_scaling(medians, series, path):
    """Time of a step above, peak memory below, for each series; logarithmic axes."""
    figure, panels = plt.subplots(2, len(series), figsize=(15, 8), layout="constrained", sharey="row")
    for (above, below), (axis, values) in zip(panels.T, series.items(), strict=True):
        for (name, (steps, memory)), colour in zip(medians[axis].items(), (OURS, "#377eb8", "#4daf4a"), strict=False):
            above.plot(values, [step * 1e6 for step in steps], "o-", color=colour, label=name)
            below.plot(values, [size / 1e6 for size in memory], "o-", color=colour, label=name)
        for panel in (above, below):
            panel.set_xscale("log", base=2)
            panel.set_yscale("log")
            panel.set_xticks(values, [f"{value:,}" for value in values])
            panel.set_xlabel(axis)
            panel.grid(alpha=0.3)
    panels[0, 0].set_ylabel("a step, us")
    panels[1, 0].set_ylabel("peak memory, MB")
    panels[0, 0].legend()
    figure.suptitle(
        "Training on Fashion-MNIST, CPU, batch 32, 128 units and 1 hidden layer but for what grows; medians"
    )
    figure.savefig(path, dpi=120)
    plt.close(figure)
