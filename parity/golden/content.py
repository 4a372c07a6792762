"""What a golden file holds, taken from PyTorch and given to the comparison."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from parity.port.case import Batch, Case, TorchSide, check_batch
from parity.port.comparison import Pair
from parity.port.outline import Outline
from parity.port.step import Arrays, Step
from parity.port.taps import as_arrays


@dataclass(frozen=True)
class Golden:
    """PyTorch's side of a comparison; nothing in it is of the port."""

    dtype: str
    torch: str
    """PyTorch's version."""
    outline: Outline
    clips: bool
    batches: tuple[Batch, ...]
    """As the user gave them, in arrays."""
    steps: tuple[Step, ...]
    exact: tuple[Step | None, ...]
    """The same in float64, where `dtype` is narrower."""

    @property
    def start(self) -> Arrays:
        """Parameters and buffers before the first step."""
        return {**self.steps[0].before, **self.steps[0].buffers_before}


def make_golden(side: TorchSide, batches: Iterable[Batch], dtype: str) -> Golden:
    """Run PyTorch's side, which is left as it is.

    Args:
        side: the original.
        batches: one a step.
        dtype: of the comparison.

    Raises:
        ValueError: there are no batches.
    """
    import torch

    from parity.port.torch_run import LiveRun

    live = LiveRun(side, dtype)
    arrays = tuple(check_batch(arrays_of(batch)) for batch in batches)
    if not arrays:
        raise ValueError("there are no batches: is it a generator that was used up?")
    steps = [live.step(batch) for batch in arrays]
    return Golden(
        dtype=dtype,
        torch=str(torch.__version__),
        outline=live.outline,
        clips=live.clips,
        batches=arrays,
        steps=tuple(step for step, _ in steps),
        exact=tuple(exact for _, exact in steps),
    )


class Playback:
    """An `Original` that ran once.

    Args:
        golden: what was kept of it.
    """

    def __init__(self, golden: Golden):
        self.outline, self.clips = golden.outline, golden.clips
        self._golden = golden
        self._pairs = zip(golden.steps, golden.exact, strict=True)

    def start(self) -> Arrays:
        """Parameters and buffers before the first step."""
        return self._golden.start

    def step(self, batch: Batch) -> tuple[Step, Step | None]:
        """The next step; a batch of the port's that is another departs by itself."""
        del batch
        return next(self._pairs)


def golden_pairs(golden: Golden, case: Case, steps: int | None) -> Iterator[Pair]:
    """The golden batches beside the port's own, or beside themselves if it has none.

    Args:
        golden: with PyTorch's batches.
        case: which is not asked for its original.
        steps: how many at most.
    """
    ours: Iterable[Batch] = golden.batches
    if case.jax.batches is not None:
        ours = case.jax.batches
    elif case.has_batches:
        ours = case.batches
    return itertools.islice(itertools.zip_longest(golden.batches, ours), steps)


def arrays_of(tree: Any) -> Any:
    """A batch with NumPy arrays in the places of its tensors and numbers.

    Example:
        >>> arrays_of(([1.0], {"a": 2}))
        ((array(1.),), {'a': array(2)})
    """
    if isinstance(tree, tuple | list):
        return tuple(arrays_of(part) for part in tree)
    if isinstance(tree, Mapping):
        return {key: arrays_of(part) for key, part in tree.items()}
    (array,) = as_arrays(tree)
    return array
