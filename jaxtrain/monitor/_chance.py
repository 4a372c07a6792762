"""The loss of a network that knows nothing of its inputs."""

import math

from jaxtrain.config import Config


def chance_level(config: Config, classes: int) -> float | None:
    """The loss of the best constant answer to balanced classes, where it is known.

    With K classes that is ln K for the cross entropy, smoothed labels included, the
    entropy H(1/K) of one class against the others for the binary ones, and
    (1 - 1/K) / K for the squared error.

    Args:
        config: names the loss; with arguments that change its scale, or a penalty, its
            level is not known.
        classes: K.

    Example:
        >>> round(chance_level(Config(), 10), 4)
        2.3026
    """
    loss = config.loss
    if loss.l1 or loss.l2:
        return None
    arguments = dict(loss.args)
    if loss.name == "cross_entropy":
        arguments.pop("label_smoothing", None)
    if loss.name == "kl_div" and arguments == {"reduction": "batchmean"}:
        return math.log(classes)
    return None if arguments else _levels(classes).get(loss.name)


def _levels(classes: int) -> dict[str, float]:
    share = 1 / classes
    entropy = -share * math.log(share) - (1 - share) * math.log1p(-share)
    return {
        "binary_cross_entropy": entropy,
        "binary_cross_entropy_with_logits": entropy,
        "cross_entropy": math.log(classes),
        "kl_div": math.log(classes) * share,
        "mse_loss": share * (1 - share),
        # All scores equal: each wrong class is its whole margin of 1 too near.
        "multi_margin_loss": 1 - share,
        "multilabel_soft_margin_loss": entropy,
        "nll_loss": math.log(classes),
        "soft_margin_loss": entropy,
    }
