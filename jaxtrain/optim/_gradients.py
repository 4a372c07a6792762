"""What becomes of gradients before an optimiser has them: clipped, added up."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.typing import ArrayLike


def total_norm(tree: optax.Updates, norm_type: float = 2.0) -> jax.Array:
    """The norm of all leaves taken as one vector: the norm of the leaves' norms.

    Its gradient at zero is not defined; nothing here differentiates it.

    PyTorch: `torch.nn.utils.get_total_norm`.

    Example:
        >>> print(total_norm({"a": jnp.array([3.0]), "b": jnp.array([[4.0]])}))
        5.0
    """
    norms = [_vector_norm(leaf.ravel(), norm_type) for leaf in jax.tree.leaves(tree)]
    if not norms:
        return jnp.zeros(())
    # In two stages, as PyTorch: a single sum over all elements would round otherwise.
    return _vector_norm(jnp.stack(norms), norm_type)


def _vector_norm(vector: jax.Array, norm_type: float) -> jax.Array:
    if vector.size == 0:
        return jnp.zeros((), vector.dtype)
    return jnp.linalg.norm(vector, ord=norm_type)


def clip_grad_norm(
    max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> optax.GradientTransformation:
    """Scale all gradients together: g ← g · min(1, max_norm / (‖g‖ + 1e-6)).

    Args:
        max_norm: the norm that is left, less what the 1e-6 takes from it.
        norm_type: p of the p-norm; infinity for the largest absolute value.
        error_if_nonfinite: raise where the norm is NaN or infinite. Compiled code
            raises it when it runs, as JAX's own runtime error. Otherwise such a norm
            makes every gradient NaN or zero, as in PyTorch.

    PyTorch: `torch.nn.utils.clip_grad_norm_`.
    Reference: Pascanu et al. 2013, https://arxiv.org/abs/1211.5063

    Example:
        >>> tx = clip_grad_norm(1.0)
        >>> grads, _ = tx.update(jnp.array([3.0, 4.0]), tx.init(None))
        >>> grads
        Array([0.5999999 , 0.79999983], dtype=float32)
    """
    norm_type = float(norm_type)

    def update(
        updates: optax.Updates, state: optax.EmptyState, params: Any = None
    ) -> tuple[optax.Updates, optax.EmptyState]:
        del params
        norm = total_norm(updates, norm_type)
        if error_if_nonfinite:
            _raise_unless_finite(norm, norm_type)
        # The other way round NaN would become 1.
        factor = jnp.where(norm + 1e-6 > max_norm, max_norm / (norm + 1e-6), 1.0)
        factor = jnp.where(jnp.isnan(norm), norm, factor)
        return jax.tree.map(lambda g: g * factor.astype(g.dtype), updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def _raise_unless_finite(norm: jax.Array, norm_type: float) -> None:
    def check(value: np.ndarray) -> None:
        if not np.isfinite(value):
            raise RuntimeError(
                f"the total norm of order {norm_type} of the gradients is {value}, "
                "so they cannot be clipped; error_if_nonfinite=False scales them by it"
            )

    if isinstance(norm, jax.core.Tracer):
        jax.debug.callback(check, norm)
    else:
        check(np.asarray(norm))


def clip_grad_value(clip_value: float) -> optax.GradientTransformation:
    """Clamp every element: g ← min(max(g, -clip_value), clip_value).

    PyTorch: `torch.nn.utils.clip_grad_value_`.

    Example:
        >>> tx = clip_grad_value(1.0)
        >>> grads, _ = tx.update(jnp.array([-3.0, 0.5]), tx.init(None))
        >>> grads
        Array([-1. ,  0.5], dtype=float32)
    """
    clip_value = float(clip_value)

    def clamp(g: jax.Array) -> jax.Array:
        return jnp.minimum(jnp.maximum(g, -clip_value), clip_value)

    def update(
        updates: optax.Updates, state: optax.EmptyState, params: Any = None
    ) -> tuple[optax.Updates, optax.EmptyState]:
        del params
        return jax.tree.map(clamp, updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


class AccumulateState(NamedTuple):
    """State of `accumulate`."""

    batches: jax.Array
    """Batches whose gradients wait for a step."""
    grads: optax.Updates
    """Their sum; zero after a step."""
    inner: Any
    """State of the optimiser, which counts its own steps and not the batches."""


def accumulate(
    optimizer: optax.GradientTransformation, batches: int, *, mean: bool = False
) -> optax.GradientTransformationExtraArgs:
    """Step on the sum of the gradients of so many batches; stand still in between.

    That is PyTorch's loop that calls `backward()` for every batch, and `step()` and
    `zero_grad()` after so many. `update(…, last=True)` steps at once, for the batches
    that are left at the end of an epoch; without it they wait for the next epoch's.

    Args:
        optimizer: any Optax transformation; a schedule in it counts steps.
        batches: how many make a step.
        mean: step on the mean over the batches that were added up, be they fewer at
            the end, as if they had been one batch with a mean loss.

    Raises:
        ValueError: `batches` is not positive.

    Optax: `optax.MultiSteps`, which takes the mean unless told not to, and has no end
    of an epoch.

    Example:
        >>> tx = accumulate(optax.sgd(1.0), 2)
        >>> state = tx.init(jnp.zeros(1))
        >>> for grad in (1.0, 2.0):
        ...     updates, state = tx.update(jnp.array([grad]), state)
        ...     print(updates)
        [0.]
        [-3.]
    """
    if batches < 1:
        raise ValueError(f"at least one batch makes a step, but got {batches}")
    optimizer = optax.with_extra_args_support(optimizer)

    def init(params: optax.Params) -> AccumulateState:
        return _empty_state(params, optimizer.init(params))

    def update(
        updates: optax.Updates,
        state: AccumulateState,
        params: optax.Params | None = None,
        *,
        last: ArrayLike = False,
        **extra_args: Any,
    ) -> tuple[optax.Updates, AccumulateState]:
        count = state.batches + 1
        grads = jax.tree.map(jnp.add, state.grads, updates)

        def step() -> tuple[optax.Updates, AccumulateState]:
            total = _divide(grads, count) if mean else grads
            moves, inner = optimizer.update(total, state.inner, params, **extra_args)
            return moves, _empty_state(grads, inner)

        def wait() -> tuple[optax.Updates, AccumulateState]:
            shapes, _ = jax.eval_shape(step)  # `cond` wants both branches alike.
            moves = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
            return moves, AccumulateState(count, grads, state.inner)

        return jax.lax.cond((count == batches) | jnp.asarray(last), step, wait)

    return optax.GradientTransformationExtraArgs(init, update)


def _empty_state(tree: optax.Updates, inner: Any) -> AccumulateState:
    zeros = jax.tree.map(jnp.zeros_like, tree)
    return AccumulateState(jnp.zeros([], jnp.int32), zeros, inner)


def _divide(grads: optax.Updates, count: jax.Array) -> optax.Updates:
    return jax.tree.map(lambda g: g / count.astype(g.dtype), grads)
