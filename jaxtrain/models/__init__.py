"""The networks that the command line trains, built from `jaxtrain.nn`.

Each is a Flax NNX module and draws its initial values in the order in which PyTorch
would construct its layers; `parity.torch_models` has the same networks in PyTorch.
"""

from jaxtrain.models._cnn import CNN
from jaxtrain.models._mlp import MLP
from jaxtrain.models._resnet import ResNetSmall
from jaxtrain.models._vision_transformer import VisionTransformer

__all__ = ["CNN", "MLP", "ResNetSmall", "VisionTransformer"]
