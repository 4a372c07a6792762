"""PyTorch's training recipe in JAX, with PyTorch's numbers.

The same seed gives the same loss curve, in JAX as in PyTorch: initial weights,
batch order and dropout masks come from PyTorch's own generator (`jaxtrain.rng`), and
layers, losses, optimisers and schedulers follow PyTorch's formulas and names.

Nothing is imported here: start-up time is felt on every run.
"""

__version__ = "0.1.0"
