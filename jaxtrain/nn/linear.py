"""Layers of matrix products."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn import functional as F
from jaxtrain.nn import init
from jaxtrain.nn.module import Module, draw_parameter, value


class Linear(Module):
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
        self.weight, self.bias = kaiming_pair(
            (out_features, in_features), out_features, bias, generator, dtype
        )

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.linear(input, self.weight[...], value(self.bias))


def kaiming_pair(
    shape: tuple[int, ...],
    outputs: int,
    bias: bool,
    generator: rng.Generator | None,
    dtype: DTypeLike,
) -> tuple[nnx.Param, nnx.Param | None]:
    """Weight and bias as linear layers and convolutions begin: U(-b, b), b = fan_in^-½.

    Args:
        shape: of the weight, drawn first.
        outputs: size of the bias.
        bias: whether there is one.
        generator: where the values come from.
        dtype: of both.

    Example:
        >>> weight, bias = kaiming_pair((2, 3), 2, False, None, jnp.float32)
        >>> weight.shape, bias
        ((2, 3), None)
    """
    source = rng.default_generator if generator is None else generator
    # a = sqrt(5) makes the bound fan_in^-½: github.com/pytorch/pytorch/issues/57109.
    weight = draw_parameter(
        lambda dtype: init.kaiming_uniform(
            shape, math.sqrt(5), generator=source, dtype=dtype
        ),
        dtype=dtype,
    )
    if not bias:
        return weight, None
    fan_in, _ = init.fan_in_and_fan_out(shape)
    bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
    return weight, draw_parameter(
        source.uniform, (outputs,), -bound, bound, dtype=dtype
    )


class Bilinear(Module):
    """y_k = x1ᵀ W_k x2 + b_k.

    `weight` is (out_features, in1_features, in2_features) and `bias` (out_features,),
    both drawn from U(-b, b), b = in1_features^-½.

    Args:
        in1_features: size of the last dimension of x1.
        in2_features: size of the last dimension of x2.
        out_features: size of the last dimension of y.
        bias: whether b is there.
        generator: where the initial values come from; `rng.default_generator` if not
            given.
        dtype: of the parameters; see `Linear`.

    Raises:
        ValueError: `in1_features` is not positive, or another size is negative; inputs
            that do not fit.

    PyTorch: `torch.nn.Bilinear`.

    Example:
        >>> Bilinear(3, 4, 2)(jnp.ones((5, 3)), jnp.ones((5, 4))).shape
        (5, 2)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        name = f"Bilinear({in1_features}, {in2_features}, {out_features})"
        if in1_features < 1 or min(in2_features, out_features) < 0:
            raise ValueError(
                f"{name}: in1_features must be greater than 0, no size negative"
            )
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        bound = 1 / math.sqrt(in1_features)
        source = rng.default_generator if generator is None else generator

        def draw(*shape: int) -> nnx.Param:
            return draw_parameter(
                init.uniform, shape, -bound, bound, dtype=dtype, generator=source
            )

        self.weight = draw(out_features, in1_features, in2_features)
        self.bias = draw(out_features) if bias else None

    def __call__(self, input1: jax.Array, input2: jax.Array) -> jax.Array:
        return F.bilinear(input1, input2, self.weight[...], value(self.bias))
