"""What a transform is, and a chain of them drawn from seed and step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import numpy as np

from jaxtrain import rng

Drawn = dict[str, np.ndarray]
"""Parameters by name, each with one entry for an image in its last axis."""


class Transform(ABC):
    """A random transform of images, in two halves."""

    uniforms: ClassVar[int]
    """How many uniform numbers the parameters of one image are made of."""

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of what comes out, in pixels."""
        return height, width

    @abstractmethod
    def parameters(self, uniform: np.ndarray, height: int, width: int) -> Drawn:
        """Parameters made of uniform numbers.

        Args:
            uniform: numbers of [0, 1), (…, images, `uniforms`).
            height: of the images, in pixels.
            width: of the images, in pixels.

        Returns:
            Arrays (…, images).

        Raises:
            ValueError: images of this size cannot be transformed.
        """

    @abstractmethod
    def apply_one(self, image: jax.Array, drawn: Mapping[str, Any]) -> jax.Array:
        """Transform one image (C, H, W) by its own parameters."""

    def draw(
        self, rng: np.random.Generator, batch: int, height: int, width: int
    ) -> Drawn:
        """Draw the parameters of a batch.

        Args:
            rng: gives `uniforms` numbers for each image.
            batch: number of images.
            height: of the images, in pixels.
            width: of the images, in pixels.

        Returns:
            Arrays (batch,).

        Raises:
            ValueError: images of this size cannot be transformed.
        """
        return self.parameters(rng.random((batch, self.uniforms)), height, width)

    def apply(self, images: jax.Array, drawn: Mapping[str, Any]) -> jax.Array:
        """Transform images (N, C, H, W), each by its own parameters; pure."""
        return jax.vmap(self.apply_one)(images, dict(drawn))


def uniform_integers(uniform: np.ndarray, count: Any) -> np.ndarray:
    """Integers of 0 … count - 1, each as likely, of uniform numbers; int32.

    Example:
        >>> uniform_integers(np.array([0.0, 0.24, 0.25, 0.999]), 4).tolist()
        [0, 0, 1, 3]
    """
    return np.floor(uniform * count).astype(np.int32)


STEP = 2**64
"""Counter blocks between two steps: more than a step can use."""

BLOCK = 4
"""Numbers in a block of Philox 4x64."""


@dataclass(frozen=True)
class Augmentation:
    """A chain of transforms, whose parameters depend on the seed and the step alone.

    Transform k of the chain draws from its own Philox generator (Salmon et al., 2011),
    with the seed and k for key and the step in its counter: any step can be drawn again
    without those before it, and an image's parameters depend neither on the size of the
    batch nor on the transforms after it.

    Args:
        transforms: applied in this order.
        seed: -2⁶³ … 2⁶⁴ - 1, as of PyTorch's generators.

    Raises:
        TypeError: `seed` is not an integer, or not all are transforms.
        ValueError: `seed` is out of range.

    PyTorch: `torchvision.transforms.Compose`, with parameters drawn for each image.

    Example:
        >>> from jaxtrain.data.transforms import random_crop, random_horizontal_flip
        >>> chain = Augmentation((random_crop(padding=4), random_horizontal_flip()), 0)
        >>> crop, flip = chain.draw(10, (3, 64), (28, 28))
        >>> crop["top"].shape, flip["flip"].shape
        ((3, 64), (3, 64))
        >>> again = chain.draw(12, (1, 64), (28, 28))
        >>> bool((again[0]["top"][0] == crop["top"][2]).all())
        True
    """

    transforms: Sequence[Transform]
    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "transforms", tuple(self.transforms))
        for transform in self.transforms:
            if not isinstance(transform, Transform):
                raise TypeError(f"not a transform: {transform!r}")
        object.__setattr__(self, "seed", rng.Generator(self.seed).initial_seed())

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of what comes out, in pixels."""
        for transform in self.transforms:
            height, width = transform.output_size(height, width)
        return height, width

    def draw(
        self, first_step: int, shape: tuple[int, int], size: tuple[int, int]
    ) -> list[Drawn]:
        """Parameters of consecutive steps.

        Args:
            first_step: counted from 0.
            shape: (steps, images in a batch).
            size: (height, width) of the images, in pixels.

        Returns:
            For each transform its parameters, arrays (steps, images in a batch).

        Raises:
            ValueError: images of this size cannot be transformed, or `first_step` is
                negative.
        """
        if first_step < 0:
            raise ValueError(f"first_step must be 0 or more, got {first_step}")
        draws = []
        for place, transform in enumerate(self.transforms):
            key = self.seed + (place << 64)
            uniform = _uniform(key, first_step, (*shape, transform.uniforms))
            draws.append(transform.parameters(uniform, *size))
            size = transform.output_size(*size)
        return draws

    def apply(self, images: jax.Array, drawn: Sequence[Mapping[str, Any]]) -> jax.Array:
        """Transform images (N, C, H, W) by one step's parameters, arrays (N,); pure."""
        for transform, parameters in zip(self.transforms, drawn, strict=True):
            images = transform.apply(images, parameters)
        return images


def _uniform(key: int, first_step: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Numbers of [0, 1), float64 (steps, images, each)."""
    philox = np.random.Philox(key=key, counter=first_step * STEP)
    generator, numbers = np.random.Generator(philox), np.empty(shape)
    blocks = -(-shape[1] * shape[2] // BLOCK)
    for step in numbers:
        generator.random(out=step)
        philox.advance(STEP - blocks)
    return numbers
