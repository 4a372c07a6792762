"""What changes its input in PyTorch: here each returns the result, and no more."""

from __future__ import annotations

import jax

from jaxtrain.nn.functional import _rectifiers as rectifiers


def relu_(input: jax.Array) -> jax.Array:
    """`relu`.

    PyTorch: `torch.nn.functional.relu_`.
    """
    return rectifiers.relu(input)


def leaky_relu_(input: jax.Array, negative_slope: float = 0.01) -> jax.Array:
    """`leaky_relu`.

    PyTorch: `torch.nn.functional.leaky_relu_`.
    """
    return rectifiers.leaky_relu(input, negative_slope)


def rrelu_(
    input: jax.Array,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
) -> jax.Array:
    """`rrelu`.

    PyTorch: `torch.nn.functional.rrelu_`.
    """
    return rectifiers.rrelu(input, lower, upper, training)


def elu_(input: jax.Array, alpha: float = 1.0) -> jax.Array:
    """`elu`.

    PyTorch: `torch.nn.functional.elu_`.
    """
    return rectifiers.elu(input, alpha)


def celu_(input: jax.Array, alpha: float = 1.0) -> jax.Array:
    """`celu`.

    PyTorch: `torch.nn.functional.celu_`.
    """
    return rectifiers.celu(input, alpha)


def selu_(input: jax.Array) -> jax.Array:
    """`selu`.

    PyTorch: `torch.nn.functional.selu_`.
    """
    return rectifiers.selu(input)


def threshold_(input: jax.Array, threshold: float, value: float) -> jax.Array:
    """`threshold`.

    PyTorch: `torch.nn.functional.threshold_`.
    """
    return rectifiers.threshold(input, threshold, value)


def hardtanh_(
    input: jax.Array, min_val: float = -1.0, max_val: float = 1.0
) -> jax.Array:
    """`hardtanh`.

    PyTorch: `torch.nn.functional.hardtanh_`.
    """
    return rectifiers.hardtanh(input, min_val, max_val)
