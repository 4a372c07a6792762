"""What L-BFGS remembers of the curvature, and the direction it makes of it."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxtrain.optim._hyper import widened

LEAST_CURVATURE = 1e-10
"""Below which PyTorch does not remember a pair."""


class Memory(NamedTuple):
    """The latest pairs of changes, in a ring, with an axis of pairs in front."""

    old_dirs: Any
    """y, changes of the gradient."""
    old_stps: Any
    """s, changes of the parameters."""
    ro: jax.Array
    """(history,) 1 / (y·s)."""
    stored: jax.Array
    """Pairs stored so far, those that were overwritten included."""
    H_diag: jax.Array
    """(y·s) / (y·y) of the latest pair."""


def empty_memory(params: optax.Params, history: int, dtype: Any) -> Memory:
    """No pairs, with room for `history`."""

    def ring(p: jax.Array) -> jax.Array:
        return jnp.zeros((history, *jnp.shape(p)), p.dtype)

    return Memory(
        jax.tree.map(ring, params),
        jax.tree.map(ring, params),
        jnp.zeros(history, dtype),
        jnp.zeros([], jnp.int32),
        jnp.ones([], dtype),
    )


def remember(memory: Memory, y: optax.Updates, s: optax.Updates) -> Memory:
    """Store a pair, unless its curvature is too small."""
    curvature = dot(y, s)
    slot = memory.stored % len(memory.ro)

    def put(ring: jax.Array, value: jax.Array) -> jax.Array:
        return ring.at[slot].set(value)

    def stored() -> Memory:
        return Memory(
            jax.tree.map(put, memory.old_dirs, y),
            jax.tree.map(put, memory.old_stps, s),
            put(memory.ro, 1 / curvature),
            memory.stored + 1,
            curvature / dot(y, y),
        )

    return jax.lax.cond(curvature > LEAST_CURVATURE, stored, lambda: memory)


def direction(memory: Memory, g: optax.Updates) -> optax.Updates:
    """-H·g by the two loops over the pairs: newest to oldest, and back.

    Reference: Nocedal and Wright 2006, Numerical Optimization, algorithm 7.4.
    """
    history = len(memory.ro)
    pairs = jnp.minimum(memory.stored, history)

    def pair(i: jax.Array) -> tuple[Any, Any, jax.Array]:
        """The i-th newest."""
        slot = (memory.stored - 1 - i) % history
        y, s = (
            jax.tree.map(lambda x: x[slot], ring)
            for ring in (memory.old_dirs, memory.old_stps)
        )
        return y, s, memory.ro[slot]

    def inward(i: jax.Array, carry: tuple[Any, jax.Array]) -> tuple[Any, jax.Array]:
        q, alphas = carry
        y, s, ro = pair(i)
        alpha = dot(s, q) * ro
        return along(q, -alpha, y), alphas.at[i].set(alpha)

    begun = (scaled(-1, g), jnp.zeros_like(memory.ro))
    q, alphas = jax.lax.fori_loop(0, pairs, inward, begun)

    def outward(k: jax.Array, r: Any) -> Any:
        i = pairs - 1 - k
        y, s, ro = pair(i)
        return along(r, alphas[i] - dot(y, r) * ro, s)

    r = scaled(memory.H_diag, q)
    return jax.lax.fori_loop(0, pairs, outward, r)


def dot(one: optax.Updates, other: optax.Updates) -> jax.Array:
    """The sum of the products of all elements, of 16 bits in float32."""

    def product(x: jax.Array, y: jax.Array) -> jax.Array:
        wide = widened(x.dtype)
        return jnp.vdot(x.astype(wide), y.astype(wide), precision="highest")

    return optax.tree.sum(jax.tree.map(product, one, other))


def along(start: optax.Updates, t: jax.Array, d: optax.Updates) -> optax.Updates:
    """start + t·d in the types of `start`."""
    return jax.tree.map(lambda x, y: (x + t * y).astype(x.dtype), start, d)


def scaled(factor: jax.Array | int, tree: optax.Updates) -> optax.Updates:
    """factor·tree in the types of the tree."""
    return jax.tree.map(lambda x: (factor * x).astype(x.dtype), tree)
