import jax
import jax.numpy as jnp
from flax import nnx


class Hardshrink(nnx.Module):
    """y = 0 where |x| <= lambd, x elsewhere.

    Args:
        lambd: half width of the gap.

    PyTorch: `torch.nn.Hardshrink`.

    Example:
        >>> Hardshrink()(jnp.array([0.25, 1.0]))
        Array([0., 1.], dtype=float32)
    """

    def __init__(self, lambd: float = 0.5):
        self.lambd = lambd

    def __call__(self, input: jax.Array) -> jax.Array:
        return jnp.where(jnp.abs(input) <= self.lambd, 0, input)


class Softshrink(nnx.Module):
    """y = x - lambd where x > lambd, x + lambd where x < -lambd, 0 between.

    Args:
        lambd: half width of the gap, at least 0.

    Raises:
        ValueError: lambd is negative.

    PyTorch: `torch.nn.Softshrink`.

    Example:
        >>> Softshrink()(jnp.array([0.25, 1.0]))
        Array([0. , 0.5], dtype=float32)
    """

    def __init__(self, lambd: float = 0.5):
        if lambd < 0:
            raise ValueError(f"Softshrink needs lambd >= 0, got lambd={lambd}")
        self.lambd = lambd

    def __call__(self, input: jax.Array) -> jax.Array:
        inside = jnp.abs(input) <= self.lambd
        return jnp.where(inside, 0, input - self.lambd * jnp.sign(input))


class Tanhshrink(nnx.Module):
    """y = x - tanh x.

    PyTorch: `torch.nn.Tanhshrink`.

    Example:
        >>> Tanhshrink()(jnp.array([0.0, 1.0]))
        Array([0.        , 0.23840582], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return input - jnp.tanh(input)
