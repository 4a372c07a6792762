"""In which numbers a training computes, and on which device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jaxtrain.errors import ConfigError, check_name
from jaxtrain.training import DTYPES


def numerics_of(tree: Any) -> Numerics:
    """The numbers that a model or a state is made of, on the device JAX prefers.

    Example:
        >>> numerics_of({"w": np.zeros(3, np.float32), "count": 3}).dtype
        'float32'
    """
    kinds = {
        np.dtype(leaf.dtype).name
        for leaf in jax.tree.leaves(tree)
        if hasattr(leaf, "dtype") and jax.numpy.issubdtype(leaf.dtype, np.inexact)
    }
    if "float64" in kinds:
        return Numerics("float64")
    return Numerics("bfloat16" if kinds == {"bfloat16"} else "float32")


@dataclass(frozen=True)
class Numerics:
    """In which numbers, and where, arrays are made and functions compiled.

    Matrix products are taken at full precision on every device: GPUs and TPUs
    otherwise round their operands, which PyTorch does not.

    Raises:
        ConfigError: there is no such type or device.
    """

    dtype: str = "float32"
    device: str = "auto"

    def __post_init__(self) -> None:
        check_name("dtype", self.dtype, DTYPES)
        self.find_device()

    def find_device(self) -> jax.Device:
        """The first device of the kind asked for."""
        try:
            devices = jax.devices()
        except (RuntimeError, AssertionError) as error:
            # JAX_PLATFORMS names what is not there.
            reason = str(error).partition("\n")[0] or repr(error)
            raise ConfigError(f"JAX finds no device: {reason}") from None
        if self.device == "auto":
            return devices[0]
        try:
            return jax.devices(self.device)[0]
        except RuntimeError:
            kinds = sorted({device.platform for device in devices})
            raise ConfigError(
                f"no {self.device} device: JAX finds only {', '.join(kinds)} here"
            ) from None

    @contextmanager
    def active(self) -> Iterator[None]:
        """Inside the block, JAX works in these numbers on this device."""
        with (
            jax.enable_x64(self.dtype == "float64"),
            jax.default_matmul_precision("highest"),
            jax.default_device(self.find_device()),
        ):
            yield

    @property
    def scalar(self) -> np.dtype:
        """Type of hyper-parameters: that of the arithmetic, which is never 16 bits."""
        return np.dtype("float64" if self.dtype == "float64" else "float32")
