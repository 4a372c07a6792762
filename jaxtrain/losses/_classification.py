"""Losses as they are used to classify: what becomes of outputs and labels first."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import jax
import jax.numpy as jnp

from jaxtrain.losses._fits import CLASSIFICATION


def classification(
    name: str, function: Callable[..., jax.Array]
) -> Callable[..., jax.Array]:
    """A loss of outputs and labels, whatever the loss itself takes.

    Args:
        name: one of `CLASSIFICATION`.
        function: the loss.

    Returns:
        function(outputs, labels, …) of (batch, classes) and (batch,).

    Example:
        >>> from jaxtrain.losses import mse_loss
        >>> loss = classification("mse_loss", mse_loss)
        >>> print(loss(jnp.array([[0.0, 2.0]]), jnp.array([1])))
        0.5
    """
    fit = CLASSIFICATION[name]

    @wraps(function)
    def adapt(outputs: jax.Array, labels: jax.Array, **arguments: Any) -> jax.Array:
        targets = TARGETS[fit.targets](labels, outputs)
        return function(OUTPUTS[fit.outputs](outputs), targets, **arguments)

    return adapt


OUTPUTS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "raw": lambda outputs: outputs,
    "log_softmax": jax.nn.log_softmax,
    "sigmoid": jax.nn.sigmoid,
}


def _one_hot(labels: jax.Array, outputs: jax.Array) -> jax.Array:
    return jax.nn.one_hot(labels, outputs.shape[1], dtype=outputs.dtype)


def _pad(labels: jax.Array, outputs: jax.Array) -> jax.Array:
    rest = jnp.full((len(labels), outputs.shape[1] - 1), -1)
    return jnp.concatenate([labels[:, None].astype(rest.dtype), rest], axis=1)


TARGETS: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "labels": lambda labels, outputs: labels,
    "one_hot": _one_hot,
    "signs": lambda labels, outputs: 2 * _one_hot(labels, outputs) - 1,
    "padded": _pad,
}
