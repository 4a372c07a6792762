"""From the arithmetic of one parameter to an Optax transformation of a whole tree."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.typing import ArrayLike

from jaxtrain.optim._hyper import Hyper, resolve

Tensors = dict[str, Any]
"""State tensors of one parameter by name; None where it has none of that name."""
Step = Callable[
    [jax.Array | None, jax.Array, Tensors, Hyper], tuple[jax.Array, Tensors]
]
"""(p, g, state tensors, hyper-parameters) -> (what is added to p, new tensors)"""


def build(
    state_type: Callable[..., Any],
    hyperparameters: Mapping[str, Any],
    tensors: Mapping[str, Callable[[jax.Array], jax.Array | None]],
    step: Step,
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

    def init(params: optax.Params) -> Any:
        params = jax.tree.map(array_of, params)
        fields = {name: jax.tree.map(make, params) for name, make in tensors.items()}
        return state_type(count=jnp.zeros([], jnp.int32), **fields)

    def update(
        updates: optax.Updates,
        state: Any,
        params: optax.Params | None = None,
        **given: Any,
    ) -> tuple[optax.Updates, Any]:
        if params is None and (needs_params or weight_decay):
            raise ValueError("this update needs params: update(grads, state, params)")
        _check_given(given, hyperparameters)
        values = resolve(hyperparameters, state.count, given)
        grads, tree = _flattened(updates)
        grads = [array_of(g) for g in grads]
        held: Sequence[jax.Array | None] = [None] * len(grads)
        if params is not None:
            held = [array_of(p) for p in tree.flatten_up_to(params)]
        columns = {name: tree.flatten_up_to(getattr(state, name)) for name in tensors}
        steps: list[jax.Array] = []
        kept: dict[str, list[jax.Array]] = {name: [] for name in tensors}
        hypers = {
            d: Hyper(values, state.count, d) for d in {np.dtype(g.dtype) for g in grads}
        }
        for i, (g, p) in enumerate(zip(grads, held, strict=True)):
            own = {name: column[i] for name, column in columns.items()}
            hyper = hypers[np.dtype(g.dtype)]
            moved, new = _one(step, p, g, own, hyper, weight_decay, maximize)
            steps.append(moved)
            for name in tensors:
                kept[name].append(new[name])
        fields = {name: tree.unflatten(column) for name, column in kept.items()}
        count = optax.safe_increment(state.count)
        return tree.unflatten(steps), state_type(count=count, **fields)

    return optax.GradientTransformationExtraArgs(init, update)


def array_of(leaf: ArrayLike) -> jax.Array:
    """A parameter as an array, a plain number included, whose type does not give way.

    Example:
        >>> array_of(1.0)
        Array(1., dtype=float32)
    """
    return jnp.asarray(leaf, jnp.result_type(leaf))


def _flattened(tree: optax.Updates) -> tuple[list[jax.Array], Any]:
    # `Any`: the type that JAX declares for the structure has no methods.
    return jax.tree.flatten(tree)


def _check_given(given: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Refuse a number for what cannot move here; other arguments are others'."""
    for name in ("momentum", "betas"):
        if given.get(name) is not None and name not in known:
            raise ValueError(
                f"update was given {name}, but the optimiser was built without it"
            )


def _one(
    step: Step,
    p: jax.Array | None,
    g: jax.Array,
    tensors: Tensors,
    hyper: Hyper,
    weight_decay: float,
    maximize: bool,
) -> tuple[jax.Array, Tensors]:
    wide = hyper.opmath
    p = None if p is None else p.astype(wide)
    g = -g.astype(wide) if maximize else g.astype(wide)
    if weight_decay:
        assert p is not None
        g = g + jnp.asarray(weight_decay, hyper.dtype).astype(wide) * p
    widened = {name: _cast(value, wide) for name, value in tensors.items()}
    moved, new = step(p, g, widened, hyper)
    # The update stays wide: `optax.apply_updates` adds and then rounds, once.
    return moved, {
        name: _cast(new[name], held.dtype if held is not None else None)
        for name, held in tensors.items()
    }


def _cast(value: jax.Array | None, dtype: np.dtype | None) -> jax.Array | None:
    return None if value is None else value.astype(dtype)
