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
    from jaxtrain.lr_scheduler._chained_scheduler import chained_scheduler
    from jaxtrain.lr_scheduler._constant import constant
    from jaxtrain.lr_scheduler._constant_lr import constant_lr
    from jaxtrain.lr_scheduler._cosine_annealing_lr import cosine_annealing_lr
    from jaxtrain.lr_scheduler._cosine_annealing_warm_restarts import (
        cosine_annealing_warm_restarts,
    )
    from jaxtrain.lr_scheduler._cyclic_lr import cyclic_lr
    from jaxtrain.lr_scheduler._exponential_lr import exponential_lr
    from jaxtrain.lr_scheduler._geometric import geometric
    from jaxtrain.lr_scheduler._lambda_lr import lambda_lr
    from jaxtrain.lr_scheduler._linear_lr import linear_lr
    from jaxtrain.lr_scheduler._multi_step_lr import multi_step_lr
    from jaxtrain.lr_scheduler._multiplicative_lr import multiplicative_lr
    from jaxtrain.lr_scheduler._one_cycle_lr import one_cycle_lr
    from jaxtrain.lr_scheduler._polynomial_lr import polynomial_lr
    from jaxtrain.lr_scheduler._reduce_lr_on_plateau import (
        PlateauSchedule,
        reduce_lr_on_plateau,
    )
    from jaxtrain.lr_scheduler._schedule import Schedule
    from jaxtrain.lr_scheduler._sequential_lr import sequential_lr
    from jaxtrain.lr_scheduler._step_lr import step_lr
    from jaxtrain.lr_scheduler._swa_lr import swa_lr
    from jaxtrain.lr_scheduler._two_float import TwoFloat

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
        "PlateauSchedule": "_reduce_lr_on_plateau",
        "Schedule": "_schedule",
        "TwoFloat": "_two_float",
        "chained_scheduler": "_chained_scheduler",
        "constant": "_constant",
        "constant_lr": "_constant_lr",
        "cosine_annealing_lr": "_cosine_annealing_lr",
        "cosine_annealing_warm_restarts": "_cosine_annealing_warm_restarts",
        "cyclic_lr": "_cyclic_lr",
        "exponential_lr": "_exponential_lr",
        "geometric": "_geometric",
        "lambda_lr": "_lambda_lr",
        "linear_lr": "_linear_lr",
        "multi_step_lr": "_multi_step_lr",
        "multiplicative_lr": "_multiplicative_lr",
        "one_cycle_lr": "_one_cycle_lr",
        "polynomial_lr": "_polynomial_lr",
        "reduce_lr_on_plateau": "_reduce_lr_on_plateau",
        "sequential_lr": "_sequential_lr",
        "step_lr": "_step_lr",
        "swa_lr": "_swa_lr",
    },
)
