"""Figures of a validation set, reduced on the device, by torchmetrics' definitions.

A metric is a pair of functions: `part` of a batch's outputs and targets, compiled with
the model, and `compute` of the sum of all parts, on the host. So batches of different
size count by what is in them, as if the whole set had been one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain._lazy import listing

__all__ = [
    "Metric",
    "accuracy",
    "confusion_matrix",
    "mean_absolute_error",
    "mean_of",
    "perplexity",
    "top_k_accuracy",
]
__getattr__, __dir__ = listing(__name__, __all__)


@dataclass(frozen=True)
class Metric:
    """A figure of a whole set, made of parts of its batches that are added up.

    Attributes:
        part: (outputs, targets) of a batch -> tree of arrays; traced.
        compute: their sums, as NumPy arrays -> the figure.

    Example:
        >>> root_mean_square = Metric(
        ...     lambda o, t: (jnp.square(o - t).sum(), np.int32(len(t))),
        ...     lambda sums: float(np.sqrt(sums[0] / sums[1])),
        ... )
        >>> evaluate(root_mean_square, jnp.array([1.0, 3.0]), jnp.array([1.0, 1.0]))
        1.4142135623730951
    """

    part: Callable[[Any, Any], Any]
    compute: Callable[[Any], Any]


def evaluate(metric: Metric, outputs: Any, targets: Any) -> Any:
    """A metric of one batch alone."""
    return metric.compute(total([metric.part(outputs, targets)]))


def accuracy(ignore_index: int | None = None) -> Metric:
    """Share of targets that have the largest output: |{i: argmax_c o_ic = t_i}| / n.

    Args:
        ignore_index: targets that do not count, such as padding.

    Outputs are (N, C, *) with integer targets (N, *); or, of one sort of class alone,
    logits or probabilities of the shape of targets that are 0 or 1: those above 0 and
    1/2 are named 1 (logits where any lies outside [0, 1], as torchmetrics has it).

    PyTorch: `torchmetrics.Accuracy(task="multiclass" or "binary")`, whose average is
    the micro average.

    Example:
        >>> outputs = jnp.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])
        >>> evaluate(accuracy(), outputs, jnp.array([1, 0, 0]))
        0.6666666666666666
    """

    def part(outputs: jax.Array, targets: jax.Array) -> Any:
        outputs, targets = jnp.asarray(outputs), jnp.asarray(targets)
        named = (
            _binary(outputs) if outputs.shape == targets.shape else outputs.argmax(1)
        )
        counts = _counts(targets, ignore_index)
        return ((named == targets.astype(jnp.int32)) & counts).sum(), counts.sum()

    return Metric(part, _ratio)


def _binary(outputs: jax.Array) -> jax.Array:
    if not jnp.issubdtype(outputs.dtype, np.inexact):
        return outputs.astype(jnp.int32)
    logits = ((outputs < 0) | (outputs > 1)).any()
    probabilities = jnp.where(logits, jax.nn.sigmoid(outputs), outputs)
    return (probabilities > 0.5).astype(jnp.int32)


def top_k_accuracy(k: int, ignore_index: int | None = None) -> Metric:
    """Share of targets that are among the k largest outputs.

    Args:
        k: how many.
        ignore_index: targets that do not count.

    Raises:
        ValueError: k is not positive.

    PyTorch: `torchmetrics.Accuracy(task="multiclass", top_k=k)`.

    Example:
        >>> outputs = jnp.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]])
        >>> evaluate(top_k_accuracy(2), outputs, jnp.array([1, 2]))
        0.5
    """
    if not isinstance(k, int) or k < 1:
        raise ValueError(f"k must be a whole number from 1, but got {k!r}")

    def part(outputs: jax.Array, targets: jax.Array) -> Any:
        outputs, targets = jnp.asarray(outputs), jnp.asarray(targets)
        # `top_k` takes the earlier of equals, as torch.topk does on a CPU.
        _, names = jax.lax.top_k(jnp.moveaxis(outputs, 1, -1), k)
        hit = (names == targets.astype(jnp.int32)[..., None]).any(-1)
        counts = _counts(targets, ignore_index)
        return (hit & counts).sum(), counts.sum()

    return Metric(part, _ratio)


def mean_absolute_error() -> Metric:
    """Σ |o - t| / n over all elements.

    PyTorch: `torchmetrics.MeanAbsoluteError()`.

    Example:
        >>> outputs, targets = jnp.array([1.0, 3.0]), jnp.array([0.0, 1.0])
        >>> evaluate(mean_absolute_error(), outputs, targets)
        1.5
    """

    def part(outputs: jax.Array, targets: jax.Array) -> Any:
        outputs, targets = jnp.asarray(outputs), jnp.asarray(targets)
        if outputs.shape != targets.shape:
            raise ValueError(
                f"mean_absolute_error: outputs are {outputs.shape}, but targets "
                f"{targets.shape}; they must be of one shape"
            )
        return jnp.abs(outputs - targets).sum(), np.int32(outputs.size)

    return Metric(part, _ratio)


def perplexity(ignore_index: int | None = None) -> Metric:
    """exp(-Σ log softmax(o)_t / n) over all tokens.

    Args:
        ignore_index: tokens that do not count, such as padding.

    Outputs are (N, L, C), targets (N, L), as torchmetrics takes them.

    PyTorch: `torchmetrics.text.Perplexity(ignore_index)`.

    Example:
        >>> value = evaluate(perplexity(), jnp.zeros((2, 3, 4)), jnp.zeros((2, 3), int))
        >>> round(value, 4)
        4.0
    """

    def part(outputs: jax.Array, targets: jax.Array) -> Any:
        outputs, targets = jnp.asarray(outputs), jnp.asarray(targets)
        if outputs.shape[:-1] != targets.shape:
            raise ValueError(
                f"perplexity: outputs are {outputs.shape}, but targets "
                f"{targets.shape}; they must be (N, L, C) and (N, L)"
            )
        counts = _counts(targets, ignore_index)
        rows = jnp.where(counts, targets, 0).astype(jnp.int32)[..., None]
        # Not in 16 bits: a perplexity is an exponential of what is summed.
        wide = jnp.promote_types(outputs.dtype, jnp.float32)
        log_p = jax.nn.log_softmax(outputs.astype(wide))
        values = jnp.take_along_axis(log_p, rows, -1)[..., 0]
        return -jnp.where(counts, values, 0).sum(), counts.sum()

    return Metric(part, lambda sums: float(np.exp(_ratio(sums))))


def confusion_matrix(num_classes: int, ignore_index: int | None = None) -> Metric:
    """How many of each class (rows) were named what (columns).

    Args:
        num_classes: how many there are.
        ignore_index: targets that do not count.

    Its figure is int64, (num_classes, num_classes): `evaluate` gives it; the record of
    a run, which holds numbers, leaves it out.

    PyTorch: `torchmetrics.ConfusionMatrix(task="multiclass", num_classes=…)`.

    Example:
        >>> outputs = jnp.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])
        >>> evaluate(confusion_matrix(2), outputs, jnp.array([1, 0, 0]))
        array([[1, 1],
               [0, 1]])
    """

    def part(outputs: jax.Array, targets: jax.Array) -> Any:
        outputs, targets = jnp.asarray(outputs), jnp.asarray(targets)
        named = (
            _binary(outputs) if outputs.shape == targets.shape else outputs.argmax(1)
        )
        counts = _counts(targets, ignore_index).ravel()
        pairs = targets.astype(jnp.int32) * num_classes + named
        zeros = jnp.zeros(num_classes**2, jnp.int32)
        # Rows that do not count go where no class is, and are dropped.
        place = jnp.where(counts, pairs.ravel(), num_classes**2)
        return zeros.at[place].add(1, mode="drop").reshape(num_classes, num_classes)

    return Metric(part, lambda sums: np.asarray(sums).astype(np.int64))


def mean_of(function: Callable[[Any, Any], Any]) -> Metric:
    """The mean of a function of (outputs, targets), each batch by its number of rows.

    Args:
        function: gives a scalar that is a mean over the batch's rows.

    Example:
        >>> square = mean_of(lambda o, t: jnp.square(o - t).mean())
        >>> evaluate(square, jnp.array([1.0, 3.0]), jnp.array([1.0, 1.0]))
        2.0
    """

    def part(outputs: Any, targets: Any) -> Any:
        size = np.int32(len(jax.tree.leaves(targets)[0]))
        value = jnp.asarray(function(outputs, targets))
        if value.shape != ():
            raise ValueError(
                f"a metric must be one number for a batch, but is of shape "
                f"{value.shape}"
            )
        return value * size, size

    return Metric(part, _ratio)


FACTORIES = (accuracy, mean_absolute_error, perplexity)
"""Whose names alone will do."""


def as_metric(name: str, metric: Any) -> Metric:
    """A metric, one of the functions here that makes one, or a function of a batch.

    Raises:
        TypeError: it is none of them, or needs arguments.
    """
    if isinstance(metric, Metric):
        return metric
    if metric in (top_k_accuracy, confusion_matrix):
        own = metric.__name__
        example = f"{own}(5)" if metric is top_k_accuracy else f"{own}(num_classes=10)"
        raise TypeError(f"metric {name!r}: {own} needs its argument: {example}")
    if metric in FACTORIES:
        return metric()
    if callable(metric):
        return mean_of(metric)
    raise TypeError(
        f"metric {name!r} must be one of jaxtrain.metrics or a function of (outputs, "
        f"targets), but got {metric!r:.80}"
    )


def _counts(targets: jax.Array, ignore_index: int | None) -> jax.Array:
    if ignore_index is None:
        return jnp.ones(targets.shape, bool)
    return targets != ignore_index


def _ratio(sums: Any) -> float:
    part, whole = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.float64(part) / np.float64(whole))


class Measurement(NamedTuple):
    """What is measured of batches."""

    loss: Any
    """(steps,)"""
    figures: Any
    """(steps,) each, by name."""
    parts: Any
    """Of metrics, by name: (steps, …) numbers, and whole numbers summed."""


def add_up(one: Callable[[Any], Measurement], rows: jax.Array | None) -> Measurement:
    """Measure batches one after another; whole numbers are summed on the way.

    Sums of other numbers would round: the host adds those up in float64.
    """
    if rows is None:
        loss, figures, parts = one(None)
        return Measurement(*jax.tree.map(_row, (loss, figures, parts)))
    shapes = jax.eval_shape(one, rows[0])
    zeros = [
        jnp.zeros(leaf.shape, leaf.dtype)
        for leaf in jax.tree.leaves(shapes.parts)
        if _is_whole(leaf)
    ]

    def step(sums: list[jax.Array], rows: jax.Array) -> Any:
        result = one(rows)
        leaves = [jnp.asarray(leaf) for leaf in jax.tree.leaves(result.parts)]
        whole = [leaf for leaf in leaves if _is_whole(leaf)]
        rest = [leaf for leaf in leaves if not _is_whole(leaf)]
        sums = [a + b for a, b in zip(sums, whole, strict=True)]
        return sums, (result.loss, result.figures, rest)

    sums, (loss, figures, rest) = jax.lax.scan(step, zeros, rows)
    columns = iter([total[None] for total in sums]), iter(rest)
    leaves = [
        next(columns[0] if _is_whole(leaf) else columns[1])
        for leaf in jax.tree.leaves(shapes.parts)
    ]
    parts = jax.tree.unflatten(jax.tree.structure(shapes.parts), leaves)
    return Measurement(loss, figures, parts)


def _row(value: Any) -> jax.Array:
    return jnp.asarray(value)[None]


def _is_whole(leaf: Any) -> bool:
    return not jnp.issubdtype(leaf.dtype, np.inexact)


def total(parts: list[Any]) -> Any:
    """The sum of parts, in float64 and int64, on the host."""

    def add(*values: Any) -> Any:
        arrays = [np.asarray(value) for value in values]
        wide = np.int64 if _is_whole(arrays[0]) else np.float64
        return np.sum([array.astype(wide) for array in arrays], axis=0)

    return jax.tree.map(add, *parts)


def figures_of(
    metrics: Mapping[str, Metric], measurements: list[Measurement]
) -> dict[str, Any]:
    """Metrics of a whole set, and its batches' mean of what stands beside a loss."""
    result: dict[str, Any] = {}
    for name in measurements[0].figures:
        values = np.concatenate([np.asarray(m.figures[name]) for m in measurements])
        result[name] = float(values.astype(np.float64).mean())
    for name, metric in metrics.items():
        parts = [
            jax.tree.map(lambda x: np.asarray(x).astype(_wide(x)).sum(0), m.parts[name])
            for m in measurements
        ]
        result[name] = metric.compute(total(parts))
    return result


def _wide(x: Any) -> Any:
    return np.int64 if _is_whole(x) else np.float64
