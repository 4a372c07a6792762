"""Level 1 for every optimiser: one step, from PyTorch's own state and gradient."""

from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import optax

from jaxtrain import optim
from parity.proof.optimizers import one_step
from parity.proof.optimizers.cases import CASES, OptimizerCase
from parity.proof.verdict import OnProgress, Task, Verdict

# L-BFGS looks at all parameters and several losses: its tests are its own.
NAMES = tuple(dict.fromkeys(case.name for case in CASES))
STEPS = 100
REASON = (
    "4 units of the largest term, an update's own roundings, or twice what the step "
    "moves as each operation is rounded at random, by no more than on any machine"
)
NARROW = "; made in bfloat16, in its units where those are larger"
CONTROL = OptimizerCase("sgd", {"lr": 0.1})
CONTROL_STEPS = 8


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """The parameter and every state tensor of each case, at their worst step."""
    for name in task.names:
        for case in task.chosen(case for case in CASES if case.name == name):
            for dtype in task.dtypes():
                on_progress(f"{case} in {dtype}")
                yield from _judged(case, dtype, task.steps or STEPS)


def control() -> Verdict:
    """A step that is a ten-thousandth too long, once, and not the last one."""
    tx = _once_too_long(optim.sgd(**CONTROL.args))
    (found,) = _judged(CONTROL, "float32", CONTROL_STEPS, tx)
    return found


def _judged(
    case: OptimizerCase,
    dtype: str,
    steps: int,
    tx: optax.GradientTransformationExtraArgs | None = None,
) -> Iterator[Verdict]:
    reason = REASON + (NARROW if case.rounds_to else "")
    config = f"{str(case).removeprefix(case.name)}, {steps} steps"
    for found in one_step.judge(case, dtype, steps, tx=tx):
        yield Verdict(
            "optimizers",
            case.name,
            config,
            dtype,
            "one step",
            f"{found.tensor}, ulps",
            found.worst,
            found.bound,
            reason,
        )


def _once_too_long(
    tx: optax.GradientTransformationExtraArgs,
) -> optax.GradientTransformationExtraArgs:
    def update(grads: Any, state: Any, params: Any = None, **extra: Any) -> Any:
        updates, after = tx.update(grads, state, params, **extra)
        return updates * jnp.where(state.count == 3, 1 + 1e-4, 1.0), after

    return optax.GradientTransformationExtraArgs(tx.init, update)
