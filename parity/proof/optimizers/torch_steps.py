"""PyTorch's steps of one parameter, in both types, and how far rounding moves them."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import torch

from parity.difference import difference
from parity.proof.optimizers.cases import OptimizerCase
from parity.pytorch.names import torch_gradient, torch_optimizer
from parity.rounding import round_all

RUNS, WHOLE_RUNS = 8, 1
"""Of each step with roundings of its own, and where these cannot be taken at once."""

Tensors = dict[str, np.ndarray]
TorchState = Mapping[str, Any]
Start = tuple[np.ndarray, TorchState, np.ndarray]
"""Parameter, state and gradient of a step."""


@dataclass(frozen=True)
class TorchSteps:
    """PyTorch's steps of one parameter: for each tensor, an array with an axis of them.

    The tensors are `param` and PyTorch's state, by PyTorch's names.
    """

    grads: np.ndarray
    counts: np.ndarray
    """How many steps came before each."""
    before: dict[str, list[np.ndarray | None]]
    """None where PyTorch has not made the tensor yet."""
    after: Tensors
    exact: Tensors
    """The same steps in float64, from the same state."""
    swing: Tensors
    """How far each tensor moves in units of the relative move of what went in."""
    roundings: Callable[[], list[Tensors]]
    """The float64 steps, each operation of them moved as float32 may round it; taken
    when they are first asked for, as they cost more than all the rest."""


RUNS_ON = (False, True)
"""Of the two starts: whether the parameter runs on from 1, or begins each step at 0."""


def torch_steps(case: OptimizerCase, grads: np.ndarray, dtype: str) -> TorchSteps:
    """Take PyTorch's steps, each from the state that the one before it left.

    Args:
        case: the optimiser.
        grads: (steps, *shape); they are taken from both starts, one after the other.
        dtype: type of parameter and state.
    """
    return _torch_steps(case, grads.tobytes(), grads.shape, dtype)


@lru_cache(maxsize=32)
def _torch_steps(
    case: OptimizerCase, content: bytes, shape: tuple[int, ...], dtype: str
) -> TorchSteps:
    # A copy, as PyTorch wants to be able to write.
    grads = np.frombuffer(content, np.float32).reshape(shape).copy()
    if not case.is_elementwise:
        starts = (np.array(runs_on) for runs_on in RUNS_ON)
        return _joined([_consecutive(case, grads, on, dtype) for on in starts])
    # Both at once, as no element looks at another.
    both = np.stack([grads] * len(RUNS_ON), axis=1)
    runs_on = np.reshape(RUNS_ON, (-1, *[1] * (grads.ndim - 1)))
    steps = _consecutive(case, both, runs_on, dtype)
    return _joined([_part(steps, start) for start in range(len(RUNS_ON))])


def _consecutive(
    case: OptimizerCase, grads: np.ndarray, runs_on: np.ndarray, dtype: str
) -> TorchSteps:
    """Steps of a parameter of which some elements run on, and others begin at 0."""
    state: TorchState = {}
    value = np.ones(grads.shape[1:])
    befores, afters, exacts, swings = [], [], [], []
    starts: list[Start] = []
    same = case.with_eps_of(dtype)
    for grad in grads:
        value = np.where(runs_on, value, 0.0)
        befores.append(_arrays(value, state, dtype))
        exact, swing = _exact_step(same, value, state, grad)
        exacts.append(exact)
        swings.append(swing)
        starts.append((value, state, grad))
        ((value, state),) = _one_step(case, starts[-1:], dtype)
        afters.append(_arrays(value, state, dtype))
    names = afters[-1].keys()

    @cache
    def roundings() -> list[Tensors]:
        moved = [_round_steps(same, start, seed) for seed, start in enumerate(starts)]
        return [_columns(names, rows) for rows in zip(*moved, strict=True)]

    return TorchSteps(
        grads,
        np.arange(len(grads)),
        before={name: [before.get(name) for before in befores] for name in names},
        after=_columns(names, afters),
        exact=_columns(names, exacts),
        swing=_columns(names, swings),
        roundings=roundings,
    )


def _part(steps: TorchSteps, start: int) -> TorchSteps:
    """What belongs to one start of two that lie along the first axis of a parameter."""
    shape = steps.grads.shape[1:]

    def part(x: np.ndarray) -> np.ndarray:
        return x[:, start] if x.shape[1:] == shape else x

    def parts(tensors: Tensors) -> Tensors:
        return {name: part(x) for name, x in tensors.items()}

    return TorchSteps(
        part(steps.grads),
        steps.counts,
        before={
            name: [None if x is None else part(x[None])[0] for x in column]
            for name, column in steps.before.items()
        },
        after=parts(steps.after),
        exact=parts(steps.exact),
        swing=parts(steps.swing),
        roundings=lambda: [parts(run) for run in steps.roundings()],
    )


def _joined(several: Sequence[TorchSteps]) -> TorchSteps:
    """One after the other."""

    def joined(held: Iterable[Tensors]) -> Tensors:
        runs = list(held)
        return {name: np.concatenate([run[name] for run in runs]) for name in runs[0]}

    return TorchSteps(
        np.concatenate([steps.grads for steps in several]),
        np.concatenate([steps.counts for steps in several]),
        before={
            name: [x for steps in several for x in steps.before[name]]
            for name in several[0].before
        },
        after=joined(steps.after for steps in several),
        exact=joined(steps.exact for steps in several),
        swing=joined(steps.swing for steps in several),
        roundings=lambda: [
            joined(runs) for runs in zip(*(s.roundings() for s in several), strict=True)
        ],
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
            nudge = item.to(torch.float64) * (1 + NUDGE)
            starts.append((value, {**state, name: nudge}, grad))
    exact, *others = (_arrays(*end) for end in _one_step(case, starts, "float64"))
    swing = {
        name: np.max([difference(x, other[name]) for other in others], axis=0) / NUDGE
        for name, x in exact.items()
    }
    return exact, swing


def _round_steps(case: OptimizerCase, start: Start, seed: int) -> list[Tensors]:
    """The float64 step some times over, with roundings of its own each time."""
    numbers, (value, state, grad) = _numbers(case), start
    if not case.is_elementwise:
        starts = [start] * WHOLE_RUNS
        ends = _one_step(case, starts, "float64", round_all(seed, numbers=numbers))
        return [_arrays(*end) for end in ends]
    grads, values = (np.stack([x] * RUNS) for x in (grad, value))
    states: TorchState = {
        name: torch.stack([item] * RUNS)
        if torch.is_tensor(item) and item.shape == grad.shape
        else item
        for name, item in state.items()
    }
    arithmetic = round_all(seed, RUNS, numbers, alike=len(RUNS_ON))
    ((values, states),) = _one_step(
        case, [(values, states, grads)], "float64", arithmetic
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
    starts: Sequence[Start],
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
                optimizer.state[p] = _copy(state, kind)
        with arithmetic or nullcontext():
            optimizer.step()
        return [(p.detach().numpy(), dict(optimizer.state[p])) for p in params]
    finally:
        torch.set_default_dtype(before)


def _copy(state: TorchState, kind: torch.dtype) -> TorchState:
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
