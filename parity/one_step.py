"""Level 1: one optimiser step, from PyTorch's own state and gradient.

Each of many consecutive steps starts from what PyTorch had before it, so an error
cannot hide behind those before it, and none can pile up. The parameter and every state
tensor are compared; half of the steps start from p = 0, where the parameter hides no
rounding of the update, and half from p near 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from jaxtrain import optim
from parity.cases.optimizers import OptimizerCase
from parity.compare import difference

SHAPES: tuple[tuple[int, ...], ...] = ((), (7,), (6, 5), (5, 6), (2, 3, 4))
MATRICES: tuple[tuple[int, ...], ...] = ((6, 5), (5, 6), (4, 4), (1, 7), (32, 16))

LEAST_BOUND = 4.0
"""Units in the last place: an update rounds some ten times, in an order of its own."""

Tensors = dict[str, np.ndarray]


@dataclass(frozen=True)
class Measure:
    """How far one tensor's step is from PyTorch's, in units in the last place."""

    tensor: str
    worst: float
    own: float
    """PyTorch's own distance from the same step in float64; 0 in float64."""

    @property
    def bound(self) -> float:
        """Twice PyTorch's own distance, and not less than the rounding of a step."""
        return max(LEAST_BOUND, 2 * self.own)

    @property
    def passed(self) -> bool:
        """Whether the step is as near as it must be."""
        return self.worst <= self.bound


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


def torch_class(name: str) -> type[torch.optim.Optimizer]:
    """PyTorch's class for our name."""
    classes = {key.lower(): value for key, value in vars(torch.optim).items()}
    return classes[name.replace("_", "")]


@dataclass(frozen=True)
class Steps:
    """PyTorch's steps of one parameter: for each tensor, an array with an axis of them.

    The tensors are `param` and PyTorch's state, by PyTorch's names.
    """

    grads: np.ndarray
    before: dict[str, list[np.ndarray | None]]
    """None where PyTorch has not made the tensor yet."""
    after: Tensors
    exact: Tensors | None
    """The same steps in float64, from the same state; None if they were in float64."""


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
    state: dict[str, Any] = {}
    value = np.ones(grads.shape[1:])
    befores, afters, exacts = [], [], []
    for step, grad in enumerate(grads):
        if start is not None:
            value = start[step]
        befores.append(_arrays(value, state, dtype))
        if dtype != "float64":
            exacts.append(_arrays(*_one_step(case, value, state, grad, "float64")))
        value, state = _one_step(case, value, state, grad, dtype)
        afters.append(_arrays(value, state, dtype))
    names = afters[-1].keys()
    return Steps(
        grads,
        {name: [before.get(name) for before in befores] for name in names},
        {name: np.stack([after[name] for after in afters]) for name in names},
        {name: np.stack([exact[name] for exact in exacts]) for name in names}
        if exacts
        else None,
    )


def _one_step(
    case: OptimizerCase,
    value: np.ndarray,
    state: Mapping[str, Any],
    grad: np.ndarray,
    dtype: str,
) -> tuple[np.ndarray, dict[str, Any]]:
    kind = getattr(torch, dtype)
    before = torch.get_default_dtype()
    # PyTorch keeps some of its scalars (`eta`, `mu_product`) in the default type.
    torch.set_default_dtype(kind)
    try:
        p = torch.nn.Parameter(torch.as_tensor(value, dtype=kind).clone())
        optimizer = torch_class(case.name)([p], **case.args)
        if state:
            optimizer.state[p] = {
                name: item.clone()
                if name == "step"
                else item.to(kind, copy=True)
                if torch.is_tensor(item)
                else item
                for name, item in state.items()
            }
        p.grad = torch.as_tensor(grad, dtype=kind)
        optimizer.step()
        return p.detach().numpy(), dict(optimizer.state[p])
    finally:
        torch.set_default_dtype(before)


