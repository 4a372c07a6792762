from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike


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
        zeros = jax.tree.map(jnp.zeros_like, params)
        return AccumulateState(jnp.zeros([], jnp.int32), zeros, optimizer.init(params))

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
            total = grads
            if mean:
                total = jax.tree.map(lambda g: g / count.astype(g.dtype), grads)
            moves, inner = optimizer.update(total, state.inner, params, **extra_args)
            zeros = jax.tree.map(jnp.zeros_like, grads)
            return moves, AccumulateState(jnp.zeros([], jnp.int32), zeros, inner)

        def wait() -> tuple[optax.Updates, AccumulateState]:
            shapes, _ = jax.eval_shape(step)
            moves = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
            return moves, AccumulateState(count, grads, state.inner)

        return jax.lax.cond((count == batches) | jnp.asarray(last), step, wait)

    return optax.GradientTransformationExtraArgs(init, update)
