"""Level 1: one optimiser step, from PyTorch's own state and gradient.

Each of many consecutive steps starts from what PyTorch had before it, so an error
cannot hide behind those before it, and none can pile up. The parameter and every state
tensor are compared; half of the steps start from p = 0, where the parameter hides no
rounding of the update, and half from p near 1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxtrain import optim
from parity.difference import difference
from parity.proof.optimizers.cases import OptimizerCase
from parity.proof.optimizers.torch_steps import Tensors, TorchSteps, torch_steps
from parity.proof.verdict import Verdict

LEAST_BOUND = 4.0
"""Units in the last place: an update rounds some ten times, in an order of its own."""
SIDES = 2
"""PyTorch rounds, and so do we."""

Build = Callable[[OptimizerCase], optax.GradientTransformationExtraArgs]


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


def our_optimizer(case: OptimizerCase) -> optax.GradientTransformationExtraArgs:
    """Ours, of the same name and arguments."""
    tx: optax.GradientTransformationExtraArgs = getattr(optim, case.name)(**case.args)
    return tx


def our_steps(
    optimizers: Sequence[optax.GradientTransformationExtraArgs],
    taken: Sequence[TorchSteps],
    dtype: str,
) -> list[Tensors]:
    """Take the same steps with Optax transformations, all of them at once."""

    @jax.jit
    def together(given: Any) -> Any:
        pairs = zip(optimizers, given, strict=True)
        return [jax.vmap(partial(_our_step, tx))(*one) for tx, one in pairs]

    pairs = zip(optimizers, taken, strict=True)
    found = together([_started(tx, steps, dtype) for tx, steps in pairs])
    return [
        {
            name: np.asarray(after if name == "param" else getattr(state, name))
            for name in steps.after
        }
        for steps, (after, state) in zip(taken, found, strict=True)
    ]


def _started(
    tx: optax.GradientTransformationExtraArgs, steps: TorchSteps, dtype: str
) -> tuple[jax.Array, Any, jax.Array]:
    """Gradient, state and parameter before each step."""
    p = jnp.asarray(np.stack(steps.before["param"]), dtype)  # type: ignore[arg-type]
    state = jax.vmap(tx.init)(p)
    for name, column in steps.before.items():
        if name != "param":
            made = np.asarray(getattr(state, name))
            held = [m if c is None else c for m, c in zip(made, column, strict=True)]
            state = state._replace(**{name: jnp.asarray(np.stack(held), made.dtype)})
    state = state._replace(count=jnp.asarray(steps.counts, jnp.int32))
    return jnp.asarray(steps.grads, dtype), state, p


def _our_step(
    tx: optax.GradientTransformationExtraArgs, grad: jax.Array, state: Any, p: Any
) -> tuple[jax.Array, Any]:
    updates, state = tx.update(grad, state, p)
    return optax.apply_updates(p, updates), state


def distances(
    steps: TorchSteps, ours: Tensors, dtype: str, rounds_to: str | None = None
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


def rounding(steps: TorchSteps, rounds_to: str | None = None) -> dict[str, float]:
    """How far rounding alone moves each tensor, in float32 units.

    It stands for float64 as well: the same operations round there, as often.
    """
    moves = [
        distances(replace(steps, after=steps.exact), x, "float32", rounds_to)
        for x in steps.roundings()
    ]
    return {name: max(move[name] for move in moves) for name in steps.exact}


def _largest_term(steps: TorchSteps, name: str) -> np.ndarray:
    became = steps.after[name].astype(np.float64)
    pairs = zip(steps.before[name], became, strict=True)
    was = np.stack([0 * a if b is None else b for b, a in pairs])
    terms = [np.abs(was), np.abs(became), np.abs(became - was), steps.swing[name]]
    return np.max(terms, axis=0)


def _update_unit(steps: TorchSteps, rounds_to: str) -> np.ndarray:
    """The spacing of a narrower type at the largest element of each step's update."""
    before = np.stack(steps.before["param"])  # type: ignore[arg-type]
    moves = np.abs(steps.after["param"].astype(np.float64) - before)
    largest = moves.max(axis=tuple(range(1, moves.ndim)), keepdims=True)
    eps = float(jnp.finfo(rounds_to).eps)
    return eps * 2.0 ** np.floor(np.log2(np.maximum(largest, 1e-300)))


def judge(
    cases: Sequence[OptimizerCase],
    dtype: str,
    steps: int = 100,
    shapes: tuple[tuple[int, ...], ...] | None = None,
    build: Build = our_optimizer,
) -> list[Verdict]:
    """Judge every tensor of some cases: the worst over all shapes and both starts.

    So is what rounding moves: of a hundred numbers alone it would be luck. It is looked
    for where the least bound does not do.

    Args:
        cases: optimisers and their arguments, compiled together.
        dtype: float32 or float64.
        steps: consecutive steps from each start.
        shapes: of the parameters; the cases' own if not given.
        build: makes our optimiser of a case; another one makes a broken twin.
    """
    reference = [
        (case, torch_steps(case, gradients(shape, steps, seed), dtype))
        for case in cases
        for seed, shape in enumerate(shapes or case.shapes)
    ]
    made = {case: build(case) for case in cases}
    with jax.enable_x64(dtype == "float64"):
        optimizers, theirs = (
            [made[case] for case, _ in reference],
            [t for _, t in reference],
        )
        ours = our_steps(optimizers, theirs, dtype)
    worst: dict[OptimizerCase, dict[str, float]] = {case: {} for case in cases}
    moves: dict[OptimizerCase, dict[str, float]] = {case: {} for case in cases}
    for (case, right), one in zip(reference, ours, strict=True):
        _raise(worst[case], distances(right, one, dtype, case.rounds_to))
    for case, right in reference:
        if max(worst[case].values()) > LEAST_BOUND:
            _raise(moves[case], rounding(right, case.rounds_to))
    return [
        _verdict(case, dtype, steps, name, value, moves[case].get(name, 0.0))
        for case, one in worst.items()
        for name, value in one.items()
    ]


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
