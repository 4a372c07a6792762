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
    from jaxtrain.losses._binary_cross_entropy import (
        binary_cross_entropy,
        binary_cross_entropy_with_logits,
    )
    from jaxtrain.losses._box_iou import (
        complete_box_iou_loss,
        distance_box_iou_loss,
        generalized_box_iou_loss,
    )
    from jaxtrain.losses._classification import classification as classification
    from jaxtrain.losses._cosine_embedding import cosine_embedding_loss
    from jaxtrain.losses._cross_entropy import cross_entropy
    from jaxtrain.losses._ctc import ctc_loss
    from jaxtrain.losses._fits import CLASSIFICATION as CLASSIFICATION
    from jaxtrain.losses._focal import sigmoid_focal_loss
    from jaxtrain.losses._gaussian_nll import gaussian_nll_loss
    from jaxtrain.losses._hinge import hinge_embedding_loss, hinge_loss
    from jaxtrain.losses._huber import huber_loss, smooth_l1_loss
    from jaxtrain.losses._kl_div import kl_div
    from jaxtrain.losses._linear_cross_entropy import linear_cross_entropy
    from jaxtrain.losses._margin_ranking import margin_ranking_loss
    from jaxtrain.losses._multi_margin import multi_margin_loss
    from jaxtrain.losses._multilabel import (
        multilabel_margin_loss,
        multilabel_soft_margin_loss,
    )
    from jaxtrain.losses._nll import nll_loss
    from jaxtrain.losses._penalty import l1_penalty, l2_penalty
    from jaxtrain.losses._poisson_nll import poisson_nll_loss
    from jaxtrain.losses._regression import l1_loss, mse_loss
    from jaxtrain.losses._soft_margin import soft_margin_loss
    from jaxtrain.losses._triplet_margin import (
        triplet_margin_loss,
        triplet_margin_with_distance_loss,
    )
    from jaxtrain.losses._zero_one import zero_one_loss

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
        "binary_cross_entropy": "_binary_cross_entropy",
        "binary_cross_entropy_with_logits": "_binary_cross_entropy",
        "complete_box_iou_loss": "_box_iou",
        "cosine_embedding_loss": "_cosine_embedding",
        "cross_entropy": "_cross_entropy",
        "ctc_loss": "_ctc",
        "distance_box_iou_loss": "_box_iou",
        "gaussian_nll_loss": "_gaussian_nll",
        "generalized_box_iou_loss": "_box_iou",
        "hinge_embedding_loss": "_hinge",
        "hinge_loss": "_hinge",
        "huber_loss": "_huber",
        "kl_div": "_kl_div",
        "l1_loss": "_regression",
        "l1_penalty": "_penalty",
        "l2_penalty": "_penalty",
        "linear_cross_entropy": "_linear_cross_entropy",
        "margin_ranking_loss": "_margin_ranking",
        "mse_loss": "_regression",
        "multi_margin_loss": "_multi_margin",
        "multilabel_margin_loss": "_multilabel",
        "multilabel_soft_margin_loss": "_multilabel",
        "nll_loss": "_nll",
        "poisson_nll_loss": "_poisson_nll",
        "sigmoid_focal_loss": "_focal",
        "smooth_l1_loss": "_huber",
        "soft_margin_loss": "_soft_margin",
        "triplet_margin_loss": "_triplet_margin",
        "triplet_margin_with_distance_loss": "_triplet_margin",
        "zero_one_loss": "_zero_one",
    },
)
