"""The line search of PyTorch's L-BFGS: a step length that meets Wolfe's conditions.

Nocedal and Wright 2006, Numerical Optimization, algorithms 3.5 and 3.6, with cubic
interpolation. Decisions come in PyTorch's order, and comparisons are written so that
NaN decides as it does there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

SUFFICIENT_DECREASE, CURVATURE = 1e-4, 0.9
LEAST_BRACKET = 1e-9
"""PyTorch's, whatever its `tolerance_change` is."""


class LinePoint(NamedTuple):
    """What is known at one step length along the direction."""

    t: jax.Array
    f: jax.Array
    """Loss."""
    g: Any
    """Gradient, a tree."""
    slope: jax.Array
    """Derivative along the direction."""


class Bracket(NamedTuple):
    """Two points around a good one, as a `LinePoint` with an axis of two."""

    ends: LinePoint
    low: jax.Array
    """Which of the two has the lower loss: 0 or 1."""


class _Search(NamedTuple):
    """The outward phase."""

    before: LinePoint
    now: LinePoint
    iterations: jax.Array
    has_bracket: jax.Array
    enough: jax.Array


class _Zoom(NamedTuple):
    """The inward phase."""

    bracket: Bracket
    iterations: jax.Array
    slow: jax.Array
    """Whether the last trial was near an end."""
    enough: jax.Array


def strong_wolfe(
    evaluate: Callable[[jax.Array], LinePoint],
    start: LinePoint,
    first: jax.Array,
    direction_size: jax.Array,
    most: jax.Array,
) -> tuple[LinePoint, jax.Array]:
    """Search from step length `first`.

    Args:
        evaluate: step length -> point.
        start: the point at step length 0.
        first: the first step length to try.
        direction_size: the largest element of the direction, in absolute value.
        most: trials after the first, at most.

    Returns:
        The point to go to, and the number of evaluations.
    """
    search = _bracket(evaluate, start, first, most)
    zoom = _zoom(evaluate, start, search, direction_size, most)
    point = _pick(zoom.bracket.ends, zoom.bracket.low)
    return point, 1 + zoom.iterations


def _bracket(
    evaluate: Callable[[jax.Array], LinePoint],
    start: LinePoint,
    first: jax.Array,
    most: jax.Array,
) -> _Search:
    def more(search: _Search) -> jax.Array:
        return ~search.has_bracket & ~search.enough & (search.iterations < most)

    def step(search: _Search) -> _Search:
        before, now, iterations, _, _ = search
        # From the third trial on, as in PyTorch; algorithm 3.5 has it from the second.
        high = _too_high(now, start) | ((iterations > 1) & (now.f >= before.f))
        enough = ~high & _flat_enough(now, start)
        has_bracket = high | (~enough & (now.slope >= 0))

        def onward() -> _Search:
            # A hundredth further at least, tenfold at most, as in Torch7's lswolfe.lua.
            least = now.t + 0.01 * (now.t - before.t)
            t = cubic_minimum(before, now, least, now.t * 10)
            no = jnp.zeros_like(enough)
            return _Search(now, evaluate(t), iterations + 1, no, no)

        def stop() -> _Search:
            return _Search(before, now, iterations, has_bracket, enough)

        return jax.lax.cond(has_bracket | enough, stop, onward)

    no = jnp.zeros([], bool)
    state = _Search(start, evaluate(first), jnp.zeros([], jnp.int32), no, no)
    return jax.lax.while_loop(more, step, state)


def _zoom(
    evaluate: Callable[[jax.Array], LinePoint],
    start: LinePoint,
    search: _Search,
    direction_size: jax.Array,
    most: jax.Array,
) -> _Zoom:
    def more(zoom: _Zoom) -> jax.Array:
        t = zoom.bracket.ends.t
        narrow = jnp.abs(t[1] - t[0]) * direction_size < LEAST_BRACKET
        return ~zoom.enough & (zoom.iterations < most) & ~narrow

    def step(zoom: _Zoom) -> _Zoom:
        t, slow = _trial(zoom.bracket.ends, zoom.slow)
        new = evaluate(t)
        bracket, enough = _narrow(zoom.bracket, new, start)
        return _Zoom(bracket, zoom.iterations + 1, slow, enough)

    # Where the trials ran out, the bracket reaches from the start to the last of them.
    first = _select(search.enough, search.now, search.before)
    first = _select(search.has_bracket | search.enough, first, start)
    ends = _pair(first, search.now)
    bracket = Bracket(ends, _lower(ends))
    state = _Zoom(bracket, search.iterations, jnp.zeros([], bool), search.enough)
    return jax.lax.while_loop(more, step, state)


