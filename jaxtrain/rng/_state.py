"""A generator's arguments, and its state as PyTorch's bytes."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Shape = SupportsIndex | Sequence[SupportsIndex]


def integer(name: str, value: Any) -> int:
    """A Python integer of anything that counts as one; a bool does not.

    Example:
        >>> integer("n", np.int8(3))
        3
    """
    if not isinstance(value, bool | np.bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise TypeError(f"{name} must be an integer, got {value!r}")


def seed(value: Any) -> int:
    """PyTorch's 64-bit seed without sign.

    Example:
        >>> seed(-(2**63)) == 2**63
        True
    """
    number = integer("seed", value)
    if not -(2**63) <= number < 2**64:
        raise ValueError(f"seed must be within -2**63 ... 2**64 - 1, got {number}")
    return number % 2**64


def real(name: str, value: Any) -> float:
    """A float of anything that is a number; a string is none.

    Example:
        >>> real("mean", np.float32(0.5))
        0.5
    """
    if isinstance(value, str | bytes | bytearray):
        raise TypeError(f"{name} must be a number, got {value!r}")
    try:
        return float(value)
    except TypeError:
        raise TypeError(f"{name} must be a number, got {value!r}") from None


def shape(value: Shape) -> tuple[int, ...]:
    """A tuple of sizes, of which none is negative.

    Example:
        >>> shape(3), shape([2, 0])
        ((3,), (2, 0))
    """
    sizes = value if isinstance(value, Sequence) else (value,)
    result = tuple(integer("a size", size) for size in sizes)
    if any(size < 0 for size in result):
        raise ValueError(f"no size of a shape may be negative, got {result}")
    return result


def float_dtype(value: DTypeLike) -> np.dtype:
    """float32 or float64.

    Example:
        >>> float_dtype("float32")
        dtype('float32')
    """
    dtype = np.dtype(value)
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"dtype must be float32 or float64, got {dtype}")
    return dtype


def interval(low: float, high: float, dtype: np.dtype) -> None:
    """Let bounds pass that `torch.Tensor.uniform_` accepts.

    Example:
        >>> interval(0.0, 1.0, np.dtype("float32"))
    """
    largest = float(np.finfo(dtype).max)
    if not (abs(low) <= largest and abs(high) <= largest):
        raise ValueError(f"bounds ({low}, {high}) are not within {dtype}")
    if low > high:
        raise ValueError(f"uniform needs low <= high, got low={low} > high={high}")
    if not math.isfinite(high - low) or high - low > largest:
        raise ValueError(f"high - low exceeds {dtype}, got low={low} and high={high}")


WORDS = 624
"""Words of an MT19937 state: so many draws until the next twist."""

# `CPUGeneratorImplStateLegacy` and `CPUGeneratorImplState` of
# ATen/CPUGeneratorImpl.cpp, with the gaps that a C compiler leaves.
# Words have 64 bits there for old files' sake.
_LEGACY = np.dtype(
    [
        ("seed", np.uint64),
        ("left", np.int32),
        ("seeded", np.int32),
        ("next", np.uint64),
        ("words", np.uint64, (WORDS,)),
        ("normal_x", np.float64),
        ("normal_y", np.float64),
        ("normal_rho", np.float64),
        ("normal_is_valid", np.int32),
    ],
    align=True,
)
_STATE = np.dtype(
    [("legacy", _LEGACY), ("float_normal", np.float32), ("float_is_valid", np.bool)],
    align=True,
)


class State(NamedTuple):
    """Where a stream of random numbers stands.

    `next` is the place of the next word, `WORDS` or (just after seeding) 0 where a
    twist is due. The cached normals are the second halves of Box-Muller pairs;
    PyTorch's CPU code keeps a float one in its state but never draws from it.
    """

    seed: int
    next: int
    words: NDArray[np.uint32]
    cached_normal: float | None = None
    cached_float_normal: float | None = None


def pack(state: State) -> NDArray[np.uint8]:
    """The bytes of `torch.Generator.get_state()`, uint8 (5056,).

    Example:
        >>> pack(State(1, 0, np.zeros(624, np.uint32))).shape
        (5056,)
    """
    record = np.zeros(1, _STATE)
    legacy = record["legacy"]
    legacy["seed"], legacy["seeded"] = state.seed, 1
    # `left` is counted down before a word is taken, and a twist comes when it is 0.
    legacy["next"], legacy["left"] = state.next, WORDS + 1 - (state.next or WORDS)
    legacy["words"] = state.words
    if state.cached_normal is not None:
        legacy["normal_y"], legacy["normal_is_valid"] = state.cached_normal, 1
    if state.cached_float_normal is not None:
        record["float_normal"], record["float_is_valid"] = state.cached_float_normal, 1
    return record.view(np.uint8)


def unpack(state: ArrayLike) -> State:
    """The state that bytes of `torch.Generator.get_state()` hold.

    Raises:
        TypeError: not uint8.
        ValueError: not 5,056 values, or no state that a generator can come into.

    Example:
        >>> unpack(pack(State(1, 9, np.zeros(624, np.uint32)))).next
        9
    """
    data = np.ascontiguousarray(state)
    if data.dtype != np.uint8:
        raise TypeError(f"a generator's state is of dtype uint8, got {data.dtype}")
    if data.size != _STATE.itemsize:
        raise ValueError(
            f"a generator's state is {_STATE.itemsize} bytes long, got {data.size}"
        )
    record = data.reshape(-1).view(_STATE)[0]
    legacy = record["legacy"]
    _check_place(int(legacy["seeded"]), int(legacy["left"]), int(legacy["next"]))
    return State(
        seed=int(legacy["seed"]),
        next=int(legacy["next"]),
        words=legacy["words"].astype(np.uint32),
        cached_normal=_or_none(legacy["normal_is_valid"], legacy["normal_y"]),
        cached_float_normal=_or_none(record["float_is_valid"], record["float_normal"]),
    )


def _check_place(seeded: int, left: int, next_word: int) -> None:
    # `left` falls as `next` rises; seeding alone leaves them at 1 and 0.
    fresh = (left, next_word) == (1, 0)
    inside = 0 < left <= WORDS and left + next_word == WORDS + 1
    if not seeded or not (fresh or inside):
        raise ValueError(
            "no state of an MT19937 generator: "
            f"seeded={seeded}, left={left}, next={next_word}"
        )


def _or_none(valid: np.generic, value: np.generic) -> float | None:
    return float(value) if valid else None
