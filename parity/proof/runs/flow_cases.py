"""What is done around a step, as PyTorch's users write it, and near misses of it."""

from dataclasses import dataclass, replace
from typing import Any

from jaxtrain.run.config import (
    Config,
    DataConfig,
    FlowConfig,
    LoopConfig,
    ModelConfig,
    OptimizerConfig,
    SchedulerConfig,
)


@dataclass(frozen=True)
class FlowCase:
    """A run, and one that is nearly the same: its losses must be seen to differ."""

    name: str
    config: Config
    twin: Config


def _config(**parts: Any) -> Config:
    usual: dict[str, Any] = {
        "loop": LoopConfig(epochs=2, dtype="float64"),
        "model": ModelConfig(hidden=(32,)),
        "data": DataConfig(shuffle=True),
        "optimizer": OptimizerConfig(lr=0.1),
    }
    return Config(**{**usual, **parts})


def _case(name: str, part: str, fault: dict[str, Any], **parts: Any) -> FlowCase:
    config = _config(**parts)
    twin_part = replace(getattr(config, part), **fault)
    return FlowCase(name, config, replace(config, **{part: twin_part}))


_SGD = OptimizerConfig(lr=0.1, args={"momentum": 0.9})
_AUGMENT = (
    "random_crop(padding=4)",
    "random_horizontal_flip",
    "random_rotation(degrees=10)",
    "random_erasing",
)

CASES = (
    _case(
        "accumulate: the rest at the end of an epoch",
        "flow",
        {"accumulate": 4},
        flow=FlowConfig(accumulate=3),
    ),
    _case(
        "accumulate: a schedule counts updates",
        "scheduler",
        {"args": {"step_size": 3}},
        flow=FlowConfig(accumulate=3),
        scheduler=SchedulerConfig("step_lr", {"step_size": 2}, "step"),
    ),
    _case(
        "accumulate: clipped when all are added",
        "flow",
        {"clip_grad_norm": 0.5000001},
        flow=FlowConfig(accumulate=2, clip_grad_norm=0.5),
        optimizer=_SGD,
    ),
    _case(
        "clip_grad_norm",
        "flow",
        {"clip_grad_norm": 0.3000001},
        flow=FlowConfig(clip_grad_norm=0.3),
        optimizer=_SGD,
    ),
    _case(
        "clip_grad_value after clip_grad_norm",
        "flow",
        {"clip_grad_value": 0.01000001},
        flow=FlowConfig(clip_grad_norm=2.0, clip_grad_value=0.01),
        optimizer=_SGD,
    ),
    _case(
        "weight_decay",
        "optimizer",
        {"weight_decay": 1.0001e-2},
        optimizer=replace(_SGD, weight_decay=1e-2),
    ),
    _case(
        "augment and normalize",
        "data",
        {"augment": (*_AUGMENT[:3], "random_erasing(p=0.4)")},
        data=DataConfig(shuffle=True, augment=_AUGMENT, normalize=()),
    ),
    _case(
        "validation",
        "data",
        {"validation": 0.11},
        data=DataConfig(validation=0.1, limit_batches=5),
    ),
    _case(
        "overfit_batches",
        "data",
        {"batch_size": 65},
        data=DataConfig(overfit_batches=2),
    ),
)
"""Judged by the loss at every step."""

AVERAGES = (
    _case(
        "ema",
        "flow",
        {"ema": 0.9001},
        flow=FlowConfig(ema=0.9),
        optimizer=OptimizerConfig("adamw", 1e-2),
    ),
    _case(
        "ema of accumulated steps",
        "flow",
        {"ema": 0.9001},
        flow=FlowConfig(ema=0.9, accumulate=2),
    ),
    _case("swa", "flow", {"swa": 2}, flow=FlowConfig(swa=1), optimizer=_SGD),
)
"""Judged by the test loss of every epoch: the steps do not know of the average."""
