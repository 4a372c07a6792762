"""What a port and its original are made of: the object that a user writes.

PyTorch is imported with the first `TorchSide` that is made: a port alone needs none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import optax
from flax import nnx

if TYPE_CHECKING:
    import torch


Batch = tuple[Any, ...]
"""(input, *targets); the input is an array, or a tuple of several for the model."""

Placement = str | tuple[str, Callable[..., Any]] | None
"""JAX path, or (path, layout change), or None for "no counterpart, on purpose"."""


@dataclass(frozen=True)
class TorchSide:
    """The original.

    One step is: batch, forward, loss, `backward()`, and, at every `accumulate`-th step,
    clip, `optimizer.step()` and perhaps `scheduler.step()`. Nothing is changed: the
    comparison works on copies.

    Args:
        model: in training or evaluation mode, as it would be in the training loop.
        loss: (output, *targets) -> scalar.
        optimizer: over the parameters of `model`.
        scheduler: of `optimizer`.
        tick: updates between two calls of `scheduler.step()`: 1, or those of an epoch.
        clip: called with the parameters, between `backward()` and `step()`.
        prepare: (*batch) -> batch, called with tensors.
        penalty: (model) -> scalar that is added to the loss.
        forward: (model, *inputs) -> output, where it is not `model(*inputs)`.
        batches: where this side has batches of its own.
        accumulate: batches whose gradients are summed for one update.
    """

    model: torch.nn.Module
    loss: Callable[..., torch.Tensor]
    optimizer: torch.optim.Optimizer
    scheduler: Any = None
    tick: int = 1
    clip: Callable[[Iterable[torch.nn.Parameter]], Any] | None = None
    prepare: Callable[..., Batch] | None = None
    penalty: Callable[[torch.nn.Module], torch.Tensor] | None = None
    forward: Callable[..., Any] | None = None
    batches: Iterable[Batch] | None = None
    accumulate: int = 1

    def __post_init__(self) -> None:
        import torch

        _check_kind("model", self.model, torch.nn.Module, "a torch.nn.Module")
        _check_kind(
            "optimizer",
            self.optimizer,
            torch.optim.Optimizer,
            "a torch.optim.Optimizer",
        )
        for name in ("tick", "accumulate"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")
        _check_steps(self.optimizer, self.scheduler)
        own = {id(p) for p in self.model.parameters()}
        ids = {id(p) for group in self.optimizer.param_groups for p in group["params"]}
        if not own & ids:
            raise ValueError("the optimizer holds no parameter of the model")


def _check_steps(optimizer: torch.optim.Optimizer, scheduler: Any) -> None:
    """Those that need no loss, and belong together."""
    import torch

    if isinstance(optimizer, torch.optim.LBFGS):
        raise ValueError(
            "optimizer must not be LBFGS: its step asks for losses, which are not "
            "compared"
        )
    if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
        raise ValueError(
            "scheduler must not be ReduceLROnPlateau: its step needs a figure that "
            "the comparison does not have"
        )
    if scheduler is None:
        return
    if not callable(getattr(scheduler, "step", None)):
        raise TypeError(
            "scheduler must be one with step(), such as of torch.optim.lr_scheduler, "
            f"not {type(scheduler).__name__}; chain several by SequentialLR or "
            "ChainedScheduler"
        )
    target = getattr(scheduler, "optimizer", optimizer)
    if target is not optimizer:
        raise ValueError(
            f"scheduler drives another optimizer ({type(target).__name__}) than the "
            f"one given ({type(optimizer).__name__})"
        )


@dataclass(frozen=True)
class JaxSide:
    """The port.

    Args:
        model: an NNX module of Flax's layers, `jaxtrain.nn`'s, or its own.
        loss: (output, *targets) -> scalar.
        optimizer: an Optax transformation, or an `nnx.Optimizer`, whose transformation
            is taken.
        lr: the learning rate of update k, counted from 0, as a function of k or a
            number. It is compared with PyTorch's, and handed to the optimiser's
            `update`, where those of `jaxtrain.optim` take it. Not needed for
            `optax.inject_hyperparams`, whose state shows it.
        clip: an Optax transformation, where clipping is to be compared by itself. If it
            is part of `optimizer`, leave it out: it is then judged by the update.
        prepare: (*batch) -> batch, called with arrays.
        penalty: (model) -> scalar that is added to the loss.
        forward: (model, *inputs) -> output, where it is not `model(*inputs)`.
        batches: where this side has batches of its own.
        wrt: which variables are trained, as in `nnx.grad`; that of an `nnx.Optimizer`,
            or else `nnx.Param`, if not given.
    """

    model: nnx.Module
    loss: Callable[..., Any]
    optimizer: optax.GradientTransformation | nnx.Optimizer
    lr: Callable[[int], Any] | float | None = None
    clip: optax.GradientTransformation | None = None
    prepare: Callable[..., Batch] | None = None
    penalty: Callable[[Any], Any] | None = None
    forward: Callable[..., Any] | None = None
    batches: Iterable[Batch] | None = None
    wrt: Any = None

    def __post_init__(self) -> None:
        if self.wrt is None:
            wrt = getattr(self.optimizer, "wrt", nnx.Param)
            object.__setattr__(self, "wrt", wrt)
        _check_kind("model", self.model, nnx.Module, "an nnx.Module")
        if not hasattr(self.transformation, "update"):
            raise TypeError(
                "optimizer must be an Optax transformation or an nnx.Optimizer, not "
                f"{type(self.optimizer).__name__}"
            )

    @property
    def transformation(self) -> optax.GradientTransformation:
        """The optimiser as Optax has it."""
        return getattr(self.optimizer, "tx", self.optimizer)

    def rate(self, update: int) -> Any:
        """The learning rate that is declared for an update, or None."""
        return self.lr(update) if callable(self.lr) else self.lr


@dataclass(frozen=True, init=False)
class Case:
    """A port beside its original.

    Args:
        torch: the original; or a function that makes it, called when it is first asked
            for, so that the case can be had where PyTorch is not.
        jax: the port.
        batches: what both sides train on, unless each has batches of its own: a list,
            a generator, or a `DataLoader`, which is iterated once. Numbers in floating
            point are taken to the type of the comparison, others stay. If not given,
            those of `TorchSide(batches=...)`.
        map: corrections to the automatic map of the weights: PyTorch's name -> JAX
            path, or (path, function from PyTorch's layout), or None to leave it out.
        weights: `"copy"` starts the JAX side from PyTorch's weights; `"compare"`
            first compares those that it has.
        jax_only: paths of JAX variables that have no counterpart, on purpose.
    """

    torch: TorchSide = field(repr=False, compare=False)
    jax: JaxSide
    batches: Iterable[Batch]
    map: Mapping[str, Placement]
    weights: str
    jax_only: Sequence[str]

    def __init__(
        self,
        torch: TorchSide | Callable[[], TorchSide],
        jax: JaxSide,
        batches: Iterable[Batch] = (),
        map: Mapping[str, Placement] | None = None,
        weights: str = "copy",
        jax_only: Sequence[str] = (),
    ):
        fields = {"jax": jax, "batches": batches, "map": {} if map is None else map}
        fields |= {"weights": weights, "jax_only": jax_only}
        # A model is callable too, and no function that makes a side.
        lazy = callable(torch) and not hasattr(torch, "named_parameters")
        fields["_make" if lazy else "torch"] = torch
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        if not lazy:
            self._check_torch("torch, the first,")
        _check_kind("jax, the second,", jax, JaxSide, "a JaxSide")
        if weights not in ("copy", "compare"):
            raise ValueError(f"weights must be 'copy' or 'compare', not {weights!r}")

    if not TYPE_CHECKING:  # Or every misspelt attribute would pass for one.

        def __getattr__(self, name: str) -> Any:
            if name != "torch" or "_make" not in vars(self):
                raise AttributeError(f"a Case has no {name!r}")
            object.__setattr__(self, "torch", self._make())
            try:
                self._check_torch("what torch, the first, returns")
            except (TypeError, ValueError):
                object.__delattr__(self, "torch")
                raise
            return self.torch

    def _check_torch(self, what: str) -> None:
        _check_kind(what, self.torch, TorchSide, "a TorchSide")
        own, theirs = self.jax.batches, self.torch.batches
        if self.has_batches or (own is not None and theirs is not None):
            return
        if theirs is None:
            raise ValueError(
                "there are no batches: give Case(batches=[(input, target)])"
            )
        # Shared: a loader that shuffles gives another order each time it is iterated.
        object.__setattr__(self, "batches", theirs)
        object.__setattr__(self, "torch", replace(self.torch, batches=None))

    @property
    def has_batches(self) -> bool:
        """Whether `batches` holds any, as far as can be seen."""
        # A generator has no length.
        return not isinstance(self.batches, Sized) or len(self.batches) > 0


def check_batch(batch: Any, what: str = "a batch") -> Batch:
    """A batch, if it is one.

    Args:
        batch: (input, *targets).
        what: it is, for the message.

    Raises:
        TypeError: it is neither a tuple nor a list.

    Example:
        >>> check_batch([[1.0, 2.0], 0])
        ([1.0, 2.0], 0)
    """
    if isinstance(batch, tuple | list):
        return tuple(batch)
    raise TypeError(
        f"{what} must be a tuple (input, *targets), not {type(batch).__name__}"
    )


def _check_kind(name: str, value: Any, kind: type, need: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be {need}, not {type(value).__name__}")
