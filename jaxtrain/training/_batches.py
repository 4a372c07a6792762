"""Which batches an epoch has, and which of them end an update."""

import numpy as np

from jaxtrain.config import Config
from jaxtrain.training._point import Place


def limited(images: int, config: Config) -> int:
    """Batches of one pass over so many images."""
    whole = -(-images // config.data.batch_size)
    limit = config.data.limit_batches
    return whole if limit is None else min(whole, limit)


def update_numbers(
    config: Config, batches: int, place: Place, count: int
) -> np.ndarray:
    """For each of the next `count` batches, the number of its update in the run.

    Args:
        config: the run.
        batches: of an epoch.
        place: where the run is.
        count: batches, all of one epoch.

    Returns:
        int64 array, (count,), from 0.
    """
    size = config.flow.accumulate
    before = (place.epoch - 1) * -(-batches // size)
    return before + np.arange(place.batch, place.batch + count) // size


def ends_update(config: Config, batches: int, place: Place, count: int) -> np.ndarray:
    """For each of the next batches, whether its gradient is the last of an update.

    Those that are left at the end of an epoch make an update of their own.

    Returns:
        bool array, (count,).
    """
    done = np.arange(place.batch, place.batch + count) + 1
    return (done % config.flow.accumulate == 0) | (done == batches)
