from ._composed import (
    chained_scheduler as chained_scheduler,
)
from ._composed import (
    sequential_lr as sequential_lr,
)
from ._cosine import (
    cosine_annealing_lr as cosine_annealing_lr,
)
from ._cosine import (
    cosine_annealing_warm_restarts as cosine_annealing_warm_restarts,
)
from ._cyclic import (
    cyclic_lr as cyclic_lr,
)
from ._lambda import (
    geometric as geometric,
)
from ._lambda import (
    lambda_lr as lambda_lr,
)
from ._lambda import (
    multiplicative_lr as multiplicative_lr,
)
from ._linear import (
    constant as constant,
)
from ._linear import (
    constant_lr as constant_lr,
)
from ._linear import (
    linear_lr as linear_lr,
)
from ._linear import (
    polynomial_lr as polynomial_lr,
)
from ._one_cycle import (
    one_cycle_lr as one_cycle_lr,
)
from ._plateau import (
    PlateauSchedule as PlateauSchedule,
)
from ._plateau import (
    reduce_lr_on_plateau as reduce_lr_on_plateau,
)
from ._schedule import (
    Schedule as Schedule,
)
from ._step import (
    exponential_lr as exponential_lr,
)
from ._step import (
    multi_step_lr as multi_step_lr,
)
from ._step import (
    step_lr as step_lr,
)
from ._swa import (
    swa_lr as swa_lr,
)
from ._values import (
    TwoFloat as TwoFloat,
)

SCHEDULERS: tuple[str, ...]
SETTING_LR: tuple[str, ...]
COMPOSED: tuple[str, ...]
