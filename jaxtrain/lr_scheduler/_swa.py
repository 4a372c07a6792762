"""Annealing to the constant rate of weight averaging."""

from __future__ import annotations

import math

from jaxtrain.lr_scheduler._host import Group, HostScheduler, per_group
from jaxtrain.lr_scheduler._schedule import BaseRates, Schedule, build


class SWALR(HostScheduler):
    """The host's `swa_lr`."""

    def __init__(
        self,
        groups: list[Group],
        swa_lr: BaseRates,
        anneal_epochs: int,
        anneal_strategy: str,
        last_epoch: int,
    ) -> None:
        rates = per_group("swa_lr", swa_lr, groups)
        for group, rate in zip(groups, rates, strict=True):
            group["swa_lr"] = rate
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(groups, last_epoch)

    def get_lr(self) -> list[float]:
        # PyTorch counts calls here, not epochs.
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            # Without annealing PyTorch is at the end from its first step on.
            step = max(1, step)
        before, now = self._progress(step - 1), self._progress(step)
        return [
            target * now + self._start(rate, target, before) * (1 - now)
            for rate, target in zip(self.current(), self._targets(), strict=True)
        ]

    @property
    def is_constant(self) -> bool:
        over = self._step_count > max(1, self.anneal_epochs)
        return over and self.current() == self._targets()

    def _targets(self) -> list[float]:
        return [group["swa_lr"] for group in self.param_groups]

    def _progress(self, step: int) -> float:
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        linear = self._anneal_strategy == "linear"
        return t if linear else (1 - math.cos(math.pi * t)) / 2

    @staticmethod
    def _start(rate: float, target: float, progress: float) -> float:
        """The rate that the annealing began with, given the one it has come to."""
        # What the rate has come to is solved for its
        # beginning; at the end none is left.
        return target if progress == 1 else (rate - progress * target) / (1 - progress)


def swa_lr(
    lr: BaseRates,
    swa_lr: BaseRates,
    anneal_epochs: int = 10,
    anneal_strategy: str = "cos",
    last_epoch: int = -1,
) -> Schedule:
    """Bring the learning rate to that of stochastic weight averaging, and keep it.

    lr_t ≈ a·swa_lr + (1 - a)·lr, where a runs from 0 to 1: t/T, or (1 - cos(π·t/T))/2,
    with T = `anneal_epochs`; computed, as in PyTorch, from the rate of the step before.

    Args:
        lr: base learning rate, or a list with one for each group.
        swa_lr: the rate to end with, or a list likewise.
        anneal_epochs: T; with 0 the rate is `swa_lr` at once.
        anneal_strategy: `"cos"` or `"linear"`.
        last_epoch: the last step taken before this schedule; -1 starts anew.

    Raises:
        ValueError: `anneal_strategy` is neither, `anneal_epochs` is negative or no
            integer, `swa_lr` has another number of groups, or `lr` is negative.

    PyTorch: `torch.optim.swa_utils.SWALR`.
    Reference: Izmailov et al. 2018, https://arxiv.org/abs/1803.05407

    Example:
        >>> schedule = swa_lr(1.0, 0.5, anneal_epochs=2, anneal_strategy="linear")
        >>> [schedule(count) for count in range(4)]
        [1.0, 0.75, 0.5, 0.5]
    """
    if anneal_strategy not in ("cos", "linear"):
        raise ValueError(
            f"anneal_strategy must be 'cos' or 'linear', but got {anneal_strategy!r}"
        )
    if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
        raise ValueError(
            f"anneal_epochs must be an integer of at least 0, but got {anneal_epochs}"
        )
    return build(
        "swa_lr",
        SWALR,
        lr,
        swa_lr=swa_lr,
        anneal_epochs=anneal_epochs,
        anneal_strategy=anneal_strategy,
        last_epoch=last_epoch,
    )
