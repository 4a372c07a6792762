"""An optimiser from its arithmetic: arguments checked, states made, updates summed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, TypeGuard

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.typing import ArrayLike

from jaxtrain.lr_scheduler import TwoFloat
from jaxtrain.optim._hyper import Coefficient, Hyper, resolve


def can_check(value: Any, name: str, may_move: bool = False) -> TypeGuard[float]:
    """Whether a value can be judged now; an array of JAX's or a schedule cannot.

    Raises:
        TypeError: it is no number at all.

    Example:
        >>> can_check(1e-8, "ε"), can_check(lambda count: 0.1, "learning rate", True)
        (True, False)
    """
    if isinstance(value, nnx.Module):
        raise TypeError(
            f"{name} must be a number, but got a model, {type(value).__name__}: an "
            "optimiser is built without it, as in optim.sgd(lr=0.1)"
        )
    if isinstance(value, TwoFloat | jax.Array) or (may_move and callable(value)):
        return False
    if isinstance(value, Real | np.ndarray):
        return True
    what = "a number or a schedule" if may_move else "a number"
    raise TypeError(f"{name} must be {what}, not {value!r}")


def check_numbers(**values: Any) -> None:
    """Raise `TypeError` for what is no number; any number will do."""
    for name, value in values.items():
        can_check(value, name)


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
    if can_check(value, name, may_move) and not value >= 0.0:
        raise ValueError(f"Invalid {name}: {value}")


def check_rate(lr: Any) -> None:
    """Raise `ValueError`, as PyTorch does, for a learning rate below zero or NaN."""
    check_not_negative("learning rate", lr, may_move=True)


def check_betas(betas: Any) -> None:
    """Raise `ValueError`, as PyTorch does, for a number outside [0, 1)."""
    check_pair("betas", betas)
    for index, beta in enumerate(betas):
        if can_check(beta, f"beta at index {index}", True) and not 0.0 <= beta < 1.0:
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


def lerp(start: jax.Array, end: jax.Array, beta: Coefficient) -> jax.Array:
    """start + (1 - β)(end - start), from whichever end is nearer.

    PyTorch: `start.lerp_(end, 1 - beta)`.
    """
    # ATen/native/Lerp.h: weights below 1/2 go from the start, others from the end, so
    # that a weight of 1 gives the end itself. A weight may be data: both are computed.
    apart = end - start
    near_start = start + beta.complement * apart
    near_end = end - beta.value * apart
    return jnp.where(beta.complement < 0.5, near_start, near_end)


def average_square(average: jax.Array, g: jax.Array, beta: Coefficient) -> jax.Array:
    """β·average + (1 - β)g².

    PyTorch: `average.mul_(beta).addcmul_(g, g, value=1 - beta)`.
    """
    # addcmul_ multiplies its value by one g, and that by the other: not by g².
    return average * beta.value + beta.complement * g * g


def shrink(p: jax.Array, lr: jax.Array, weight_decay: jax.Array) -> jax.Array:
    """What decoupled weight decay adds to a parameter: p(1 - lr·λ) - p, so rounded.

    PyTorch: `p.mul_(1 - lr * weight_decay)`.
    """
    # The product is rounded as PyTorch's is. Less p it is exact while lr·λ is at most
    # 1/2 (Sterbenz), so that what is added to p makes that product again.
    return p * (1 - lr * weight_decay) - p


Tensors = dict[str, Any]
"""State tensors of one parameter by name; None where it has none of that name."""
UpdateRule = Callable[
    [jax.Array | None, jax.Array, Tensors, Hyper], tuple[jax.Array, Tensors]
]
"""(p, g, state tensors, hyper-parameters) -> (what is added to p, new tensors)"""


def build(
    state_type: Callable[..., Any],
    hyperparameters: Mapping[str, Any],
    tensors: Mapping[str, Callable[[jax.Array], jax.Array | None]],
    step: UpdateRule,
    *,
    weight_decay: float = 0.0,
    maximize: bool = False,
    needs_params: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """An Optax transformation that takes `step` on every parameter by itself.

    Args:
        state_type: NamedTuple with a `count` and PyTorch's names of the state tensors.
        hyperparameters: those that may move, by the names `update` takes them under.
        tensors: name -> initial value, given the parameter, which may be None; others
            stay None.
        step: the arithmetic, in the type of PyTorch's arithmetic throughout.
        weight_decay: added to the gradient as `weight_decay`·p before the step.
        maximize: whether the gradient is negated first.
        needs_params: whether `step` looks at p.
    """
    optimizer = _Optimizer(
        state_type, hyperparameters, tensors, step, weight_decay, maximize, needs_params
    )
    return optax.GradientTransformationExtraArgs(optimizer.init, optimizer.update)


@dataclass(frozen=True)
class _Optimizer:
    """The arguments of `build`, and the two functions of its transformation."""

    state_type: Callable[..., Any]
    hyperparameters: Mapping[str, Any]
    tensors: Mapping[str, Callable[[jax.Array], jax.Array | None]]
    step: UpdateRule
    weight_decay: float
    maximize: bool
    needs_params: bool

    def init(self, params: optax.Params) -> Any:
        params = jax.tree.map(array_of, params)
        fields = {
            name: jax.tree.map(make, params) for name, make in self.tensors.items()
        }
        return self.state_type(count=jnp.zeros([], jnp.int32), **fields)

    def update(
        self,
        updates: optax.Updates,
        state: Any,
        params: optax.Params | None = None,
        **extra: Any,
    ) -> tuple[optax.Updates, Any]:
        if params is None and (self.needs_params or self.weight_decay):
            raise ValueError("this update needs params: update(grads, state, params)")
        _check_extra(extra, self.hyperparameters)
        values = resolve(self.hyperparameters, state.count, extra)
        grads, tree = _flatten(updates)
        grads = [array_of(g) for g in grads]
        held: Sequence[jax.Array | None] = [None] * len(grads)
        if params is not None:
            held = [array_of(p) for p in tree.flatten_up_to(params)]
        columns = {
            name: tree.flatten_up_to(getattr(state, name)) for name in self.tensors
        }
        # What one parameter has looked up in a table serves all others of its type.
        types = {np.dtype(g.dtype) for g in grads}
        hypers = {dtype: Hyper(values, state.count, dtype) for dtype in types}
        steps: list[jax.Array] = []
        results: dict[str, list[jax.Array]] = {name: [] for name in self.tensors}
        for i, (g, p) in enumerate(zip(grads, held, strict=True)):
            own = {name: column[i] for name, column in columns.items()}
            delta, new = self._one(p, g, own, hypers[np.dtype(g.dtype)])
            steps.append(delta)
            for name in self.tensors:
                results[name].append(new[name])
        fields = {name: tree.unflatten(column) for name, column in results.items()}
        count = optax.safe_increment(state.count)
        return tree.unflatten(steps), self.state_type(count=count, **fields)

    def _one(
        self, p: jax.Array | None, g: jax.Array, tensors: Tensors, hyper: Hyper
    ) -> tuple[jax.Array, Tensors]:
        wide = hyper.opmath
        p = None if p is None else p.astype(wide)
        # PyTorch negates before it adds the decay: p shrinks all the same.
        g = -g.astype(wide) if self.maximize else g.astype(wide)
        if self.weight_decay:
            assert p is not None
            g = g + jnp.asarray(self.weight_decay, hyper.dtype).astype(wide) * p
        inputs = {name: _cast(value, wide) for name, value in tensors.items()}
        delta, new = self.step(p, g, inputs, hyper)
        # The update stays wide: `optax.apply_updates` adds and then rounds, once.
        return delta, {
            name: _cast(new[name], held.dtype if held is not None else None)
            for name, held in tensors.items()
        }


def rate_of(tx: Any) -> Any:
    """The learning rate, or its schedule, that an optimiser was built with, or None.

    Of what is not made here, nothing is known.
    """
    owner = getattr(tx.update, "__self__", None)
    known = owner.hyperparameters if isinstance(owner, _Optimizer) else {}
    return known.get("lr")


def summary_of(tx: Any) -> str | None:
    """What an optimiser made here was built with, in a line; None of any other."""
    owner = getattr(tx.update, "__self__", None)
    if not isinstance(owner, _Optimizer):
        return None
    own = {
        **{name: _text(value) for name, value in owner.hyperparameters.items()},
        "weight_decay": owner.weight_decay,
        "maximize": owner.maximize,
    }
    arguments = ", ".join(f"{name}={value}" for name, value in own.items())
    return f"{getattr(owner.state_type, '__name__', '?')}({arguments})"


def _text(value: Any) -> str:
    # The text of a plain function holds its address, which is another each time.
    text = repr(value)
    return "a function" if " at 0x" in text else text


def array_of(leaf: ArrayLike) -> jax.Array:
    """A parameter as an array, a plain number included, whose type does not give way.

    Example:
        >>> array_of(1.0)
        Array(1., dtype=float32)
    """
    return jnp.asarray(leaf, jnp.result_type(leaf))


def _flatten(tree: optax.Updates) -> tuple[list[jax.Array], Any]:
    # `Any`: the type that JAX declares for the structure has no methods.
    return jax.tree.flatten(tree)


def _check_extra(extra: Mapping[str, Any], names: Mapping[str, Any]) -> None:
    """Refuse a number for what cannot move here; other arguments are others'."""
    for name in ("momentum", "betas"):
        if extra.get(name) is not None and name not in names:
            raise ValueError(
                f"update was given {name}, but the optimiser was built without it"
            )


def _cast(value: jax.Array | None, dtype: np.dtype | None) -> jax.Array | None:
    return None if value is None else value.astype(dtype)
