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

from jaxtrain._lazy import face

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

__getattr__, __dir__, __all__ = face(
    __name__, __file__, constants=("SCHEDULERS", "SETTING_LR", "COMPOSED")
)
