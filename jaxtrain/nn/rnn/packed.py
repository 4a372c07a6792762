"""Sequences of several lengths without their padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.nn.shapes import misfit


class PackedSequence(NamedTuple):
    """Padded sequences and their lengths, which `RNN`, `GRU` and `LSTM` take.

    PyTorch: `torch.nn.utils.rnn.PackedSequence`, whose `data` has no padding.
    """

    data: jax.Array
    """(L, N, *), zeros behind the end of each sequence."""
    lengths: jax.Array | np.ndarray
    """(N,)."""


def pack_padded_sequence(
    input: jax.Array,
    lengths: Sequence[int] | jax.Array | np.ndarray,
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Sequences that share an array, with the length of each.

    Args:
        input: (L, N, *), or (N, L, *) with `batch_first`; what stands behind the end of
            a sequence is ignored.
        lengths: (N,). Inside a compiled function they may be data; they are not
            checked then, and L stays as it is.
        batch_first: whether `input` is (N, L, *).
        enforce_sorted: whether lengths that increase are refused.

    Raises:
        ValueError: there are not N lengths, one is not in 1 … L, or one is longer than
            the one before while `enforce_sorted`.

    PyTorch: `torch.nn.utils.rnn.pack_padded_sequence`.

    Example:
        >>> packed = pack_padded_sequence(jnp.ones((4, 2)), [3, 1])
        >>> packed.data.T
        Array([[1., 1., 1.],
               [1., 0., 0.]], dtype=float32)
    """
    x = jnp.asarray(input)
    x = x.swapaxes(0, 1) if batch_first else x
    if isinstance(lengths, jax.core.Tracer):
        return PackedSequence(jnp.where(sequence_mask(x, lengths), x, 0), lengths)
    sizes = np.asarray(lengths)
    if sizes.shape != x.shape[1:2]:
        raise misfit("pack_padded_sequence", x, f"{sizes.shape} lengths do not fit")
    if not 1 <= sizes.min(initial=1) <= sizes.max(initial=1) <= len(x):
        raise ValueError(f"lengths must be from 1 to {len(x)}, got {sizes.tolist()}")
    if enforce_sorted and (np.diff(sizes) > 0).any():
        raise ValueError(
            "lengths must not increase (or give enforce_sorted=False), "
            f"got {sizes.tolist()}"
        )
    # Steps that no sequence has are none in PyTorch's packed data either.
    x = x[: sizes.max(initial=1)]
    return PackedSequence(jnp.where(sequence_mask(x, sizes), x, 0), sizes)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[jax.Array, jax.Array | np.ndarray]:
    """The padded array (L, N, *), and the lengths.

    Args:
        sequence: such as a recurrent layer returns.
        batch_first: whether the result is (N, L, *).
        padding_value: what stands behind the ends.
        total_length: L of the result; the longest length if not given.

    Raises:
        ValueError: `total_length` is shorter than that.

    PyTorch: `torch.nn.utils.rnn.pad_packed_sequence`.

    Example:
        >>> packed = pack_padded_sequence(jnp.ones((2, 2)), [2, 1])
        >>> pad_packed_sequence(packed, padding_value=9.0)[0]
        Array([[1., 1.],
               [1., 9.]], dtype=float32)
    """
    data, lengths = sequence
    more = 0 if total_length is None else total_length - len(data)
    if more < 0:
        raise ValueError(
            f"total_length must be {len(data)} or more, got {total_length}"
        )
    data = jnp.pad(data, ((0, more), *[(0, 0)] * (data.ndim - 1)))
    padded = jnp.where(sequence_mask(data, lengths), data, padding_value)
    return padded.swapaxes(0, 1) if batch_first else padded, lengths


