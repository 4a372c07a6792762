import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxtrain.losses._binary_cross_entropy import of_logits
from jaxtrain.losses._inputs import check_same_shape, floats
from jaxtrain.losses._reduction import check_reduction, reduce


def sigmoid_focal_loss(
    inputs: ArrayLike,
    targets: ArrayLike,
    alpha: float = 0.25,
    gamma: float = 2.0,
    reduction: str = "none",
) -> jax.Array:
    """Focal loss: l_n = a_t·(1 - p_t)^gamma·`binary_cross_entropy_with_logits`.

    p_t is sigmoid(x) where y = 1 and 1 less it where y = 0; a_t is alpha or 1 - alpha
    likewise.

    Args:
        inputs: logits, of any shape.
        targets: 0 or 1, of the same shape.
        alpha: in [0, 1], or -1 for no such factor.
        gamma: how much less what is already right counts.
        reduction: `"none"`, `"mean"` or `"sum"`.

    Raises:
        ValueError: shapes differ, alpha is none of the above, or no such reduction.
        TypeError: the input is not floating-point.

    PyTorch: `torchvision.ops.sigmoid_focal_loss`.
    Reference: Lin et al. 2017, https://arxiv.org/abs/1708.02002

    Example:
        >>> hard, easy = sigmoid_focal_loss(jnp.array([-4.0, 4.0]), jnp.ones(2))
        >>> f"{hard:.4f} {easy:.1e}"
        '0.9687 1.5e-06'
    """
    check_reduction(reduction)
    if not 0 <= alpha <= 1 and alpha != -1:
        raise ValueError(
            f"Invalid alpha value: {alpha}. alpha must be in the range [0,1] or -1 for "
            "ignore."
        )
    (x, y), dtype = floats(inputs=inputs, targets=targets)
    check_same_shape(inputs=x, targets=y)
    p = jax.nn.sigmoid(x)
    right = p * y + (1 - p) * (1 - y)
    losses = of_logits(x, y, jnp.ones_like(x))
    if gamma != 0:  # 0⁰ would have slope 0·∞
        losses = losses * (1 - right) ** gamma
    if alpha >= 0:
        losses = (alpha * y + (1 - alpha) * (1 - y)) * losses
    return reduce(losses, reduction).astype(dtype)
