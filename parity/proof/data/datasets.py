"""Data sets of the cases, described as plain data and built with either library."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Numbers:
    """A data set of `size` samples, each its own index."""

    size: int


@dataclass(frozen=True)
class Pairs:
    """Samples of (row of four numbers, label), as NumPy arrays and an int."""

    size: int


@dataclass(frozen=True)
class Records:
    """Samples that are dictionaries of an array, a number, a text and a tuple."""

    size: int


@dataclass(frozen=True)
class Noise:
    """Samples of (index, number drawn by `__getitem__`)."""

    size: int
    source: str
    """`"library"` (the default generator of the library), `"numpy"`, `"random"`, or
    `"all"` of them."""
    draws: int = 1
    """Numbers a sample draws."""


@dataclass(frozen=True)
class Tensors:
    """`TensorDataset` of arrays that count up from 0."""

    shapes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class SubsetOf:
    """`Subset`."""

    dataset: "DatasetRecipe"
    indices: tuple[int, ...]


@dataclass(frozen=True)
class Concat:
    """`ConcatDataset`."""

    datasets: tuple["DatasetRecipe", ...]


@dataclass(frozen=True)
class Split:
    """One part of `random_split`."""

    dataset: "DatasetRecipe"
    lengths: tuple[float, ...]
    part: int = 0
    generator: int | None = 1
    """Seed of its own generator; None: the default one."""


DatasetRecipe = Numbers | Pairs | Records | Noise | Tensors | SubsetOf | Concat | Split


@dataclass(frozen=True)
class Library:
    """What a data set is built from: PyTorch's parts or ours."""

    data: Any
    """The module with `Subset`, `TensorDataset` and so on."""
    array: Callable[[np.ndarray], Any]
    generator: Callable[[int], Any]
    """From a seed."""
    uniform: Callable[[], float]
    """Draws one number from the default generator."""


class Samples:
    """A data set of samples made by a function of their index."""

    def __init__(self, size: int, sample: Callable[[int], Any]) -> None:
        self.size = size
        self.sample = sample

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Any:
        # Neither a list nor an array: the index comes as the sampler yields it.
        if not -self.size <= index < self.size:
            raise IndexError(index)
        return self.sample(index % self.size)


def pair(index: int) -> tuple[np.ndarray, int]:
    return np.arange(4, dtype=np.float32) + 10 * index, index % 3


def record(index: int) -> Mapping[str, Any]:
    """Values that each collate in their own way."""
    return {
        "row": np.full(2, index, np.float32),
        "weight": index / 2,
        "name": f"sample {index}",
        "flags": (index % 2 == 0, index),
    }


@dataclass(frozen=True)
class NoiseSample:
    """A class, and no closure, so that workers can be sent it."""

    recipe: Noise
    uniform: Callable[[], float]

    def __call__(self, index: int) -> tuple[Any, ...]:
        kinds: dict[str, Callable[[], float]] = {
            "library": self.uniform,
            "numpy": np.random.rand,
            "random": random.random,
        }
        source = self.recipe.source
        names: Sequence[str] = tuple(kinds) if source == "all" else (source,)
        return index, *(
            float(kinds[name]()) for _ in range(self.recipe.draws) for name in names
        )


def build(recipe: DatasetRecipe, library: Library) -> Any:
    """The data set of a recipe."""
    if isinstance(recipe, SubsetOf):
        dataset = build(recipe.dataset, library)
        return library.data.Subset(dataset, list(recipe.indices))
    if isinstance(recipe, Concat):
        parts = [build(part, library) for part in recipe.datasets]
        return library.data.ConcatDataset(parts)
    if isinstance(recipe, Split):
        return _split(recipe, library)[recipe.part]
    if isinstance(recipe, Tensors):
        arrays = [library.array(_count_up(shape)) for shape in recipe.shapes]
        return library.data.TensorDataset(*arrays)
    if isinstance(recipe, Noise):
        return Samples(recipe.size, NoiseSample(recipe, library.uniform))
    functions: dict[type, Callable[[int], Any]]
    functions = {Numbers: int, Pairs: pair, Records: record}
    return Samples(recipe.size, functions[type(recipe)])


def _count_up(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def _split(recipe: Split, library: Library) -> Sequence[Any]:
    dataset, lengths = build(recipe.dataset, library), list(recipe.lengths)
    if recipe.generator is None:
        return library.data.random_split(dataset, lengths)
    generator = library.generator(recipe.generator)
    return library.data.random_split(dataset, lengths, generator=generator)
