from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

Elementwise = Callable[..., jax.Array]


def with_partials(function: Elementwise, *partials: Elementwise) -> Elementwise:
    """A function of tensors of one shape, element by element, with given derivatives.

    Where the derivative of the formula loses digits, is NaN at a kink, or is not the
    one that PyTorch uses. Second derivatives are those of the derivatives given.

    Args:
        function: the value, of one or more tensors.
        partials: the derivative with respect to each of them, of all of them.

    Example:
        >>> clamped = with_partials(lambda x: jnp.maximum(x, 1.0), jnp.ones_like)
        >>> [float(x) for x in jax.value_and_grad(clamped)(0.5)]
        [1.0, 1.0]
    """
    wrapped = jax.custom_jvp(function)

    def jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        value = wrapped(*primals)
        # What is constant takes no part: its partial may be infinite, and ∞·0 is NaN.
        terms = [
            partial(*primals) * tangent
            for partial, tangent in zip(partials, tangents, strict=True)
            if not isinstance(tangent, SymbolicZero)
        ]
        return value, sum(terms[1:], terms[0]) if terms else jnp.zeros_like(value)

    wrapped.defjvp(jvp, symbolic_zeros=True)
    return wrapped


absolute = with_partials(jnp.abs, jnp.sign)
"""|x|, with slope 0 at 0 as in PyTorch; that of `jnp.abs` is 1 there."""
