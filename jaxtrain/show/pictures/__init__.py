"""Pictures of a run: each function takes a `RunRecord` and returns a matplotlib figure.

matplotlib, from the extra `plots`, is imported when the first is drawn, and without its
global state: neither a display nor the caller's own figures are touched.
"""

from jaxtrain.show.pictures._answers import (
    class_accuracy,
    confusion,
    sample_predictions,
    worst_mistakes,
)
from jaxtrain.show.pictures._curves import (
    accuracies,
    accuracy,
    loss_curves,
    losses,
    rate_curves,
    rates,
)
from jaxtrain.show.pictures._insides import dead_units, gradient_norms, update_ratios
from jaxtrain.show.pictures._style import png
from jaxtrain.show.pictures._table import COMPARISONS, PICTURES, Comparison, Picture

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
