"""Flips along one axis, at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.data.transforms._arguments import probability
from jaxtrain.data.transforms._chain import Drawn, Transform


@dataclass(frozen=True)
class RandomFlip(Transform):
    """Turn images round along one axis, each with probability `p`."""

    p: float
    uniforms: ClassVar[int] = 1
    axis: ClassVar[int]

    def parameters(self, uniform: np.ndarray, height: int, width: int) -> Drawn:
        del height, width
        return {"flip": uniform[..., 0] < self.p}

    def apply_one(self, image: jax.Array, drawn: Mapping[str, Any]) -> jax.Array:
        return jnp.where(drawn["flip"], jnp.flip(image, self.axis), image)


class RandomHorizontalFlip(RandomFlip):
    """`random_horizontal_flip` with its arguments."""

    axis = -1


class RandomVerticalFlip(RandomFlip):
    """`random_vertical_flip` with its arguments."""

    axis = -2


def random_horizontal_flip(p: float = 0.5) -> RandomHorizontalFlip:
    """Swap left and right with probability `p`: y[r, c] = x[r, W - 1 - c].

    Drawn: `flip`, bool.

    Args:
        p: probability, 0 … 1.

    Raises:
        TypeError: `p` is not a number.
        ValueError: `p` is not within 0 … 1 (torchvision takes any number).

    PyTorch: `torchvision.transforms.RandomHorizontalFlip`.

    Example:
        >>> flip = random_horizontal_flip()
        >>> images = jnp.array([[[[1, 2, 3]]], [[[4, 5, 6]]]])
        >>> flip.apply(images, {"flip": np.array([True, False])}).tolist()
        [[[[3, 2, 1]]], [[[4, 5, 6]]]]
    """
    return RandomHorizontalFlip(probability("p", p))


def random_vertical_flip(p: float = 0.5) -> RandomVerticalFlip:
    """Swap top and bottom with probability `p`: y[r, c] = x[H - 1 - r, c].

    Drawn: `flip`, bool.

    Args:
        p: probability, 0 … 1.

    Raises:
        TypeError: `p` is not a number.
        ValueError: `p` is not within 0 … 1 (torchvision takes any number).

    PyTorch: `torchvision.transforms.RandomVerticalFlip`.

    Example:
        >>> flip = random_vertical_flip()
        >>> images = jnp.array([[[[1], [2], [3]]]])
        >>> flip.apply(images, {"flip": np.array([True])}).tolist()
        [[[[3], [2], [1]]]]
    """
    return RandomVerticalFlip(probability("p", p))