def _trial(ends: LinePoint, slow: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The next step length, kept off the ends if the last was near one too."""
    least, most = ends.t.min(), ends.t.max()
    t = cubic_minimum(_pick(ends, 0), _pick(ends, 1), least, most)
    # So near an end a trial hardly narrows the bracket: PyTorch puts up with it once.
    margin = 0.1 * (most - least)
    near = jnp.minimum(most - t, t - least) < margin
    force = near & (slow | (t >= most) | (t <= least))
    nearer_most = jnp.abs(t - most) < jnp.abs(t - least)
    inside = jnp.where(nearer_most, most - margin, least + margin)
    # A trial that was moved is not held against the next one.
    return jnp.where(force, inside, t), near & ~force


def _narrow(
    bracket: Bracket, new: LinePoint, start: LinePoint
) -> tuple[Bracket, jax.Array]:
    ends, low = bracket
    high = 1 - low
    worse = _too_high(new, start) | (new.f >= ends.f[low])
    enough = ~worse & _flat_enough(new, start)
    beyond = new.slope * (ends.t[high] - ends.t[low]) >= 0
    flip = ~worse & ~enough & beyond
    ends = _select(flip, _put(ends, high, _pick(ends, low)), ends)
    ends = _select(worse, _put(ends, high, new), _put(ends, low, new))
    # What is too high by (3.7a) alone may have the lower loss: PyTorch compares anew.
    return Bracket(ends, jnp.where(worse, _lower(ends), low)), enough


def _too_high(point: LinePoint, start: LinePoint) -> jax.Array:
    # Sufficient decrease, (3.7a) in the book, fails. NaN is not greater, and passes.
    return point.f > start.f + SUFFICIENT_DECREASE * point.t * start.slope


def _flat_enough(point: LinePoint, start: LinePoint) -> jax.Array:
    # The strong condition on the curvature, (3.7b).
    return jnp.abs(point.slope) <= -CURVATURE * start.slope


def cubic_minimum(
    one: LinePoint, other: LinePoint, least: jax.Array, most: jax.Array
) -> jax.Array:
    """Where the cubic through two points and their slopes is least, within bounds.

    Without such a minimum: half way between the bounds.
    """
    in_order = one.t <= other.t
    left, right = _select(in_order, one, other), _select(in_order, other, one)
    # (3.59) in the book.
    d1 = one.slope + other.slope - 3 * (one.f - other.f) / (one.t - other.t)
    square = d1 * d1 - one.slope * other.slope
    d2 = jnp.sqrt(square)
    share = (right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2)
    at = right.t - (right.t - left.t) * share
    # As Python's max and min compare, by which NaN stays.
    at = jnp.where(least > at, least, at)
    at = jnp.where(most < at, most, at)
    return jnp.where(square >= 0, at, (least + most) / 2)


def _lower(ends: LinePoint) -> jax.Array:
    return jnp.where(ends.f[0] <= ends.f[1], 0, 1)


def _pair(one: LinePoint, other: LinePoint) -> LinePoint:
    return jax.tree.map(lambda x, y: jnp.stack([x, y]), one, other)


def _pick(ends: LinePoint, index: jax.Array | int) -> LinePoint:
    return jax.tree.map(lambda x: x[index], ends)


def _put(ends: LinePoint, index: jax.Array, point: LinePoint) -> LinePoint:
    return jax.tree.map(lambda x, new: x.at[index].set(new), ends, point)


def _select(condition: jax.Array, one: Any, other: Any) -> Any:
    return optax.tree.where(condition, one, other)
