"""How far two tensors or two sequences are apart, and where they first part."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike


@dataclass(frozen=True)
class Departure:
    """The first place where two sequences are further apart than allowed."""

    step: int
    """From 0."""
    reference: float
    candidate: float
    bound: float

    def __str__(self) -> str:
        return (
            f"step {self.step}: {self.candidate!r} where {self.reference!r} was "
            f"expected, {abs(self.candidate - self.reference):.3g} apart "
            f"(allowed: {self.bound:g})"
        )


def difference(reference: ArrayLike, candidate: ArrayLike) -> np.ndarray:
    """|candidate - reference|, element by element, in float64.

    Two NaNs, or two infinities of one sign, are 0 apart; a NaN or an infinity is
    infinitely far from anything else.

    Raises:
        ValueError: the shapes differ: a shorter run is not a prefix that agrees.

    Example:
        >>> difference([1.0, np.nan, 2.0], [1.5, np.nan, np.nan])
        array([0.5, 0. , inf])
    """
    a, b = (np.asarray(x, np.float64) for x in (reference, candidate))
    if a.shape != b.shape:
        raise ValueError(f"shapes differ: {a.shape} and {b.shape}")
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        apart = np.abs(b - a)
    return np.where(same, 0.0, np.where(np.isfinite(apart), apart, np.inf))


def ulps(
    reference: ArrayLike, candidate: ArrayLike, dtype: DTypeLike, scale: ArrayLike = 0.0
) -> np.ndarray:
    """`difference` in units in the last place of the larger of |reference| and scale.

    Args:
        reference: what is right.
        candidate: what is judged.
        dtype: the floating-point type whose spacing is the unit.
        scale: largest intermediate term; cancellation is not held against the result.

    Example:
        >>> float(ulps(1.0, np.nextafter(np.float32(1), np.float32(2)), np.float32))
        1.0
    """
    size = np.maximum(np.abs(np.asarray(reference, np.float64)), scale)
    unit = np.spacing(size.astype(dtype)).astype(np.float64)
    return difference(reference, candidate) / unit


def first_departure(
    reference: Sequence[float], candidate: Sequence[float], bound: ArrayLike
) -> Departure | None:
    """The first step at which two sequences are further apart than allowed.

    Args:
        reference: what is right.
        candidate: what is judged.
        bound: one for all steps, or one for each.

    Raises:
        ValueError: their lengths differ.

    Example:
        >>> print(first_departure([1.0, 1.0, 1.0], [1.0, 1.25, 9.0], bound=0.1))
        step 1: 1.25 where 1.0 was expected, 0.25 apart (allowed: 0.1)
    """
    apart = difference(reference, candidate)
    bounds = np.broadcast_to(np.asarray(bound, np.float64), apart.shape)
    # Asked this way round, a bound that is NaN allows nothing.
    places = np.flatnonzero(~(apart <= bounds))
    if not places.size:
        return None
    step = int(places[0])
    pair = float(reference[step]), float(candidate[step])
    return Departure(step, *pair, float(bounds[step]))
