"""The line search of `jaxtrain.optim.lbfgs` against PyTorch's, point by point."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxtrain.optim import _line_search
from jaxtrain.optim._line_search import LinePoint, strong_wolfe

torch = pytest.importorskip("torch")

from torch.optim.lbfgs import _strong_wolfe as torch_strong_wolfe

pytestmark = pytest.mark.usefixtures("float64")

Curve = Callable[[float], tuple[float, float]]
"""Step length -> loss and slope."""


def curves(count: int) -> np.ndarray:
    """Coefficients of a(t - b)² + c·sin(dt) + e·t⁴, falling at 0; some have no end."""
    generator = np.random.default_rng(0)
    table = generator.uniform(-1, 1, (count, 5)) * [2, 5, 3, 6, 0.02]
    slopes = -2 * table[:, 0] * table[:, 1] + table[:, 2] * table[:, 3]
    return table[slopes < -1e-3]


def value_and_slope(t: float, row: np.ndarray) -> tuple[float, float]:
    a, b, c, d, e = row
    value = a * (t - b) ** 2 + c * np.sin(d * t) + e * t**4
    return value, 2 * a * (t - b) + c * d * np.cos(d * t) + 4 * e * t**3


def smooth(count: int) -> list[Curve]:
    return [partial(value_and_slope, row=row) for row in curves(count)]


def torch_search(curve: Curve, first: float, most: int) -> tuple[float, int]:
    def evaluate(x: Any, t: Any, d: Any) -> Any:
        value, slope = curve(float(t))
        return float(value), torch.tensor([slope])

    value, slope = curve(0.0)
    g, one = torch.tensor([slope]), torch.ones(1)
    found = torch_strong_wolfe(
        evaluate, None, first, one, float(value), g, g.dot(one), max_ls=most
    )
    return float(found[2]), found[3]


def our_search(curve: Curve, first: float, most: int) -> tuple[float, int]:
    def evaluate(t: jax.Array) -> LinePoint:
        value, slope = map(jnp.asarray, curve(float(t)))
        return LinePoint(t, value, slope, slope)

    # One operation at a time rounds as PyTorch does; compiled code contracts some.
    with jax.disable_jit():
        start, one = evaluate(jnp.zeros([])), jnp.ones([])
        limit = jnp.asarray(most, jnp.int32)
        point, count = strong_wolfe(evaluate, start, jnp.asarray(first), one, limit)
    return float(point.t), int(count)


def searched_alike(rows: list[Curve], first: float, most: int) -> list[int]:
    """The numbers of evaluations, after a comparison with PyTorch's."""
    theirs = [torch_search(curve, first, most) for curve in rows]
    ours = [our_search(curve, first, most) for curve in rows]
    assert [count for _, count in ours] == [count for _, count in theirs]
    # Interpolations cancel; most lengths are the same bits, the rest were 4 ulps off.
    np.testing.assert_allclose(
        [t for t, _ in ours], [t for t, _ in theirs], rtol=16 * np.finfo(float).eps
    )
    return [count for _, count in theirs]


@pytest.mark.parametrize("first", [1.0, 0.01, 30.0])
@pytest.mark.parametrize("most", [24, 3, 0])
def test_the_line_search_finds_pytorch_s_points(first: float, most: int) -> None:
    counts = searched_alike(smooth(60), first, most)
    if most == 24:
        assert len(set(counts)) >= 5, "these curves are all alike"


def in_steps(curve: Curve) -> Curve:
    """The curve in quarters, its slope in halves: many are equal."""

    def stepped(t: float) -> tuple[float, float]:
        value, slope = curve(t)
        return np.round(4 * value) / 4, np.round(2 * slope) / 2

    return stepped


def on_the_line(t: float) -> tuple[float, float]:
    """Nowhere above what decreases enough, and never below it."""
    return _line_search.SUFFICIENT_DECREASE * t * -1.0, -1.0


def as_steep_as_allowed(t: float) -> tuple[float, float]:
    return -t, -1.0 if t == 0 else -_line_search.CURVATURE


def rising_and_falling(t: float) -> tuple[float, float]:
    """Higher beyond 1 than before it, and said to fall all along."""
    return (0.0 if t == 0 else -1.0 if t <= 1 else -0.5), -1.0


def in_whole_numbers(curve: Curve) -> Curve:
    """The curve's loss rounded, and its own slope."""
    return lambda t: (np.round(curve(t)[0]), curve(t)[1])


def wall(steepness: float, at: float) -> Curve:
    """-t, and a wall: the trials come near an end of the bracket time after time."""
    return lambda t: (
        -t + steepness * max(t - at, 0) ** 2,
        -1 + 2 * steepness * max(t - at, 0),
    )


@pytest.mark.parametrize("first", [1.0, 30.0])
def test_trials_near_the_ends_as_in_pytorch(first: float) -> None:
    searched_alike(
        [wall(353.0, 0.55), wall(149.0, 1.87), wall(2836.0, 1.09)], first, 24
    )


@pytest.mark.parametrize("first", [1.0, 0.125])
def test_ties_are_decided_as_in_pytorch(first: float) -> None:
    coarse = [in_steps(curve) for curve in smooth(60)]
    coarse += [in_whole_numbers(curve) for curve in smooth(120)]
    falling = [curve for curve in coarse if curve(0.0)[1] < 0]
    made = [on_the_line, as_steep_as_allowed, rising_and_falling]
    searched_alike([*made, *falling], first, 24)


FALLEN: list[float] = []
"""Lengths at which a search came upon a hole."""


def with_a_hole(curve: Curve, lost: str, start: float, stop: float) -> Curve:
    """The curve without its value, its slope, or both, at some lengths."""

    def holed(t: float) -> tuple[float, float]:
        value, slope = curve(t)
        if not start <= t <= stop:
            return value, slope
        FALLEN.append(t)
        return (
            {"value": np.nan, "both": np.nan, "overflow": np.inf}.get(lost, value),
            {"slope": np.nan, "both": np.nan, "overflow": np.nan}.get(lost, slope),
        )

    return holed


def answered(curve: Curve, first: float) -> bool:
    """PyTorch stumbles where it settles on a slope whose loss is NaN."""
    try:
        torch_search(curve, first, 24)
    except IndexError:
        return False
    return True


@pytest.mark.parametrize("lost", ["value", "slope", "both", "overflow"])
@pytest.mark.parametrize("first", [1.0, 0.01])
def test_nan_decides_as_in_pytorch_s_line_search(lost: str, first: float) -> None:
    """Where a loss has left the numbers: from some length on, or for a stretch."""
    holes = np.random.default_rng(1).uniform(0.005, 3, (25, 2))
    searches = [
        with_a_hole(curve, lost, start, stop)
        for curve, (start, length) in zip(smooth(25), holes, strict=False)
        for stop in (start + length, np.inf)
    ]
    judged = [curve for curve in searches if answered(curve, first)]
    assert len(judged) > len(searches) / 2
    assert lost == "value" or judged == searches
    FALLEN.clear()
    searched_alike(judged, first, 24)
    assert len(FALLEN) > len(judged), "hardly a search came upon a hole"


@pytest.mark.parametrize("constant", ["CURVATURE", "SUFFICIENT_DECREASE"])
def test_another_condition_is_noticed(
    constant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_line_search, constant, 0.3)
    rows = smooth(60)
    theirs = [torch_search(row, 1.0, 24)[1] for row in rows]
    assert [our_search(row, 1.0, 24)[1] for row in rows] != theirs
