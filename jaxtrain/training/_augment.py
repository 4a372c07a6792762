"""Training images changed at random: drawn on the host, applied in the step."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxtrain.config import Config
from jaxtrain.data import Dataset
from jaxtrain.data.augment import Augmentation
from jaxtrain.data.augment.by_name import build
from jaxtrain.registry import ConfigError
from jaxtrain.training._step import Augment
from jaxtrain.training._to_tensor import to_tensor

Draw = Callable[[int, tuple[int, int]], Any]


def augmentation(config: Config) -> Augmentation:
    """The transforms that a configuration names, or `ConfigError`."""
    return Augmentation(build(config.data.augment), config.loop.seed)


def build_augment(config: Config) -> Augment | None:
    """What is done to raw training images, where they are changed at random.

    As a torchvision user would have it: ToTensor, the transforms, Normalize.
    """
    if not config.data.augment:
        return None
    # 16 bits come after the transforms, as after `ToTensor`.
    wide = "float64" if config.loop.dtype == "float64" else "float32"
    chain, prepare = augmentation(config), to_tensor(wide)
    chosen = config.data.normalization

    def augment(images: jax.Array, drawn: Any) -> jax.Array:
        changed = chain.apply(prepare(images), drawn)
        if chosen is not None:
            changed = _normalized(changed, *chosen)
        return changed.astype(config.loop.dtype)

    return augment


def _normalized(images: jax.Array, mean: float, std: float) -> jax.Array:
    # XLA multiplies by the rounded reciprocal of what it can see to be one number.
    divisor = jax.lax.optimization_barrier(jnp.full_like(images, std))
    return (images - jnp.asarray(mean, images.dtype)) / divisor


def drawer(config: Config, dataset: Dataset) -> Draw:
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
