"""Parameters as layers begin with them."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike


def drawn(
    initialiser: Callable[..., Any], *args: Any, dtype: DTypeLike, **kwargs: Any
) -> nnx.Param:
    """A parameter from one of `jaxtrain.init`'s functions.

    float64 draws PyTorch's float64 values; every other type draws float32 values and
    rounds them, as `module.to(dtype)` does.

    Example:
        >>> from jaxtrain import init
        >>> drawn(init.constant, (2,), 0.5, dtype=jnp.bfloat16).shape
        (2,)
    """
    kind = np.float64 if jnp.dtype(dtype) == np.float64 else np.float32
    return nnx.Param(jnp.asarray(initialiser(*args, dtype=kind, **kwargs), dtype))


def filled(shape: tuple[int, ...], value: float, dtype: DTypeLike) -> nnx.Param:
    """A parameter that begins with one value everywhere.

    Example:
        >>> filled((2,), 1.0, jnp.float32)[...]
        Array([1., 1.], dtype=float32)
    """
    return nnx.Param(jnp.full(shape, value, dtype))
