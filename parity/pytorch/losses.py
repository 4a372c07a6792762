"""PyTorch's losses by our names, with the conversions its users write."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial, wraps
from typing import Any

import torch
import torch.nn.functional as F

from jaxtrain.losses._fits import CLASSIFICATION
from jaxtrain.run import by_name
from jaxtrain.run.config import Config

Loss = Callable[..., Any]


def torch_loss(name: str) -> Loss:
    """PyTorch's function of our name, or what it would be.

    Example:
        >>> torch_loss("mse_loss") is F.mse_loss
        True
    """
    if name in FORMULAS:
        return FORMULAS[name]
    if hasattr(F, name):
        return getattr(F, name)
    import torchvision

    return getattr(torchvision.ops, name)


def _reduce(values: torch.Tensor, reduction: str) -> torch.Tensor:
    return values if reduction == "none" else getattr(values, reduction)()


def _hinge(
    input: torch.Tensor,
    target: torch.Tensor,
    margin: float = 1.0,
    reduction: str = "mean",
) -> torch.Tensor:
    return _reduce((margin - target * input).clamp_min(0), reduction)


def _zero_one(
    input: torch.Tensor, target: torch.Tensor, reduction: str = "mean"
) -> torch.Tensor:
    wrong = input.argmax(min(1, input.ndim - 1)) != target
    return _reduce(wrong.to(input.dtype), reduction)


FORMULAS: dict[str, Loss] = {
    "hinge_loss": _hinge,
    "zero_one_loss": _zero_one,
    "l1_penalty": lambda params: params.abs().sum(),
    "l2_penalty": lambda params: params.pow(2).sum(),
}


def make_loss(config: Config, device: torch.device, dtype: torch.dtype) -> Loss:
    """A function of outputs and labels, or `ConfigError`."""
    outputs = torch.zeros(2, 10, dtype=dtype, device=device)
    labels = torch.zeros(2, dtype=torch.int64, device=device)
    return by_name.build(LOSS, config.loss.name, config.loss.args, outputs, labels)


def _loss_on_trial(name: str) -> Callable[..., Loss]:
    """A loss tried out on a batch: a function of outputs and labels comes of it."""
    function, fit = torch_loss(name), CLASSIFICATION[name]

    @wraps(function)
    def adapt(
        outputs: torch.Tensor, labels: torch.Tensor, **arguments: Any
    ) -> torch.Tensor:
        targets = TARGETS[fit.targets](labels, outputs)
        return function(OUTPUTS[fit.outputs](outputs), targets, **arguments)

    @wraps(function)
    def make(outputs: torch.Tensor, labels: torch.Tensor, **arguments: Any) -> Loss:
        tensors = {
            key: outputs.new_tensor(value) if isinstance(value, tuple | list) else value
            for key, value in arguments.items()
        }
        try:
            value = adapt(outputs, labels, **tensors)
        except (RuntimeError, AttributeError) as error:
            raise ValueError(str(error)) from error
        if value.ndim:
            raise ValueError(
                f"it gives values of shape {tuple(value.shape)} for a batch of "
                f"{len(labels)}; training needs one number, as with reduction=mean"
            )
        return partial(adapt, **tensors)

    return make


# `reduction` has replaced two arguments.
LOSS = replace(by_name.LOSS, find=_loss_on_trial, hidden=("size_average", "reduce"))


def penalty(config: Config, model: torch.nn.Module) -> torch.Tensor | float:
    """λ₁·Σ|p| + λ₂·Σp² over all parameters."""
    l1, l2 = config.loss.l1, config.loss.l2
    terms: list[torch.Tensor] = []
    if l1:
        terms.append(l1 * sum(p.abs().sum() for p in model.parameters()))
    if l2:
        terms.append(l2 * sum(p.pow(2).sum() for p in model.parameters()))
    return sum(terms)


OUTPUTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "raw": lambda outputs: outputs,
    "log_softmax": partial(F.log_softmax, dim=1),
    "sigmoid": torch.sigmoid,
}


def _one_hot(labels: torch.Tensor, outputs: torch.Tensor) -> torch.Tensor:
    return F.one_hot(labels, outputs.shape[1]).to(outputs.dtype)


def _pad(labels: torch.Tensor, outputs: torch.Tensor) -> torch.Tensor:
    return F.pad(labels[:, None], (0, outputs.shape[1] - 1), value=-1)


TARGETS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "labels": lambda labels, outputs: labels,
    "one_hot": _one_hot,
    "signs": lambda labels, outputs: 2 * _one_hot(labels, outputs) - 1,
    "padded": _pad,
}
