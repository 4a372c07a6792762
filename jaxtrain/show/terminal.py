"""A run as the official tutorial prints it, with a progress bar on a terminal."""

import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import fields
from types import TracebackType
from typing import TYPE_CHECKING, Any

from jaxtrain import __version__
from jaxtrain.data import Dataset
from jaxtrain.run.config import Config, LossConfig
from jaxtrain.store.events import (
    Earlier,
    Epoch,
    Event,
    Started,
    Steps,
    Stopped,
    Tested,
    Warned,
)

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


PRINT_EVERY = 100
"""Batches between two loss lines."""


class Bar:
    """A progress bar where the output is a terminal, and nothing where it is not."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> "Bar":
        if sys.stdout.isatty():
            # Imported here: only a terminal needs it, and it takes a tenth of a second.
            from rich.progress import Progress

            # What goes to a redirected stderr is not to appear on the terminal instead.
            redirect = sys.stderr is not None and sys.stderr.isatty()
            self._progress = Progress(transient=True, redirect_stderr=redirect)
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the bar away, and leave the terminal as it was."""
        if self._progress is not None:
            self._progress.stop()

    def show(self, text: str, count: int, total: int | None) -> None:
        """Move the bar to `count` of `total`."""
        if self._progress is None:
            return
        if self._task is None:
            self._task = self._progress.add_task(text, total=total)
        self._progress.update(
            self._task, description=text, completed=count, total=total
        )

    def print(self, line: str) -> None:
        """Print a line, above the bar if there is one."""
        if self._progress is None:
            print(line, flush=True)
        else:
            self._progress.console.print(
                line, markup=False, highlight=False, emoji=False, soft_wrap=True
            )


class Display:
    """Prints the events of one run.

    Args:
        config: the run's configuration.
        dataset: what it trains on.
        bar: where the lines go.
        start: `time.perf_counter()` when the program started.
    """

    def __init__(self, config: Config, dataset: Dataset, bar: Bar, start: float):
        self.config = config
        self.dataset = dataset
        self.bar = bar
        self.start = start
        self.size = len(dataset.train)
        self.mark = " (synthetic data)" if dataset.synthetic else ""
        self.first_step: float | None = None
        self.train_seconds = 0.0
        self.epochs = 0

    def show(self, event: Event) -> None:
        """Print what there is to say of an event."""
        match event:
            case Started():
                self._start(event)
            case Steps():
                self._steps(event)
            case Epoch():
                self._epoch(event)
            case Earlier(Warned(kind="records", text=text)):
                self.bar.print(f"warning: {text}")
            case Warned():
                self.bar.print(f"warning: {event.text}")
            case Stopped():
                self.bar.print(f"stopped: {event.reason}\n")
            case Tested() if self.dataset.validation is not None:
                self._print_test("Test Error", event.accuracy, event.avg_loss)

    def _start(self, event: Started) -> None:
        versions = {**event.versions, "python": platform.python_version()}
        numbers = ", ".join(f"{name} {number}" for name, number in versions.items())
        config, data = self.config, self.dataset
        lines = (
            f"jaxtrain {__version__}, backend {event.backend} on {event.device} "
            f"({numbers})",
            f"data: {data.name}, {self.size} training and {len(data.test)} test "
            f"images, from {data.source}",
            f"model: {event.model}, {event.parameters:,} parameters, "
            f"{config.loop.dtype}{_dropout(config)}",
            f"training: {_recipe(config)}\n",
        )
        for line in lines:
            self.bar.print(line)
        if event.resumed is not None:
            for problem in event.resumed.problems:
                self.bar.print(f"passed over: {problem}")
            resumption = event.resumed
            self.bar.print(
                f"resumed after step {resumption.steps:,}, {resumption.source}\n"
            )

    def _steps(self, event: Steps) -> None:
        if self.first_step is None:
            self.first_step = time.perf_counter()
        if event.first == 0:
            self.bar.print(f"Epoch {event.epoch}{self.mark}")
            self.bar.print("-------------------------------")
        batch_size = self.config.data.batch_size
        for batch, loss in enumerate(event.losses, event.first):
            if batch % PRINT_EVERY == 0:
                current = min((batch + 1) * batch_size, self.size)
                rate = self._rate(event, batch - event.first)
                self.bar.print(
                    f"loss: {loss:>7f}  [{current:>5d}/{self.size:>5d}]{rate}"
                )
        count = min((event.first + len(event.losses)) * batch_size, self.size)
        before = (event.epoch - 1) * self.size
        self.bar.show(
            f"epoch {event.epoch}/{self.config.loop.epochs}",
            before + count,
            self.config.loop.epochs * self.size,
        )

    def _rate(self, event: Steps, index: int) -> str:
        """The learning rate, and a momentum that moves, if a scheduler sets them."""
        if self.config.scheduler.name is None:
            return ""
        momentum = f"  momentum: {event.momenta[index]:.4g}" if event.momenta else ""
        return f"  lr: {event.lrs[index]:.4g}{momentum}"

    def _epoch(self, event: Epoch) -> None:
        self.train_seconds += event.train_seconds
        self.epochs += 1
        has_validation = self.dataset.validation is not None
        name = "Validation Error" if has_validation else "Test Error"
        self._print_test(name, event.accuracy, event.avg_loss)
        loss = f"Loss{self.mark}: {event.train_loss:f}"
        self.bar.print(f"Epoch {event.epoch}, {loss}\n")

    def _print_test(self, name: str, accuracy: float, avg_loss: float) -> None:
        self.bar.print(
            f"{name}{self.mark}: \n Accuracy: {accuracy:>0.1f}%, "
            f"Avg loss: {avg_loss:>8f} \n"
        )

    def finish(self) -> None:
        """Print the tutorial's last line and a summary of the time it took."""
        self.bar.print("Done!")
        total = time.perf_counter() - self.start
        parts = [f"total {total:.1f} s"]
        if self.first_step is not None and self.train_seconds:
            limit = self.config.data.limit_batches or self.size
            images = min(self.size, limit * self.config.data.batch_size)
            rate = self.epochs * images / self.train_seconds
            parts = [
                f"time to first step {self.first_step - self.start:.1f} s",
                f"{rate:,.0f} samples/s in training",
                *parts,
            ]
        self.bar.print(", ".join(parts))


