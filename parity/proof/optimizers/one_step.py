"""Level 1: one optimiser step, from PyTorch's own state and gradient.

Each of many consecutive steps starts from what PyTorch had before it, so an error
cannot hide behind those before it, and none can pile up. The parameter and every state
tensor are compared; half of the steps start from p = 0, where the parameter hides no
rounding of the update, and half from p near 1.
"""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from jaxtrain import optim
from parity.difference import difference
from parity.proof.optimizers.cases import OptimizerCase
from parity.proof.verdict import Verdict
from parity.pytorch.names import torch_gradient, torch_optimizer
from parity.rounding import rounded

LEAST_BOUND = 4.0
"""Units in the last place: an update rounds some ten times, in an order of its own."""
SIDES = 2
"""PyTorch rounds, and so do we."""
RUNS, WHOLE_RUNS = 8, 1
"""Of each step with roundings of its own, and where these cannot be taken at once."""

Tensors = dict[str, np.ndarray]
TorchState = Mapping[str, Any]


REASON = (
    "4 units of the largest term, an update's own roundings, or twice what the step "
    "moves as each operation is rounded at random, by no more than on any machine"
)
NARROW = "; made in bfloat16, in its units where those are larger"


def gradients(shape: tuple[int, ...], steps: int, seed: int = 0) -> np.ndarray:
    """(steps, *shape) over fifteen decades, a tenth of them exactly zero.

    Example:
        >>> sizes = np.abs(gradients((1000,), 10))
        >>> bool(sizes.max() > 300), bool((sizes == 0).any()), bool(sizes.max() <= 1e3)
        (True, True, True)
    """
    generator = np.random.default_rng(seed)
    size = 10.0 ** generator.uniform(-12, 3, (steps, *shape))
    sign = generator.choice([-1.0, 0.0, 1.0], (steps, *shape), p=[0.45, 0.1, 0.45])
    return (sign * size).astype(np.float32)


@dataclass(frozen=True)
class Steps:
    """PyTorch's steps of one parameter: for each tensor, an array with an axis of them.

    The tensors are `param` and PyTorch's state, by PyTorch's names.
    """

    grads: np.ndarray
    before: dict[str, list[np.ndarray | None]]
    """None where PyTorch has not made the tensor yet."""
    after: Tensors
    exact: Tensors
    """The same steps in float64, from the same state."""
    swing: Tensors
    """How far each tensor moves in units of the relative move of what went in."""
    rounded: list[Tensors]
    """The float64 steps, each operation of them moved as float32 may round it."""


def torch_steps(
    case: OptimizerCase, grads: np.ndarray, start: np.ndarray | None, dtype: str
) -> Steps:
    """Take PyTorch's steps, each from the state that the one before it left.

    Args:
        case: the optimiser.
        grads: (steps, *shape).
        start: the parameter before each step, or None to let it run on from 1.
        dtype: type of parameter and state.
    """
    state: TorchState = {}
    value = np.ones(grads.shape[1:])
    befores, afters, exacts, swings = [], [], [], []
    moved: list[list[Tensors]] = []
    for step, grad in enumerate(grads):
        if start is not None:
            value = start[step]
        befores.append(_arrays(value, state, dtype))
        same = case.with_eps_of(dtype)
        exact, swing = _exact_step(same, value, state, grad)
        exacts.append(exact)
        swings.append(swing)
        moved.append(_rounded_steps(same, value, state, grad, step))
        ((value, state),) = _one_step(case, [(value, state, grad)], dtype)
        afters.append(_arrays(value, state, dtype))
    names = afters[-1].keys()
    return Steps(
        grads,
        before={name: [before.get(name) for before in befores] for name in names},
        after=_columns(names, afters),
        exact=_columns(names, exacts),
        swing=_columns(names, swings),
        rounded=[_columns(names, rows) for rows in zip(*moved, strict=True)],
    )


def _columns(names: Iterable[str], rows: Sequence[Tensors]) -> Tensors:
    return {name: np.stack([row[name] for row in rows]) for name in names}


NUDGE = 2.0**-20
"""Leaves a float64 difference the 33 bits that are as good as a derivative here."""


def _exact_step(
    case: OptimizerCase, value: np.ndarray, state: TorchState, grad: np.ndarray
) -> tuple[Tensors, Tensors]:
    """A float64 step, and the largest move of each tensor as each input is nudged."""
    starts = [(value, state, grad), (value, state, grad * (1 + NUDGE))]
    starts.append((value * (1 + NUDGE), state, grad))
    for name, item in state.items():
        if torch.is_tensor(item) and name != "step":
            nudged = item.to(torch.float64) * (1 + NUDGE)
            starts.append((value, {**state, name: nudged}, grad))
    exact, *others = (_arrays(*end) for end in _one_step(case, starts, "float64"))
    swing = {
        name: np.max([difference(x, other[name]) for other in others], axis=0) / NUDGE
        for name, x in exact.items()
    }
    return exact, swing


