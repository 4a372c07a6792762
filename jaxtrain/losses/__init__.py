"""`torch.nn.functional`'s losses: same names, arguments, defaults and reductions.

Some of `torchvision.ops` and two textbook ones are with them. The deprecated arguments
`size_average` and `reduce` do not exist; arguments after them move up accordingly.

Shapes, types and arguments that do not fit raise. What PyTorch refuses because of a
*value* in a tensor (a label that is no class, a probability above 1, a negative
variance) makes that loss NaN instead, compiled or not: compiled code cannot raise.
Floating-point types of 16 bits are computed in float32 and rounded once.
"""

from typing import TYPE_CHECKING

from jaxtrain._lazy import attach

if TYPE_CHECKING:
    from jaxtrain.losses._binary import (
        binary_cross_entropy,
        binary_cross_entropy_with_logits,
        multilabel_margin_loss,
        multilabel_soft_margin_loss,
        sigmoid_focal_loss,
        soft_margin_loss,
    )
    from jaxtrain.losses._boxes import (
        complete_box_iou_loss,
        distance_box_iou_loss,
        generalized_box_iou_loss,
    )
    from jaxtrain.losses._classification import classification
    from jaxtrain.losses._cross_entropy import (
        cross_entropy,
        linear_cross_entropy,
        nll_loss,
    )
    from jaxtrain.losses._ctc import ctc_loss
    from jaxtrain.losses._embedding import (
        cosine_embedding_loss,
        triplet_margin_loss,
        triplet_margin_with_distance_loss,
    )
    from jaxtrain.losses._fits import CLASSIFICATION
    from jaxtrain.losses._margin import (
        hinge_embedding_loss,
        hinge_loss,
        margin_ranking_loss,
        multi_margin_loss,
        zero_one_loss,
    )
    from jaxtrain.losses._penalty import l1_penalty, l2_penalty
    from jaxtrain.losses._regression import (
        gaussian_nll_loss,
        huber_loss,
        kl_div,
        l1_loss,
        mse_loss,
        poisson_nll_loss,
        smooth_l1_loss,
    )

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "complete_box_iou_loss",
    "cosine_embedding_loss",
    "cross_entropy",
    "ctc_loss",
    "distance_box_iou_loss",
    "gaussian_nll_loss",
    "generalized_box_iou_loss",
    "hinge_embedding_loss",
    "hinge_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "l1_penalty",
    "l2_penalty",
    "linear_cross_entropy",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "poisson_nll_loss",
    "sigmoid_focal_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "zero_one_loss",
]

__getattr__ = attach(
    __name__,
    {
        "CLASSIFICATION": "_fits",
        "classification": "_classification",
        "binary_cross_entropy": "_binary",
        "binary_cross_entropy_with_logits": "_binary",
        "complete_box_iou_loss": "_boxes",
        "cosine_embedding_loss": "_embedding",
        "cross_entropy": "_cross_entropy",
        "ctc_loss": "_ctc",
        "distance_box_iou_loss": "_boxes",
        "gaussian_nll_loss": "_regression",
        "generalized_box_iou_loss": "_boxes",
        "hinge_embedding_loss": "_margin",
        "hinge_loss": "_margin",
        "huber_loss": "_regression",
        "kl_div": "_regression",
        "l1_loss": "_regression",
        "l1_penalty": "_penalty",
        "l2_penalty": "_penalty",
        "linear_cross_entropy": "_cross_entropy",
        "margin_ranking_loss": "_margin",
        "mse_loss": "_regression",
        "multi_margin_loss": "_margin",
        "multilabel_margin_loss": "_binary",
        "multilabel_soft_margin_loss": "_binary",
        "nll_loss": "_cross_entropy",
        "poisson_nll_loss": "_regression",
        "sigmoid_focal_loss": "_binary",
        "smooth_l1_loss": "_regression",
        "soft_margin_loss": "_binary",
        "triplet_margin_loss": "_embedding",
        "triplet_margin_with_distance_loss": "_embedding",
        "zero_one_loss": "_margin",
    },
)
