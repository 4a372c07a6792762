"""What a call of a function is, and how its tensors are described."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Arguments = Mapping[str, Any]
Shape = tuple[int, ...]

INF, NAN = float("inf"), float("nan")

KINKS = (-20, -6, -3, -1, -0.5, -0.0, 0, 0.5, 1, 3, 6, 20)
"""Where a piecewise function has its corners."""
EXTREMES = (-INF, -1e30, -1e4, -104, -17, -1e-4, -1e-30, 1e-30, 1e-4, 17, 90, 1e4, 1e30)
"""Where exponentials overflow, vanish or swallow a 1."""


@dataclass(frozen=True)
class Recipe:
    """A tensor argument: its shape and what kind of numbers it holds.

    Values without a `dtype` of their own are of the floating dtype of the run.
    """

    shape: Shape
    kind: str = "real"
    """`"real"` (normal), `"positive"` (0.1 to 3), `"unit"` (0 to 1), `"wide"` (1e-3 to
    1e2, both signs), `"grid"` (halves from -8 to 8), `"tied"` (-1, 0 and 1), `"zero"`,
    `"one"`, `"kinks"`, `"extreme"`, `"index"` (below `size`), `"bool"` (true one time
    in four), `"values"` (those given)."""
    seed: int = 0
    size: int = 0
    values: tuple[float, ...] = ()
    """In the order of the memory, for `"values"`."""
    dtype: str = ""
    """For numbers that are not floating, or not of the run's dtype."""

    @property
    def floating(self) -> bool:
        return self.dtype.startswith("float") or not self.dtype

    def __str__(self) -> str:
        return f"{self.kind}{list(self.shape)}{self.dtype and ' ' + self.dtype}"


@dataclass(frozen=True)
class DType:
    """A dtype that is an argument."""

    name: str


@dataclass(frozen=True, eq=False)
class FunctionCase:
    """One call of a function of `torch.nn.functional` by keywords."""

    name: str
    args: Arguments
    """Those that are `Recipe` are tensors, those that are `DType` dtypes."""
    gradients: tuple[str, ...]
    """Tensors that PyTorch differentiates by."""
    draws: bool = False
    """Whether it draws from the generator: seed it before, compare its place after."""
    changes: tuple[str, ...] = ()
    """Tensors that PyTorch may change in place: compare them after the call."""
    warns: bool = False
    """Whether PyTorch warns of the call: each time, or once in a process."""
    note: str = ""

    def __str__(self) -> str:
        parts = ", ".join(f"{key}={value}" for key, value in self.args.items())
        note = self.note and f": {self.note}"
        return f"{self.name}({parts}){note}"


def case(
    name: str,
    /,
    *,
    gradients: tuple[str, ...] | None = None,
    draws: bool = False,
    changes: tuple[str, ...] = (),
    warns: bool = False,
    note: str = "",
    **args: Any,
) -> FunctionCase:
    """A call; without `gradients`, by all floating tensors that it does not change.

    Tensors without a seed take that of their place, so that no two are equal.
    """
    seeded = {
        key: replace(value, seed=value.seed or place)
        if isinstance(value, Recipe)
        else value
        for place, (key, value) in enumerate(args.items(), 1)
    }
    if gradients is None:
        gradients = tuple(
            key
            for key, value in seeded.items()
            if isinstance(value, Recipe) and value.floating
            # PyTorch differentiates by no running statistics.
            if key not in changes and not key.startswith("running_")
        )
    return FunctionCase(name, seeded, gradients, draws, changes, warns, note)


def real(*shape: int, seed: int = 0) -> Recipe:
    return Recipe(shape, "real", seed)


def tied(*shape: int) -> Recipe:
    return Recipe(shape, "tied")


def grid(*shape: int) -> Recipe:
    return Recipe(shape, "grid")


def positive(*shape: int) -> Recipe:
    return Recipe(shape, "positive")


def kinks() -> Recipe:
    return Recipe((len(KINKS),), "kinks")


def extreme() -> Recipe:
    return Recipe((len(EXTREMES),), "extreme")


def index(*shape: int, size: int, dtype: str = "int64", seed: int = 0) -> Recipe:
    return Recipe(shape, "index", seed, size, dtype=dtype)


def mask(*shape: int) -> Recipe:
    return Recipe(shape, "bool", dtype="bool")


def values(rows: Any, dtype: str = "") -> Recipe:
    """The numbers of nested lists."""
    array = np.array(rows, dtype=np.float64)
    return Recipe(array.shape, "values", 0, 0, tuple(array.ravel().tolist()), dtype)


def tensor(recipe: Recipe) -> np.ndarray:
    """The numbers of a recipe; floating ones are such that float32 can hold them."""
    draw, shape = np.random.default_rng([recipe.seed, *recipe.shape]), recipe.shape
    array: np.ndarray
    if recipe.kind in ("kinks", "extreme"):
        array = np.array(KINKS if recipe.kind == "kinks" else EXTREMES, np.float64)
    elif recipe.kind == "values":
        array = np.array(recipe.values, np.float64).reshape(shape)
    elif recipe.kind in ("zero", "one"):
        array = np.full(shape, 0.0 if recipe.kind == "zero" else 1.0)
    elif recipe.kind == "bool":
        array = draw.integers(0, 4, shape) == 0
    elif recipe.kind == "index":
        array = draw.integers(0, recipe.size, shape)
    else:
        array = _draw(draw, recipe.kind, shape)
    if recipe.floating:
        return np.asarray(array, np.float32).astype(recipe.dtype or np.float64)
    return np.asarray(array).astype(recipe.dtype)


def _draw(draw: np.random.Generator, kind: str, shape: Shape) -> np.ndarray:
    if kind == "positive":
        return draw.uniform(0.1, 3, shape)
    if kind == "unit":
        return draw.random(shape)
    if kind == "grid":
        return draw.integers(-16, 17, shape) / 2
    if kind == "tied":
        return draw.integers(-1, 2, shape).astype(np.float64)
    if kind not in ("real", "wide"):
        raise ValueError(f"kind of a recipe: {kind!r}; see Recipe.kind")
    array = draw.standard_normal(shape)
    return array if kind == "real" else array * 10.0 ** draw.uniform(-3, 2, shape)