def _rounded_steps(
    case: OptimizerCase,
    value: np.ndarray,
    state: TorchState,
    grad: np.ndarray,
    seed: int,
) -> list[Tensors]:
    """The float64 step some times over, with roundings of its own each time."""
    given = _numbers(case)
    if not case.is_elementwise:
        starts = [(value, state, grad)] * WHOLE_RUNS
        ends = _one_step(case, starts, "float64", rounded(seed, given=given))
        return [_arrays(*end) for end in ends]
    # All at once: no element looks at another.
    grads, values = (np.stack([x] * RUNS) for x in (grad, value))
    states: TorchState = {
        name: torch.stack([item] * RUNS)
        if torch.is_tensor(item) and item.shape == grad.shape
        else item
        for name, item in state.items()
    }
    ((values, states),) = _one_step(
        case, [(values, states, grads)], "float64", rounded(seed, RUNS, given)
    )
    rows = _arrays(values, states)
    return [
        {name: x[run] if x.shape == grads.shape else x for name, x in rows.items()}
        for run in range(RUNS)
    ]


def _numbers(case: OptimizerCase) -> list[float]:
    """The arguments of a case, and the defaults of the rest."""
    signature = inspect.signature(torch_optimizer(case.name).__init__)
    defaults = {k: v.default for k, v in signature.parameters.items()}
    values = {**defaults, **case.args}.values()
    flat = [x for v in values for x in (v if isinstance(v, tuple) else (v,))]
    return [abs(float(x)) for x in flat if isinstance(x, int | float)]


def _one_step(
    case: OptimizerCase,
    starts: Sequence[tuple[np.ndarray, TorchState, np.ndarray]],
    dtype: str,
    arithmetic: AbstractContextManager[None] | None = None,
) -> list[tuple[np.ndarray, TorchState]]:
    """One step of parameters with a state and a gradient each."""
    kind = getattr(torch, dtype)
    before = torch.get_default_dtype()
    # PyTorch keeps some of its scalars (`eta`, `mu_product`) in the default type.
    torch.set_default_dtype(kind)
    try:
        params = [
            torch.nn.Parameter(torch.as_tensor(value, dtype=kind).clone())
            for value, _, _ in starts
        ]
        optimizer = torch_optimizer(case.name)(params, **case.args)
        for p, (_, state, grad) in zip(params, starts, strict=True):
            p.grad = torch_gradient(case.name, torch.as_tensor(grad, dtype=kind))
            if state:
                optimizer.state[p] = _copied(state, kind)
        with arithmetic or nullcontext():
            optimizer.step()
        return [(p.detach().numpy(), dict(optimizer.state[p])) for p in params]
    finally:
        torch.set_default_dtype(before)


def _copied(state: TorchState, kind: torch.dtype) -> TorchState:
    return {
        name: item.to(item.dtype if name == "step" else kind, copy=True)
        if torch.is_tensor(item)
        else item
        for name, item in state.items()
    }


def _arrays(value: np.ndarray, state: TorchState, dtype: str = "") -> Tensors:
    own = {
        name: item.numpy().copy()
        for name, item in state.items()
        if torch.is_tensor(item) and name != "step"
    }
    return {"param": np.asarray(value, dtype or None).copy(), **own}


def our_steps(
    tx: optax.GradientTransformationExtraArgs, steps: Steps, dtype: str
) -> Tensors:
    """Take the same steps with an Optax transformation, all of them at once."""
    p = jnp.asarray(np.stack(steps.before["param"]), dtype)  # type: ignore[arg-type]
    state = jax.vmap(tx.init)(p)
    for name, column in steps.before.items():
        if name != "param":
            made = np.asarray(getattr(state, name))
            held = [m if c is None else c for m, c in zip(made, column, strict=True)]
            state = state._replace(**{name: jnp.asarray(np.stack(held), made.dtype)})
    state = state._replace(count=jnp.arange(len(p), dtype=jnp.int32))
    after, state = _all_at_once(tx, jnp.asarray(steps.grads, dtype), state, p)
    ours = {
        name: np.asarray(getattr(state, name))
        for name in steps.after
        if name != "param"
    }
    return {"param": np.asarray(after), **ours}


@partial(jax.jit, static_argnums=0)
def _all_at_once(
    tx: optax.GradientTransformationExtraArgs, grads: jax.Array, state: Any, p: Any
) -> tuple[jax.Array, Any]:
    def one(grad: jax.Array, state: Any, p: jax.Array) -> tuple[jax.Array, Any]:
        updates, state = tx.update(grad, state, p)
        return optax.apply_updates(p, updates), state

    return jax.vmap(one)(grads, state, p)


