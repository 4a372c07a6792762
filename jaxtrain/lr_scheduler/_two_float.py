from typing import NamedTuple

from jax.typing import ArrayLike


class TwoFloat(NamedTuple):
    """A float64 number in two: hi + lo, where hi is the nearest float32.

    A beta that moves enters compiled float32 code this way: 1 - float32(0.999) is
    1.3e-5 off 0.001.
    """

    hi: ArrayLike
    lo: ArrayLike
