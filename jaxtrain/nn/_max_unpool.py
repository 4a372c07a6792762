import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jaxtrain.nn._input import misfit
from jaxtrain.nn._spatial import at_least, batched, per_dim


class _MaxUnpool(nnx.Module):
    n: int

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
    ):
        name, n = type(self).__name__, self.n
        self.kernel_size = per_dim(name, "kernel_size", kernel_size, n)
        given = self.kernel_size if stride is None else stride
        self.stride = per_dim(name, "stride", given, n)
        self.padding = per_dim(name, "padding", padding, n)
        at_least(name, 1, kernel_size=self.kernel_size, stride=self.stride)

    def __call__(
        self,
        input: jax.Array,
        indices: jax.Array,
        output_size: Sequence[int] | None = None,
    ) -> jax.Array:
        """The larger array.

        Args:
            input: (N, C, *) or (C, *).
            indices: places in the flattened output, of the input's shape. One beyond
                it is left out, where PyTorch raises.
            output_size: sizes of the output, alone or behind those of N and C.
        """
        name = f"{type(self).__name__}({self.kernel_size})"
        x = batched(name, jnp.asarray(input), self.n)
        if indices.shape != input.shape:
            raise misfit(name, input, f"indices have shape {indices.shape}")
        sizes = self._sizes(name, x, output_size)
        flat = x.reshape(*x.shape[:2], -1)
        places = jnp.asarray(indices).reshape(flat.shape)
        output = _placed(flat, places, math.prod(sizes)).reshape(*x.shape[:2], *sizes)
        return output if input.ndim == x.ndim else output[0]

    def _sizes(
        self, name: str, x: jax.Array, given: Sequence[int] | None
    ) -> tuple[int, ...]:
        steps = zip(
            x.shape[2:], self.kernel_size, self.stride, self.padding, strict=True
        )
        plain = tuple((size - 1) * s + k - 2 * p for size, k, s, p in steps)
        sizes = plain if given is None else tuple(given)[-self.n :]
        if given is not None:
            near = zip(plain, sizes, self.stride, strict=False)
            fits = len(given) in (self.n, self.n + 2)
            if not fits or any(abs(a - b) >= stride for a, b, stride in near):
                raise ValueError(
                    f"{name}: output_size must be less than the stride "
                    f"{self.stride} from {plain}, got {tuple(given)}"
                )
        if min(sizes) < 1:
            raise misfit(name, x, f"the output would have sizes {sizes}")
        return sizes


@jax.custom_vjp
def _placed_by(x: jax.Array, places: jax.Array, zeros: jax.Array) -> jax.Array:
    n, c = (jnp.arange(size)[:, None, None] for size in x.shape[:2])
    return zeros.at[n, c.swapaxes(0, 1), places].set(x, mode="drop")


def _forward(x: jax.Array, places: jax.Array, zeros: jax.Array) -> Any:
    return _placed_by(x, places, zeros), places


def _backward(places: jax.Array, moved: jax.Array) -> Any:
    # Where windows overlapped one place was found twice: each finder has the gradient.
    taken = jnp.take_along_axis(moved, places, -1, mode="fill", fill_value=0)
    return taken, None, None


_placed_by.defvjp(_forward, _backward)


def _placed(x: jax.Array, places: jax.Array, size: int) -> jax.Array:
    """(N, C, size), with x (N, C, elements) at its places and zeros elsewhere."""
    return _placed_by(x, places, jnp.zeros((*x.shape[:2], size), x.dtype))


class MaxUnpool1d(_MaxUnpool):
    """Values back at the places where `MaxPool1d` found them, and zeros elsewhere.

    An input is (N, C, L) or (C, L), with the pooling's indices.

    Args:
        kernel_size: of the pooling, whose default sizes the output has.
        stride: of the pooling; `kernel_size` if not given.
        padding: of the pooling.

    Raises:
        ValueError: sizes that cannot be; indices of another shape; an `output_size`
            that is not less than the stride away.

    PyTorch: `torch.nn.MaxUnpool1d`.

    Example:
        >>> MaxUnpool1d(2)(jnp.array([[3.0, 4.0]]), jnp.array([[1, 2]]))
        Array([[0., 3., 4., 0.]], dtype=float32)
    """

    n = 1


class MaxUnpool2d(_MaxUnpool):
    """`MaxUnpool1d` for (N, C, H, W) or (C, H, W); sizes are one number, or two.

    PyTorch: `torch.nn.MaxUnpool2d`.

    Example:
        >>> MaxUnpool2d(2)(jnp.ones((1, 1, 1)), jnp.array([[[3]]]))
        Array([[[0., 0.],
                [0., 1.]]], dtype=float32)
    """

    n = 2


class MaxUnpool3d(_MaxUnpool):
    """`MaxUnpool1d` for (N, C, D, H, W) or (C, D, H, W); one number, or three.

    PyTorch: `torch.nn.MaxUnpool3d`.

    Example:
        >>> MaxUnpool3d(2)(jnp.ones((1, 1, 1, 1)), jnp.zeros((1, 1, 1, 1), int)).shape
        (1, 2, 2, 2)
    """

    n = 3
