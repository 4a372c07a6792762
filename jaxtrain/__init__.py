"""PyTorch's training recipe in JAX, with PyTorch's numbers.

The same seed gives the same loss curve, in JAX as in PyTorch: initial weights,
batch order and dropout masks come from PyTorch's own generator (`jaxtrain.rng`), and
layers, losses, optimisers and schedulers follow PyTorch's formulas and names.

What is listed here is imported on first use: start-up time is felt on every run.

Example:
    >>> import jaxtrain
    >>> jaxtrain.nn.Linear(3, 2).weight.shape
    (2, 3)
"""

import sys

# First: from here on a signal ends a program in one line. "-m" stands there only while
# Python looks for the module to run, so that who imports this keeps his signals.
if sys.argv[:1] == ["-m"] or "jaxtrain-" in "".join(sys.argv[:1]):
    import _signal as own  # `signal` and the rest take milliseconds, for which all wait

    if waits := hasattr(own, "pthread_sigmask"):
        mask = own.pthread_sigmask(own.SIG_BLOCK, (own.SIGINT, own.SIGTERM, own.SIGHUP))
    from jaxtrain.commands import process

    process.take_over()
    if waits:
        own.pthread_sigmask(own.SIG_SETMASK, mask)

from jaxtrain._lazy import face

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = face(
    __name__,
    __file__,
    constants=("__version__",),
    elsewhere={
        "DataLoader": "jaxtrain.data",
        "Generator": "jaxtrain.rng.Generator",
        "manual_seed": "jaxtrain.rng.manual_seed",
        "utils": "jaxtrain.data",
    },
)
