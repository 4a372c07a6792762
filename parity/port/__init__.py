"""A user's own port, compared with its PyTorch original step by step.

`compare` takes a PyTorch side, a JAX side and batches. At every step the JAX side
starts from PyTorch's parameters and buffers, so the first quantity that departs is
where the port is wrong. `parity.doctor` then tries known causes.
"""

from jaxtrain._lazy import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
