"""Data sets of rows: arrays, parts and joins of others, and a random split."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from jaxtrain import rng
from jaxtrain.data import tree


@runtime_checkable
class MapDataset(Protocol):
    """What a `DataLoader` loads from: any object with these two methods.

    Nothing has to be inherited; a data set of torchvision is one as it is.

    PyTorch: `torch.utils.data.Dataset`, map-style.

    Example:
        >>> isinstance([1, 2, 3], MapDataset)
        True
    """

    def __getitem__(self, index: Any) -> Any:
        """The row of a number, 0 … len - 1."""

    def __len__(self) -> int:
        """How many rows there are."""


class TensorDataset:
    """Arrays of as many rows: row i is (a[i], b[i], …), or {"x": x[i], …} by name.

    A `DataLoader` of it gathers whole batches, and the engine keeps the arrays on the
    device. An array of JAX stays where it is.

    Args:
        *tensors: arrays (n, …), or dictionaries, lists and tuples of them.
        **named: arrays by name, instead; PyTorch has this in `StackDataset`.

    Raises:
        TypeError: something is no array.
        ValueError: none are given, both kinds are, or the numbers of rows differ.

    PyTorch: `torch.utils.data.TensorDataset`.

    Example:
        >>> data = TensorDataset(np.arange(6).reshape(3, 2), np.array([0, 1, 2]))
        >>> len(data), data[1]
        (3, (array([2, 3]), np.int64(1)))
    """

    def __init__(self, *tensors: Any, **named: Any) -> None:
        if bool(tensors) == bool(named):
            raise ValueError(
                "TensorDataset takes arrays, or arrays by name, and at least one"
            )
        self.tensors: Any = tensors or named
        self.arrays = tree.map_batch(tree.as_array, self.tensors)
        shapes = [array.shape for array in tree.leaves(self.arrays)]
        lengths = {shape[:1] for shape in shapes}
        if len(lengths) != 1 or () in lengths:
            raise ValueError(
                "arrays of one data set have as many rows, got shapes "
                f"{', '.join(map(str, shapes)) or 'of no array'}"
            )
        self._length = int(shapes[0][0])

    def __getitem__(self, index: Any) -> Any:
        row = tree.map_batch(lambda array: array[index], self.arrays)
        return row if isinstance(row, dict) else tuple(row)

    def __len__(self) -> int:
        return self._length


class Subset:
    """The rows of another data set that `indices` name, in that order.

    PyTorch: `torch.utils.data.Subset`.

    Example:
        >>> part = Subset("abcd", [3, 0])
        >>> len(part), part[0]
        (2, 'd')
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[place] for place in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        return items(self.dataset, [self.indices[index] for index in indices])

    def __len__(self) -> int:
        return len(self.indices)


def items(dataset: Any, indices: Sequence[Any]) -> list[Any]:
    """Several rows, all at once where the data set has PyTorch's `__getitems__`.

    Example:
        >>> items("abc", [2, 0])
        ['c', 'a']
    """
    if callable(several := getattr(dataset, "__getitems__", None)):
        found: list[Any] = several(indices)
        return found
    return [dataset[index] for index in indices]


class ConcatDataset:
    """The rows of several data sets, one after the other.

    Raises:
        ValueError: there are none; or, when read, no such row.

    PyTorch: `torch.utils.data.ConcatDataset`.

    Example:
        >>> both = ConcatDataset(["ab", "cde"])
        >>> len(both), both[2], both[-1]
        (5, 'c', 'e')
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset needs at least one data set, got none")
        self.cumulative_sizes = list(itertools.accumulate(map(len, self.datasets)))

    def __getitem__(self, index: int) -> Any:
        place = index + len(self) if index < 0 else index
        if place < 0:
            raise ValueError(f"there is no row {index} among {len(self)}")
        which = bisect.bisect_right(self.cumulative_sizes, place)
        if which == len(self.datasets):
            raise IndexError(f"there is no row {index} among {len(self)}")
        first = self.cumulative_sizes[which - 1] if which else 0
        return self.datasets[which][place - first]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


def random_split(
    dataset: Any,
    lengths: Sequence[int | float],
    generator: rng.Generator | None = None,
) -> list[Subset]:
    """Cut a data set at random into parts, by one permutation of its rows.

    Args:
        dataset: of n rows.
        lengths: of the parts, n in all; or fractions, 1 in all: each part has
            floor(fraction * n) rows, and the first ones a row of the rest more.
        generator: draws the permutation; `rng.default_generator` if not given.

    Raises:
        ValueError: the lengths do not come to n, or a fraction is not within 0 … 1.

    PyTorch: `torch.utils.data.random_split`.

    Example:
        >>> first, rest = random_split("abcde", [0.4, 0.6], rng.Generator(0))
        >>> first.indices, rest.indices
        ([4, 0], [1, 3, 2])
    """
    source = rng.default_generator if generator is None else generator
    size, total = len(dataset), sum(lengths)
    # PyTorch's own test of what are fractions, with its rounding.
    fractions = math.isclose(total, 1) and total <= 1
    parts = _shares(lengths, size) if fractions else list(lengths)
    if sum(parts) != size:
        raise ValueError(
            f"lengths {list(lengths)} come to {total}, and the data set has {size} rows"
        )
    order = source.randperm(size).tolist()
    ends = itertools.accumulate(parts)
    return [
        Subset(dataset, order[int(end - part) : int(end)])
        for end, part in zip(ends, parts, strict=True)
    ]


def _shares(fractions: Sequence[float], size: int) -> list[int]:
    for place, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(
                f"a fraction is within 0 … 1, got {fraction} at place {place}"
            )
    parts = [math.floor(size * fraction) for fraction in fractions]
    for turn in range(size - sum(parts)):
        parts[turn % len(parts)] += 1
    for place, part in enumerate(parts):
        if part == 0:
            warnings.warn(f"part {place} of the split has no rows", stacklevel=3)
    return parts


def whole_arrays(dataset: Any) -> tuple[Any, np.ndarray | None] | None:
    """The arrays behind a data set, and which of their rows its own are.

    Returns:
        The arrays, nested as a batch is, and int64 row numbers, None for all in their
        order; nothing where the data set is no `TensorDataset` nor a part of one.

    Example:
        >>> part = Subset(TensorDataset(np.arange(5)), [4, 2])
        >>> whole_arrays(part), whole_arrays("abc")
        (([array([0, 1, 2, 3, 4])], array([4, 2])), None)
    """
    if type(dataset) is TensorDataset:
        return dataset.arrays, None
    if type(dataset) is not Subset:
        return None
    found = whole_arrays(dataset.dataset)
    if found is None:
        return None
    arrays, rows = found
    own = np.asarray(dataset.indices, np.int64)
    return arrays, own if rows is None else rows[own]
