"""Values of a host-made table in compiled code."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.lr_scheduler._run import Ending, Run


def look_up(run: Run, quantity: str, index: jax.Array, exact: bool) -> jax.Array:
    """The groups' values at `index`, each rounded once from the host's float64.

    Past the end of a schedule, and below 0, they are NaN: PyTorch raises there, which
    compiled code cannot. Past the end of a table that has no room for more, the host
    is asked: as exact, and slower.

    Args:
        run: the schedule's values.
        quantity: `"lr"` or `"momentum"`.
        index: whole numbers of any shape.
        exact: whether the values come in two parts, of which the first is the nearest
            float32 and the second what is missing.

    Returns:
        (*index.shape, groups), or with `exact` twice as many columns.
    """
    if not jnp.issubdtype(index.dtype, jnp.integer):
        raise TypeError(f"count must be a whole number, but got {index.dtype} values")
    dtype = np.dtype(jnp.result_type(float))
    values, ending = run.known_table(quantity)
    table = jnp.asarray(_columns(values, dtype, exact))
    last = len(values) - 1

    def near(index: jax.Array) -> jax.Array:
        return table[jnp.clip(index, 0, last)]

    def far(index: jax.Array) -> jax.Array:
        shape = jax.ShapeDtypeStruct((*index.shape, table.shape[1]), dtype)

        def ask(counts: jax.Array) -> np.ndarray:
            rows = run.rows(quantity, np.asarray(counts))
            return _columns(rows, dtype, exact)

        return jax.pure_callback(ask, shape, index, vmap_method="expand_dims")

    if ending is Ending.OPEN:
        found = jax.lax.cond(jnp.any(index > last), far, near, index)
    else:
        found = near(index)
    missing = index < 0
    if ending is Ending.ENDED:
        missing |= index > last
    return jnp.where(missing[..., None], jnp.nan, found)


def _columns(values: np.ndarray, dtype: np.dtype, exact: bool) -> np.ndarray:
    # What float32 has no room for becomes infinite, as it does in PyTorch's kernels.
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if not exact:
            return values.astype(dtype)
        hi = values.astype(np.float32)
        return np.concatenate([hi.astype(dtype), (values - hi).astype(dtype)], axis=-1)
