"""`torch.optim.lr_scheduler`'s schedulers.

Names are PyTorch's in lower case with underscores; where PyTorch takes the optimiser,
these take the base learning rate, or a list of them for groups. A schedule is a
function from the number of scheduler steps taken so far to the learning rate in force:
of a Python integer in float64, computed on the host as PyTorch computes it; of a JAX
integer, in compiled code too, that value rounded once. `schedule.host()` is a scheduler
to step by hand, with PyTorch's `state_dict`; `schedule.init()` and
`schedule.step(state, metric)` are a pure state machine.

On the command line: `python -m jaxtrain.lr_scheduler one_cycle_lr --args max_lr=0.1
total_steps=938` draws a schedule before it is trained with.
"""

from typing import TYPE_CHECKING

from jaxtrain._lazy import attach

if TYPE_CHECKING:
    from jaxtrain.lr_scheduler._composed import chained_scheduler, sequential_lr
    from jaxtrain.lr_scheduler._cosine import (
        cosine_annealing_lr,
        cosine_annealing_warm_restarts,
    )
    from jaxtrain.lr_scheduler._cyclic import cyclic_lr
    from jaxtrain.lr_scheduler._lambda import geometric, lambda_lr, multiplicative_lr
    from jaxtrain.lr_scheduler._linear import (
        constant,
        constant_lr,
        linear_lr,
        polynomial_lr,
    )
    from jaxtrain.lr_scheduler._one_cycle import one_cycle_lr
    from jaxtrain.lr_scheduler._plateau import PlateauSchedule, reduce_lr_on_plateau
    from jaxtrain.lr_scheduler._schedule import Schedule
    from jaxtrain.lr_scheduler._step import exponential_lr, multi_step_lr, step_lr
    from jaxtrain.lr_scheduler._swa import swa_lr
    from jaxtrain.lr_scheduler._values import TwoFloat

SCHEDULERS = (
    "constant",
    "constant_lr",
    "cosine_annealing_lr",
    "cosine_annealing_warm_restarts",
    "exponential_lr",
    "geometric",
    "linear_lr",
    "multi_step_lr",
    "polynomial_lr",
    "reduce_lr_on_plateau",
    "step_lr",
    "swa_lr",
)
"""Those to choose by name: `function(lr, **arguments)`, with plain arguments."""

SETTING_LR = ("cyclic_lr", "one_cycle_lr")
"""Those that set the learning rate themselves: `function(**arguments)`."""

COMPOSED = ("chained_scheduler", "sequential_lr")
"""Those of other schedules, which have the learning rate: `function(schedulers, …)`."""

__all__ = [
    "COMPOSED",
    "SCHEDULERS",
    "SETTING_LR",
    "PlateauSchedule",
    "Schedule",
    "TwoFloat",
    "chained_scheduler",
    "constant",
    "constant_lr",
    "cosine_annealing_lr",
    "cosine_annealing_warm_restarts",
    "cyclic_lr",
    "exponential_lr",
    "geometric",
    "lambda_lr",
    "linear_lr",
    "multi_step_lr",
    "multiplicative_lr",
    "one_cycle_lr",
    "polynomial_lr",
    "reduce_lr_on_plateau",
    "sequential_lr",
    "step_lr",
    "swa_lr",
]

__getattr__ = attach(
    __name__,
    {
        "PlateauSchedule": "_plateau",
        "Schedule": "_schedule",
        "TwoFloat": "_values",
        "chained_scheduler": "_composed",
        "constant": "_linear",
        "constant_lr": "_linear",
        "cosine_annealing_lr": "_cosine",
        "cosine_annealing_warm_restarts": "_cosine",
        "cyclic_lr": "_cyclic",
        "exponential_lr": "_step",
        "geometric": "_lambda",
        "lambda_lr": "_lambda",
        "linear_lr": "_linear",
        "multi_step_lr": "_step",
        "multiplicative_lr": "_lambda",
        "one_cycle_lr": "_one_cycle",
        "polynomial_lr": "_linear",
        "reduce_lr_on_plateau": "_plateau",
        "sequential_lr": "_composed",
        "step_lr": "_step",
        "swa_lr": "_swa",
    },
)
