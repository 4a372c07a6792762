"""What a configuration names, built."""

from collections.abc import Callable, Mapping
from functools import partial, wraps
from types import MappingProxyType
from typing import Any

import jax
import numpy as np
import optax
from flax import nnx

from jaxtrain import losses, models, optim, registry
from jaxtrain.config import Config, FlowConfig, OptimizerConfig
from jaxtrain.data import Dataset
from jaxtrain.optim._average import WeightAverage
from jaxtrain.registry import ConfigError
from jaxtrain.rng import Generator
from jaxtrain.training._augment import build_augment
from jaxtrain.training._numerics import Numerics
from jaxtrain.training._step import LossFunction, Penalty
from jaxtrain.training._to_tensor import to_tensor
from jaxtrain.training._trainer import Trainer

MODELS: dict[str, Callable[..., nnx.Module]] = {
    "mlp": models.MLP,
    "cnn": models.CNN,
    "resnet_small": models.ResNetSmall,
    "transformer": models.VisionTransformer,
}


def build_model(config: Config, generator: Generator) -> nnx.Module:
    """The network that a configuration names, its weights drawn from `generator`."""
    chosen = config.model
    sizes = {"hidden": chosen.hidden} if chosen.name == "mlp" else {}
    return MODELS[chosen.name](
        **sizes, dropout=chosen.dropout, generator=generator, dtype=config.loop.dtype
    )


def build_trainer(
    config: Config,
    dataset: Dataset,
    generator: Generator,
    moving: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Trainer, nnx.Module]:
    """A configuration's trainer, and its network, which stays untrained.

    Args:
        config: the run.
        dataset: what it will train on; its classes decide about the loss.
        generator: where the initial weights come from.
        moving: arguments of the optimiser that a schedule takes over.

    Raises:
        ConfigError: something that was asked for does not exist or does not fit.
    """
    numerics = Numerics(config.loop.dtype, config.loop.device)
    with numerics.active():
        model = build_model(config, generator)
    trainer = Trainer(
        model,
        build_optimizer(config, moving),
        build_loss(config, dataset, numerics),
        to_tensor(config.loop.dtype, config.data.normalization),
        numerics,
        build_penalty(config),
        average=build_average(config.flow),
        average_steps=config.flow.swa is None,
        augment=build_augment(config),
    )
    return trainer, model


def build_optimizer(
    config: Config, moving: Mapping[str, Any] = MappingProxyType({})
) -> optax.GradientTransformation:
    """The optimiser that a configuration names, or `ConfigError`.

    Args:
        config: the run.
        moving: arguments that a schedule takes over, as functions of the step.
    """
    chosen = config.optimizer
    function = registry.lookup("optimizer", chosen.name, optim)
    built = registry.build(
        function,
        kind="optimizer",
        name=chosen.name,
        arguments=chosen.arguments,
        fixed={"lr": chosen.lr},
    )
    if moving:
        built = function(lr=chosen.lr, **{**chosen.arguments, **moving})
    if chosen.rest is not None:
        built = _with_rest(built, chosen, moving)
    return _with_flow(built, config.flow)


def _with_rest(
    built: optax.GradientTransformation,
    chosen: OptimizerConfig,
    moving: Mapping[str, Any],
) -> optax.GradientTransformation:
    assert chosen.rest is not None
    rest = registry.lookup("optimizer", chosen.rest, optim)(lr=chosen.lr, **moving)
    return optax.partition({True: built, False: rest}, _matrices)


def _with_flow(
    built: optax.GradientTransformation, flow: FlowConfig
) -> optax.GradientTransformation:
    """Gradients added up, clipped by norm, clipped by value, then given to `built`."""
    clips = []
    if flow.clip_grad_norm is not None:
        clips.append(optim.clip_grad_norm(flow.clip_grad_norm))
    if flow.clip_grad_value is not None:
        clips.append(optim.clip_grad_value(flow.clip_grad_value))
    if clips:
        built = optax.chain(*clips, built)
    return built if flow.accumulate == 1 else optim.accumulate(built, flow.accumulate)


def build_average(flow: FlowConfig) -> WeightAverage | None:
    """The average of the weights that is tested instead of them, if any."""
    if flow.ema is not None:
        return optim.ema(flow.ema)
    return None if flow.swa is None else optim.swa()


def _matrices(params: optax.Params) -> optax.Params:
    return jax.tree.map(lambda p: p.ndim == 2, params)


def build_loss(config: Config, dataset: Dataset, numerics: Numerics) -> LossFunction:
    """The loss that a configuration names, tried on shapes alone, or `ConfigError`."""
    chosen = config.loss
    function = losses.classification(
        chosen.name, registry.lookup("loss", chosen.name, losses)
    )
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


def build_penalty(config: Config) -> Penalty | None:
    """What is added to the loss of each batch for the size of the weights, if any."""
    l1, l2 = config.loss.l1, config.loss.l2
    if not (l1 or l2):
        return None

    def penalty(params: optax.Params) -> jax.Array:
        terms = []
        if l1:
            terms.append(l1 * losses.l1_penalty(params))
        if l2:
            terms.append(l2 * losses.l2_penalty(params))
        return sum(terms[1:], terms[0])

    return penalty
