"""Losses of overlapping boxes."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxtrain.losses._inputs import broadcast, check_reduction, floats, total

EPS = 1e-7


class _Boxes(NamedTuple):
    """Corners of many boxes, x1 < x2 and y1 < y2."""

    x1: jax.Array
    y1: jax.Array
    x2: jax.Array
    y2: jax.Array

    @property
    def width(self) -> jax.Array:
        return self.x2 - self.x1

    @property
    def height(self) -> jax.Array:
        return self.y2 - self.y1

    @property
    def area(self) -> jax.Array:
        return self.width * self.height


def generalized_box_iou_loss(
    boxes1: ArrayLike, boxes2: ArrayLike, reduction: str = "none", eps: float = EPS
) -> jax.Array:
    """GIoU loss: l_n = 1 - IoU + (|C| - |union|) / |C|, C the box around both.

    Args:
        boxes1: A, (4,) or (batch, 4), each x1, y1, x2, y2 with x1 < x2 and y1 < y2.
        boxes2: B, of the same shape.
        reduction: `"none"`, `"mean"` (0 of an empty batch) or `"sum"`.
        eps: added to the divisors.

    Raises:
        ValueError: shapes do not fit, or no such reduction.
        TypeError: the boxes are not floating-point.

    Boxes of 16 bits give a float32 loss, as in torchvision.

    PyTorch: `torchvision.ops.generalized_box_iou_loss`.
    Reference: Rezatofighi et al. 2019, https://arxiv.org/abs/1902.09630

    Example:
        >>> a, b = jnp.array([0.0, 0.0, 2.0, 2.0]), jnp.array([1.0, 1.0, 3.0, 3.0])
        >>> f"{generalized_box_iou_loss(a, b):.4f}"
        '1.0794'
    """
    check_reduction(reduction)
    a, b = _boxes(boxes1, boxes2)
    union, iou = _overlap(a, b, eps)
    around = _hull(a, b).area
    return _reduce(1 - (iou - (around - union) / (around + eps)), reduction)


def distance_box_iou_loss(
    boxes1: ArrayLike, boxes2: ArrayLike, reduction: str = "none", eps: float = EPS
) -> jax.Array:
    """DIoU loss: l_n = 1 - IoU + ρ²/c², of the centres' distance and C's diagonal.

    Arguments, errors and types as for `generalized_box_iou_loss`.

    PyTorch: `torchvision.ops.distance_box_iou_loss`.
    Reference: Zheng et al. 2020, https://arxiv.org/abs/1911.08287

    Example:
        >>> a, b = jnp.array([0.0, 0.0, 2.0, 2.0]), jnp.array([1.0, 1.0, 3.0, 3.0])
        >>> f"{distance_box_iou_loss(a, b):.4f}"
        '0.9683'
    """
    check_reduction(reduction)
    losses, _ = _distance_losses(*_boxes(boxes1, boxes2), eps)
    return _reduce(losses, reduction)


def complete_box_iou_loss(
    boxes1: ArrayLike, boxes2: ArrayLike, reduction: str = "none", eps: float = EPS
) -> jax.Array:
    """CIoU loss: the DIoU loss + a·v, v = (4/π²)·(difference of atan(w/h))².

    a = v / (1 - IoU + v + ε) counts as a constant: it has no gradient. Arguments,
    errors and types as for `generalized_box_iou_loss`.

    PyTorch: `torchvision.ops.complete_box_iou_loss`.
    Reference: Zheng et al. 2020, https://arxiv.org/abs/1911.08287

    Example:
        >>> a, b = jnp.array([0.0, 0.0, 2.0, 2.0]), jnp.array([1.0, 1.0, 3.0, 2.0])
        >>> f"{complete_box_iou_loss(a, b):.4f}"
        '0.8982'
    """
    check_reduction(reduction)
    a, b = _boxes(boxes1, boxes2)
    # torchvision passes its eps to alpha alone.
    losses, iou = _distance_losses(a, b, EPS)
    # Equation 9 of the paper.
    turn = jnp.arctan(b.width / b.height) - jnp.arctan(a.width / a.height)
    v = (4 / math.pi**2) * jnp.square(turn)
    # Equation 11, which torchvision computes under `no_grad`.
    alpha = jax.lax.stop_gradient(v / (1 - iou + v + eps))
    return _reduce(losses + alpha * v, reduction)


def _boxes(boxes1: ArrayLike, boxes2: ArrayLike) -> tuple[_Boxes, _Boxes]:
    (a, b), _ = floats(boxes1=boxes1, boxes2=boxes2)
    a, b = broadcast(boxes1=a, boxes2=b)
    if a.ndim == 0 or a.shape[-1] != 4:
        raise ValueError(f"boxes must have shape (…, 4), but have shape {a.shape}")
    return _Boxes(*jnp.moveaxis(a, -1, 0)), _Boxes(*jnp.moveaxis(b, -1, 0))


def _hull(a: _Boxes, b: _Boxes) -> _Boxes:
    low = (jnp.minimum(p, q) for p, q in zip(a[:2], b[:2], strict=True))
    high = (jnp.maximum(p, q) for p, q in zip(a[2:], b[2:], strict=True))
    return _Boxes(*low, *high)


def _overlap(a: _Boxes, b: _Boxes, eps: float) -> tuple[jax.Array, jax.Array]:
    """Areas of the unions, and intersections over unions."""
    low = (jnp.maximum(p, q) for p, q in zip(a[:2], b[:2], strict=True))
    high = (jnp.minimum(p, q) for p, q in zip(a[2:], b[2:], strict=True))
    box = _Boxes(*low, *high)
    # Boxes apart have two negative sides there, whose product would be an area.
    meet = (box.height > 0) & (box.width > 0)
    intersection = jnp.where(meet, box.area, 0)
    union = a.area + b.area - intersection
    return union, intersection / (union + eps)


def _distance_losses(a: _Boxes, b: _Boxes, eps: float) -> tuple[jax.Array, jax.Array]:
    _, iou = _overlap(a, b, eps)
    around = _hull(a, b)
    diagonal = jnp.square(around.width) + jnp.square(around.height) + eps
    apart = jnp.square((a.x2 + a.x1) / 2 - (b.x1 + b.x2) / 2)
    apart = apart + jnp.square((a.y2 + a.y1) / 2 - (b.y1 + b.y2) / 2)
    return 1 - iou + apart / diagonal, iou


def _reduce(losses: jax.Array, reduction: str) -> jax.Array:
    if reduction == "none":
        return losses
    divisor = max(losses.size, 1) if reduction == "mean" else 1
    return total(losses) / divisor