def pad_sequence(
    sequences: Sequence[jax.Array],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> jax.Array:
    """Arrays (L_i, *) side by side in one of shape (longest L, N, *).

    Args:
        sequences: alike in all dimensions but the first.
        batch_first: whether the result is (N, L, *).
        padding_value: what fills up the shorter ones.
        padding_side: `"right"`, behind them, or `"left"`.

    Raises:
        ValueError: another side, or no sequences.

    PyTorch: `torch.nn.utils.rnn.pad_sequence`.

    Example:
        >>> pad_sequence([jnp.ones(2), jnp.ones(1)], batch_first=True)
        Array([[1., 1.],
               [1., 0.]], dtype=float32)
    """
    if padding_side not in ("left", "right"):
        raise ValueError(
            f"padding_side must be 'left' or 'right', got {padding_side!r}"
        )
    if not len(sequences):
        raise ValueError("pad_sequence needs at least one sequence, got none")
    longest = max(map(len, sequences))

    def fill(x: jax.Array) -> jax.Array:
        lack = longest - len(x)
        ends = (0, lack) if padding_side == "right" else (lack, 0)
        rest = [(0, 0)] * (jnp.ndim(x) - 1)
        return jnp.pad(x, (ends, *rest), constant_values=padding_value)

    return jnp.stack([fill(x) for x in sequences], 0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: jax.Array,
    lengths: Sequence[int] | np.ndarray,
    batch_first: bool = False,
) -> list[jax.Array]:
    """The arrays (L_i, *) of one that is padded behind them.

    Args:
        padded_sequences: (L, N, *), or (N, L, *) with `batch_first`.
        lengths: (N,), numbers of the host.
        batch_first: whether the padded array is (N, L, *).

    PyTorch: `torch.nn.utils.rnn.unpad_sequence`.

    Example:
        >>> unpad_sequence(jnp.ones((2, 2)), [2, 1])
        [Array([1., 1.], dtype=float32), Array([1.], dtype=float32)]
    """
    rows = padded_sequences if batch_first else padded_sequences.swapaxes(0, 1)
    return [row[: int(size)] for row, size in zip(rows, lengths, strict=True)]


def pack_sequence(
    sequences: Sequence[jax.Array], enforce_sorted: bool = True
) -> PackedSequence:
    """Arrays (L_i, *) as `pack_padded_sequence` has them, with its errors.

    PyTorch: `torch.nn.utils.rnn.pack_sequence`.

    Example:
        >>> pack_sequence([jnp.ones(2), jnp.ones(1)]).lengths
        array([2, 1])
    """
    lengths = [len(x) for x in sequences]
    return pack_padded_sequence(
        pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted
    )


def unpack_sequence(packed_sequences: PackedSequence) -> list[jax.Array]:
    """The arrays (L_i, *) that were packed; the lengths must be numbers of the host.

    PyTorch: `torch.nn.utils.rnn.unpack_sequence`.

    Example:
        >>> unpack_sequence(pack_sequence([jnp.ones(2), jnp.ones(1)]))
        [Array([1., 1.], dtype=float32), Array([1.], dtype=float32)]
    """
    return unpad_sequence(packed_sequences.data, np.asarray(packed_sequences.lengths))


def sequence_mask(x: jax.Array, lengths: jax.Array | np.ndarray) -> jax.Array:
    """Which elements of (L, N, *) belong to a sequence, (L, N, 1, …).

    Example:
        >>> sequence_mask(jnp.ones((2, 2)), np.array([2, 1]))
        Array([[ True,  True],
               [ True, False]], dtype=bool)
    """
    within = jnp.arange(len(x))[:, None] < jnp.asarray(lengths)[None]
    return within.reshape(*within.shape, *[1] * (x.ndim - 2))


def places(lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Step and sequence of each row of PyTorch's packed data, in its order.

    Step by step, and at each the sequences from the longest to the shortest.

    Example:
        >>> places(np.array([1, 2]))
        (array([0, 0, 1]), array([1, 0, 1]))
    """
    order = np.argsort(-lengths, kind="stable")
    steps, ranks = np.nonzero(np.arange(lengths.max())[:, None] < lengths[order])
    return steps, order[ranks]
