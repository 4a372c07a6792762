from ._adadelta import (
    adadelta as adadelta,
)
from ._adafactor import (
    adafactor as adafactor,
)
from ._adagrad import (
    adagrad as adagrad,
)
from ._adam import (
    adam as adam,
)
from ._adam import (
    adamw as adamw,
)
from ._adamax import (
    adamax as adamax,
)
from ._asgd import (
    asgd as asgd,
)
from ._average import (
    ema as ema,
)
from ._average import (
    swa as swa,
)
from ._gradients import (
    accumulate as accumulate,
)
from ._gradients import (
    clip_grad_norm as clip_grad_norm,
)
from ._gradients import (
    clip_grad_value as clip_grad_value,
)
from ._groups import (
    carry_over as carry_over,
)
from ._groups import (
    param_groups as param_groups,
)
from ._hyper import (
    TwoFloat as TwoFloat,
)
from ._hyper import (
    two_float as two_float,
)
from ._lbfgs import (
    lbfgs as lbfgs,
)
from ._muon import (
    muon as muon,
)
from ._nadam import (
    nadam as nadam,
)
from ._radam import (
    radam as radam,
)
from ._rmsprop import (
    rmsprop as rmsprop,
)
from ._rprop import (
    rprop as rprop,
)
from ._sgd import (
    sgd as sgd,
)
from ._sparse_adam import (
    sparse_adam as sparse_adam,
)
from ._torch_state import (
    from_torch_state_dict as from_torch_state_dict,
)
from ._torch_state import (
    to_torch_state_dict as to_torch_state_dict,
)

OPTIMIZERS: tuple[str, ...]
