"""In which numbers a training computes, and on which device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import jax
import numpy as np

from jaxtrain.errors import ConfigError, check_name
from jaxtrain.training import DTYPES


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
