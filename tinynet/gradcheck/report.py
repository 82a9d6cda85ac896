"""Hold the result of a gradient check, and print it as a table."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field


class GradientError(AssertionError):
    """A gradient is wrong. The text is the report.

    Attributes:
        report: The report.
    """

    report: Report

    def __init__(self, report: Report):
        super().__init__(str(report))
        self.report = report


@dataclass
class Row:
    """One gradient of one check.

    Attributes:
        layer: The name of the layer; empty for an input.
        parameter: The name of the array.
        error: The largest error, relative to the report's `scale` or to the number that a note gives.
        tolerance: The error that counts as rounding.
        method: "complex step" or "central differences".
        size: The number of entries of the gradient.
        checked: The number of entries, or of random directions, that were checked; the kinks are among them.
        whole: Whether it was checked entry by entry. Otherwise it was checked along random directions, and of a right
            gradient only the error is known.
        index: The index of the largest error, if it is known.
        analytic: The value from backward at this index.
        numeric: The value that it should be.
        kinks: The number of entries at a kink, which are left out.
        cause: The likely cause of a wrong gradient, if one was found.
    """

    layer: str
    parameter: str
    error: float
    tolerance: float
    method: str
    size: int
    checked: int
    whole: bool
    index: tuple[int, ...] | None = None
    analytic: float | None = None
    numeric: float | None = None
    kinks: int = 0
    cause: str | None = None

    @property
    def passed(self) -> bool:
        """Tell whether the error is no more than rounding, and not all entries were left out."""
        return self.error <= self.tolerance and (self.kinks < self.checked or self.checked == 0)

    @property
    def label(self) -> str:
        """Return the layer and the parameter, as "dense.kernel"; for an input, its name alone."""
        return f"{self.layer}.{self.parameter}" if self.layer else self.parameter


@dataclass(repr=False)
class Report:
    """The result of a check of one layer, loss or model. `str(report)` is a table.

    Attributes:
        subject: The layer, loss or model, in words.
        rows: One row for each gradient.
        problems: Faults of another kind, in words.
        notes: Remarks on how the check was made.
        scale: The largest entry of all gradients, to which errors are relative.
        parts: For a model, the reports of those layers, and of the loss, that fail by themselves.
    """

    subject: str
    rows: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    scale: float = 1.0
    parts: list[Report] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Tell whether every gradient is right and there are no other faults."""
        return not self.problems and not self.parts and all(row.passed for row in self.rows)

    @property
    def error(self) -> float:
        """Return the largest error of all gradients."""
        return max((row.error for row in self.rows), default=0.0)

    def __getitem__(self, label: str) -> Row:
        """Return the row of a gradient by its label: "x", "kernel" or "dense.kernel".

        Raises:
            KeyError: There is no such row.
        """
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
    """Break the text into lines of at most 100 characters."""
    return textwrap.wrap(text, 100, subsequent_indent="    ", break_long_words=False)


def _table(rows: Sequence[Row]) -> list[str]:
    """Return the rows as lines with aligned columns."""
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
    """Return the tolerances of the rows, each once."""
    return " or ".join(dict.fromkeys(f"{row.tolerance:.0e} ({row.method})" for row in rows))
