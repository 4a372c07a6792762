"""What a configuration names, built."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import jax
import numpy as np
import optax

from jaxtrain import losses, lr_scheduler, optim, registry
from jaxtrain.config import Config
from jaxtrain.data import Dataset
from jaxtrain.registry import ConfigError
from jaxtrain.training._numerics import Numerics
from jaxtrain.training._trainer import LossFunction


def build_optimizer(config: Config) -> optax.GradientTransformation:
    """The optimiser that a configuration names, or `ConfigError`."""
    chosen = config.optimizer
    function = registry.lookup("optimizer", chosen.name, optim)
    return registry.build(
        function,
        kind="optimizer",
        name=chosen.name,
        arguments=chosen.args,
        fixed={"lr": chosen.lr},
    )


def build_schedule(config: Config) -> Callable[[int], float]:
    """Scheduler steps taken -> learning rate, or `ConfigError`."""
    chosen, lr = config.scheduler, config.optimizer.lr
    if chosen.name is None:
        return lambda count: lr
    function = registry.lookup("scheduler", chosen.name, lr_scheduler)
    return registry.build(
        function, lr, kind="scheduler", name=chosen.name, arguments=chosen.args
    )


def build_loss(config: Config, dataset: Dataset, numerics: Numerics) -> LossFunction:
    """The loss that a configuration names, tried on shapes alone, or `ConfigError`."""
    chosen = config.loss
    function = registry.lookup("loss", chosen.name, losses)
    batch = config.data.batch_size
    outputs = jax.ShapeDtypeStruct((batch, len(dataset.classes)), numerics.scalar)
    targets = jax.ShapeDtypeStruct((batch,), np.uint8)

    @wraps(function)
    def shape_of(*inputs: Any, **arguments: Any) -> tuple[int, ...]:
        with numerics.active():
            return jax.eval_shape(partial(function, **arguments), *inputs).shape

    shape = registry.build(
        shape_of, outputs, targets, kind="loss", name=chosen.name, arguments=chosen.args
    )
    if shape != ():
        raise ConfigError(
            f"loss {chosen.name} gives values of shape {shape} for a batch; "
            "training needs one number, as with reduction=mean"
        )
    return partial(function, **chosen.args)
