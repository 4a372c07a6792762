"""What a configuration names, built: network, loss, optimiser, inputs, batches."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial, wraps
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from jaxtrain import losses, lr_scheduler, optim
from jaxtrain.data import Dataset
from jaxtrain.data.transforms import Augmentation
from jaxtrain.errors import ConfigError
from jaxtrain.losses._classification import classification
from jaxtrain.optim._average import WeightAverage
from jaxtrain.rng import Generator
from jaxtrain.run import by_name
from jaxtrain.run.config import Config, FlowConfig, SchedulerConfig
from jaxtrain.training.engine import Engine
from jaxtrain.training.numerics import Numerics
from jaxtrain.training.pixels import to_tensor
from jaxtrain.training.step import Augment, LossFunction, Penalty

DrawFunction = Callable[[int, tuple[int, int]], Any]


def augmentation(config: Config) -> Augmentation:
    """The transforms that a configuration names, or `ConfigError`."""
    return Augmentation(
        by_name.build_all(by_name.TRANSFORM, config.data.augment), config.loop.seed
    )


def build_augment(config: Config) -> Augment | None:
    """What is done to raw training images, where they are changed at random.

    As a torchvision user would have it: ToTensor, the transforms, Normalize.
    """
    if not config.data.augment:
        return None
    # 16 bits come after the transforms, as after `ToTensor`.
    wide = "float64" if config.loop.dtype == "float64" else "float32"
    chain, prepare = augmentation(config), to_tensor(wide)
    statistics = config.data.normalization

    def augment(images: jax.Array, drawn: Any) -> jax.Array:
        result = chain.apply(prepare(images), drawn)
        if statistics is not None:
            result = _normalize(result, *statistics)
        return result.astype(config.loop.dtype)

    return augment


def _normalize(images: jax.Array, mean: float, std: float) -> jax.Array:
    # XLA multiplies by the rounded reciprocal of what it can see to be one number.
    divisor = jax.lax.optimization_barrier(jnp.full_like(images, std))
    return (images - jnp.asarray(mean, images.dtype)) / divisor


def drawer(config: Config, dataset: Dataset) -> DrawFunction:
    """Who draws the parameters of a chunk: (steps before it, (steps, batch)) -> arrays.

    Raises:
        ConfigError: a transform does not exist, or does not fit the images.
    """
    if not config.data.augment:
        return lambda first, shape: ()
    chain = augmentation(config)
    height, width = dataset.train.images.shape[1:]
    try:
        chain.draw(0, (1, 1), (height, width))
        size = chain.output_size(height, width)
    except ValueError as error:
        raise ConfigError(f"--augment: {error}") from error
    if size != (height, width):
        raise ConfigError(
            f"--augment makes images of {size[0]} by {size[1]} pixels; the network "
            f"takes {height} by {width}"
        )
    return lambda first, shape: chain.draw(first, shape, (height, width))


def build_model(config: Config, generator: Generator) -> nnx.Module:
    """The network that a configuration names, its weights drawn from `generator`."""
    settings, dtype = config.model, config.loop.dtype
    return by_name.build(
        by_name.MODEL,
        settings.name,
        settings.arguments,
        generator=generator,
        dtype=dtype,
    )


def build_trainer(
    config: Config,
    dataset: Dataset,
    generator: Generator,
    schedules: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Engine, nnx.Module]:
    """A configuration's trainer, and its network, which stays untrained.

    Args:
        config: the run.
        dataset: what it will train on; its classes decide about the loss.
        generator: where the initial weights come from.
        schedules: arguments of the optimiser that a schedule takes over.

    Raises:
        ConfigError: something that was asked for does not exist or does not fit.
    """
    numerics = Numerics(config.loop.dtype, config.loop.device)
    with numerics.active():
        model = build_model(config, generator)
    trainer = Engine(
        model,
        build_optimizer(config, schedules),
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
    config: Config, schedules: Mapping[str, Any] = MappingProxyType({})
) -> optax.GradientTransformation:
    """The optimiser that a configuration names, or `ConfigError`.

    Args:
        config: the run.
        schedules: arguments that a schedule takes over, as functions of the step.
    """
    settings, lr = config.optimizer, config.optimizer.lr
    make = partial(by_name.build, by_name.OPTIMIZER)
    tx = make(settings.name, settings.arguments, lr=lr)
    if schedules:
        # The arguments that move were judged above, though a schedule replaces them.
        stay = {k: v for k, v in settings.arguments.items() if k not in schedules}
        tx = make(settings.name, stay, lr=lr, **schedules)
    if settings.rest is not None:
        rest = make(settings.rest, {}, lr=lr, **schedules)
        tx = optax.partition({True: tx, False: rest}, _matrices)
    return _with_flow(tx, config.flow)


def _with_flow(
    tx: optax.GradientTransformation, flow: FlowConfig
) -> optax.GradientTransformation:
    """Gradients added up, clipped by norm, clipped by value, then given to `tx`."""
    clips = []
    if flow.clip_grad_norm is not None:
        clips.append(optim.clip_grad_norm(flow.clip_grad_norm))
    if flow.clip_grad_value is not None:
        clips.append(optim.clip_grad_value(flow.clip_grad_value))
    if clips:
        tx = optax.chain(*clips, tx)
    return tx if flow.accumulate == 1 else optim.accumulate(tx, flow.accumulate)


def build_average(flow: FlowConfig) -> WeightAverage | None:
    """The average of the weights that is tested instead of them, if any."""
    if flow.ema is not None:
        return optim.ema(flow.ema)
    return None if flow.swa is None else optim.swa()


def _matrices(params: optax.Params) -> optax.Params:
    return jax.tree.map(lambda p: p.ndim == 2, params)


def build_schedule(settings: SchedulerConfig, lr: float) -> Any:
    """The schedule that a configuration names, or `ConfigError`."""
    if settings.name is None:
        return lr_scheduler.constant(lr)
    return by_name.build(by_name.SCHEDULER, settings.name, settings.args, lr)


def build_loss(config: Config, dataset: Dataset, numerics: Numerics) -> LossFunction:
    """The loss that a configuration names, tried on shapes alone, or `ConfigError`."""
    settings, batch = config.loss, config.data.batch_size
    outputs = jax.ShapeDtypeStruct((batch, len(dataset.classes)), numerics.scalar)
    targets = jax.ShapeDtypeStruct((batch,), np.uint8)
    with numerics.active():
        return by_name.build(_LOSS, settings.name, settings.args, outputs, targets)


def _loss_on_trial(name: str) -> Callable[..., LossFunction]:
    function = classification(name, by_name.LOSS.find(name))

    @wraps(function)
    def make(*inputs: Any, **arguments: Any) -> LossFunction:
        loss = partial(function, **arguments)
        shape = jax.eval_shape(loss, *inputs).shape
        if shape != ():
            raise ConfigError(
                f"loss {name} gives values of shape {shape} for a batch; training "
                "needs one number, as with reduction=mean"
            )
        return loss

    return make


_LOSS = replace(by_name.LOSS, find=_loss_on_trial)


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
