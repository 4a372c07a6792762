"""What `Trainer.fit` is asked for: judged, and as a checkpoint says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from jaxtrain.errors import ConfigError
from jaxtrain.lr_scheduler import PlateauSchedule
from jaxtrain.run.config import FlowConfig
from jaxtrain.run.flow import Flow, check_count
from jaxtrain.run.rates import Rates
from jaxtrain.run.source import Source

FREE = (
    *("loop.epochs", "loop.max_steps", "trainer.metrics"),
    *("flow.early_stopping", "flow.min_delta", "flow.max_time"),
)
"""What may be another when a run goes on: it changes no step, only which are taken."""


def about_run(
    source: Source, rates: Rates, flow: Flow, endings: FlowConfig
) -> dict[str, dict[str, Any]]:
    """What a run does around its model; all but `FREE` stays where it goes on."""
    schedule = rates.schedule
    return {
        "flow": {
            **asdict(flow),
            "early_stopping": endings.early_stopping,
            "min_delta": endings.min_delta,
            "max_time": endings.max_time,
        },
        "scheduler": {
            "schedule": None if schedule is None else repr(schedule),
            "every": rates.every,
        },
        "data": source.about,
    }


def check_loop(epochs: Any, max_steps: Any, monitor: Any, batch_size: Any) -> None:
    """Raise `ConfigError` where how long to train is not said, or not possible."""
    if epochs is None and max_steps is None:
        raise ConfigError("say how long to train: give epochs= or max_steps=")
    for name, value in {"epochs": epochs, "max_steps": max_steps}.items():
        if value is not None:
            check_count(name, value, 0)
    check_count("monitor", monitor, 0)
    check_count("batch_size", batch_size)


def check_records(
    out: Any, resume: Any, save_every: Any, keep: Any, tensorboard: bool
) -> None:
    """Raise `ConfigError` where what is to be kept is not possible."""
    if resume not in (None, "auto"):
        raise ConfigError(f"resume must be 'auto' or None, but got {resume!r:.80}")
    if resume is not None and out is None:
        raise ConfigError("resume='auto' needs a run's folder: give out=")
    if tensorboard and out is None:
        raise ConfigError("tensorboard=True needs a run's folder: give out=")
    check_count("keep", keep)
    if not isinstance(save_every, int | float) or not save_every >= 0:
        raise ConfigError(f"save_every must be seconds, but got {save_every!r:.80}")


def check_tests(validation: Any, scheduler: Any, early_stopping: Any) -> None:
    """Raise `ConfigError` where something watches tests of which there are none."""
    needs: Sequence[str] = [
        name
        for name, asked in {
            "early_stopping=": early_stopping is not None,
            "reduce_lr_on_plateau": isinstance(scheduler, PlateauSchedule),
        }.items()
        if asked
    ]
    if needs and validation is None:
        raise ConfigError(f"{needs[0]} watches the validation loss: give validation=")
