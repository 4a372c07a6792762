"""Histories of both frameworks' runs, and how far they are apart."""

from dataclasses import dataclass, replace

from jaxtrain.data import Dataset, Split
from jaxtrain.run.backends import load_backend
from jaxtrain.run.config import Config
from jaxtrain.run.history import History
from parity.difference import Departure, difference, first_departure


def history(config: Config, dataset: Dataset, backend: str) -> History:
    """The run of a configuration by one backend.

    Raises:
        ConfigError: the backend is not there.
    """
    return History(config.to_dict(), {}).extend(load_backend(backend)(config, dataset))


def part_of(dataset: Dataset, train: int, test: int = 100) -> Dataset:
    """The first images of each split: less to train on in both frameworks."""
    splits = [
        Split(split.images[:count], split.labels[:count])
        for split, count in ((dataset.train, train), (dataset.test, test))
    ]
    return replace(dataset, train=splits[0], test=splits[1], folder=None)


@dataclass(frozen=True)
class HistoryDifference:
    """Two runs of one configuration, side by side."""

    losses: float
    """Largest |Δloss| over all steps."""
    lrs: float
    """Largest |Δ learning rate| over all steps."""
    train_loss: float
    """Largest difference of the epochs' mean training losses."""
    accuracy: float
    """Largest difference of test accuracies, in points."""
    avg_loss: float
    """Largest difference of average test losses."""
    departure: Departure | None
    """The first step whose losses are further apart than the bound."""


def compare_histories(
    reference: History, candidate: History, bound: float
) -> HistoryDifference:
    """Compare two histories at every step and every epoch.

    Raises:
        ValueError: the runs are not equally long, or empty.
    """
    if not reference.losses:
        raise ValueError("there are no steps to compare")
    figures = [
        [(epoch.train_loss, epoch.accuracy, epoch.avg_loss) for epoch in history.epochs]
        for history in (reference, candidate)
    ]
    epochs = difference(*figures).reshape(-1, 3).max(axis=0, initial=0.0)
    return HistoryDifference(
        losses=float(difference(reference.losses, candidate.losses).max()),
        lrs=float(difference(reference.lrs, candidate.lrs).max()),
        train_loss=float(epochs[0]),
        accuracy=float(epochs[1]),
        avg_loss=float(epochs[2]),
        departure=first_departure(reference.losses, candidate.losses, bound),
    )
