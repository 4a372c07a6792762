"""Fashion-MNIST found, verified or fetched, and a synthetic stand-in.

NumPy and the standard library only; what a load does not need is not imported.
"""

from jaxtrain._lazy import listing
from jaxtrain.data.dataset import DataError, Dataset, Split
from jaxtrain.data.idx import write_idx
from jaxtrain.data.load import load

__all__ = ["DataError", "Dataset", "Split", "load", "write_idx"]
__getattr__, __dir__ = listing(
    __name__, __all__, {"DataLoader": "jaxtrain.data.order.epoch_order"}
)
