"""Metrics over batches of unequal size, against a table counted by hand."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from metric_cases import CASES, MetricCase

from jaxtrain import metrics
from jaxtrain.training.metrics import Measurement, Metric, add_up, figures_of

ROUNDING = 16 * 2.0**-23
"""Relative: a softmax and a sum of a few float32 numbers."""


def measured(case: MetricCase, metric: Metric) -> Any:
    parts = []
    for outputs, targets in case.batches:
        pair = jnp.asarray(outputs, jnp.float32), jnp.asarray(np.array(targets))
        parts.append(_measurement(metric.part(*pair)))
    return figures_of({"": metric}, parts)[""]


def _measurement(part: Any) -> Measurement:
    return add_up(lambda rows: Measurement(jnp.zeros(()), {}, {"": part}), None)


def built(case: MetricCase) -> Metric:
    return getattr(metrics, case.name)(**case.args)


def fits(value: Any, expected: Any) -> bool:
    if isinstance(expected, list):
        return bool(np.array_equal(value, expected))
    expected = float(expected)
    if math.isinf(expected) or math.isinf(value):
        return value == expected
    return abs(value - expected) <= ROUNDING * abs(expected)


def mean_of_means(case: MetricCase) -> Any:
    """The usual mistake: batches count alike, however many rows they have."""
    singles = [MetricCase(case.name, (b,), 0, case.args) for b in case.batches]
    values = [measured(each, built(case)) for each in singles]
    return np.mean([v for v in values if not np.isnan(v).any()], axis=0)


def test_every_metric_is_the_table_s_and_not_the_mean_of_means() -> None:
    report, seen = [], 0
    for number, case in enumerate(CASES):
        value = measured(case, built(case))
        if not fits(value, case.expected):
            report.append(f"{number} {case.name}{case.args}: {value}, {case.expected}")
        if "mean of the batches' means" in case.note:
            seen += not fits(mean_of_means(case), case.expected)
    assert report == []
    assert seen >= 3
