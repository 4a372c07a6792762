"""What is done to gradients on their way to an optimiser, and to weights after it."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import optax

from jaxtrain import optim
from jaxtrain.errors import ConfigError
from jaxtrain.optim._average import WeightAverage


@dataclass(frozen=True)
class Flow:
    """Gradients added up and clipped, weights averaged.

    Attributes:
        accumulate: batches whose gradients are added up for one update.
        clip_norm: that gradients are shortened to.
        ema: decay of an average of the weights.
        swa: epoch from whose end on weights are averaged.
    """

    accumulate: int = 1
    clip_norm: float | None = None
    ema: float | None = None
    swa: int | None = None

    def __post_init__(self) -> None:
        check_count("accumulate", self.accumulate)
        if self.swa is not None:
            check_count("swa", self.swa)
        if self.ema is not None and self.swa is not None:
            raise ConfigError(
                f"ema={self.ema} and swa={self.swa} are two averages: give one"
            )
        if self.clip_norm is not None and not _is_positive(self.clip_norm):
            raise ConfigError(
                f"clip_norm must be a number of at least 0, but got {self.clip_norm!r}"
            )

    def wrap(self, tx: optax.GradientTransformation) -> Any:
        """The optimiser with what comes before it."""
        if self.clip_norm is not None:
            tx = optax.chain(optim.clip_grad_norm(self.clip_norm), tx)
        return tx if self.accumulate == 1 else optim.accumulate(tx, self.accumulate)

    def unwrap_state(self, state: Any) -> Any:
        """The optimiser's own state, of the whole."""
        state = state if self.accumulate == 1 else state.inner
        return state if self.clip_norm is None else state[1]

    def wrap_state(self, whole: Any, own: Any) -> Any:
        """A whole state with another of the optimiser's own in it."""
        inner = whole if self.accumulate == 1 else whole.inner
        inner = own if self.clip_norm is None else (inner[0], own)
        return inner if self.accumulate == 1 else whole._replace(inner=inner)

    def average(self) -> WeightAverage | None:
        """The average of the weights that is tested instead of them, if any."""
        if self.ema is not None:
            return optim.ema(self.ema)
        return None if self.swa is None else optim.swa()


def check_count(name: str, value: Any, least: int = 1) -> None:
    """Raise `ConfigError` for what is no whole number from `least` on."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < least:
        raise ConfigError(
            f"{name} must be a whole number from {least}, but got {value!r:.80}"
        )


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and value >= 0
