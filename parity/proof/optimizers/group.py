"""Level 1 for every optimiser: one step, from PyTorch's own state and gradient."""

from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import optax

from jaxtrain import optim
from parity.proof.optimizers.cases import CASES, OptimizerCase
from parity.proof.optimizers.one_step import judge
from parity.proof.verdict import OnProgress, Task, Verdict

# L-BFGS looks at all parameters and several losses: its tests are its own.
NAMES = tuple(dict.fromkeys(case.name for case in CASES))
STEPS = 100
CONTROL = OptimizerCase("sgd", {"lr": 0.1})
CONTROL_STEPS = 8


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """The parameter and every state tensor of each case, at their worst step."""
    for name in task.names:
        cases = task.chosen(case for case in CASES if case.name == name)
        for dtype in task.dtypes():
            on_progress(f"{name} in {dtype}")
            yield from judge(cases, dtype, task.steps or STEPS)


def control() -> Verdict:
    """A step that is a ten-thousandth too long, once, and not the last one."""
    tx = _once_too_long(optim.sgd(**CONTROL.args))
    (found,) = judge([CONTROL], "float32", CONTROL_STEPS, build=lambda case: tx)
    return found


def _once_too_long(
    tx: optax.GradientTransformationExtraArgs,
) -> optax.GradientTransformationExtraArgs:
    def update(grads: Any, state: Any, params: Any = None, **extra: Any) -> Any:
        updates, after = tx.update(grads, state, params, **extra)
        return updates * jnp.where(state.count == 3, 1 + 1e-4, 1.0), after

    return optax.GradientTransformationExtraArgs(tx.init, update)
