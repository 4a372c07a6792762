import jax
from flax import nnx


class ReLU(nnx.Module):
    """y = max(x, 0), with gradient 0 at x = 0.

    PyTorch: `torch.nn.ReLU`.

    Example:
        >>> import jax.numpy as jnp
        >>> ReLU()(jnp.array([-1.0, 2.0]))
        Array([0., 2.], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return jax.nn.relu(input)
