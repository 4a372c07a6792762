import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import init, rng


class Linear(nnx.Module):
    """y = x Wᵀ + b.

    `weight` is (out_features, in_features) and `bias` (out_features,), both drawn from
    U(-1/sqrt(in_features), 1/sqrt(in_features)): weight first, then bias.

    Args:
        in_features: size of the last dimension of the input.
        out_features: size of the last dimension of the output.
        bias: whether b is there.
        generator: where the initial values come from; `rng.default_generator`, which
            `rng.manual_seed` seeds, if not given.
        dtype: of the parameters. float64 draws PyTorch's float64 values; every other
            type draws float32 values and rounds them, as `module.to(dtype)` does.

    Raises:
        ValueError: a size is negative; an input's last dimension is not `in_features`.

    PyTorch: `torch.nn.Linear`.

    Example:
        >>> layer = Linear(3, 2, generator=rng.Generator(0))
        >>> layer.weight.shape, layer(jnp.ones((5, 3))).shape
        ((2, 3), (5, 2))
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        if min(in_features, out_features) < 0:
            raise ValueError(
                f"Linear({in_features}, {out_features}): sizes cannot be negative"
            )
        self.in_features = in_features
        self.out_features = out_features
        draw = np.float64 if jnp.dtype(dtype) == np.float64 else np.float32
        weight = init.kaiming_uniform(
            (out_features, in_features), math.sqrt(5), generator=generator, dtype=draw
        )
        self.weight = nnx.Param(jnp.asarray(weight, dtype))
        if not bias:
            self.bias = None
            return
        bound = 1 / math.sqrt(in_features) if in_features > 0 else 0
        values = init.uniform(
            (out_features,), -bound, bound, generator=generator, dtype=draw
        )
        self.bias = nnx.Param(jnp.asarray(values, dtype))

    def __call__(self, input: jax.Array) -> jax.Array:
        if input.shape[-1:] != (self.in_features,):
            raise ValueError(
                f"Linear({self.in_features}, {self.out_features}) got an input of shape"
                f" {input.shape}: its last dimension must be {self.in_features}"
            )
        output = input @ self.weight[...].T
        return output if self.bias is None else output + self.bias[...]
