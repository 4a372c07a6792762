"""L-BFGS, with PyTorch's inner iterations and its memory of steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxtrain.optim._build import array_of, check_numbers, check_rate, check_whole
from jaxtrain.optim._hyper import Hyperparameter, opmath_dtype, resolve
from jaxtrain.optim._line_search import LinePoint, strong_wolfe

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

    def store() -> Memory:
        return Memory(
            jax.tree.map(put, memory.old_dirs, y),
            jax.tree.map(put, memory.old_stps, s),
            put(memory.ro, 1 / curvature),
            memory.stored + 1,
            curvature / dot(y, y),
        )

    return jax.lax.cond(curvature > LEAST_CURVATURE, store, lambda: memory)


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

    def backward_loop(
        i: jax.Array, carry: tuple[Any, jax.Array]
    ) -> tuple[Any, jax.Array]:
        q, alphas = carry
        y, s, ro = pair(i)
        alpha = dot(s, q) * ro
        return step_along(q, -alpha, y), alphas.at[i].set(alpha)

    start = (scale(-1, g), jnp.zeros_like(memory.ro))
    # The number of pairs is data: slots that hold none yet are not looked at.
    q, alphas = jax.lax.fori_loop(0, pairs, backward_loop, start)

    def forward_loop(k: jax.Array, r: Any) -> Any:
        i = pairs - 1 - k
        y, s, ro = pair(i)
        return step_along(r, alphas[i] - dot(y, r) * ro, s)

    r = scale(memory.H_diag, q)
    return jax.lax.fori_loop(0, pairs, forward_loop, r)


def dot(one: optax.Updates, other: optax.Updates) -> jax.Array:
    """The sum of the products of all elements, of 16 bits in float32."""

    def product(x: jax.Array, y: jax.Array) -> jax.Array:
        wide = opmath_dtype(x.dtype)
        # GPUs and TPUs would otherwise round the factors of a product.
        return jnp.vdot(x.astype(wide), y.astype(wide), precision="highest")

    return optax.tree.sum(jax.tree.map(product, one, other))


def step_along(start: optax.Updates, t: jax.Array, d: optax.Updates) -> optax.Updates:
    """start + t·d in the types of `start`."""
    return jax.tree.map(lambda x, y: (x + t * y).astype(x.dtype), start, d)


def scale(factor: jax.Array | int, tree: optax.Updates) -> optax.Updates:
    """factor·tree in the types of the tree."""
    return jax.tree.map(lambda x: (factor * x).astype(x.dtype), tree)


ValueAndGrad = Callable[[Any], tuple[jax.Array, Any]]


class LbfgsState(NamedTuple):
    """State of `lbfgs`."""

    count: jax.Array  # type: ignore[assignment]
    """Updates so far."""
    func_evals: jax.Array
    """Evaluations of the loss so far."""
    n_iter: jax.Array
    """Iterations so far."""
    d: optax.Updates
    """The latest direction."""
    t: jax.Array
    """The latest step length."""
    memory: Memory
    prev_flat_grad: optax.Updates
    """The gradient at which `d` was chosen."""
    prev_loss: jax.Array


class _Loop(NamedTuple):
    """One update under way."""

    state: LbfgsState
    params: Any
    loss: jax.Array
    g: Any
    iterations: jax.Array
    evaluations: jax.Array
    over: jax.Array


def lbfgs(
    lr: Hyperparameter = 1.0,
    max_iter: int = 20,
    max_eval: int | None = None,
    tolerance_grad: float = 1e-7,
    tolerance_change: float = 1e-9,
    history_size: int = 100,
    line_search_fn: str | None = None,
    *,
    maximize: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """L-BFGS: p ← p + t·d, d = -H·g, up to `max_iter` times in one update.

    H is the inverse of the curvature that the latest `history_size` changes of
    parameters and gradient tell. The very first t is min(1, 1/|g|₁)·lr, later ones
    `lr`, and with `line_search_fn` they are only where the search begins.

    Args:
        lr: learning rate; a number, or a schedule called with the number of updates so
            far. `update(…, lr=value)` overrides it, without a recompilation.
        max_iter: iterations in an update.
        max_eval: evaluations of the loss in an update, by default 1.25·`max_iter`;
            after so many no iteration begins.
        tolerance_grad: stop where no element of the gradient is larger.
        tolerance_change: stop where the loss or every parameter changes by less.
        history_size: pairs that are remembered: memory for twice as many copies of the
            parameters, set aside from the start.
        line_search_fn: None, or `"strong_wolfe"`.
        maximize: ascend.

    Returns:
        A transformation that evaluates the loss itself: `update(grads, state, params,
        value=loss, value_and_grad_fn=fn)`, where fn(params) -> (loss, grads), on the
        same batch, stands for PyTorch's closure, and `value` and `grads` are what it
        gives at `params`. In an `optax.chain` it comes first, and alone changes the
        parameters. Its update is the difference of two points: a parameter that one
        update brings from 1e4 to 1e-3 keeps, in float32, three decimals.

    Raises:
        ValueError: `lr` is negative, there is no such line search, `max_iter` or
            `history_size` is less than 1, `update` lacks an argument, or some of the
            parameters are masked, as `optax.masked` and `optax.partition` do.

    PyTorch: `torch.optim.LBFGS`.
    Reference: Liu and Nocedal 1989, https://doi.org/10.1007/BF01589116

    Example:
        >>> def bowl(x):
        ...     return jnp.sum(jnp.array([1.0, 10.0]) * (x - 1) ** 2)
        >>> tx, x = lbfgs(line_search_fn="strong_wolfe"), jnp.zeros(2)
        >>> closure = jax.value_and_grad(bowl)
        >>> value, grads = closure(x)
        >>> updates, state = tx.update(
        ...     grads, tx.init(x), x, value=value, value_and_grad_fn=closure
        ... )
        >>> print(optax.apply_updates(x, updates).round(3))
        [1. 1.]
    """
    _check(lr, max_iter, max_eval, history_size, line_search_fn)
    check_numbers(tolerance_grad=tolerance_grad, tolerance_change=tolerance_change)
    optimizer = _Lbfgs(
        lr,
        max_iter,
        most_evaluations(max_iter) if max_eval is None else max_eval,
        tolerance_grad,
        tolerance_change,
        history_size,
        line_search_fn,
        maximize,
    )
    return optax.GradientTransformationExtraArgs(optimizer.init, optimizer.update)


@dataclass(frozen=True)
class _Lbfgs:
    """The arguments of `lbfgs`, and the two functions of its transformation."""

    lr: Hyperparameter
    max_iter: int
    max_eval: int
    tolerance_grad: float
    tolerance_change: float
    history_size: int
    line_search_fn: str | None
    maximize: bool

    def init(self, params: optax.Params) -> LbfgsState:
        params = _check_whole(params)
        # No array twice: a step that donates its state would refuse it.
        dtype = _scalar_type(params)
        return LbfgsState(
            count=jnp.zeros([], jnp.int32),
            func_evals=jnp.zeros([], jnp.int32),
            n_iter=jnp.zeros([], jnp.int32),
            d=jax.tree.map(jnp.zeros_like, params),
            t=jnp.zeros([], dtype),
            memory=empty_memory(params, self.history_size, dtype),
            prev_flat_grad=jax.tree.map(jnp.zeros_like, params),
            prev_loss=jnp.zeros([], dtype),
        )

    def update(
        self,
        updates: optax.Updates,
        state: LbfgsState,
        params: optax.Params | None = None,
        *,
        value: jax.Array | None = None,
        value_and_grad_fn: ValueAndGrad | None = None,
        **extra: Any,
    ) -> tuple[optax.Updates, LbfgsState]:
        if params is None or value is None or value_and_grad_fn is None:
            raise ValueError(
                "lbfgs evaluates the loss: give update(grads, state, params, value=…, "
                "value_and_grad_fn=…), where the last maps params to (value, grads)"
            )
        params, updates = _check_whole(params), _check_whole(updates)
        dtype = _scalar_type(params)
        rate = jnp.asarray(resolve({"lr": self.lr}, state.count, extra)["lr"], dtype)

        def evaluate(params: Any) -> tuple[jax.Array, Any]:
            return _with_sign(*value_and_grad_fn(params), self.maximize, dtype)

        loss, g = _with_sign(value, updates, self.maximize, dtype)
        iterate = partial(self._iterate, evaluate, rate)
        loop = self._start(state, params, loss, g)
        loop = jax.lax.while_loop(lambda loop: ~loop.over, iterate, loop)
        return optax.tree.sub(loop.params, params), loop.state

    def _start(self, state: LbfgsState, params: Any, loss: jax.Array, g: Any) -> _Loop:
        # The caller's evaluation counts: PyTorch begins with its closure.
        one = jnp.ones([], jnp.int32)
        state = state._replace(
            count=optax.safe_increment(state.count), func_evals=state.func_evals + 1
        )
        flat = _largest(g) <= self.tolerance_grad
        return _Loop(state, params, loss, g, one - 1, one, flat)

    def _iterate(self, evaluate: ValueAndGrad, rate: jax.Array, loop: _Loop) -> _Loop:
        loop = _turn(loop, rate)
        slope = dot(loop.g, loop.state.d)
        # PyTorch stops before it moves where d hardly descends.
        no_descent = slope > -self.tolerance_change

        def move() -> _Loop:
            if self.line_search_fn is None:
                after = _fixed_step(loop, evaluate, self.max_iter)
            else:
                after = _search_step(loop, evaluate, slope, self.max_eval)
            return after._replace(over=self._is_over(after))

        return jax.lax.cond(no_descent, lambda: loop._replace(over=no_descent), move)

    def _is_over(self, loop: _Loop) -> jax.Array:
        state = loop.state
        return (
            (loop.iterations == self.max_iter)
            | (loop.evaluations >= self.max_eval)
            | (_largest(loop.g) <= self.tolerance_grad)
            # Rounding keeps order: max|d|·|t| is PyTorch's max|d·t| to the bit.
            | (_largest(state.d) * jnp.abs(state.t) <= self.tolerance_change)
            | (jnp.abs(loop.loss - state.prev_loss) < self.tolerance_change)
        )


def most_evaluations(max_iter: int) -> int:
    """PyTorch's limit on evaluations where none is given.

    Example:
        >>> most_evaluations(20)
        25
    """
    return max_iter * 5 // 4


def _check(
    lr: Hyperparameter,
    max_iter: int,
    max_eval: int | None,
    history_size: int,
    line_search_fn: str | None,
) -> None:
    check_rate(lr)
    check_whole(max_iter=max_iter, history_size=history_size)
    check_whole(max_eval=0 if max_eval is None else max_eval)
    for name, value in (("max_iter", max_iter), ("history_size", history_size)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    if line_search_fn not in (None, "strong_wolfe"):
        raise ValueError(
            f"only 'strong_wolfe' is supported as line_search_fn, not {line_search_fn}"
        )


def _check_whole(tree: Any) -> Any:
    leaves = jax.tree.leaves(tree, is_leaf=lambda x: isinstance(x, optax.MaskedNode))
    if any(isinstance(leaf, optax.MaskedNode) for leaf in leaves):
        raise ValueError(
            "lbfgs cannot be masked or partitioned, since it evaluates the loss: give "
            "it the parameters that move, and let value_and_grad_fn hold the others"
        )
    return jax.tree.map(array_of, tree)


def _scalar_type(params: optax.Params) -> Any:
    return opmath_dtype(jnp.result_type(*jax.tree.leaves(params)))


def _with_sign(value: Any, grads: Any, maximize: bool, dtype: Any) -> tuple[Any, Any]:
    value = jnp.asarray(value, dtype)
    return (-value, scale(-1, grads)) if maximize else (value, grads)


def _largest(tree: optax.Updates) -> jax.Array:
    return optax.tree.norm(tree, ord=jnp.inf).astype(_scalar_type(tree))


def _turn(loop: _Loop, lr: jax.Array) -> _Loop:
    """The next direction, and the step length to begin with."""
    state, g = loop.state, loop.g
    y = optax.tree.sub(g, state.prev_flat_grad)
    # At the very first iteration d and t are 0, and there is no curvature to store.
    memory = remember(state.memory, y, scale(state.t, state.d))
    inverse = 1 / optax.tree.norm(g, ord=1).astype(state.t.dtype)
    # PyTorch's `min(1., x)` is 1 where x is NaN.
    cautious = jnp.where(inverse < 1, inverse, 1) * lr
    state = state._replace(
        n_iter=state.n_iter + 1,
        d=direction(memory, g),
        t=jnp.where(state.n_iter == 0, cautious, lr),
        memory=memory,
        prev_flat_grad=g,
        prev_loss=loop.loss,
    )
    return loop._replace(state=state, iterations=loop.iterations + 1)


def _fixed_step(loop: _Loop, evaluate: ValueAndGrad, max_iter: int) -> _Loop:
    """Go t along d; the loss is not looked at after the last iteration."""
    state = loop.state
    params = step_along(loop.params, state.t, state.d)
    # PyTorch: in a stochastic setting there is no use in looking once more.
    looks = loop.iterations != max_iter
    loss, g = jax.lax.cond(looks, lambda: evaluate(params), lambda: (loop.loss, loop.g))
    after = loop._replace(params=params, loss=loss, g=g)
    return _count(after, looks.astype(jnp.int32))


def _search_step(
    loop: _Loop, evaluate: ValueAndGrad, slope: jax.Array, most: int
) -> _Loop:
    """Go along d as far as the line search says."""
    state = loop.state

    def at(t: jax.Array) -> LinePoint:
        f, g = evaluate(step_along(loop.params, t, state.d))
        return LinePoint(t, f, g, dot(g, state.d))

    start = LinePoint(jnp.zeros_like(state.t), loop.loss, loop.g, slope)
    # What the update has left is the most that the search may use: PyTorch's `max_ls`.
    size, trials = _largest(state.d), most - loop.evaluations
    point, evaluations = strong_wolfe(at, start, state.t, size, trials)
    params = step_along(loop.params, point.t, state.d)
    after = loop._replace(
        state=state._replace(t=point.t), params=params, loss=point.f, g=point.g
    )
    return _count(after, evaluations)


def _count(loop: _Loop, evaluations: jax.Array) -> _Loop:
    state = loop.state._replace(func_evals=loop.state.func_evals + evaluations)
    return loop._replace(state=state, evaluations=loop.evaluations + evaluations)
