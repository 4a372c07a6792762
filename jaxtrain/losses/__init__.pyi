from ._binary import (
    binary_cross_entropy as binary_cross_entropy,
)
from ._binary import (
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
)
from ._binary import (
    multilabel_margin_loss as multilabel_margin_loss,
)
from ._binary import (
    multilabel_soft_margin_loss as multilabel_soft_margin_loss,
)
from ._binary import (
    sigmoid_focal_loss as sigmoid_focal_loss,
)
from ._binary import (
    soft_margin_loss as soft_margin_loss,
)
from ._boxes import (
    complete_box_iou_loss as complete_box_iou_loss,
)
from ._boxes import (
    distance_box_iou_loss as distance_box_iou_loss,
)
from ._boxes import (
    generalized_box_iou_loss as generalized_box_iou_loss,
)
from ._cross_entropy import (
    cross_entropy as cross_entropy,
)
from ._cross_entropy import (
    linear_cross_entropy as linear_cross_entropy,
)
from ._cross_entropy import (
    nll_loss as nll_loss,
)
from ._ctc import (
    ctc_loss as ctc_loss,
)
from ._embedding import (
    cosine_embedding_loss as cosine_embedding_loss,
)
from ._embedding import (
    triplet_margin_loss as triplet_margin_loss,
)
from ._embedding import (
    triplet_margin_with_distance_loss as triplet_margin_with_distance_loss,
)
from ._margin import (
    hinge_embedding_loss as hinge_embedding_loss,
)
from ._margin import (
    hinge_loss as hinge_loss,
)
from ._margin import (
    margin_ranking_loss as margin_ranking_loss,
)
from ._margin import (
    multi_margin_loss as multi_margin_loss,
)
from ._margin import (
    zero_one_loss as zero_one_loss,
)
from ._penalty import (
    l1_penalty as l1_penalty,
)
from ._penalty import (
    l2_penalty as l2_penalty,
)
from ._regression import (
    gaussian_nll_loss as gaussian_nll_loss,
)
from ._regression import (
    huber_loss as huber_loss,
)
from ._regression import (
    kl_div as kl_div,
)
from ._regression import (
    l1_loss as l1_loss,
)
from ._regression import (
    mse_loss as mse_loss,
)
from ._regression import (
    poisson_nll_loss as poisson_nll_loss,
)
from ._regression import (
    smooth_l1_loss as smooth_l1_loss,
)
