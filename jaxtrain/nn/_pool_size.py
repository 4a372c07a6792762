"""How many windows fit."""

import jax

from jaxtrain.nn._input import misfit


def window_count(
    size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> int:
    """Windows along a dimension: ⌊(size + 2 padding - reach - 1) / stride⌋ + 1.

    In `ceil_mode` it is ⌈…⌉, but no window begins in the padding behind.

    Example:
        >>> [window_count(6, 3, 2, 0, 1, mode) for mode in (False, True)]
        [2, 3]
    """
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    return count


def check_counts(layer: str, input: jax.Array, counts: tuple[int, ...]) -> None:
    """Let an input pass that holds at least one window along each dimension."""
    if min(counts) < 1:
        raise misfit(layer, input, "padded, it is smaller than a window")


def check_padding(
    layer: str, padding: tuple[int, ...], kernel: tuple[int, ...]
) -> None:
    """Let padding pass that is at most half of the window, not counting dilation."""
    sizes = zip(padding, kernel, strict=True)
    if any(pad < 0 or 2 * pad > size for pad, size in sizes):
        raise ValueError(
            f"{layer} needs padding of at most half of the window {kernel}, "
            f"got {padding}"
        )
