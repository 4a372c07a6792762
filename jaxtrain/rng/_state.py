"""A generator's state as PyTorch's 5,056 bytes, and back.

The layout is that of the C structs in ATen/CPUGeneratorImpl.cpp, padding included.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

WORDS = 624
"""Words of an MT19937 state: so many draws until the next twist."""

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
        cached_normal=_cached(legacy["normal_is_valid"], legacy["normal_y"]),
        cached_float_normal=_cached(record["float_is_valid"], record["float_normal"]),
    )


def _check_place(seeded: int, left: int, following: int) -> None:
    fresh = (left, following) == (1, 0)
    inside = 0 < left <= WORDS and left + following == WORDS + 1
    if not seeded or not (fresh or inside):
        raise ValueError(
            "no state of an MT19937 generator: "
            f"seeded={seeded}, left={left}, next={following}"
        )


def _cached(valid: np.generic, value: np.generic) -> float | None:
    return float(value) if valid else None
