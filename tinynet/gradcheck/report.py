"""What a gradient check found, and how it reads."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field


class GradientError(AssertionError):
    """A gradient is wrong; the text is the report, which is also the attribute `report`."""

    def __init__(self, report: Report):
        super().__init__(str(report))
        self.report = report


@dataclass
class Row:
    """One gradient of one check.

    `error` is the largest error relative to the report's `scale`, or to what a note says; `index` is its place,
    `analytic` and `numeric` are what backward gives there and what it should be. `checked` of its `size` entries, or so
    many random directions, were looked at, without the `kinks`. Along random directions nothing but the error is known
    of a right gradient, and index is None.
    """

    layer: str
    parameter: str
    error: float
    tolerance: float
    method: str
    size: int
    checked: int
    whole: bool  # entry by entry, not along random directions
    index: tuple[int, ...] | None = None
    analytic: float | None = None
    numeric: float | None = None
    kinks: int = 0
    cause: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the error is no more than rounding, and something was left to check."""
        return self.error <= self.tolerance and (self.kinks < self.checked or self.checked == 0)

    @property
    def label(self) -> str:
        """The layer and the parameter: dense.kernel; an input by its name alone."""
        return f"{self.layer}.{self.parameter}" if self.layer else self.parameter


@dataclass(repr=False)
class Report:
    """All gradients of one layer, loss or model. `str(report)` is a table; `passed` says whether all is well.

    `rows` has one entry a gradient; `problems` are faults of another kind, in words; `notes` say how the check was
    made; `parts` holds, for a model, the reports of those of its layers and of its loss that fail by themselves.
    """

    subject: str
    rows: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    scale: float = 1.0
    parts: list[Report] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every gradient is right and nothing else is wrong."""
        return not self.problems and not self.parts and all(row.passed for row in self.rows)

    @property
    def error(self) -> float:
        """The largest error of all."""
        return max((row.error for row in self.rows), default=0.0)

    def __getitem__(self, label: str) -> Row:
        """The row of that label, as "x", "kernel" or "dense.kernel"."""
        for row in self.rows:
            if label in (row.label, row.parameter):
                return row
        raise KeyError(f"{label!r} was not checked; checked were {', '.join(row.label for row in self.rows)}")

    def __str__(self) -> str:
        verdict = "right" if self.passed else "WRONG"
        lines = _wrapped(f"Gradient check of {self.subject}: {verdict}")
        if self.parts:
            lines += _wrapped(f"At fault by themselves: {'; '.join(part.subject for part in self.parts)}")
        if self.rows:
            lines += ["", *_table(self.rows)]
            lines += _wrapped(
                f"Errors are relative to {self.scale:.3g}, the largest entry of all these gradients; "
                f"up to {_limits(self.rows)} they count as rounding."
            )
        for note in self.notes:
            lines += _wrapped(f"Note: {note}")
        causes = list(dict.fromkeys(row.cause for row in self.rows if row.cause))
        if self.problems or causes:
            lines.append("")
        for problem in self.problems:
            lines += _wrapped(f"Wrong: {problem}")
        for cause in causes:
            labels = ", ".join(row.label for row in self.rows if row.cause == cause)
            lines += _wrapped(f"Likely cause, {labels}: {cause}")
        for part in self.parts:
            lines += ["", "Checked by itself, at its place in the model:", "", str(part)]
        return "\n".join(lines)

    __repr__ = __str__


def _wrapped(text: str) -> list[str]:
    """The text in lines of at most 100 characters."""
    return textwrap.wrap(text, 100, subsequent_indent="    ", break_long_words=False)


def _table(rows: Sequence[Row]) -> list[str]:
    head = ("", "gradient of", "largest error", "at", "backward gives", "should be", "checked by")
    cells = [head]
    for row in rows:
        at = "" if row.index is None else f"[{', '.join(map(str, row.index))}]"
        values = ("" if value is None else f"{value:.9g}" for value in (row.analytic, row.numeric))
        some = f" of {row.size}" if row.whole and row.checked < row.size else ""
        count = f"{row.checked}{some} {'entries' if row.whole else 'directions'}"
        if row.kinks:
            count += f", {row.kinks} at kinks left out"
        wrong = "" if row.passed else "WRONG" if row.error > row.tolerance else "UNCHECKED"
        cells.append((wrong, row.label, f"{row.error:.1e}", at, *values, f"{row.method}, {count}"))
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _limits(rows: Sequence[Row]) -> str:
    return " or ".join(dict.fromkeys(f"{row.tolerance:.0e} ({row.method})" for row in rows))
