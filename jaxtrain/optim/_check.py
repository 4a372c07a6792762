"""What the optimisers refuse: PyTorch's conditions, in its words, and its late ones."""

from numbers import Integral, Real
from typing import Any, TypeGuard

import jax
import numpy as np

from jaxtrain.lr_scheduler import TwoFloat


def judged(value: Any, name: str, may_move: bool = False) -> TypeGuard[float]:
    """Whether a value can be judged now; an array of JAX's or a schedule cannot.

    Raises:
        TypeError: it is no number at all.

    Example:
        >>> judged(1e-8, "ε"), judged(lambda count: 0.1, "learning rate", True)
        (True, False)
    """
    if isinstance(value, TwoFloat | jax.Array) or (may_move and callable(value)):
        return False
    if isinstance(value, Real | np.ndarray):
        return True
    what = "a number or a schedule" if may_move else "a number"
    raise TypeError(f"{name} must be {what}, not {value!r}")


def check_numbers(**values: Any) -> None:
    """Raise `TypeError` for what is no number; any number will do."""
    for name, value in values.items():
        judged(value, name)


def check_whole(**values: Any) -> None:
    """Raise `TypeError` for what is no whole number."""
    for name, value in values.items():
        if not isinstance(value, Integral):
            raise TypeError(f"{name} must be a whole number, not {value!r}")


def check_pair(name: str, values: Any) -> None:
    """Raise `TypeError` for anything but two values.

    PyTorch stumbles over it: here, or in the first step.
    """
    if not hasattr(values, "__len__") or len(values) != 2:
        raise TypeError(f"{name} must be a pair, not {values!r}")


def check_not_negative(name: str, value: Any, may_move: bool = False) -> None:
    """Raise `ValueError`, as PyTorch does, for a number below zero or NaN."""
    if judged(value, name, may_move) and not value >= 0.0:
        raise ValueError(f"Invalid {name}: {value}")


def check_rate(lr: Any) -> None:
    """Raise `ValueError`, as PyTorch does, for a learning rate below zero or NaN."""
    check_not_negative("learning rate", lr, may_move=True)


def check_betas(betas: Any) -> None:
    """Raise `ValueError`, as PyTorch does, for a number outside [0, 1)."""
    check_pair("betas", betas)
    for index, beta in enumerate(betas):
        if judged(beta, f"beta at index {index}", True) and not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {beta}")


def check_floats(betas: Any) -> None:
    """Raise `ValueError`, as PyTorch's Adam does alone, for 0 in place of 0.0."""
    if any(isinstance(b, Real) and not isinstance(b, float) for b in betas):
        raise ValueError(f"betas must be floats, not {betas}")


def check_adaptive(lr: Any, betas: Any, eps: Any, weight_decay: Any) -> None:
    """Raise `ValueError` for what PyTorch's Adam and its relatives all refuse."""
    check_rate(lr)
    check_not_negative("epsilon value", eps)
    check_betas(betas)
    check_not_negative("weight_decay value", weight_decay)