def _dropout(config: Config) -> str:
    model = config.model
    if not model.dropout:
        return ""
    return f", dropout {model.dropout:g} ({model.dropout_masks} masks)"


def _recipe(config: Config) -> str:
    """All that decides how the weights move, in one line."""
    loss, optimizer, scheduler = config.loss, config.optimizer, config.scheduler
    parts = [
        _call(loss.name, loss.args) + _penalty(loss),
        _call(optimizer.name, {"lr": optimizer.lr} | dict(optimizer.arguments)),
    ]
    if optimizer.rest is not None:
        parts[-1] += f" on matrices and {optimizer.rest}(lr={optimizer.lr}) on the rest"
    if scheduler.name is not None:
        parts.append(f"{_call(scheduler.name, scheduler.args)} every {scheduler.every}")
    order = "shuffled" if config.data.shuffle else "in stored order"
    parts.append(f"batches of {config.data.batch_size} {order}")
    parts += _flow(config)
    if config.data.normalization is not None:
        mean, std = config.data.normalization
        parts.append(f"pixels less {mean:g} over {std:g}")
    parts.append(f"seed {config.loop.seed}")
    return ", ".join(parts)


def _flow(config: Config) -> list[str]:
    """What changes updates or images on the way, as its flags say it."""
    parts = []
    for part, names in _FLOW_FIELDS.items():
        settings = getattr(config, part)
        for field in fields(settings):
            value = getattr(settings, field.name)
            if field.name in names and value != field.default:
                texts = value if isinstance(value, tuple) else (f"{value:g}",)
                parts.append(f"{field.metadata['flag'][2:]} {' '.join(texts)}")
    return parts


_FLOW_FIELDS = {
    "data": ("augment", "validation", "limit_batches", "overfit_batches"),
    "flow": ("accumulate", "clip_grad_norm", "clip_grad_value", "ema", "swa"),
}


def _penalty(loss: LossConfig) -> str:
    factors = {"|weights|": loss.l1, "weights²": loss.l2}
    return "".join(f" + {value:g}·sum of {k}" for k, value in factors.items() if value)


def _call(name: str, arguments: Mapping[str, Any]) -> str:
    if not arguments:
        return name
    text = ", ".join(f"{key}={value}" for key, value in arguments.items())
    return f"{name}({text})"
