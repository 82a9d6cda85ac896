"""How the tests of the gradient checker ask it, and read what it says."""

import pytest

from tinynet import gradcheck

EXACT = 1e-12  # the complex step is exact but for rounding; sums of some hundred terms of float64 stay far below this


def exact(report):
    """Whether all gradients are right to the last digits, as the complex step sees them."""
    return report.error <= EXACT and {row.method for row in report.rows} <= {"complex step"}


def text(report):
    """What a report says, on one line."""
    return " ".join(str(report).split())


def failure(check, *arguments, **options):
    """The report of a check that must fail."""
    with pytest.raises(gradcheck.GradientError) as caught:
        check(*arguments, **options)
    assert str(caught.value) == str(caught.value.report)
    assert not caught.value.report.passed
    return caught.value.report
