"""Rates that fall when a metric has stopped improving."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, SupportsFloat

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxtrain.lr_scheduler._host import Group, Scheduler, entries, per_group
from jaxtrain.lr_scheduler._schedule import BaseRates, check_rates
from jaxtrain.lr_scheduler._values import Timeline, look_up


class ReduceLROnPlateau(Scheduler):
    """The host's `reduce_lr_on_plateau`."""

    def __init__(
        self,
        groups: list[Group],
        mode: str,
        factor: float,
        patience: int,
        threshold: float,
        threshold_mode: str,
        cooldown: int,
        min_lr: BaseRates,
        eps: float,
    ) -> None:
        self.param_groups = groups
        self.factor = factor
        is_list = isinstance(min_lr, list | tuple)
        self.default_min_lr = None if is_list else min_lr
        self.min_lrs = per_group("min_lr", min_lr, groups)
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = self.current()
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:
        """Take note of a metric, and reduce the rate where it is time.

        Args:
            metrics: what is watched; NaN is no improvement.
            epoch: its number, if not the next.
        """
        metric = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.is_better(metric, self.best):
            self.best = metric
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.reduce()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self.current()

    @property
    def in_cooldown(self) -> bool:
        """Whether bad epochs do not count."""
        return self.cooldown_counter > 0

    def is_better(self, metric: float, best: float) -> bool:
        """Whether a metric is an improvement on the best."""
        bound = best * relative(self) if self.threshold_mode == "rel" else None
        if self.mode == "min":
            return metric < (best - self.threshold if bound is None else bound)
        return metric > (best + self.threshold if bound is None else bound)

    def reduce(self) -> None:
        """Multiply each rate by the factor, unless that changes next to nothing."""
        for group, lowest in zip(self.param_groups, self.min_lrs, strict=True):
            rate = max(group["lr"] * self.factor, lowest)
            if group["lr"] - rate > self.eps:
                group["lr"] = rate


def relative(scheduler: ReduceLROnPlateau) -> float:
    """What the best is multiplied by, in the relative mode."""
    down = scheduler.mode == "min"
    return 1.0 - scheduler.threshold if down else scheduler.threshold + 1.0


class _Reductions:
    """The rates after each reduction; they do not depend on the metrics."""

    def __init__(self, scheduler: ReduceLROnPlateau) -> None:
        self._scheduler = scheduler
        self.param_groups = scheduler.param_groups
        self.is_constant = False

    def step(self) -> None:
        before = self._scheduler.current()
        self._scheduler.reduce()
        # What one reduction leaves as it is, the next one does too.
        self.is_constant = before == self._scheduler.current()


class PlateauState(NamedTuple):
    """State of `reduce_lr_on_plateau` in compiled code."""

    best: jax.Array
    """The best metric so far."""
    num_bad_epochs: jax.Array
    """Metrics since then that were no improvement."""
    cooldown_counter: jax.Array
    """Steps until bad epochs count again."""
    reductions: jax.Array
    """Times that the rate was reduced."""


