"""Hyper-parameters: numbers, schedules, or data that an update is given.

PyTorch keeps them in float64 on the host and rounds once, where they meet a tensor.
Compiled float32 code has to be told more than the rounded number: 1 - float32(0.999)
is 1.3e-5 off 0.001, which is two hundred roundings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jaxtrain.lr_scheduler import TwoFloat

Value = ArrayLike | TwoFloat
Hyperparameter = float | Callable[[jax.Array], Value]


def two_float(value: ArrayLike) -> TwoFloat:
    """Split float64 numbers on the host, for `update(…, betas=(two_float(b1), …))`.

    Args:
        value: a number or an array of them.

    Example:
        >>> hi, lo = two_float(0.999)
        >>> float(np.float64(hi) + np.float64(lo)) - 0.999
        -3.3306690738754696e-16
    """
    exact = np.asarray(value, np.float64)
    hi = exact.astype(np.float32)
    # The difference from the nearest float32 is exact in float64, and rounds once here.
    return TwoFloat(hi, (exact - hi).astype(np.float32))


class Coefficient(NamedTuple):
    """A weight β of an average, and 1 - β, each rounded once from float64."""

    value: jax.Array
    complement: jax.Array
    host: float | None
    """β itself where it is a plain number."""


def coefficient_of(value: Value, dtype: np.dtype) -> Coefficient:
    """A weight with its complement, in the type of the arithmetic."""
    if isinstance(value, TwoFloat):
        hi, lo = (jnp.asarray(part, dtype) for part in value)
        # 1 - hi is exact for hi from 1/2 on (Sterbenz): only that of lo rounds.
        return Coefficient(hi + lo, (1 - hi) - lo, None)
    if isinstance(value, int | float):
        # The complement is that of the host's β, not of the rounded one.
        number, complement = (jnp.asarray(v, dtype) for v in (value, 1 - value))
        return Coefficient(number, complement, float(value))
    value = jnp.asarray(value, dtype)
    return Coefficient(value, 1 - value, None)


def opmath_dtype(dtype: np.dtype) -> np.dtype:
    """The type PyTorch computes in, and keeps scalars of the state in.

    Example:
        >>> opmath_dtype(jnp.dtype("bfloat16")), opmath_dtype(jnp.dtype("float64"))
        (dtype('float32'), dtype('float64'))
    """
    return np.dtype(np.float32) if jnp.finfo(dtype).bits < 32 else np.dtype(dtype)


@dataclass(frozen=True)
class Hyper:
    """The hyper-parameters in force at one update, for parameters of one type."""

    values: Mapping[str, Any]
    count: jax.Array
    """Updates before this one."""
    dtype: np.dtype
    """Type of the parameters."""
    arrays: dict[int, jax.Array] = field(default_factory=dict)
    """What was looked up already: parameters of one type share it."""

    @property
    def opmath(self) -> np.dtype:
        """Type of the arithmetic."""
        return opmath_dtype(self.dtype)

    @property
    def t(self) -> jax.Array:
        """Number of this update, from 1, in the type of the arithmetic."""
        return (self.count + 1).astype(self.opmath)

    def number(self, name: str) -> jax.Array:
        """A hyper-parameter, rounded as PyTorch rounds the scalar of an operation.

        That is to the type of the parameters first, of 16 bits too.
        """
        value = self.values[name]
        value = value.hi if isinstance(value, TwoFloat) else value
        return jnp.asarray(value, self.dtype).astype(self.opmath)

    def coefficient(self, name: str, index: int | None = None) -> Coefficient:
        """A weight, or one of several such as `betas`, with its complement."""
        value = self.values[name] if index is None else self.values[name][index]
        return coefficient_of(value, self.opmath)

    def bias_correction(self, beta: Coefficient, power: float = 1.0) -> jax.Array:
        """(1 - βᵗ)^power.

        From a table of the host's float64 values, to the last bit, for the first
        million updates and a plain β; else from -expm1(t·log1p(β - 1)), which was seen
        within 6 units in the last place for β up to 0.9999.
        """
        # 1 - βᵗ as written would cancel where βᵗ is near 1.
        exact = -jnp.expm1(self.t * jnp.log1p(-beta.complement))
        exact = exact if power == 1 else exact**power
        if beta.host is None:
            return exact
        return self.table(_bias_corrections(beta.host, power), exact)

    def table(
        self, values: np.ndarray, beyond: jax.Array, converges: bool = True
    ) -> jax.Array:
        """The host's value for this update; past the end, its last or `beyond`.

        Args:
            values: kept alive by whoever makes it; see `powers`.
            beyond: the value past the end, where the last will not do.
            converges: whether a table that ends before the limit is at its limit value.
        """
        if id(values) not in self.arrays:
            index = jnp.minimum(self.count, len(values) - 1)
            # A gather at a traced count: nothing is compiled anew as the updates go by.
            value = jnp.asarray(values, self.opmath)[index]
            if len(values) >= TABLE_LIMIT or not converges:
                value = jnp.where(self.count < len(values), value, beyond)
            self.arrays[id(values)] = value
        return self.arrays[id(values)]


TABLE_LIMIT = 2**20
"""Entries in a table at most: 8 MB."""


@cache
def powers(beta: float) -> np.ndarray:
    """βᵗ for t from 1 to `table_length(beta)`, as the host computes it."""
    # Python's own powers, one by one: NumPy's round differently.
    length = table_length(beta)
    return np.array([beta**t for t in map(float, range(1, length + 1))])


@cache
def _bias_corrections(beta: float, power: float) -> np.ndarray:
    # In the host's float64, root included, as PyTorch has it; the table rounds it once.
    return (1 - powers(beta)) ** power


def table_length(beta: float) -> int:
    """Updates until t·βᵗ no longer changes a float64 sum with 1, or the limit.

    Example:
        >>> table_length(0.9), table_length(0.9999999) == TABLE_LIMIT
        (512, True)
    """
    # Times t, since RAdam's length has t·βᵗ in it.
    length = 1
    while 0 < beta < 1 and length < TABLE_LIMIT and length * beta**length >= 2**-54:
        length *= 2
    return length


def resolve(
    hyperparameters: Mapping[str, Any], count: jax.Array, extra: Mapping[str, Any]
) -> dict[str, Any]:
    """The values in force: the update's own, else the schedules', else the numbers."""

    def value(name: str) -> Any:
        if extra.get(name) is not None:
            return extra[name]
        return jax.tree.map(
            lambda v: v(count) if callable(v) else v,
            hyperparameters[name],
            is_leaf=callable,
        )

    return {name: value(name) for name in hyperparameters}


def at_first(value: Hyperparameter) -> Any:
    """The value in force at the first update, unless that is given another."""
    return value(jnp.zeros([], jnp.int32)) if callable(value) else value
