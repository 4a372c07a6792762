"""Samplers: in which order, and how often, rows are visited."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

import numpy as np

from jaxtrain import rng


class Sampler:
    """An iterable of row numbers; its iterator draws when its first row is asked for.

    PyTorch: `torch.utils.data.Sampler`.
    """

    draws_at_once = True
    """Whether all that a pass draws is drawn with its first row."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError


class SequentialSampler(Sampler):
    """0, 1, …, n - 1.

    PyTorch: `torch.utils.data.SequentialSampler`.

    Example:
        >>> list(SequentialSampler("abc"))
        [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """Rows at random: permutations, one after the other, or draws with replacement.

    Without a generator of its own each pass draws a seed from `rng.default_generator`
    and all else from a generator of that seed. With one it draws 32 rows at a time with
    replacement, and a permutation whenever the last is used up; a pass ends with one
    more permutation, of which it takes what is missing, be it none.

    Args:
        data_source: of n rows.
        replacement: whether a row may come again before all have come.
        num_samples: rows of a pass; n if not given.
        generator: what to draw from.

    Raises:
        TypeError: `replacement` is no bool.
        ValueError: `num_samples` is not 1 or more, or there are no rows.

    PyTorch: `torch.utils.data.RandomSampler`.

    Example:
        >>> list(RandomSampler(range(5), generator=rng.Generator(0)))
        [4, 0, 1, 3, 2]
    """

    BLOCK = 32

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: rng.Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = _flag("replacement", replacement, TypeError)
        self._num_samples = num_samples
        self.generator = generator
        # From the seed alone, nobody else can see when the rest is drawn.
        self.draws_at_once = generator is None
        _count("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """Rows of a pass."""
        chosen = self._num_samples
        return len(self.data_source) if chosen is None else chosen

    def __iter__(self) -> Iterator[int]:
        size = len(self.data_source)
        generator = self.generator
        if generator is None:
            generator = rng.Generator(int(rng.default_generator.random_()))
        if self.replacement:
            for start in range(0, self.num_samples, self.BLOCK):
                count = min(self.BLOCK, self.num_samples - start)
                yield from generator.randint(0, size, count).tolist()
            return
        for _ in range(self.num_samples // size):
            yield from generator.randperm(size).tolist()
        yield from generator.randperm(size)[: self.num_samples % size].tolist()

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """Each of `indices` once, in random order.

    Args:
        indices: row numbers.
        generator: draws the permutation; `rng.default_generator` if not given.

    PyTorch: `torch.utils.data.SubsetRandomSampler`.

    Example:
        >>> list(SubsetRandomSampler([10, 20, 30], rng.Generator(0)))
        [30, 10, 20]
    """

    def __init__(
        self, indices: Sequence[int], generator: rng.Generator | None = None
    ) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[Any]:
        for place in _source(self.generator).randperm(len(self.indices)).tolist():
            yield self.indices[place]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Rows 0 … n - 1 drawn with probabilities in proportion to their weights.

    Args:
        weights: of the rows, (n,).
        num_samples: rows of a pass.
        replacement: whether a row may come again.
        generator: what to draw from; `rng.default_generator` if not given.

    Raises:
        ValueError: an argument is impossible; when drawn, weights that are.

    PyTorch: `torch.utils.data.WeightedRandomSampler`.

    Example:
        >>> list(WeightedRandomSampler([0.1, 0.0, 0.9], 4, generator=rng.Generator(0)))
        [2, 2, 2, 2]
    """

    def __init__(
        self,
        weights: Sequence[float] | np.ndarray,
        num_samples: int,
        replacement: bool = True,
        generator: rng.Generator | None = None,
    ) -> None:
        self.num_samples = _count("num_samples", num_samples)
        self.replacement = _flag("replacement", replacement)
        self.weights = np.asarray(weights, np.float64)
        if self.weights.ndim != 1:
            raise ValueError(
                f"weights are one number for each row, got shape {self.weights.shape}"
            )
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        rows = _source(self.generator).multinomial(
            self.weights, self.num_samples, self.replacement
        )
        yield from rows.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """The rows of another sampler in lists of `batch_size`, the short one last.

    Args:
        sampler: any iterable of row numbers.
        batch_size: rows of a batch.
        drop_last: leave out the short batch.

    Raises:
        ValueError: `batch_size` is not 1 or more, or `drop_last` is no bool.

    PyTorch: `torch.utils.data.BatchSampler`.

    Example:
        >>> list(BatchSampler(range(5), 2, drop_last=False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self, sampler: Iterable[Any], batch_size: int, drop_last: bool
    ) -> None:
        self.sampler = sampler
        self.batch_size = _count("batch_size", batch_size)
        self.drop_last = _flag("drop_last", drop_last)

    def __iter__(self) -> Iterator[list[Any]]:
        rows = iter(self.sampler)
        while batch := list(itertools.islice(rows, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        full, rest = divmod(count, self.batch_size)
        return full + (rest > 0 and not self.drop_last)


class DistributedSampler(Sampler):
    """Every `num_replicas`-th row of one order, from the `rank`-th on.

    All processes draw the same order, from `seed` + epoch, and share it out; so that
    each has as many rows, the order is filled up from its beginning, or cut short.

    Args:
        dataset: of n rows.
        num_replicas: how many processes there are; JAX's number of them if not given.
        rank: which of them this is; JAX's number of it if not given.
        shuffle: whether the order is random.
        seed: of the order, the same in all processes.
        drop_last: cut the order short.

    Raises:
        ValueError: there is no such rank, or a switch is no bool.

    PyTorch: `torch.utils.data.distributed.DistributedSampler`.

    Example:
        >>> list(DistributedSampler(range(5), 2, 1, shuffle=False))
        [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            import jax

            num_replicas = jax.process_count() if num_replicas is None else num_replicas
            rank = jax.process_index() if rank is None else rank
        if not 0 <= rank < num_replicas:
            raise ValueError(f"rank must be within 0 … {num_replicas - 1}, got {rank}")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.shuffle = _flag("shuffle", shuffle)
        self.drop_last = _flag("drop_last", drop_last)
        self.seed = seed

    @property
    def num_samples(self) -> int:
        """Rows of a pass, in each process."""
        share = len(self.dataset) / self.num_replicas
        return math.floor(share) if self.drop_last else math.ceil(share)

    @property
    def total_size(self) -> int:
        """Rows of a pass, in all processes."""
        return self.num_samples * self.num_replicas

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass: each epoch has its own."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        size = len(self.dataset)
        order = np.arange(size)
        if self.shuffle:
            order = rng.Generator(self.seed + self.epoch).randperm(size)
        # `resize` repeats the order as often as it takes, and cuts it where it is long.
        order = np.resize(order, self.total_size)
        return iter(order[self.rank :: self.num_replicas].tolist())

    def __len__(self) -> int:
        return self.num_samples


_OURS = (
    SequentialSampler,
    RandomSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
    DistributedSampler,
)


def draws_at_once(sampler: Any) -> bool:
    """Whether a pass over it draws with its first row all that it draws.

    Example:
        >>> draws_at_once(BatchSampler(range(3), 2, False)), draws_at_once(iter(()))
        (True, False)
    """
    if type(sampler) is BatchSampler:
        return draws_at_once(sampler.sampler)
    if type(sampler) in _OURS:
        return bool(sampler.draws_at_once)
    return type(sampler) in (list, tuple, range)


def _source(generator: rng.Generator | None) -> rng.Generator:
    return rng.default_generator if generator is None else generator


def _flag(name: str, value: Any, error: type[Exception] = ValueError) -> bool:
    if not isinstance(value, bool):
        # PyTorch's own choice of exceptions.
        raise error(f"{name} must be True or False, got {value!r}")
    return value


def _count(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be an integer from 1 on, got {value!r}")
    return value
