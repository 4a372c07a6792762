"""How far a training is: a bar on a terminal, a line in a notebook."""

from __future__ import annotations

import math
import sys
from importlib import import_module
from types import TracebackType
from typing import Any

from jaxtrain.show.terminal import Bar
from jaxtrain.store.events import Epoch, Event, Started, Steps, Stopped


class NotebookLine:
    """A line that is written over; what `Bar` is to a terminal."""

    def __init__(self) -> None:
        self._handle: Any = None

    def __enter__(self) -> NotebookLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """The last line stays."""

    def show(self, text: str, count: int, total: int | None) -> None:
        """Show `count` of `total`."""
        share = "" if not total else f" {100 * count / total:3.0f} %"
        content = {"text/plain": f"{text}{share}"}
        display = import_module("IPython.display").display
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)


def in_notebook() -> bool:
    """Whether this runs in a kernel, which shows more than text."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


def bar() -> Bar | NotebookLine:
    """Where progress is shown: nowhere, if there is neither terminal nor notebook."""
    return NotebookLine() if in_notebook() else Bar()


class Progress:
    """Shows the events of a training.

    Args:
        place: made by `bar`.
        epochs: of the training, if their number is set.
        length: batches of an epoch, if known.
        max_steps: of the training, if set.
    """

    def __init__(
        self,
        place: Bar | NotebookLine,
        epochs: int | None,
        length: int | None,
        max_steps: int | None,
    ):
        self.place, self.epochs = place, epochs
        self.total = max_steps
        if max_steps is None and epochs is not None and length is not None:
            self.total = epochs * length
        self.steps = 0
        self.last = ""

    def show(self, event: Event) -> None:
        """Move on with an event."""
        match event:
            case Started() if event.resumed is not None:
                self.steps = event.resumed.steps
            case Steps():
                self.steps += len(event.losses)
                of = "" if self.epochs is None else f"/{self.epochs}"
                text = f"epoch {event.epoch}{of}, loss {event.losses[-1]:.4g}"
                self.place.show(text + self.last, self.steps, self.total)
            case Epoch():
                self.last = "".join(f", {text}" for text in figures(event))


def figures(event: Epoch) -> list[str]:
    """What a test gave, in words.

    Example:
        >>> figures(Epoch(1, 0.5, float("nan"), 0.25, 1.0, 1.0, {"error": 0.125}))
        ['validation loss 0.25', 'error 0.125']
    """
    loss = event.avg_loss
    parts = [] if math.isnan(loss) else [f"validation loss {loss:.4g}"]
    return parts + [f"{name} {value:.4g}" for name, value in event.figures.items()]


PRINT_EVERY = 100
"""Steps between two loss lines."""


class Lines:
    """Prints the events of a training, a line for what there is to say of each.

    Args:
        bar: where the lines go.
        epochs: of the training, if their number is set.
    """

    def __init__(self, bar: Bar, epochs: int | None):
        self.bar, self.epochs = bar, epochs
        self.steps = 0

    def show(self, event: Event) -> None:
        """Print what there is to say of an event."""
        match event:
            case Started():
                self._start(event)
            case Steps():
                self._steps(event)
            case Epoch():
                of = "" if self.epochs is None else f"/{self.epochs}"
                parts = [f"training loss {event.train_loss:.6f}", *figures(event)]
                seconds = f"{event.train_seconds:.1f} s"
                self.bar.print(
                    f"epoch {event.epoch}{of}: {', '.join(parts)} ({seconds})"
                )
            case Stopped():
                self.bar.print(f"stopped: {event.reason}")

    def _start(self, event: Started) -> None:
        self.bar.print(
            f"{event.model}, {event.parameters:,} parameters, backend "
            f"{event.backend} on {event.device}"
        )
        if event.resumed is not None:
            for problem in event.resumed.problems:
                self.bar.print(f"passed over: {problem}")
            self.steps = event.resumed.steps
            where = f"resumed after step {self.steps:,}, {event.resumed.source}"
            self.bar.print(where)

    def _steps(self, event: Steps) -> None:
        for loss in event.losses:
            if self.steps % PRINT_EVERY == 0:
                self.bar.print(f"step {self.steps:,}: loss {loss:.6f}")
            self.steps += 1
