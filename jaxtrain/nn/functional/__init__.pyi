from ._adaptive_pool import (
    adaptive_avg_pool1d as adaptive_avg_pool1d,
)
from ._adaptive_pool import (
    adaptive_avg_pool2d as adaptive_avg_pool2d,
)
from ._adaptive_pool import (
    adaptive_avg_pool3d as adaptive_avg_pool3d,
)
from ._adaptive_pool import (
    adaptive_max_pool1d as adaptive_max_pool1d,
)
from ._adaptive_pool import (
    adaptive_max_pool2d as adaptive_max_pool2d,
)
from ._adaptive_pool import (
    adaptive_max_pool3d as adaptive_max_pool3d,
)
from ._attention import (
    scaled_dot_product_attention as scaled_dot_product_attention,
)
from ._batchnorm import (
    batch_norm as batch_norm,
)
from ._batchnorm import (
    batch_norm_with_statistics as batch_norm_with_statistics,
)
from ._batchnorm import (
    instance_norm as instance_norm,
)
from ._batchnorm import (
    instance_norm_with_statistics as instance_norm_with_statistics,
)
from ._conv import (
    conv1d as conv1d,
)
from ._conv import (
    conv2d as conv2d,
)
from ._conv import (
    conv3d as conv3d,
)
from ._conv import (
    conv_tbc as conv_tbc,
)
from ._conv_transpose import (
    conv_transpose1d as conv_transpose1d,
)
from ._conv_transpose import (
    conv_transpose2d as conv_transpose2d,
)
from ._conv_transpose import (
    conv_transpose3d as conv_transpose3d,
)
from ._distance import (
    cosine_similarity as cosine_similarity,
)
from ._distance import (
    normalize as normalize,
)
from ._distance import (
    pairwise_distance as pairwise_distance,
)
from ._distance import (
    pdist as pdist,
)
from ._dropout import (
    alpha_dropout as alpha_dropout,
)
from ._dropout import (
    dropout as dropout,
)
from ._dropout import (
    dropout1d as dropout1d,
)
from ._dropout import (
    dropout2d as dropout2d,
)
from ._dropout import (
    dropout3d as dropout3d,
)
from ._dropout import (
    feature_alpha_dropout as feature_alpha_dropout,
)
from ._fold import (
    fold as fold,
)
from ._fold import (
    unfold as unfold,
)
from ._fractional_pool import (
    fractional_max_pool2d as fractional_max_pool2d,
)
from ._fractional_pool import (
    fractional_max_pool3d as fractional_max_pool3d,
)
from ._grid import (
    affine_grid as affine_grid,
)
from ._grid import (
    grid_sample as grid_sample,
)
from ._inplace import (
    celu_ as celu_,
)
from ._inplace import (
    elu_ as elu_,
)
from ._inplace import (
    hardtanh_ as hardtanh_,
)
from ._inplace import (
    leaky_relu_ as leaky_relu_,
)
from ._inplace import (
    relu_ as relu_,
)
from ._inplace import (
    rrelu_ as rrelu_,
)
from ._inplace import (
    selu_ as selu_,
)
from ._inplace import (
    threshold_ as threshold_,
)
from ._linear import (
    bilinear as bilinear,
)
from ._linear import (
    linear as linear,
)
from ._loss import (
    binary_cross_entropy as binary_cross_entropy,
)
from ._loss import (
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
)
from ._loss import (
    cosine_embedding_loss as cosine_embedding_loss,
)
from ._loss import (
    cross_entropy as cross_entropy,
)
from ._loss import (
    ctc_loss as ctc_loss,
)
from ._loss import (
    gaussian_nll_loss as gaussian_nll_loss,
)
from ._loss import (
    hinge_embedding_loss as hinge_embedding_loss,
)
from ._loss import (
    huber_loss as huber_loss,
)
from ._loss import (
    kl_div as kl_div,
)
from ._loss import (
    l1_loss as l1_loss,
)
from ._loss import (
    linear_cross_entropy as linear_cross_entropy,
)
from ._loss import (
    margin_ranking_loss as margin_ranking_loss,
)
from ._loss import (
    mse_loss as mse_loss,
)
from ._loss import (
    multi_margin_loss as multi_margin_loss,
)
from ._loss import (
    multilabel_margin_loss as multilabel_margin_loss,
)
from ._loss import (
    multilabel_soft_margin_loss as multilabel_soft_margin_loss,
)
from ._loss import (
    nll_loss as nll_loss,
)
from ._loss import (
    poisson_nll_loss as poisson_nll_loss,
)
from ._loss import (
    smooth_l1_loss as smooth_l1_loss,
)
from ._loss import (
    soft_margin_loss as soft_margin_loss,
)
from ._loss import (
    triplet_margin_loss as triplet_margin_loss,
)
from ._loss import (
    triplet_margin_with_distance_loss as triplet_margin_with_distance_loss,
)
from ._max_pool import (
    max_pool1d as max_pool1d,
)
from ._max_pool import (
    max_pool2d as max_pool2d,
)
from ._max_pool import (
    max_pool3d as max_pool3d,
)
from ._mean_pools import (
    avg_pool1d as avg_pool1d,
)
from ._mean_pools import (
    avg_pool2d as avg_pool2d,
)
from ._mean_pools import (
    avg_pool3d as avg_pool3d,
)
from ._mean_pools import (
    lp_pool1d as lp_pool1d,
)
from ._mean_pools import (
    lp_pool2d as lp_pool2d,
)
from ._mean_pools import (
    lp_pool3d as lp_pool3d,
)
from ._multi_head import (
    multi_head_attention_forward as multi_head_attention_forward,
)
from ._normalization import (
    group_norm as group_norm,
)
from ._normalization import (
    layer_norm as layer_norm,
)
from ._normalization import (
    local_response_norm as local_response_norm,
)
from ._normalization import (
    rms_norm as rms_norm,
)
from ._padding import (
    pad as pad,
)
from ._pixelshuffle import (
    channel_shuffle as channel_shuffle,
)
from ._pixelshuffle import (
    native_channel_shuffle as native_channel_shuffle,
)
from ._pixelshuffle import (
    pixel_shuffle as pixel_shuffle,
)
from ._pixelshuffle import (
    pixel_unshuffle as pixel_unshuffle,
)
from ._rectifiers import (
    celu as celu,
)
from ._rectifiers import (
    elu as elu,
)
from ._rectifiers import (
    hardsigmoid as hardsigmoid,
)
from ._rectifiers import (
    hardswish as hardswish,
)
from ._rectifiers import (
    hardtanh as hardtanh,
)
from ._rectifiers import (
    leaky_relu as leaky_relu,
)
from ._rectifiers import (
    prelu as prelu,
)
from ._rectifiers import (
    relu as relu,
)
from ._rectifiers import (
    relu6 as relu6,
)
from ._rectifiers import (
    rrelu as rrelu,
)
from ._rectifiers import (
    selu as selu,
)
from ._rectifiers import (
    threshold as threshold,
)
from ._smooth import (
    gelu as gelu,
)
from ._smooth import (
    hardshrink as hardshrink,
)
from ._smooth import (
    logsigmoid as logsigmoid,
)
from ._smooth import (
    mish as mish,
)
from ._smooth import (
    sigmoid as sigmoid,
)
from ._smooth import (
    silu as silu,
)
from ._smooth import (
    softplus as softplus,
)
from ._smooth import (
    softshrink as softshrink,
)
from ._smooth import (
    softsign as softsign,
)
from ._smooth import (
    tanh as tanh,
)
from ._smooth import (
    tanhshrink as tanhshrink,
)
from ._softmax import (
    glu as glu,
)
from ._softmax import (
    gumbel_softmax as gumbel_softmax,
)
from ._softmax import (
    log_softmax as log_softmax,
)
from ._softmax import (
    softmax as softmax,
)
from ._softmax import (
    softmin as softmin,
)
from ._sparse import (
    embedding as embedding,
)
from ._sparse import (
    embedding_bag as embedding_bag,
)
from ._sparse import (
    embedding_renorm as embedding_renorm,
)
from ._sparse import (
    one_hot as one_hot,
)
from ._unpool import (
    max_unpool1d as max_unpool1d,
)
from ._unpool import (
    max_unpool2d as max_unpool2d,
)
from ._unpool import (
    max_unpool3d as max_unpool3d,
)
from ._upsampling import (
    interpolate as interpolate,
)
from ._upsampling import (
    upsample as upsample,
)
from ._upsampling import (
    upsample_bilinear as upsample_bilinear,
)
from ._upsampling import (
    upsample_nearest as upsample_nearest,
)
from ._with_indices import (
    adaptive_max_pool1d_with_indices as adaptive_max_pool1d_with_indices,
)
from ._with_indices import (
    adaptive_max_pool2d_with_indices as adaptive_max_pool2d_with_indices,
)
from ._with_indices import (
    adaptive_max_pool3d_with_indices as adaptive_max_pool3d_with_indices,
)
from ._with_indices import (
    fractional_max_pool2d_with_indices as fractional_max_pool2d_with_indices,
)
from ._with_indices import (
    fractional_max_pool3d_with_indices as fractional_max_pool3d_with_indices,
)
from ._with_indices import (
    max_pool1d_with_indices as max_pool1d_with_indices,
)
from ._with_indices import (
    max_pool2d_with_indices as max_pool2d_with_indices,
)
from ._with_indices import (
    max_pool3d_with_indices as max_pool3d_with_indices,
)
