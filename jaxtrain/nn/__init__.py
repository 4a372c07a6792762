"""`torch.nn`'s layers as Flax NNX modules.

Names, arguments, parameter names and layouts are PyTorch's, so a module's flattened
state has the keys and shapes of a PyTorch `state_dict` (see `jaxtrain.nn.state_dict`).
The argument `inplace` does not exist: arrays cannot be changed. `device` does not
either; `dtype` and the source of the initial values, `generator`, are keywords.

`train()` and `eval()` are Flax's and act on the layers here as on Flax's own. A layer
is an `nnx.Module` like any other: to add one, write the class in a file of its own,
name it below, and add its argument sets to `parity.proof.layers.cases`.
"""

from jaxtrain._lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    __file__,
    elsewhere={
        "BCELoss": "jaxtrain.losses.binary_cross_entropy",
        "BCEWithLogitsLoss": "jaxtrain.losses.binary_cross_entropy_with_logits",
        "CTCLoss": "jaxtrain.losses.ctc_loss",
        "CosineEmbeddingLoss": "jaxtrain.losses.cosine_embedding_loss",
        "CrossEntropyLoss": "jaxtrain.losses.cross_entropy",
        "GaussianNLLLoss": "jaxtrain.losses.gaussian_nll_loss",
        "HingeEmbeddingLoss": "jaxtrain.losses.hinge_embedding_loss",
        "HuberLoss": "jaxtrain.losses.huber_loss",
        "KLDivLoss": "jaxtrain.losses.kl_div",
        "L1Loss": "jaxtrain.losses.l1_loss",
        "MSELoss": "jaxtrain.losses.mse_loss",
        "MarginRankingLoss": "jaxtrain.losses.margin_ranking_loss",
        "Module": "flax.nnx.Module",
        "MultiLabelMarginLoss": "jaxtrain.losses.multilabel_margin_loss",
        "MultiLabelSoftMarginLoss": "jaxtrain.losses.multilabel_soft_margin_loss",
        "MultiMarginLoss": "jaxtrain.losses.multi_margin_loss",
        "NLLLoss": "jaxtrain.losses.nll_loss",
        "Parameter": "flax.nnx.Param",
        "PoissonNLLLoss": "jaxtrain.losses.poisson_nll_loss",
        "SmoothL1Loss": "jaxtrain.losses.smooth_l1_loss",
        "SoftMarginLoss": "jaxtrain.losses.soft_margin_loss",
        "TripletMarginLoss": "jaxtrain.losses.triplet_margin_loss",
        "TripletMarginWithDistanceLoss": (
            "jaxtrain.losses.triplet_margin_with_distance_loss"
        ),
    },
)
