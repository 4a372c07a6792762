"""Which losses fit a classifier; without JAX, which the help does without."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple


class Fit(NamedTuple):
    """How (batch, classes) outputs and (batch,) labels enter a loss."""

    outputs: str = "raw"
    """`"raw"`, or what they go through: `"log_softmax"`, `"sigmoid"`."""
    targets: str = "labels"
    """`"labels"`; `"one_hot"`, 0 and 1; `"signs"`, -1 and 1; or `"padded"`, a row with
    the label and then -1."""


CLASSIFICATION = MappingProxyType(
    {
        "binary_cross_entropy": Fit("sigmoid", "one_hot"),
        "binary_cross_entropy_with_logits": Fit(targets="one_hot"),
        "cross_entropy": Fit(),
        "hinge_loss": Fit(targets="signs"),
        "huber_loss": Fit(targets="one_hot"),
        "kl_div": Fit("log_softmax", "one_hot"),
        "l1_loss": Fit(targets="one_hot"),
        "mse_loss": Fit(targets="one_hot"),
        "multi_margin_loss": Fit(),
        "multilabel_margin_loss": Fit(targets="padded"),
        "multilabel_soft_margin_loss": Fit(targets="one_hot"),
        "nll_loss": Fit("log_softmax"),
        "poisson_nll_loss": Fit(targets="one_hot"),
        "sigmoid_focal_loss": Fit(targets="one_hot"),
        "smooth_l1_loss": Fit(targets="one_hot"),
        "soft_margin_loss": Fit(targets="signs"),
    }
)
"""The losses that fit a classifier, and how."""
