from . import functional as functional
from . import init as init
from .activation.attention import (
    MultiheadAttention as MultiheadAttention,
)
from .activation.rectifiers import (
    CELU as CELU,
)
from .activation.rectifiers import (
    ELU as ELU,
)
from .activation.rectifiers import (
    SELU as SELU,
)
from .activation.rectifiers import (
    Hardsigmoid as Hardsigmoid,
)
from .activation.rectifiers import (
    Hardswish as Hardswish,
)
from .activation.rectifiers import (
    Hardtanh as Hardtanh,
)
from .activation.rectifiers import (
    LeakyReLU as LeakyReLU,
)
from .activation.rectifiers import (
    PReLU as PReLU,
)
from .activation.rectifiers import (
    ReLU as ReLU,
)
from .activation.rectifiers import (
    ReLU6 as ReLU6,
)
from .activation.rectifiers import (
    RReLU as RReLU,
)
from .activation.rectifiers import (
    Threshold as Threshold,
)
from .activation.smooth import (
    GELU as GELU,
)
from .activation.smooth import (
    Hardshrink as Hardshrink,
)
from .activation.smooth import (
    LogSigmoid as LogSigmoid,
)
from .activation.smooth import (
    Mish as Mish,
)
from .activation.smooth import (
    Sigmoid as Sigmoid,
)
from .activation.smooth import (
    SiLU as SiLU,
)
from .activation.smooth import (
    Softplus as Softplus,
)
from .activation.smooth import (
    Softshrink as Softshrink,
)
from .activation.smooth import (
    Softsign as Softsign,
)
from .activation.smooth import (
    Tanh as Tanh,
)
from .activation.smooth import (
    Tanhshrink as Tanhshrink,
)
from .activation.softmax import (
    GLU as GLU,
)
from .activation.softmax import (
    LogSoftmax as LogSoftmax,
)
from .activation.softmax import (
    Softmax as Softmax,
)
from .activation.softmax import (
    Softmax2d as Softmax2d,
)
from .activation.softmax import (
    Softmin as Softmin,
)
from .adaptive import (
    AdaptiveLogSoftmaxWithLoss as AdaptiveLogSoftmaxWithLoss,
)
from .batchnorm import (
    BatchNorm1d as BatchNorm1d,
)
from .batchnorm import (
    BatchNorm2d as BatchNorm2d,
)
from .batchnorm import (
    BatchNorm3d as BatchNorm3d,
)
from .container import (
    Identity as Identity,
)
from .container import (
    ModuleDict as ModuleDict,
)
from .container import (
    ModuleList as ModuleList,
)
from .container import (
    ParameterDict as ParameterDict,
)
from .container import (
    ParameterList as ParameterList,
)
from .container import (
    Sequential as Sequential,
)
from .conv import (
    Conv1d as Conv1d,
)
from .conv import (
    Conv2d as Conv2d,
)
from .conv import (
    Conv3d as Conv3d,
)
from .conv import (
    ConvTranspose1d as ConvTranspose1d,
)
from .conv import (
    ConvTranspose2d as ConvTranspose2d,
)
from .conv import (
    ConvTranspose3d as ConvTranspose3d,
)
from .distance import (
    CosineSimilarity as CosineSimilarity,
)
from .distance import (
    PairwiseDistance as PairwiseDistance,
)
from .dropout import (
    AlphaDropout as AlphaDropout,
)
from .dropout import (
    Dropout as Dropout,
)
from .dropout import (
    Dropout1d as Dropout1d,
)
from .dropout import (
    Dropout2d as Dropout2d,
)
from .dropout import (
    Dropout3d as Dropout3d,
)
from .dropout import (
    FeatureAlphaDropout as FeatureAlphaDropout,
)
from .flatten import (
    Flatten as Flatten,
)
from .flatten import (
    Unflatten as Unflatten,
)
from .fold import (
    Fold as Fold,
)
from .fold import (
    Unfold as Unfold,
)
from .instancenorm import (
    InstanceNorm1d as InstanceNorm1d,
)
from .instancenorm import (
    InstanceNorm2d as InstanceNorm2d,
)
from .instancenorm import (
    InstanceNorm3d as InstanceNorm3d,
)
from .linear import (
    Bilinear as Bilinear,
)
from .linear import (
    Linear as Linear,
)
from .masks import (
    GivenMasks as GivenMasks,
)
from .masks import (
    KeyMasks as KeyMasks,
)
from .masks import (
    dropout_draws as dropout_draws,
)
from .masks import (
    dropout_source as dropout_source,
)
from .module import (
    layer_outputs as layer_outputs,
)
from .module import (
    load_state_dict as load_state_dict,
)
from .module import (
    named_modules as named_modules,
)
from .module import (
    state_dict as state_dict,
)
from .normalization import (
    GroupNorm as GroupNorm,
)
from .normalization import (
    LayerNorm as LayerNorm,
)
from .normalization import (
    LocalResponseNorm as LocalResponseNorm,
)
from .normalization import (
    RMSNorm as RMSNorm,
)
from .padding import (
    CircularPad1d as CircularPad1d,
)
from .padding import (
    CircularPad2d as CircularPad2d,
)
from .padding import (
    CircularPad3d as CircularPad3d,
)
from .padding import (
    ConstantPad1d as ConstantPad1d,
)
from .padding import (
    ConstantPad2d as ConstantPad2d,
)
from .padding import (
    ConstantPad3d as ConstantPad3d,
)
from .padding import (
    ReflectionPad1d as ReflectionPad1d,
)
from .padding import (
    ReflectionPad2d as ReflectionPad2d,
)
from .padding import (
    ReflectionPad3d as ReflectionPad3d,
)
from .padding import (
    ReplicationPad1d as ReplicationPad1d,
)
from .padding import (
    ReplicationPad2d as ReplicationPad2d,
)
from .padding import (
    ReplicationPad3d as ReplicationPad3d,
)
from .padding import (
    ZeroPad1d as ZeroPad1d,
)
from .padding import (
    ZeroPad2d as ZeroPad2d,
)
from .padding import (
    ZeroPad3d as ZeroPad3d,
)
from .pixelshuffle import (
    ChannelShuffle as ChannelShuffle,
)
from .pixelshuffle import (
    PixelShuffle as PixelShuffle,
)
from .pixelshuffle import (
    PixelUnshuffle as PixelUnshuffle,
)
from .pooling.adaptive import (
    AdaptiveAvgPool1d as AdaptiveAvgPool1d,
)
from .pooling.adaptive import (
    AdaptiveAvgPool2d as AdaptiveAvgPool2d,
)
from .pooling.adaptive import (
    AdaptiveAvgPool3d as AdaptiveAvgPool3d,
)
from .pooling.adaptive import (
    AdaptiveMaxPool1d as AdaptiveMaxPool1d,
)
from .pooling.adaptive import (
    AdaptiveMaxPool2d as AdaptiveMaxPool2d,
)
from .pooling.adaptive import (
    AdaptiveMaxPool3d as AdaptiveMaxPool3d,
)
from .pooling.average import (
    AvgPool1d as AvgPool1d,
)
from .pooling.average import (
    AvgPool2d as AvgPool2d,
)
from .pooling.average import (
    AvgPool3d as AvgPool3d,
)
from .pooling.average import (
    LPPool1d as LPPool1d,
)
from .pooling.average import (
    LPPool2d as LPPool2d,
)
from .pooling.average import (
    LPPool3d as LPPool3d,
)
from .pooling.fractional import (
    FractionalMaxPool2d as FractionalMaxPool2d,
)
from .pooling.fractional import (
    FractionalMaxPool3d as FractionalMaxPool3d,
)
from .pooling.max import (
    MaxPool1d as MaxPool1d,
)
from .pooling.max import (
    MaxPool2d as MaxPool2d,
)
from .pooling.max import (
    MaxPool3d as MaxPool3d,
)
from .pooling.max import (
    MaxUnpool1d as MaxUnpool1d,
)
from .pooling.max import (
    MaxUnpool2d as MaxUnpool2d,
)
from .pooling.max import (
    MaxUnpool3d as MaxUnpool3d,
)
from .rnn.cells import (
    GRUCell as GRUCell,
)
from .rnn.cells import (
    LSTMCell as LSTMCell,
)
from .rnn.cells import (
    RNNCell as RNNCell,
)
from .rnn.layers import (
    GRU as GRU,
)
from .rnn.layers import (
    LSTM as LSTM,
)
from .rnn.layers import (
    RNN as RNN,
)
from .rnn.packed import (
    PackedSequence as PackedSequence,
)
from .rnn.packed import (
    pack_padded_sequence as pack_padded_sequence,
)
from .rnn.packed import (
    pack_sequence as pack_sequence,
)
from .rnn.packed import (
    pad_packed_sequence as pad_packed_sequence,
)
from .rnn.packed import (
    pad_sequence as pad_sequence,
)
from .rnn.packed import (
    unpack_sequence as unpack_sequence,
)
from .rnn.packed import (
    unpad_sequence as unpad_sequence,
)
from .sparse import (
    Embedding as Embedding,
)
from .sparse import (
    EmbeddingBag as EmbeddingBag,
)
from .transformer.layers import (
    TransformerDecoderLayer as TransformerDecoderLayer,
)
from .transformer.layers import (
    TransformerEncoderLayer as TransformerEncoderLayer,
)
from .transformer.stacks import (
    Transformer as Transformer,
)
from .transformer.stacks import (
    TransformerDecoder as TransformerDecoder,
)
from .transformer.stacks import (
    TransformerEncoder as TransformerEncoder,
)
from .upsampling import (
    Upsample as Upsample,
)
from .upsampling import (
    UpsamplingBilinear2d as UpsamplingBilinear2d,
)
from .upsampling import (
    UpsamplingNearest2d as UpsamplingNearest2d,
)
