"""`torch.nn`'s layers as Flax NNX modules.

Names, arguments, parameter names and layouts are PyTorch's, so a module's flattened
state has the keys and shapes of a PyTorch `state_dict` (see `jaxtrain.nn.state_dict`).
The argument `inplace` does not exist: arrays cannot be changed. `device` does not
either; `dtype` and the source of the initial values, `generator`, are keywords.

`train()` and `eval()` are Flax's and act on the layers here as on Flax's own. A layer
is an `nnx.Module` like any other: to add one, write the class in a file of its own,
name it below, and add its argument sets to `parity.cases.layers`.
"""

from typing import TYPE_CHECKING

from jaxtrain._lazy import attach

if TYPE_CHECKING:
    from jaxtrain.nn._adaptive_pool import (
        AdaptiveAvgPool1d,
        AdaptiveAvgPool2d,
        AdaptiveAvgPool3d,
        AdaptiveMaxPool1d,
        AdaptiveMaxPool2d,
        AdaptiveMaxPool3d,
    )
    from jaxtrain.nn._adaptive_softmax import AdaptiveLogSoftmaxWithLoss
    from jaxtrain.nn._attention import MultiheadAttention
    from jaxtrain.nn._avg_pool import (
        AvgPool1d,
        AvgPool2d,
        AvgPool3d,
        LPPool1d,
        LPPool2d,
        LPPool3d,
    )
    from jaxtrain.nn._batch_norm import BatchNorm1d, BatchNorm2d, BatchNorm3d
    from jaxtrain.nn._bilinear import Bilinear
    from jaxtrain.nn._clipped import Hardsigmoid, Hardswish, Hardtanh, ReLU6
    from jaxtrain.nn._container import Identity, ModuleList, Sequential
    from jaxtrain.nn._conv import Conv1d, Conv2d, Conv3d
    from jaxtrain.nn._conv_transpose import (
        ConvTranspose1d,
        ConvTranspose2d,
        ConvTranspose3d,
    )
    from jaxtrain.nn._dropout import (
        AlphaDropout,
        Dropout,
        Dropout1d,
        Dropout2d,
        Dropout3d,
        FeatureAlphaDropout,
    )
    from jaxtrain.nn._embedding import Embedding
    from jaxtrain.nn._embedding_bag import EmbeddingBag
    from jaxtrain.nn._flatten import Flatten, Unflatten
    from jaxtrain.nn._fold import Fold, Unfold
    from jaxtrain.nn._fractional_pool import FractionalMaxPool2d, FractionalMaxPool3d
    from jaxtrain.nn._group_norm import GroupNorm
    from jaxtrain.nn._instance_norm import (
        InstanceNorm1d,
        InstanceNorm2d,
        InstanceNorm3d,
    )
    from jaxtrain.nn._keyed import ModuleDict, ParameterDict, ParameterList
    from jaxtrain.nn._layer_norm import LayerNorm, RMSNorm
    from jaxtrain.nn._linear import Linear
    from jaxtrain.nn._local_response import LocalResponseNorm
    from jaxtrain.nn._mask_source import (
        GivenMasks,
        KeyMasks,
        dropout_draws,
        dropout_source,
    )
    from jaxtrain.nn._max_pool import MaxPool1d, MaxPool2d, MaxPool3d
    from jaxtrain.nn._max_unpool import MaxUnpool1d, MaxUnpool2d, MaxUnpool3d
    from jaxtrain.nn._named_modules import named_modules
    from jaxtrain.nn._packed import (
        PackedSequence,
        pack_padded_sequence,
        pack_sequence,
        pad_packed_sequence,
        pad_sequence,
        unpack_sequence,
        unpad_sequence,
    )
    from jaxtrain.nn._pad import (
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
    from jaxtrain.nn._rectifiers import (
        CELU,
        ELU,
        SELU,
        LeakyReLU,
        PReLU,
        ReLU,
        RReLU,
        Threshold,
    )
    from jaxtrain.nn._recurrent import GRU, LSTM, RNN
    from jaxtrain.nn._recurrent_cell import GRUCell, LSTMCell, RNNCell
    from jaxtrain.nn._shrinkage import Hardshrink, Softshrink, Tanhshrink
    from jaxtrain.nn._shuffle import ChannelShuffle, PixelShuffle, PixelUnshuffle
    from jaxtrain.nn._similarity import CosineSimilarity, PairwiseDistance
    from jaxtrain.nn._smooth import (
        GELU,
        LogSigmoid,
        Mish,
        Sigmoid,
        SiLU,
        Softplus,
        Softsign,
        Tanh,
    )
    from jaxtrain.nn._softmax import GLU, LogSoftmax, Softmax, Softmax2d, Softmin
    from jaxtrain.nn._state_dict import load_state_dict, state_dict
    from jaxtrain.nn._taps import layer_outputs
    from jaxtrain.nn._transformer import (
        Transformer,
        TransformerDecoder,
        TransformerEncoder,
    )
    from jaxtrain.nn._transformer_layer import (
        TransformerDecoderLayer,
        TransformerEncoderLayer,
    )
    from jaxtrain.nn._upsample import (
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
    "_adaptive_pool": (
        "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d",
        "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d",
    ),
    "_adaptive_softmax": ("AdaptiveLogSoftmaxWithLoss",),
    "_attention": ("MultiheadAttention",),
    "_avg_pool": (
        "AvgPool1d", "AvgPool2d", "AvgPool3d", "LPPool1d", "LPPool2d", "LPPool3d",
    ),
    "_batch_norm": ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"),
    "_bilinear": ("Bilinear",),
    "_clipped": ("Hardsigmoid", "Hardswish", "Hardtanh", "ReLU6"),
    "_container": ("Identity", "ModuleList", "Sequential"),
    "_conv": ("Conv1d", "Conv2d", "Conv3d"),
    "_conv_transpose": ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"),
    "_dropout": (
        "AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d",
        "FeatureAlphaDropout",
    ),
    "_embedding": ("Embedding",),
    "_embedding_bag": ("EmbeddingBag",),
    "_flatten": ("Flatten", "Unflatten"),
    "_fold": ("Fold", "Unfold"),
    "_fractional_pool": ("FractionalMaxPool2d", "FractionalMaxPool3d"),
    "_group_norm": ("GroupNorm",),
    "_instance_norm": ("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"),
    "_keyed": ("ModuleDict", "ParameterDict", "ParameterList"),
    "_layer_norm": ("LayerNorm", "RMSNorm"),
    "_linear": ("Linear",),
    "_local_response": ("LocalResponseNorm",),
    "_mask_source": ("GivenMasks", "KeyMasks", "dropout_draws", "dropout_source"),
    "_max_pool": ("MaxPool1d", "MaxPool2d", "MaxPool3d"),
    "_max_unpool": ("MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"),
    "_named_modules": ("named_modules",),
    "_packed": (
        "PackedSequence", "pack_padded_sequence", "pack_sequence",
        "pad_packed_sequence", "pad_sequence", "unpack_sequence", "unpad_sequence",
    ),
    "_pad": (
        "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d",
        "ConstantPad2d", "ConstantPad3d", "ReflectionPad1d", "ReflectionPad2d",
        "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d",
        "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
    ),
    "_rectifiers": (
        "CELU", "ELU", "LeakyReLU", "PReLU", "RReLU", "ReLU", "SELU", "Threshold",
    ),
    "_recurrent": ("GRU", "LSTM", "RNN"),
    "_recurrent_cell": ("GRUCell", "LSTMCell", "RNNCell"),
    "_shrinkage": ("Hardshrink", "Softshrink", "Tanhshrink"),
    "_shuffle": ("ChannelShuffle", "PixelShuffle", "PixelUnshuffle"),
    "_similarity": ("CosineSimilarity", "PairwiseDistance"),
    "_smooth": (
        "GELU", "LogSigmoid", "Mish", "SiLU", "Sigmoid", "Softplus", "Softsign", "Tanh",
    ),
    "_softmax": ("GLU", "LogSoftmax", "Softmax", "Softmax2d", "Softmin"),
    "_state_dict": ("load_state_dict", "state_dict"),
    "_taps": ("layer_outputs",),
    "_transformer": ("Transformer", "TransformerDecoder", "TransformerEncoder"),
    "_transformer_layer": ("TransformerDecoderLayer", "TransformerEncoderLayer"),
    "_upsample": ("Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"),
}
# fmt: on

__getattr__ = attach(
    __name__, {name: home for home, names in _HOMES.items() for name in names}
)
