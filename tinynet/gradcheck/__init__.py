"""Check hand-derived gradients against derivatives found without calculus, and against SymPy's.

    from tinynet import gradcheck

    print(gradcheck.check_layer(MyLayer(), (4, 3)))     # a layer, for samples of this shape
    gradcheck.check_loss(MyLoss(), y_true, y_pred)      # a loss
    gradcheck.check_model(model, x, y)                  # a compiled model, its loss included
    print(gradcheck.prove(MyLayer(), (2,)))             # exactly, as formulas; needs SymPy

A check returns a Report, or raises GradientError with the report in it. The report says which gradient is wrong, where,
by how much, and the likely cause. `prove` returns a Proof, or raises ProofError with both formulas.
"""

from .report import GradientError, Report, Row
from .subjects import check_layer, check_loss, check_model
from .symbolic import Proof, ProofError, prove

__all__ = [
    "GradientError",
    "Proof",
    "ProofError",
    "Report",
    "Row",
    "check_layer",
    "check_loss",
    "check_model",
    "prove",
]
