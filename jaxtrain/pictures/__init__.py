"""Pictures of a run: each function takes a `RunRecord` and returns a matplotlib figure.

matplotlib, from the extra `plots`, is imported when the first is drawn, and without its
global state: neither a display nor the caller's own figures are touched.
"""

from jaxtrain.pictures._answers import (
    class_accuracy,
    confusion,
    sample_predictions,
    worst_mistakes,
)
from jaxtrain.pictures._compare import accuracies, loss_curves, rate_curves
from jaxtrain.pictures._curves import accuracy, losses, rates
from jaxtrain.pictures._insides import dead_units, gradient_norms, update_ratios
from jaxtrain.pictures._style import png
from jaxtrain.pictures._table import COMPARISONS, PICTURES, Comparison, Picture

__all__ = [
    "COMPARISONS",
    "PICTURES",
    "Comparison",
    "Picture",
    "accuracies",
    "accuracy",
    "class_accuracy",
    "confusion",
    "dead_units",
    "gradient_norms",
    "loss_curves",
    "losses",
    "png",
    "rate_curves",
    "rates",
    "sample_predictions",
    "update_ratios",
    "worst_mistakes",
]
