"""Before training: are the data, the network, the first loss and the rate sane?

`check` looks at what a configuration names, `check_data` and `check_model` at any
arrays and any NNX model. Each gives findings, a line of plain words each; they look at
copies, and the run that follows is the same as without them.
"""

from jaxtrain.checks._check import check, check_data, check_model
from jaxtrain.checks._configured import configured
from jaxtrain.checks._finding import Finding, show
from jaxtrain.checks._setup import Setup

__all__ = [
    "Finding",
    "Setup",
    "check",
    "check_data",
    "check_model",
    "configured",
    "show",
]