def _arrays(value: np.ndarray, state: Mapping[str, Any], dtype: str = "") -> Tensors:
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

    def one(grad: jax.Array, state: Any, p: jax.Array) -> tuple[jax.Array, Any]:
        updates, state = tx.update(grad, state, p)
        return optax.apply_updates(p, updates), state

    p = jnp.asarray(np.stack(steps.before["param"]), dtype)  # type: ignore[arg-type]
    state = jax.vmap(tx.init)(p)
    for name, column in steps.before.items():
        if name != "param":
            made = np.asarray(getattr(state, name))
            held = [m if c is None else c for m, c in zip(made, column, strict=True)]
            state = state._replace(**{name: jnp.asarray(np.stack(held), made.dtype)})
    state = state._replace(count=jnp.arange(len(p), dtype=jnp.int32))
    after, state = jax.jit(jax.vmap(one))(jnp.asarray(steps.grads, dtype), state, p)
    ours = {
        name: np.asarray(getattr(state, name))
        for name in steps.after
        if name != "param"
    }
    return {"param": np.asarray(after), **ours}


MOMENTS = ("momentum_buffer", "exp_avg")
"""State tensors to which the update is proportional."""


def measure(steps: Steps, ours: Tensors, dtype: str) -> list[Measure]:
    """The worst element of each tensor, in units of the largest of its terms.

    Those are what it was, what it became, and the difference between the two: what
    cancels when they are added is not held against the sum. Where a moment cancels,
    its rounding is the update's, in the same proportion.
    """
    terms = {name: _largest_term(steps, name) for name in steps.after}
    change = np.abs(steps.after["param"] - _before(steps, "param"))
    for name in MOMENTS:
        if name in terms:
            size = np.abs(steps.after[name])
            ratio = np.divide(
                terms[name], size, out=np.ones_like(change), where=size > 0
            )
            terms["param"] = np.maximum(terms["param"], change * ratio)
    return [_measure(steps, ours, name, terms[name], dtype) for name in terms]


def _before(steps: Steps, name: str) -> np.ndarray:
    pairs = zip(steps.before[name], steps.after[name], strict=True)
    return np.stack([0 * a if b is None else b for b, a in pairs]).astype(np.float64)


def _largest_term(steps: Steps, name: str) -> np.ndarray:
    was, became = _before(steps, name), steps.after[name].astype(np.float64)
    return np.max([np.abs(was), np.abs(became), np.abs(became - was)], axis=0)


def _measure(
    steps: Steps, ours: Tensors, name: str, term: np.ndarray, dtype: str
) -> Measure:
    unit = np.spacing(np.maximum(term, np.finfo(dtype).tiny).astype(dtype))
    after, own = steps.after[name], 0.0
    if steps.exact is not None:
        own = float((difference(steps.exact[name], after) / unit).max())
    return Measure(name, float((difference(after, ours[name]) / unit).max()), own)


def judge(
    case: OptimizerCase,
    dtype: str,
    steps: int = 100,
    shapes: tuple[tuple[int, ...], ...] = SHAPES,
    tx: optax.GradientTransformationExtraArgs | None = None,
) -> list[Measure]:
    """Measure every tensor of a case: the worst over all shapes and both starts.

    Args:
        case: the optimiser and its arguments.
        dtype: float32 or float64.
        steps: consecutive steps from each start.
        shapes: of the parameters.
        tx: what is judged; our optimiser of that name if not given.
    """
    if tx is None:
        tx = getattr(optim, case.name)(**case.args)
    worst: dict[str, Measure] = {}
    with jax.enable_x64(dtype == "float64"):
        for seed, shape in enumerate(shapes):
            grads = gradients(shape, steps, seed)
            for start in (np.zeros_like(grads), None):
                taken = torch_steps(case, grads, start, dtype)
                for found in measure(taken, our_steps(tx, taken, dtype), dtype):
                    held = worst.get(found.tensor, found)
                    excess = found.worst / found.bound > held.worst / held.bound
                    worst[found.tensor] = found if excess else held
    return list(worst.values())
