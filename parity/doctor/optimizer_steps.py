"""The steps of an optimiser: what it was given, and what it made of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from parity.difference import difference
from parity.doctor.evidence import Evidence
from parity.port.torch_run import default_dtype

Tensors = dict[str, np.ndarray]
Groups = list[dict[str, Any]]
"""Hyper-parameters of each group."""


@dataclass(frozen=True)
class OptimizerSteps:
    """All updates of a run; tensors by JAX path, in the port's layout."""

    before: list[Tensors]
    gradients: list[dict[str, np.ndarray | None]]
    """PyTorch's, after clipping; None where it has none."""
    own_gradients: list[Tensors]
    """The port's, which it also has where PyTorch has none."""
    lrs: list[np.ndarray]
    """PyTorch's, of each group."""
    updates: list[Tensors]
    """The port's."""
    groups: dict[str, int]
    """JAX path -> group of PyTorch's optimiser; absent where it is in none."""
    optimizer: torch.optim.Optimizer

    @cached_property
    def hyper(self) -> Groups:
        """PyTorch's hyper-parameters."""
        return [
            {k: v for k, v in group.items() if k in self.optimizer.defaults}
            for group in self.optimizer.param_groups
        ]

    def error(self, candidates: list[Tensors]) -> float:
        """The largest distance of other updates from the port's.

        Relative to each tensor's largest, less what adding it to a weight rounds.
        """
        worst = 0.0
        for before, ours, theirs in zip(
            self.before, self.updates, candidates, strict=True
        ):
            for path, update in ours.items():
                slack = (
                    8 * np.finfo(np.float64).eps * np.abs(before[path]).max(initial=0)
                )
                apart = float(difference(update, theirs[path]).max(initial=0.0))
                scale = float(np.abs(update).max(initial=0.0))
                excess = max(apart - float(slack), 0.0)
                worst = max(
                    worst, excess / scale if scale else (np.inf if excess else 0.0)
                )
            # What the port does not train, it leaves where it is.
            if any(x.any() for path, x in theirs.items() if path not in ours):
                return np.inf
        return worst

    def with_gradients(self, change: Callable[[int, Tensors], Any]) -> "OptimizerSteps":
        """The same run of other gradients.

        Args:
            change: (step, gradients by path) -> gradients by path.
        """
        gradients = [change(i, dict(g)) for i, g in enumerate(self.gradients)]  # type: ignore[arg-type]
        return replace(self, gradients=gradients)

    def run(self, hyper: Groups | None = None, kind: Any = None) -> list[Tensors]:
        """The updates of a PyTorch optimiser, each from the recorded weights.

        Args:
            hyper: hyper-parameters of each group; PyTorch's if not given. A rate among
                them that is not PyTorch's first scales the recorded ones.
            kind: class of the optimiser; PyTorch's if not given.
        """
        hyper = self.hyper if hyper is None else hyper
        with default_dtype("float64"):
            return self._run(hyper, kind or type(self.optimizer))

    def _run(self, hyper: Groups, kind: Any) -> list[Tensors]:
        params = {
            path: torch.nn.Parameter(torch.tensor(x))
            for path, x in self.before[0].items()
            if path in self.groups
        }
        groups = [
            {**own, "params": [p for n, p in params.items() if self.groups[n] == place]}
            for place, own in enumerate(hyper)
        ]
        optimizer = kind([group for group in groups if group["params"]])
        numbers = [place for place, group in enumerate(groups) if group["params"]]
        updates = []
        for before, grads, lrs in zip(
            self.before, self.gradients, self.lrs, strict=True
        ):
            for path, p in params.items():
                p.data = torch.tensor(before[path])
                g = grads.get(path)
                p.grad = None if g is None else torch.tensor(np.ascontiguousarray(g))
            for group, place in zip(optimizer.param_groups, numbers, strict=True):
                share = hyper[place]["lr"] / self.hyper[place]["lr"]
                group["lr"] = float(lrs[place]) * share
            optimizer.step()
            update = {n: p.detach().numpy() - before[n] for n, p in params.items()}
            updates.append(
                {n: update.get(n, np.zeros_like(x)) for n, x in before.items()}
            )
        return updates

    def change(self, **values: Any) -> Groups:
        """PyTorch's hyper-parameters with some changed in every group that has them."""
        return [
            {**own, **{k: v for k, v in values.items() if k in own}}
            for own in self.hyper
        ]


def ratio(theirs: Tensors, ours: Tensors) -> float:
    """The factor by which one side's updates are the other's, by least squares.

    Example:
        >>> ratio({"w": np.array([1.0, 2.0])}, {"w": np.array([0.5, 1.0])})
        0.5
    """
    names = [n for n in theirs if n in ours]
    a, b = (np.concatenate([x[n].ravel() for n in names]) for x in (theirs, ours))
    return float(a @ b / (a @ a)) if a.any() else 1.0


def optimizer_steps(evidence: Evidence) -> OptimizerSteps:
    """The steps of a comparison at which the optimiser was called."""
    recording, layout = evidence.recording, evidence.recording.report.map
    optimizer = recording.case.torch.optimizer
    pairs = [(a, b) for a, b in evidence.steps() if a.updated]
    return OptimizerSteps(
        before=[layout.to_jax(a.before) for a, _ in pairs],
        gradients=[layout.gradients_to_jax(a.clipped) for a, _ in pairs],  # type: ignore[misc]
        own_gradients=[dict(b.gradients) for _, b in pairs],
        lrs=[a.lr for a, _ in pairs if a.lr is not None],
        updates=[_trainable(b.updates, layout.to_jax(a.before)) for a, b in pairs],
        groups=_groups(recording.case.torch, layout),
        optimizer=optimizer,
    )


def _trainable(updates: Tensors, before: Mapping[str, Any]) -> Tensors:
    return {path: update for path, update in updates.items() if path in before}


def _groups(side: Any, layout: Any) -> dict[str, int]:
    places = {
        id(p): place
        for place, group in enumerate(side.optimizer.param_groups)
        for p in group["params"]
    }
    numbers = {n: places.get(id(p)) for n, p in side.model.named_parameters()}
    result = {leaf.path: numbers.get(leaf.sources[0]) for leaf in layout.leaves}
    return {path: place for path, place in result.items() if place is not None}
