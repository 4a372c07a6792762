"""What every transform is: parameters of uniform numbers, and a function of images."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import numpy as np

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
