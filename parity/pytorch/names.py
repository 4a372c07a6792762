"""PyTorch's optimisers and schedulers by our names, built as ours are."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from types import ModuleType
from typing import Any

import torch

from jaxtrain.errors import ConfigError
from jaxtrain.run import by_name
from jaxtrain.run.config import Config


def torch_class(kind: str, name: str, module: ModuleType) -> Callable[..., Any]:
    """PyTorch's class for our name: `step_lr` is `StepLR`.

    Raises:
        ConfigError: the installed PyTorch has none.

    Example:
        >>> torch_class("optimizer", "sparse_adam", torch.optim).__name__
        'SparseAdam'
    """
    names = {key.lower(): key for key in vars(module) if key[:1].isupper()}
    key = name.replace("_", "")
    if key not in names:
        raise ConfigError(f"PyTorch {torch.__version__} has no {kind} {name!r}")
    return getattr(module, names[key])


def torch_optimizer(name: str) -> Callable[..., torch.optim.Optimizer]:
    """PyTorch's optimiser of our name; see `torch_class`."""
    return torch_class("optimizer", name, torch.optim)


def torch_gradient(name: str, grad: torch.Tensor) -> torch.Tensor:
    """A gradient as PyTorch's optimiser of our name takes it.

    SparseAdam takes none but sparse ones; here the rows that are not all zero.
    """
    return grad.to_sparse(1) if name == "sparse_adam" else grad


def make_optimizers(
    config: Config, model: torch.nn.Module
) -> list[torch.optim.Optimizer]:
    """The optimiser that a configuration names, and that of what it cannot move.

    Raises:
        ConfigError: PyTorch has none of that name, or its arguments do not fit.
    """
    settings, params = config.optimizer, list(model.parameters())
    rest: list[torch.nn.Parameter] = []
    if settings.rest is not None:
        rest = [p for p in params if p.ndim != 2]
        params = [p for p in params if p.ndim == 2]
    first = by_name.build(
        OPTIMIZER, settings.name, settings.arguments, params, lr=settings.lr
    )
    if settings.rest is None:
        return [first]
    return [first, torch_optimizer(settings.rest)(rest, lr=settings.lr)]


def _optimizer_on_trial(name: str) -> Callable[..., Any]:
    """An optimiser tried out for two steps: some values are not refused before them."""
    kind = torch_optimizer(name)

    @wraps(kind)
    def make(params: list[torch.nn.Parameter], **arguments: Any) -> Any:
        p = torch.nn.Parameter(torch.zeros(2, 2))
        trial = kind([p], **arguments)

        def closure() -> torch.Tensor:
            loss = (p - 1).square().sum()
            p.grad = torch_gradient(name, torch.autograd.grad(loss, p)[0])
            return loss

        try:
            for _ in range(2):
                closure()
                trial.step(closure)
        except (RuntimeError, LookupError) as error:
            raise ValueError(str(error)) from error
        return kind(params, **arguments)

    return make


def make_scheduler(config: Config, optimizer: torch.optim.Optimizer) -> Any:
    """The scheduler that a configuration names, None if it names none.

    Raises:
        ConfigError: PyTorch has none of that name, or it does not fit.
    """
    settings = config.scheduler
    if settings.name is None:
        return None
    return by_name.build(SCHEDULER, settings.name, settings.args, optimizer)


def _scheduler_on_trial(name: str) -> Callable[..., Any]:
    """A scheduler tried out for a step: some values are not refused before it."""
    kind = _scheduler(name)

    @wraps(kind)
    def make(optimizer: torch.optim.Optimizer, **arguments: Any) -> Any:
        if not {"schedulers", "mode"} & arguments.keys():
            other = type(optimizer)([torch.zeros(1, 1)])
            # Another scheduler may have left a rate that a constructor refuses.
            other.param_groups[0]["lr"] = optimizer.param_groups[0]["lr"]
            trial = kind(other, **arguments)
            if not isinstance(trial, torch.optim.lr_scheduler.ReduceLROnPlateau):
                other.step(lambda: 0.0)
                trial.step()
        return kind(optimizer, **arguments)

    return make


def cycles_momentum(scheduler: Any) -> bool:
    """Whether it, or one that it is made of, moves the momentum too."""
    children = getattr(scheduler, "_schedulers", ())
    return getattr(scheduler, "cycle_momentum", False) or any(
        map(cycles_momentum, children)
    )


def _scheduler(name: str) -> Callable[..., Any]:
    own = OWN.get(name)
    if own is not None:
        return own
    if name == "swa_lr":
        return torch.optim.swa_utils.SWALR
    if name == "chained_scheduler":
        return _chain
    return torch_class("scheduler", name, torch.optim.lr_scheduler)


def _chain(optimizer: torch.optim.Optimizer, schedulers: list[Any]) -> Any:
    return torch.optim.lr_scheduler.ChainedScheduler(schedulers, optimizer)


def _constant(optimizer: torch.optim.Optimizer) -> Any:
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)


def _geometric(optimizer: torch.optim.Optimizer, ratio: float, total_iters: int) -> Any:
    if ratio <= 0:
        raise ValueError(f"ratio must be positive, but got {ratio}")
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: ratio ** (step / total_iters)
    )


OWN: dict[str, Callable[..., Any]] = {"constant": _constant, "geometric": _geometric}
"""Forms of the articles, as one writes them in PyTorch."""

OPTIMIZER = replace(
    by_name.OPTIMIZER,
    find=_optimizer_on_trial,
    # Arguments that choose an implementation and not a formula.
    hidden=("foreach", "fused", "capturable", "differentiable"),
)
SCHEDULER = replace(by_name.SCHEDULER, find=_scheduler_on_trial, bare=())
