"""PyTorch against itself: how far apart its own runs are that start an ulp away.

Some runs amplify rounding, in PyTorch as here: no fixed bound can judge them. What can
is how far PyTorch's runs part from each other.
"""

from collections.abc import Sequence

import numpy as np
import torch

from jaxtrain.config import Config
from jaxtrain.data import Dataset
from jaxtrain.history import History
from parity import torch_backend
from parity.difference import Departure, difference, first_departure

FACTOR = 2.0
"""How many times PyTorch's own distance is allowed: each of its runs passes by it."""

ONSET = 10
"""Steps ahead whose noise counts too: when a rounding first turns is chance."""

ROUNDINGS = 8
"""Units in the last place that two losses may be apart: they sum hundreds of terms."""


def nudged_history(
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

    events = torch_backend.run(config, dataset, nudge)
    return History(config.to_dict(), {}).extend(events)


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
