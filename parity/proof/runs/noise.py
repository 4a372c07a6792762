"""PyTorch against itself: how far apart its own runs are that start an ulp away.

Some runs amplify rounding, in PyTorch as here: no fixed bound can judge them. What can
is how far PyTorch's runs part from each other.
"""

from collections.abc import Sequence

import numpy as np
import torch

from jaxtrain.data import Dataset
from jaxtrain.run.config import Config
from jaxtrain.run.history import History
from parity.difference import Departure, difference, first_departure
from parity.pytorch import backend

FACTOR = 2.0
"""How many times PyTorch's own distance is allowed: each of its runs passes by it."""

ONSET = 10
"""Steps ahead whose noise counts too: when a rounding first turns is chance."""

ROUNDINGS = 8
"""Units in the last place that two losses may be apart: they sum hundreds of terms."""


def history_with_nudge(
    config: Config, dataset: Dataset, seed: int, size: float | None = None
) -> History:
    """PyTorch's run from weights that are each moved up or down.

    Args:
        config: the run.
        dataset: what it trains on.
        seed: which weights go up.
        size: how far, relative to a weight; one rounding of the run's own type if not
            given.
    """
    generator = np.random.default_rng(seed)

    @torch.no_grad()
    def nudge(model: torch.nn.Module) -> None:
        for p in model.parameters():
            step = torch.finfo(p.dtype).eps if size is None else size
            signs = generator.choice([-1.0, 1.0], p.shape)
            p.mul_(1 + step * torch.as_tensor(signs).to(p))

    events = backend.run(config, dataset, nudge)
    return History(config.to_dict(), {}).extend(events)


def history_with_thread(config: Config, dataset: Dataset) -> History:
    """PyTorch's run with one thread more, which adds up its sums in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        return History(config.to_dict(), {}).extend(backend.run(config, dataset))
    finally:
        torch.set_num_threads(before)


def running_maximum(reference: History, other: History) -> np.ndarray:
    """(steps,) how far two runs' losses have been apart up to each step.

    Raises:
        ValueError: the runs are not equally long.
    """
    return np.maximum.accumulate(difference(reference.losses, other.losses))


def allowance(reference: History, others: Sequence[History]) -> np.ndarray:
    """(steps,) how far a loss may be from the reference's.

    That is `FACTOR` times the largest distance of any of the others at any step before
    this one, or up to `ONSET` steps after it, and not less than a few roundings.

    Args:
        reference: PyTorch's run.
        others: PyTorch's runs that start an ulp away.
    """
    losses = np.asarray(reference.losses)
    apart = [difference(losses, other.losses) for other in others]
    # A run that ends in NaN tells nothing of how far others may be apart.
    finite = [np.where(np.isfinite(run), run, 0.0) for run in apart]
    noise = np.maximum.accumulate(np.max(finite, axis=0))
    noise = noise[np.minimum(np.arange(len(noise)) + ONSET, len(noise) - 1)]
    dtype = np.float64 if reference.config["loop"]["dtype"] == "float64" else np.float32
    return np.maximum(FACTOR * noise, ROUNDINGS * np.finfo(dtype).eps * np.abs(losses))


def departure_from_noise(
    reference: History, others: Sequence[History], candidate: History
) -> Departure | None:
    """The first step at which a run is further from PyTorch's than is allowed.

    Raises:
        ValueError: the runs are not equally long.
    """
    bounds = allowance(reference, others)
    return first_departure(reference.losses, candidate.losses, bounds)


def distance(
    reference: History, others: Sequence[History], candidate: History
) -> float:
    """How many times PyTorch's own distance a run is away, at its worst step.

    `FACTOR` is what is allowed. Where PyTorch's runs part by less than some roundings,
    those are the unit.

    Raises:
        ValueError: the runs are not equally long.

    Example:
        >>> def run(*losses):
        ...     return History({"loop": {"dtype": "float32"}}, {}, [*losses])
        >>> reference, others = run(2.0, 1.0), [run(2.0, 1.1), run(2.0, 0.9)]
        >>> round(distance(reference, others, run(2.0, 1.3)), 3)
        3.0
    """
    apart = difference(reference.losses, candidate.losses)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = apart / allowance(reference, others)
    return float(FACTOR * np.max(np.where(apart == 0, 0.0, shares)))


def leave_one_out(reference: History, others: Sequence[History]) -> list[float]:
    """The distance of each of PyTorch's own runs, judged by the rest of them."""
    return [
        distance(reference, [*others[:i], *others[i + 1 :]], other)
        for i, other in enumerate(others)
    ]
