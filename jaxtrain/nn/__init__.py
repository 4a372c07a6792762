"""`torch.nn`'s layers as Flax NNX modules.

Names, arguments, parameter names and layouts are PyTorch's, so a module's flattened
state has the keys and shapes of a PyTorch `state_dict` (see `jaxtrain.nn.state_dict`).
The argument `inplace` does not exist: arrays cannot be changed. `device` does not
either; `dtype` and the source of the initial values, `generator`, are keywords.

`train()` and `eval()` are Flax's and act on the layers here as on Flax's own. A layer
is an `nnx.Module` like any other: to add one, write the class in a file of its own,
name it below, and add its argument sets to `parity.proof.layers.cases`.
"""

from typing import TYPE_CHECKING

from jaxtrain._lazy import attach

if TYPE_CHECKING:
    from jaxtrain.nn.activation.attention import MultiheadAttention
    from jaxtrain.nn.activation.rectifiers import (
        CELU,
        ELU,
        SELU,
        Hardsigmoid,
        Hardswish,
        Hardtanh,
        LeakyReLU,
        PReLU,
        ReLU,
        ReLU6,
        RReLU,
        Threshold,
    )
    from jaxtrain.nn.activation.smooth import (
        GELU,
        Hardshrink,
        LogSigmoid,
        Mish,
        Sigmoid,
        SiLU,
        Softplus,
        Softshrink,
        Softsign,
        Tanh,
        Tanhshrink,
    )
    from jaxtrain.nn.activation.softmax import (
        GLU,
        LogSoftmax,
        Softmax,
        Softmax2d,
        Softmin,
    )
    from jaxtrain.nn.adaptive import AdaptiveLogSoftmaxWithLoss
    from jaxtrain.nn.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
    from jaxtrain.nn.container import (
        Identity,
        ModuleDict,
        ModuleList,
        ParameterDict,
        ParameterList,
        Sequential,
    )
    from jaxtrain.nn.conv import (
        Conv1d,
        Conv2d,
        Conv3d,
        ConvTranspose1d,
        ConvTranspose2d,
        ConvTranspose3d,
    )
    from jaxtrain.nn.distance import CosineSimilarity, PairwiseDistance
    from jaxtrain.nn.dropout import (
        AlphaDropout,
        Dropout,
        Dropout1d,
        Dropout2d,
        Dropout3d,
        FeatureAlphaDropout,
    )
    from jaxtrain.nn.flatten import Flatten, Unflatten
    from jaxtrain.nn.fold import Fold, Unfold
    from jaxtrain.nn.instancenorm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
    from jaxtrain.nn.linear import Bilinear, Linear
    from jaxtrain.nn.masks import GivenMasks, KeyMasks, dropout_draws, dropout_source
    from jaxtrain.nn.module import (
        layer_outputs,
        load_state_dict,
        named_modules,
        state_dict,
    )
    from jaxtrain.nn.normalization import (
        GroupNorm,
        LayerNorm,
        LocalResponseNorm,
        RMSNorm,
    )
    from jaxtrain.nn.padding import (
        CircularPad1d,
        CircularPad2d,
        CircularPad3d,
        ConstantPad1d,
        ConstantPad2d,
        ConstantPad3d,
        ReflectionPad1d,
        ReflectionPad2d,
        ReflectionPad3d,
        ReplicationPad1d,
        ReplicationPad2d,
        ReplicationPad3d,
        ZeroPad1d,
        ZeroPad2d,
        ZeroPad3d,
    )
    from jaxtrain.nn.pixelshuffle import ChannelShuffle, PixelShuffle, PixelUnshuffle
    from jaxtrain.nn.pooling.adaptive import (
        AdaptiveAvgPool1d,
        AdaptiveAvgPool2d,
        AdaptiveAvgPool3d,
        AdaptiveMaxPool1d,
        AdaptiveMaxPool2d,
        AdaptiveMaxPool3d,
    )
    from jaxtrain.nn.pooling.average import (
        AvgPool1d,
        AvgPool2d,
        AvgPool3d,
        LPPool1d,
        LPPool2d,
        LPPool3d,
    )
    from jaxtrain.nn.pooling.fractional import FractionalMaxPool2d, FractionalMaxPool3d
    from jaxtrain.nn.pooling.max import (
        MaxPool1d,
        MaxPool2d,
        MaxPool3d,
        MaxUnpool1d,
        MaxUnpool2d,
        MaxUnpool3d,
    )
    from jaxtrain.nn.rnn.cells import GRUCell, LSTMCell, RNNCell
    from jaxtrain.nn.rnn.layers import GRU, LSTM, RNN
    from jaxtrain.nn.rnn.packed import (
        PackedSequence,
        pack_padded_sequence,
        pack_sequence,
        pad_packed_sequence,
        pad_sequence,
        unpack_sequence,
        unpad_sequence,
    )
    from jaxtrain.nn.sparse import Embedding, EmbeddingBag
    from jaxtrain.nn.transformer.layers import (
        TransformerDecoderLayer,
        TransformerEncoderLayer,
    )
    from jaxtrain.nn.transformer.stacks import (
        Transformer,
        TransformerDecoder,
        TransformerEncoder,
    )
    from jaxtrain.nn.upsampling import (
        Upsample,
        UpsamplingBilinear2d,
        UpsamplingNearest2d,
    )

