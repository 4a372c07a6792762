"""`torch.optim.lr_scheduler`'s schedulers.

Names are PyTorch's in lower case with underscores; where PyTorch takes the optimiser,
these take the base learning rate. A schedule is a function from the number of
scheduler steps taken so far to the learning rate in force, computed on the host in
float64 as PyTorch computes it. Compiled code is given its values as data:
`Chunk(rows, {"lr": [schedule(count) for count in …]})`.
"""

from typing import TYPE_CHECKING

from jaxtrain._lazy import attach

if TYPE_CHECKING:
    from jaxtrain.lr_scheduler._step_lr import step_lr

__all__ = ["step_lr"]

__getattr__ = attach(__name__, {"step_lr": "_step_lr"})