class PlateauSchedule:
    """A learning rate that a metric moves: a scheduler on the host, or a pure machine.

    `host()` is PyTorch's scheduler. `init`, `step` and `value` are the same for
    compiled code, to be jitted, vmapped and saved. The rate depends on the number of
    reductions alone, so that it is looked up in a table of the host's values. A metric
    and the best are float32 there (with x64 float64, as on the host): a metric within
    two roundings of the threshold may be judged otherwise than on the host.

    Args:
        lr: base learning rate or rates.
        arguments: of `reduce_lr_on_plateau`.
    """

    def __init__(self, lr: BaseRates, arguments: Mapping[str, Any]) -> None:
        self.lr = check_rates(lr)
        self._arguments = dict(arguments)
        self._is_list = isinstance(lr, list | tuple)
        self._timeline = Timeline(self._reductions)

    def __repr__(self) -> str:
        arguments = {"lr": self.lr, **self._arguments}
        text = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        return f"reduce_lr_on_plateau({text})"

    def __call__(self, count: Any) -> Any:
        raise TypeError(
            f"reduce_lr_on_plateau has no value at step {count!r}: it depends on a "
            "metric; use host(), or init(), step(state, metric) and value(state)"
        )

    def host(
        self, param_groups: Sequence[Mapping[str, Any]] | None = None
    ) -> ReduceLROnPlateau:
        """A scheduler for a loop on the host: `step(metric)`, `get_last_lr()`, …

        Args:
            param_groups: those of PyTorch's optimiser, with the rates to start from.
        """
        rates = list(self.lr) if isinstance(self.lr, list | tuple) else [self.lr]
        groups: list[Group] = [{"lr": rate} for rate in rates]
        if param_groups is not None:
            groups = [entries(group) for group in param_groups]
        return ReduceLROnPlateau(groups, **self._arguments)

    def init(self) -> PlateauState:
        """The state before the first metric."""
        worst = math.inf if self._arguments["mode"] == "min" else -math.inf
        zero = jnp.zeros([], jnp.int32)
        return PlateauState(
            jnp.asarray(worst, jnp.result_type(float)), zero, zero, zero
        )

    def step(self, state: PlateauState, metric: ArrayLike) -> PlateauState:
        """The state after one metric more; pure, for compiled code.

        Args:
            state: the state before.
            metric: what is watched, a scalar.
        """
        metric = jnp.asarray(metric, state.best.dtype)
        better = self._is_better(metric, state.best)
        in_cooldown = state.cooldown_counter > 0
        # A cooldown clears the count after PyTorch has
        # raised it; the order does not show.
        bad = jnp.where(better | in_cooldown, 0, state.num_bad_epochs + 1)
        reduce = bad > self._arguments["patience"]
        cooldown = state.cooldown_counter - in_cooldown
        return PlateauState(
            best=jnp.where(better, metric, state.best),
            num_bad_epochs=jnp.where(reduce, 0, bad),
            cooldown_counter=jnp.where(reduce, self._cooldown, cooldown),
            reductions=state.reductions + reduce,
        )

    def value(self, state: PlateauState) -> Any:
        """The learning rate in force: an array, or a list of them for groups."""
        # By the number of reductions: running products of the host, not of float32.
        rates = look_up(self._timeline, "lr", state.reductions, exact=False)
        values = [rates[..., i] for i in range(rates.shape[-1])]
        return values if self._is_list else values[0]

    def _reductions(self) -> _Reductions:
        return _Reductions(self.host())

    @property
    def _cooldown(self) -> int:
        # A fraction of a step cools for all of it:
        # PyTorch compares what is left with 0.
        return math.ceil(self._arguments["cooldown"])

    def _is_better(self, metric: jax.Array, best: jax.Array) -> jax.Array:
        host = self.host()
        if host.threshold_mode == "rel":
            # 1 - threshold is the host's float64, rounded once.
            bound = best * jnp.asarray(relative(host), best.dtype)
        else:
            offset = -host.threshold if host.mode == "min" else host.threshold
            bound = best + jnp.asarray(offset, best.dtype)
        return metric < bound if host.mode == "min" else metric > bound


def reduce_lr_on_plateau(
    lr: BaseRates,
    mode: str = "min",
    factor: float = 0.1,
    patience: int = 10,
    threshold: float = 1e-4,
    threshold_mode: str = "rel",
    cooldown: int = 0,
    min_lr: BaseRates = 0,
    eps: float = 1e-8,
) -> PlateauSchedule:
    """Reduce the learning rate when a metric has stopped improving.

    lr ← max(lr · factor, min_lr) at the first metric after `patience` others in a row
    that were no improvement: not below best·(1 - threshold), or best - threshold.

    Args:
        lr: base learning rate, or a list with one for each group.
        mode: `"min"` if less is better, `"max"` if more is.
        factor: what the rate is multiplied by; below 1.
        patience: bad metrics in a row that are put up with.
        threshold: by how much a metric has to be better than the best.
        threshold_mode: `"rel"`, as a share of the best, or `"abs"`.
        cooldown: metrics after a reduction of which bad ones do not count.
        min_lr: lowest rate, or a list with one for each group.
        eps: a reduction by no more than this is left out.

    Raises:
        ValueError: `factor` is 1 or more, `mode` or `threshold_mode` is neither, lists
            differ in length, or `lr` is negative.

    PyTorch: `torch.optim.lr_scheduler.ReduceLROnPlateau`.

    Example:
        >>> scheduler = reduce_lr_on_plateau(1.0, factor=0.5, patience=1).host()
        >>> for loss in (2.0, 1.0, 1.0, 1.0):
        ...     scheduler.step(loss)
        ...     print(scheduler.get_last_lr())
        [1.0]
        [1.0]
        [1.0]
        [0.5]
        >>> schedule = reduce_lr_on_plateau(1.0, factor=0.5, patience=1)
        >>> state, step = schedule.init(), jax.jit(schedule.step)
        >>> for loss in (2.0, 1.0, 1.0, 1.0):
        ...     state = step(state, loss)
        >>> schedule.value(state)
        Array(0.5, dtype=float32)
    """
    if factor >= 1.0:
        raise ValueError(f"factor must be below 1, but got {factor}")
    if mode not in ("min", "max"):
        raise ValueError(f"mode must be 'min' or 'max', but got {mode!r}")
    if threshold_mode not in ("rel", "abs"):
        raise ValueError(
            f"threshold_mode must be 'rel' or 'abs', but got {threshold_mode!r}"
        )
    return PlateauSchedule(
        lr,
        {
            "mode": mode,
            "factor": factor,
            "patience": patience,
            "threshold": threshold,
            "threshold_mode": threshold_mode,
            "cooldown": cooldown,
            "min_lr": min_lr,
            "eps": eps,
        },
    )