# fmt: off
__all__ = [
    "CELU", "ELU", "GELU", "GLU", "GRU", "LSTM", "RNN", "SELU", "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveLogSoftmaxWithLoss",
    "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AlphaDropout",
    "AvgPool1d", "AvgPool2d", "AvgPool3d", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d",
    "Bilinear", "ChannelShuffle", "CircularPad1d", "CircularPad2d", "CircularPad3d",
    "ConstantPad1d", "ConstantPad2d", "ConstantPad3d", "Conv1d", "Conv2d", "Conv3d",
    "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "CosineSimilarity",
    "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "Embedding", "EmbeddingBag",
    "FeatureAlphaDropout", "Flatten", "Fold", "FractionalMaxPool2d",
    "FractionalMaxPool3d", "GRUCell", "GivenMasks", "GroupNorm", "Hardshrink",
    "Hardsigmoid", "Hardswish", "Hardtanh", "Identity", "InstanceNorm1d",
    "InstanceNorm2d", "InstanceNorm3d", "KeyMasks", "LPPool1d", "LPPool2d", "LPPool3d",
    "LSTMCell", "LayerNorm", "LeakyReLU", "Linear", "LocalResponseNorm", "LogSigmoid",
    "LogSoftmax", "MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d",
    "MaxUnpool3d", "Mish", "ModuleDict", "ModuleList", "MultiheadAttention", "PReLU",
    "PackedSequence", "PairwiseDistance", "ParameterDict", "ParameterList",
    "PixelShuffle", "PixelUnshuffle", "RMSNorm", "RNNCell", "RReLU", "ReLU", "ReLU6",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d",
    "ReplicationPad2d", "ReplicationPad3d", "Sequential", "SiLU", "Sigmoid", "Softmax",
    "Softmax2d", "Softmin", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink",
    "Threshold", "Transformer", "TransformerDecoder", "TransformerDecoderLayer",
    "TransformerEncoder", "TransformerEncoderLayer", "Unflatten", "Unfold", "Upsample",
    "UpsamplingBilinear2d", "UpsamplingNearest2d", "ZeroPad1d", "ZeroPad2d",
    "ZeroPad3d", "dropout_draws", "dropout_source", "layer_outputs",
    "load_state_dict", "named_modules",
    "pack_padded_sequence", "pack_sequence", "pad_packed_sequence", "pad_sequence",
    "state_dict", "unpack_sequence", "unpad_sequence",
]

_HOMES = {
    "pooling.adaptive": (
        "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d",
        "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d",
    ),
    "adaptive": ("AdaptiveLogSoftmaxWithLoss",),
    "activation.attention": ("MultiheadAttention",),
    "pooling.average": (
        "AvgPool1d", "AvgPool2d", "AvgPool3d", "LPPool1d", "LPPool2d", "LPPool3d",
    ),
    "batchnorm": ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"),
    "linear": ("Bilinear",),
    "activation.rectifiers": ("Hardsigmoid", "Hardswish", "Hardtanh", "ReLU6"),
    "container": ("Identity", "ModuleList", "Sequential"),
    "conv": ("Conv1d", "Conv2d", "Conv3d"),
    "conv": ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"),
    "dropout": (
        "AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d",
        "FeatureAlphaDropout",
    ),
    "sparse": ("Embedding",),
    "sparse": ("EmbeddingBag",),
    "flatten": ("Flatten", "Unflatten"),
    "fold": ("Fold", "Unfold"),
    "pooling.fractional": ("FractionalMaxPool2d", "FractionalMaxPool3d"),
    "normalization": ("GroupNorm",),
    "instancenorm": ("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"),
    "container": ("ModuleDict", "ParameterDict", "ParameterList"),
    "normalization": ("LayerNorm", "RMSNorm"),
    "linear": ("Linear",),
    "normalization": ("LocalResponseNorm",),
    "masks": ("GivenMasks", "KeyMasks", "dropout_draws", "dropout_source"),
    "pooling.max": ("MaxPool1d", "MaxPool2d", "MaxPool3d"),
    "pooling.max": ("MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"),
    "module": ("named_modules",),
    "rnn.packed": (
        "PackedSequence", "pack_padded_sequence", "pack_sequence",
        "pad_packed_sequence", "pad_sequence", "unpack_sequence", "unpad_sequence",
    ),
    "padding": (
        "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d",
        "ConstantPad2d", "ConstantPad3d", "ReflectionPad1d", "ReflectionPad2d",
        "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d",
        "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
    ),
    "activation.rectifiers": (
        "CELU", "ELU", "LeakyReLU", "PReLU", "RReLU", "ReLU", "SELU", "Threshold",
    ),
    "rnn.layers": ("GRU", "LSTM", "RNN"),
    "rnn.cells": ("GRUCell", "LSTMCell", "RNNCell"),
    "activation.smooth": ("Hardshrink", "Softshrink", "Tanhshrink"),
    "pixelshuffle": ("ChannelShuffle", "PixelShuffle", "PixelUnshuffle"),
    "distance": ("CosineSimilarity", "PairwiseDistance"),
    "activation.smooth": (
        "GELU", "LogSigmoid", "Mish", "SiLU", "Sigmoid", "Softplus", "Softsign", "Tanh",
    ),
    "activation.softmax": ("GLU", "LogSoftmax", "Softmax", "Softmax2d", "Softmin"),
    "module": ("load_state_dict", "state_dict"),
    "module": ("layer_outputs",),
    "transformer.stacks": ("Transformer", "TransformerDecoder", "TransformerEncoder"),
    "transformer.layers": ("TransformerDecoderLayer", "TransformerEncoderLayer"),
    "upsampling": ("Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"),
}
# fmt: on

__getattr__ = attach(
    __name__, {name: home for home, names in _HOMES.items() for name in names}
)
