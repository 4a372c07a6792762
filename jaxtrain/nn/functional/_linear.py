"""Matrix products."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxtrain.nn.shapes import misfit


def linear(
    input: jax.Array, weight: jax.Array, bias: jax.Array | None = None
) -> jax.Array:
    """y = x Wᵀ + b.

    Args:
        input: x, (*, in_features).
        weight: W, (out_features, in_features), or (in_features,) for one output
            without a dimension.
        bias: b, (out_features,) or of the shape without a dimension.

    Raises:
        ValueError: the last dimension of x is not that of W.

    PyTorch: `torch.nn.functional.linear`.

    Example:
        >>> linear(jnp.ones((5, 2)), jnp.ones((1, 2)), jnp.ones(1))[0]
        Array([3.], dtype=float32)
    """
    if input.shape[-1:] != weight.shape[-1:]:
        name = f"Linear({', '.join(map(str, weight.shape[::-1]))})"
        raise misfit(name, input, f"its last dimension must be {weight.shape[-1]}")
    output = input @ weight.T
    return output if bias is None else output + bias


def bilinear(
    input1: jax.Array,
    input2: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None = None,
) -> jax.Array:
    """y_k = x1ᵀ W_k x2 + b_k.

    Args:
        input1: x1, (*, in1_features).
        input2: x2, (*, in2_features).
        weight: W, (out_features, in1_features, in2_features).
        bias: b, (out_features,).

    Raises:
        ValueError: inputs that do not fit the weight or one another.

    PyTorch: `torch.nn.functional.bilinear`.

    Example:
        >>> bilinear(jnp.ones((5, 3)), jnp.ones((5, 4)), jnp.ones((2, 3, 4))).shape
        (5, 2)
    """
    out, *sizes = weight.shape
    for x, size in zip((input1, input2), sizes, strict=True):
        if x.shape != (*input1.shape[:-1], size) or not x.ndim:
            name = f"Bilinear({sizes[0]}, {sizes[1]}, {out})"
            raise misfit(name, x, f"it must be {(*input1.shape[:-1], size)}")
    # (…, out, in2)
    partial = jnp.einsum("...i,oij->...oj", input1, weight)
    output = jnp.einsum("...oj,...j->...o", partial, input2)
    return output if bias is None else output + bias
