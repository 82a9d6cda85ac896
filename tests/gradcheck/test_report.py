"""How a report reads, and when it passes."""

import pytest
from checking import failure

from tinynet import gradcheck
from tinynet.gradcheck.report import Report, Row
from tinynet.layers import Dense


def row(**options):
    given = {"layer": "d", "parameter": "k", "error": 0.0, "tolerance": 1e-12, "method": "complex step"}
    return Row(**{**given, "size": 4, "checked": 4, "whole": True, **options})


def test_when_a_row_passes():
    assert row().passed
    assert row(error=1e-12).passed
    assert not row(error=1.1e-12).passed
    assert row(kinks=3).passed
    assert not row(kinks=4).passed
    assert row(size=0, checked=0).passed


def test_when_a_report_passes():
    assert Report("s", [row()]).passed
    assert not Report("s", [row(), row(error=1.0)]).passed
    assert not Report("s", [row()], problems=["p"]).passed
    assert not Report("s", [row()], parts=[Report("t", [row(error=1.0)])]).passed
    assert Report("s", [row(error=1e-14), row(error=1e-13)]).error == 1e-13
    assert Report("s").error == 0


def test_the_text_of_a_report():
    rows = [
        row(error=3e-16, index=(0, 12), analytic=1.5, numeric=1.5, size=400, checked=200, kinks=7),
        row(layer="", parameter="x", error=0.25, index=(1,), analytic=-2.0, numeric=2.0, cause="sign.", tolerance=1e-6),
        row(parameter="b", whole=False, checked=20, method="central differences", error=1e-9, tolerance=1e-6),
        row(parameter="c", kinks=4),
    ]
    rows[1].method = "central differences"
    text = str(Report("Some 'd'", rows, problems=["one."], notes=["two."], scale=12.345))
    assert text.splitlines() == [
        "Gradient check of Some 'd': WRONG",
        "",
        "           gradient of  largest error  at       backward gives  should be  checked by",
        "           d.k          3.0e-16        [0, 12]  1.5             1.5        complex step,"
        " 200 of 400 entries, 7 at kinks left out",
        "WRONG      x            2.5e-01        [1]      -2              2          central differences, 4 entries",
        "           d.b          1.0e-09                                            central differences, 20 directions",
        "UNCHECKED  d.c          0.0e+00                                            complex step, 4 entries,"
        " 4 at kinks left out",
        "Errors are relative to 12.3, the largest entry of all these gradients; up to 1e-12 (complex step) or",
        "    1e-06 (central differences) they count as rounding.",
        "Note: two.",
        "",
        "Wrong: one.",
        "Likely cause, x: sign.",
    ]
    assert str(Report("s", problems=["p."])).splitlines() == ["Gradient check of s: WRONG", "", "Wrong: p."]
    assert "WRONG" not in str(Report("s", [row()]))
    assert not str(Report("s", [row()])).endswith("\n")
    assert str(Report(70 * "s ")).splitlines() == ["Gradient check of" + 41 * " s", "   " + 29 * " s" + " : right"]
    assert str(Report("s" * 150)).splitlines() == ["Gradient check of", f"    {'s' * 150}:", "    right"]


# ---- scale, noise, restoring -------------------------------------------------------------------------------------


def test_a_report_can_be_asked():
    report = gradcheck.check_layer(Dense(3), (4,))
    assert report.passed
    assert report["kernel"] is report["dense.kernel"]
    assert report.error == max(row.error for row in report.rows)
    with pytest.raises(KeyError, match=r"'weight' was not checked; checked were x, dense.kernel, dense.bias"):
        report["weight"]


def test_how_a_report_reads():
    class MeanForSum(Dense):
        def backward(self, dy, cache, need_dx=True):
            dx = super().backward(dy, cache, need_dx)
            self.grads["kernel"] /= len(dy)
            return dx

    lines = str(failure(gradcheck.check_layer, MeanForSum(3, name="mine"), (4,))).split("\n")
    assert lines[0] == "Gradient check of MeanForSum 'mine' for inputs of shape (5, 4): WRONG"
    assert " ".join(lines[2].split()) == "gradient of largest error at backward gives should be checked by"
    kernel = lines[4].split()
    assert kernel[:3] == ["WRONG", "mine.kernel", "8.0e-01"]
    assert kernel[-4:] == ["complex", "step,", "12", "entries"]
    assert 5 * float(kernel[-6]) == pytest.approx(float(kernel[-5]), rel=1e-8)
    assert lines[6].startswith("Errors are relative to ")
    assert lines[-2:] == [
        "Likely cause, mine.kernel: every element is off by a factor equal to the batch size (5 times too",
        "    small): is a mean taken where the sum is meant?",
    ]
    assert max(len(line) for line in lines) <= 100
