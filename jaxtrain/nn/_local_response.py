import jax
import jax.numpy as jnp
from flax import nnx

from jaxtrain.nn._input import misfit


class LocalResponseNorm(nnx.Module):
    """y = x / (k + alpha / size · Σ x²)^beta, the sum over `size` channels around it.

    Args:
        size: how many channels; of an even number one more lies before than behind.
        alpha: weight of their mean square.
        beta: exponent.
        k: what is added.

    Raises:
        ValueError: `size` is not positive; an input is not (N, C, L, …).

    PyTorch: `torch.nn.LocalResponseNorm`.
    Reference: Krizhevsky et al. 2012, doi.org/10.1145/3065386

    Example:
        >>> LocalResponseNorm(1, alpha=1.0, beta=1.0)(jnp.ones((1, 2, 1)))
        Array([[[0.5],
                [0.5]]], dtype=float32)
    """

    def __init__(
        self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
    ):
        if size < 1:
            raise ValueError(f"LocalResponseNorm needs size >= 1, got {size}")
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def __call__(self, input: jax.Array) -> jax.Array:
        if input.ndim < 3:
            name = f"LocalResponseNorm({self.size})"
            raise misfit(name, input, "it must have 3 dimensions or more")
        pads = [(0, 0)] * input.ndim
        pads[1] = (self.size // 2, (self.size - 1) // 2)
        squares = jnp.pad(jnp.square(input), pads)
        channels = input.shape[1]
        total = sum(
            jax.lax.slice_in_dim(squares, i, i + channels, axis=1)
            for i in range(self.size)
        )
        return input / (total / self.size * self.alpha + self.k) ** self.beta
