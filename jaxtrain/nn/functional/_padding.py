"""Padding, by a constant and by the input's own elements."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jaxtrain.nn.shapes import check_ndim, misfit

Pairs = tuple[tuple[int, int], ...]

_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(
    input: jax.Array,
    pad: Sequence[int],
    mode: str = "constant",
    value: float | None = None,
) -> jax.Array:
    """x with elements before and behind, dimension by dimension from the last one on.

    Args:
        input: x. Other modes than `"constant"` pad the last n dimensions of (C, *) or
            (N, C, *) with n dimensions behind the channels, n from 1 to 3.
        pad: before and behind the last dimension, then the one before it, and so on; a
            negative number crops.
        mode: `"constant"`, `"reflect"` (the element at the edge does not occur twice),
            `"replicate"` or `"circular"`.
        value: of the constant; 0 if not given.

    Raises:
        ValueError: another mode; an odd number of sizes, or too many; a value that the
            mode does not take; an input that does not fit.

    PyTorch: `torch.nn.functional.pad`.

    Example:
        >>> pad(jnp.array([[1.0, 2.0, 3.0]]), (2, 1), mode="reflect")
        Array([[3., 2., 1., 2., 3., 2.]], dtype=float32)
    """
    sizes = tuple(pad)
    name = f"pad({sizes})"
    if len(sizes) % 2 or len(sizes) > 2 * input.ndim:
        raise misfit(name, input, "pad must be two numbers for each of its dimensions")
    pairs = pair_ends(sizes)
    if mode == "constant":
        return pad_constant(name, input, pairs, 0 if value is None else value)
    if mode not in _MODES:
        raise ValueError(f"mode must be one of {['constant', *_MODES]}, got {mode!r}")
    if value:
        raise ValueError(f"mode={mode!r} takes no value, got {value}")
    if len(pairs) not in (1, 2, 3):
        raise misfit(name, input, f"{mode!r} pads 1, 2 or 3 dimensions")
    return pad_from_input(name, input, pairs, mode)


def pair_ends(sizes: Sequence[int]) -> Pairs:
    """(before, behind) by dimension; PyTorch names the last dimension first.

    Example:
        >>> pair_ends((1, 2, 3, 4))
        ((3, 4), (1, 2))
    """
    return tuple(zip(sizes[::2], sizes[1::2], strict=True))[::-1]


def pad_constant(name: str, input: jax.Array, pairs: Pairs, value: float) -> jax.Array:
    """x with a constant at the ends of its last dimensions; `name` is for errors.

    Example:
        >>> pad_constant("pad", jnp.ones(2), ((1, 0),), 0.0)
        Array([0., 1., 1.], dtype=float32)
    """
    n = len(pairs)
    if input.ndim < n:
        raise misfit(name, input, f"it must have {n} dimensions or more")
    lead = input.ndim - n
    _check_rest(name, input, input.shape[lead:], pairs)
    x = jnp.asarray(input)
    pads = [(0, 0, 0)] * lead + [(*pair, 0) for pair in pairs]
    # `lax.pad` crops by negative sizes, which `jnp.pad` refuses.
    return jax.lax.pad(x, jnp.asarray(value, x.dtype), pads)


def pad_from_input(name: str, input: jax.Array, pairs: Pairs, mode: str) -> jax.Array:
    """x with elements of its own at the ends of its last dimensions.

    Example:
        >>> pad_from_input("pad", jnp.array([[1.0, 2.0]]), ((0, 1),), "circular")
        Array([[1., 2., 1.]], dtype=float32)
    """
    n = len(pairs)
    check_ndim(name, input, (n + 1, n + 2))
    _check_source(name, input, pairs, mode)
    x = jnp.asarray(input)
    if mode == "circular":
        # What is cropped at one end is not there to be added at the other.
        x, pairs = _crop(x, pairs), _growth(pairs)
    pads = [(0, 0)] * (x.ndim - n) + list(_growth(pairs))
    return _crop(jnp.pad(x, pads, mode=_MODES[mode]), pairs)


def _check_source(name: str, input: jax.Array, pairs: Pairs, mode: str) -> None:
    """Padding takes no more from the input than there is."""
    sizes = input.shape[-len(pairs) :]
    _check_rest(name, input, sizes, pairs)
    # A mirror does not repeat the element at the edge.
    spare = {"reflect": 1, "circular": 0}.get(mode)
    ends = zip(sizes, pairs, strict=True)
    if spare is not None and any(max(pair) > size - spare for size, pair in ends):
        flat = tuple(size for pair in pairs[::-1] for size in pair)
        raise misfit(name, input, f"too small for {mode} {flat}")
    if 0 in sizes:
        raise misfit(name, input, "there is nothing to pad with")


def _growth(pairs: Pairs) -> Pairs:
    return tuple((max(before, 0), max(after, 0)) for before, after in pairs)


def _crop(x: jax.Array, pairs: Pairs) -> jax.Array:
    lead = x.ndim - len(pairs)
    spans = [slice(None)] * lead
    for size, (before, after) in zip(x.shape[lead:], pairs, strict=True):
        spans.append(slice(max(-before, 0), size - max(-after, 0)))
    return x[tuple(spans)]


def _check_rest(
    name: str, input: jax.Array, sizes: tuple[int, ...], pairs: Pairs
) -> None:
    rest = [size + sum(pair) for size, pair in zip(sizes, pairs, strict=True)]
    if min(rest, default=0) < 0:
        raise misfit(name, input, f"nothing is left of {sizes}")
