"""The networks that the command line trains, built from `jaxtrain.nn`.

Each is a Flax NNX module and draws its initial values in the order in which PyTorch
would construct its layers; `parity.pytorch.networks` has the same networks in PyTorch.
"""

from jaxtrain._lazy import listing
from jaxtrain.models.cnn import CNN
from jaxtrain.models.mlp import MLP
from jaxtrain.models.resnet import ResNetSmall
from jaxtrain.models.vision_transformer import VisionTransformer

__all__ = ["CNN", "MLP", "ResNetSmall", "VisionTransformer"]
__getattr__, __dir__ = listing(__name__, __all__)
