"""The proof that `jaxtrain` equals PyTorch: it knows both worlds.

PyTorch and torchvision come with the extra of the same name:
`pip install 'jaxtrain[parity]'`.

`compare` takes a user's own port and its PyTorch original.
"""

from jaxtrain._lazy import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
