"""Data sets, samplers and loaders, by PyTorch's names and with its draws; and
Fashion-MNIST found, verified or fetched, with a synthetic stand-in.

`Dataset` and `Split` hold what `load` has loaded. What a `DataLoader` reads is any
object with `__len__` and `__getitem__`: PyTorch's `Dataset` is not needed, and its name
for type checkers is `MapDataset` here.

NumPy and the standard library only; what a load does not need is not imported.
"""

from jaxtrain._lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    __file__,
    elsewhere={"IterableDataset": "any object with __len__ and __getitem__"},
)
