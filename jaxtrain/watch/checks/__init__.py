"""Before training: are the data, the network, the first loss and the rate sane?

`check` looks at what a configuration names, `check_data` and `check_model` at any
arrays and any NNX model. Each gives findings, a line of plain words each; they look at
copies, and the run that follows is the same as without them.
"""

from jaxtrain.watch.checks.check import check, check_data, check_model, configured
from jaxtrain.watch.checks.finding import Finding, show
from jaxtrain.watch.checks.setup import Setup

__all__ = [
    "Finding",
    "Setup",
    "check",
    "check_data",
    "check_model",
    "configured",
    "show",
]
