"""Dropout masks of a chunk of steps, drawn on the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import jax
import numpy as np
from flax import nnx

from jaxtrain.nn import dropout_draws
from jaxtrain.rng import Generator


def mask_maker(
    source: str | None,
    model: nnx.Module,
    inputs: jax.ShapeDtypeStruct,
    generator: Generator,
    seed: int = 0,
) -> Callable[[int, tuple[int, int]], Sequence[np.ndarray] | jax.Array]:
    """Who makes a chunk's masks, given the steps before it and its (steps, batch).

    Args:
        source: `"torch"` draws PyTorch's masks on the host, `"jax"` hands out keys;
            None where nothing is drawn.
        model: in training mode; it is traced to learn which masks it draws.
        inputs: shape and type of one input.
        generator: stands for PyTorch's default generator.
        seed: of the keys.
    """

    def draws(batch: int) -> list[tuple[tuple[int, ...], float]]:
        return dropout_draws(
            model, jax.ShapeDtypeStruct((batch, *inputs.shape), inputs.dtype)
        )

    return masks_of(source, draws, generator, seed)


def masks_of(
    source: str | None,
    draws: Callable[[Any], Sequence[tuple[tuple[int, ...], float]]],
    generator: Generator,
    seed: int,
) -> Callable[[int, tuple[int, Any]], Sequence[np.ndarray] | jax.Array]:
    """As `mask_maker`, given the steps before a chunk, its steps and a kind of batch.

    Args:
        source: as for `mask_maker`.
        draws: kind of batch -> (shape, keep probability) of each mask, in order.
        generator: as for `mask_maker`.
        seed: as for `mask_maker`.
    """
    if source is None:
        return lambda before, shape: ()
    if source == "jax":
        # PyTorch's engine goes by these bits alone, and without x64 JAX takes no more.
        # Keys go by the number of the step, so that a run that is resumed has the same.
        key = jax.random.key(seed & 0xFFFFFFFF)
        return lambda before, shape: jax.vmap(partial(jax.random.fold_in, key))(
            np.arange(before, before + shape[0])
        )

    # Once for each kind of batch: an epoch's last may be a short one.
    known = cache(draws)

    def maker(before: int, shape: tuple[int, Any]) -> list[np.ndarray]:
        steps, batch = shape
        masks = [np.empty((steps, *size), bool) for size, _ in known(batch)]
        # Step by step and layer by layer: PyTorch's order of drawing.
        for step in range(steps):
            for mask, (size, p) in zip(masks, known(batch), strict=True):
                mask[step] = generator.bernoulli(size, p)
        return masks

    return maker