def distances(
    steps: Steps, ours: Tensors, dtype: str, rounds_to: str | None = None
) -> dict[str, float]:
    """The worst element of each tensor, in units of the largest of its terms.

    Those are what it was, what it became, the difference between the two, and its
    swing: how far it moves, in proportion, as the parameter, the gradient or a tensor
    of the state is nudged. Where terms of a formula cancel, each is a part of what
    went in and swings by its own size (for g + μb it is those of g and of μb): what
    rounding the terms in any order can do is a few units of the largest of them.

    Args:
        steps: PyTorch's.
        ours: every tensor after each of the same steps.
        dtype: type of both.
        rounds_to: the type in which the update is made, where it is narrower: then its
            spacing at the largest element of the update is the least unit.
    """
    kind, worst = np.finfo(dtype), {}
    for name, after in steps.after.items():
        term = _largest_term(steps, name)
        # Where PyTorch's step is not finite, ours must be: 0 apart, or infinitely.
        size = np.where(np.isfinite(term), np.clip(term, kind.tiny, kind.max), 1)
        unit = np.spacing(size.astype(dtype)).astype(np.float64)
        if name == "param" and rounds_to is not None:
            unit = np.maximum(unit, _update_unit(steps, rounds_to))
        # XLA's CPU code takes subnormal numbers for 0.
        pair = (np.where(np.abs(x) < kind.tiny, 0, x) for x in (after, ours[name]))
        with np.errstate(over="ignore"):
            worst[name] = float((difference(*pair) / unit).max())
    return worst


def rounding(steps: Steps, rounds_to: str | None = None) -> dict[str, float]:
    """How far rounding alone moves each tensor, in float32 units.

    It stands for float64 as well: the same operations round there, as often.
    """
    moves = [
        distances(replace(steps, after=steps.exact), x, "float32", rounds_to)
        for x in steps.rounded
    ]
    return {name: max(move[name] for move in moves) for name in steps.exact}


def _largest_term(steps: Steps, name: str) -> np.ndarray:
    became = steps.after[name].astype(np.float64)
    pairs = zip(steps.before[name], became, strict=True)
    was = np.stack([0 * a if b is None else b for b, a in pairs])
    terms = [np.abs(was), np.abs(became), np.abs(became - was), steps.swing[name]]
    return np.max(terms, axis=0)


def _update_unit(steps: Steps, rounds_to: str) -> np.ndarray:
    """The spacing of a narrower type at the largest element of each step's update."""
    before = np.stack(steps.before["param"])  # type: ignore[arg-type]
    moves = np.abs(steps.after["param"].astype(np.float64) - before)
    largest = moves.max(axis=tuple(range(1, moves.ndim)), keepdims=True)
    eps = float(jnp.finfo(rounds_to).eps)
    return eps * 2.0 ** np.floor(np.log2(np.maximum(largest, 1e-300)))


def judge(
    case: OptimizerCase,
    dtype: str,
    steps: int = 100,
    shapes: tuple[tuple[int, ...], ...] | None = None,
    tx: optax.GradientTransformationExtraArgs | None = None,
) -> list[Verdict]:
    """Judge every tensor of a case: the worst over all shapes and both starts.

    So is what rounding moves: of a hundred numbers alone it would be luck.

    Args:
        case: the optimiser and its arguments.
        dtype: float32 or float64.
        steps: consecutive steps from each start.
        shapes: of the parameters; the case's own if not given.
        tx: what is judged; our optimiser of that name if not given.
    """
    if tx is None:
        tx = getattr(optim, case.name)(**case.args)
    worst: dict[str, float] = {}
    moves: dict[str, float] = {}
    with jax.enable_x64(dtype == "float64"):
        for seed, shape in enumerate(shapes or case.shapes):
            grads = gradients(shape, steps, seed)
            for start in (np.zeros_like(grads), None):
                taken = torch_steps(case, grads, start, dtype)
                ours = our_steps(tx, taken, dtype)
                _raise(worst, distances(taken, ours, dtype, case.rounds_to))
                _raise(moves, rounding(taken, case.rounds_to))
    return [_verdict(case, dtype, steps, k, worst[k], moves[k]) for k in worst]


def _raise(highest: dict[str, float], found: Mapping[str, float]) -> None:
    for name, value in found.items():
        highest[name] = max(value, highest.get(name, value))


def _verdict(
    case: OptimizerCase, dtype: str, steps: int, tensor: str, worst: float, move: float
) -> Verdict:
    return Verdict(
        "optimizers",
        case.name,
        f"{str(case).removeprefix(case.name)}, {steps} steps",
        dtype,
        "one step",
        f"{tensor}, ulps",
        worst,
        max(LEAST_BOUND, SIDES * move),
        REASON + (NARROW if case.rounds_to else ""),
        rounding=move,
    )
