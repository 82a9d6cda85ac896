"""Are the gradients right? Hand-derived ones against derivatives found without calculus.

    from tinynet import gradcheck

    print(gradcheck.check_layer(MyLayer(), (4, 3)))     # a layer, for samples of this shape
    gradcheck.check_loss(MyLoss(), y_true, y_pred)      # a loss
    gradcheck.check_model(model, x, y)                  # a compiled model, its loss included

Each returns a Report, or raises GradientError with it: which gradient is wrong, where, by how much, and the likely
cause.
"""

from .report import GradientError, Report, Row
from .subjects import check_layer, check_loss, check_model

__all__ = ["GradientError", "Report", "Row", "check_layer", "check_loss", "check_model"]
