"""What a departure is judged by: both sides' steps, and PyTorch's computed anew."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from parity.difference import difference
from parity.port.comparison import Recording
from parity.port.judge import compare_step
from parity.port.report import Row
from parity.port.step import Step
from parity.port.torch_run import TorchRun

Change = Callable[[torch.nn.Module], AbstractContextManager[Any]]
"""(PyTorch's model) -> a context in which something is computed otherwise."""

STEPS = 3
"""How many steps are computed anew: a coincidence does not last so long."""


@dataclass(frozen=True)
class Evidence:
    """A comparison that departs."""

    recording: Recording

    @property
    def first(self) -> Row:
        """Where it departs."""
        row = self.recording.report.first
        assert row is not None
        return row

    @cached_property
    def run(self) -> TorchRun:
        """A PyTorch side to compute steps anew with."""
        return TorchRun(self.recording.case.torch, self.recording.report.dtype)

    @property
    def output_error(self) -> float:
        """How far the model's output departs at that step; infinite if it has none."""
        rows = [
            row
            for row in self.recording.report.rows
            if (row.step, row.kind, row.name) == (self.first.step, "output", "")
        ]
        return max((row.error for row in rows), default=np.inf)

    def numbers(self) -> list[int]:
        """Steps to look at: the first that departs and some after it."""
        count = len(self.recording.ours)
        start = min(self.first.step, max(count - STEPS, 0))
        return list(range(start, min(start + STEPS, count)))

    def error(
        self, change: Change, kind: str | None = None, enough: float = np.inf
    ) -> float:
        """What is left of the difference if PyTorch computes with a change.

        Args:
            change: enters a context for the model of `run`.
            kind: of quantity; that which departs first if not given.
            enough: a step that leaves more is the last to be computed.
        """
        kind, worst = kind or self.first.kind, 0.0
        if not self.numbers():
            return np.inf
        try:
            for number in self.numbers():
                worst = max(worst, _rest(self._rows(change, number, kind), kind))
                if worst > enough:
                    break
        except (RuntimeError, ValueError, TypeError, IndexError):
            # A change that the model's shapes do not allow explains nothing.
            return np.inf
        return worst

    def _rows(self, change: Change, number: int, kind: str) -> list[Row]:
        rec = self.recording
        with change(self.run.model), warnings.catch_warnings():
            # What PyTorch warns of, it warned of when the user's side ran.
            warnings.simplefilter("ignore")
            step = self.run.replay(
                rec.theirs[number], rec.batches[number][0], kind == "gradient"
            )
        rows = compare_step(number, rec.case, rec.report.map, step, rec.ours[number])
        return [row for row in rows if row.kind == kind]

    @cached_property
    def functions(self) -> frozenset[str]:
        """Names of the functions that a step of PyTorch's calls."""
        names: set[str] = set()
        self.error(lambda model: _NameRecorder(names), enough=-1.0)
        return frozenset(names)

    def steps(self) -> Iterator[tuple[Step, Step]]:
        """PyTorch's and the port's, as recorded."""
        yield from zip(self.recording.theirs, self.recording.ours, strict=False)


def _rest(rows: list[Row], kind: str) -> float:
    """Of outputs, the model's alone: a layer may hold its activation as well."""
    selection = [row for row in rows if kind != "output" or not row.name]
    return max((row.error for row in selection), default=np.inf)


class Override(TorchFunctionMode):
    """Inside the block, functions of PyTorch's are computed by others.

    Args:
        handlers: function's name -> (original, *args, **kwargs) -> result.
        where: whether it applies at the moment; always if not given.
    """

    def __init__(
        self,
        handlers: dict[str, Callable[..., Any]],
        where: Callable[[], bool] = lambda: True,
    ):
        super().__init__()
        self._handlers, self._where = handlers, where

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        handler = self._handlers.get(getattr(func, "__name__", ""))
        if handler is None or not self._where():
            return func(*args, **(kwargs or {}))
        return handler(func, *args, **(kwargs or {}))


class _NameRecorder(TorchFunctionMode):
    def __init__(self, names: set[str]):
        super().__init__()
        self._names = names

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        self._names.add(getattr(func, "__name__", ""))
        return func(*args, **(kwargs or {}))


def relative(reference: Any, candidate: Any) -> float:
    """The largest difference of several tensors, each relative to its own largest.

    Args:
        reference: the port's, in order.
        candidate: what a cause would give.
    """
    worst = 0.0
    for a, b in zip(reference, candidate, strict=True):
        if np.shape(a) != np.shape(b):
            return np.inf
        scale = float(np.abs(a).max(initial=0.0))
        apart = float(difference(a, b).max(initial=0.0))
        worst = max(worst, apart / scale if scale else (np.inf if apart else 0.0))
    return worst
