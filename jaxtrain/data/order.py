"""The order in which PyTorch's `DataLoader` visits a data set."""

from collections.abc import Iterator

import numpy as np

from jaxtrain.rng import Generator


def epoch_order(generator: Generator, length: int, shuffle: bool) -> np.ndarray:
    """Row numbers in the order of one pass, drawing what a `DataLoader` draws.

    Every iterator of a loader draws a base seed for its workers, even if there are
    none; a shuffling sampler then draws the seed of the permutation.

    Args:
        generator: stands for PyTorch's default generator.
        length: number of rows.
        shuffle: permute, or keep the order.

    Returns:
        int64 array, (length,).

    PyTorch: `iter(torch.utils.data.DataLoader(…, shuffle=shuffle))`.

    Example:
        >>> epoch_order(Generator(0), 5, shuffle=True).tolist()
        [1, 4, 2, 3, 0]
    """
    generator.random_()
    if not shuffle:
        return np.arange(length)
    return Generator(int(generator.random_())).randperm(length)


def batches(order: np.ndarray, batch_size: int, steps: int) -> Iterator[np.ndarray]:
    """Cut an order into chunks of at most `steps` batches, the short batch last.

    Returns:
        Arrays (steps, batch_size), and (1, rest) of the rows that fill no batch.

    PyTorch: `torch.utils.data.BatchSampler` with `drop_last=False`.

    Example:
        >>> [chunk.shape for chunk in batches(np.arange(60000), 64, 500)]
        [(500, 64), (437, 64), (1, 32)]
    """
    full = len(order) // batch_size * batch_size
    whole = order[:full].reshape(-1, batch_size)
    for start in range(0, len(whole), steps):
        yield whole[start : start + steps]
    if full < len(order):
        yield order[full:].reshape(1, -1)
