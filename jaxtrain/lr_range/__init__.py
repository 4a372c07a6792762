"""The learning-rate range test: one short run with a rate that grows step by step.

Smith, Cyclical Learning Rates for Training Neural Networks (2015),
https://arxiv.org/abs/1506.01186, section 3.3. `python -m jaxtrain.lr_range` is its
command.
"""

from typing import TYPE_CHECKING

from jaxtrain._lazy import attach

if TYPE_CHECKING:
    from jaxtrain.lr_range._range_test import RangeTest, range_test, range_test_model
    from jaxtrain.lr_range._smoothing import smooth, steepest

__all__ = ["RangeTest", "range_test", "range_test_model", "smooth", "steepest"]

__getattr__ = attach(
    __name__,
    {
        "RangeTest": "_range_test",
        "range_test": "_range_test",
        "range_test_model": "_range_test",
        "smooth": "_smoothing",
        "steepest": "_smoothing",
    },
)
