"""The dropout family."""

from __future__ import annotations

import jax

from jaxtrain.nn import functional as F
from jaxtrain.nn.functional._dropout import check_probability
from jaxtrain.nn.masks import Order, memory_order
from jaxtrain.nn.module import Module


class _Dropout(Module):
    def __init__(self, p: float = 0.5):
        check_probability(p)
        self.p = p
        # The name by which Flax's `train()` and `eval()` set it.
        self.deterministic = False


class _OrderedDropout(_Dropout):
    def __init__(self, p: float = 0.5, *, order: Order = None):
        super().__init__(p)
        if order is not None and not isinstance(order, str):
            order = memory_order(order, len(order))
        self.order = order


class Dropout(_OrderedDropout):
    """y = x · m / (1 - p) in training, m drawn from Bernoulli(1 - p); y = x otherwise.

    `train()` and `eval()` of the module or of any module that holds it choose between
    the two. The masks come from `dropout_source`, by default from
    `rng.default_generator`: the very masks that PyTorch draws on the CPU after
    `torch.manual_seed` of the same seed.

    PyTorch fills a mask in the order in which its tensor lies in *memory*, JAX in that
    of the axes, and knows no other. The two part where PyTorch holds a tensor
    transposed: after `x.T`, `transpose`, `permute` and `swapaxes`, in channels_last,
    and in what `MultiheadAttention` and the recurrent layers return with
    `batch_first=True`, whose memory has time first. Elementwise functions keep such an
    order and sums take that of their first term; linear maps, norms, `cat`, `reshape`
    to fewer axes and `contiguous()` end it. `order` names it, as `torch.Tensor.stride`
    shows it:

        nn.Dropout(0.5, order=(1, 0))           behind x.T
        nn.Dropout(0.5, order=(1, 0, 2))        behind attention, batch first
        nn.Dropout(0.5, order=(0, 2, 1))        behind Conv1d and transpose(1, 2)
        nn.Dropout(0.5, order="channels_last")  behind images in channels_last

    Transformer and recurrent layers know the orders inside them.

    Args:
        p: probability of an element to be zeroed.
        order: the axes from the slowest to the fastest in PyTorch's memory; as they
            are if not given. `"channels_last"` is (0, 2, 3, 1), or (0, 2, 3, 4, 1).

    Raises:
        ValueError: p lies outside [0, 1]; `order` names other axes than an input's;
            masks are to come from the host's generator inside a compiled function.

    PyTorch: `torch.nn.Dropout`.
    Reference: Hinton et al. 2012, https://arxiv.org/abs/1207.0580

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> Dropout(0.5)(jnp.ones(8))
        Array([0., 0., 2., 0., 0., 0., 2., 2.], dtype=float32)
        >>> _ = rng.manual_seed(0)
        >>> Dropout(0.5, order=(1, 0))(jnp.ones((2, 4)))
        Array([[0., 2., 0., 2.],
               [0., 0., 0., 2.]], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.dropout(input, self.p, not self.deterministic, order=self.order)


class Dropout1d(_Dropout):
    """Dropout of whole channels of (N, C, L) or (C, L).

    Args:
        p: probability of a channel to be zeroed.

    Raises:
        ValueError: p lies outside [0, 1]; an input has not two or three dimensions.

    PyTorch: `torch.nn.Dropout1d`.
    Reference: Tompson et al. 2014, https://arxiv.org/abs/1411.4280

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> Dropout1d()(jnp.ones((3, 2)))
        Array([[0., 0.],
               [0., 0.],
               [2., 2.]], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.dropout1d(input, self.p, not self.deterministic)


class Dropout2d(_Dropout):
    """Dropout of whole channels of (N, C, H, W) or (N, C, L).

    PyTorch takes three dimensions for a batch of signals here, not for an image. Of
    other numbers of dimensions it warns.

    Args:
        p: probability of a channel to be zeroed.

    Raises:
        ValueError: p lies outside [0, 1]; an input has fewer than two dimensions.

    PyTorch: `torch.nn.Dropout2d`.
    Reference: Tompson et al. 2014, https://arxiv.org/abs/1411.4280

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> Dropout2d()(jnp.ones((1, 3, 2, 2))).sum((2, 3))
        Array([[0., 0., 8.]], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.dropout2d(input, self.p, not self.deterministic)


class Dropout3d(_Dropout):
    """Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W).

    Args:
        p: probability of a channel to be zeroed.

    Raises:
        ValueError: p lies outside [0, 1]; an input has fewer than two dimensions.

    PyTorch: `torch.nn.Dropout3d`.
    Reference: Tompson et al. 2014, https://arxiv.org/abs/1411.4280

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> Dropout3d()(jnp.ones((3, 1, 2, 2))).sum((1, 2, 3))
        Array([0., 0., 8.], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.dropout3d(input, self.p, not self.deterministic)


class AlphaDropout(_OrderedDropout):
    """Dropout to SELU's lower limit -1.7581, then scaled to keep mean 0, variance 1.

    y = a (x m - 1.7581 (1 - m)) + 1.7581 a p with a = ((1 + 1.7581² p)(1 - p))^(-1/2).

    Args:
        p: probability of an element to be dropped.
        order: in which a mask is drawn; see `Dropout`.

    Raises:
        ValueError: p lies outside [0, 1]; `order` names other axes than an input's.

    PyTorch: `torch.nn.AlphaDropout`.
    Reference: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> AlphaDropout()(jnp.ones(3))
        Array([-0.77919394, -0.77919394,  1.6655989 ], dtype=float32)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.alpha_dropout(input, self.p, not self.deterministic, order=self.order)


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels of (N, C, *).

    Args:
        p: probability of a channel to be dropped.

    Raises:
        ValueError: p lies outside [0, 1]; an input has fewer than two dimensions.

    PyTorch: `torch.nn.FeatureAlphaDropout`.

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxtrain import rng
        >>> _ = rng.manual_seed(0)
        >>> FeatureAlphaDropout()(jnp.ones((1, 3, 4))).shape
        (1, 3, 4)
    """

    def __call__(self, input: jax.Array) -> jax.Array:
        return F.feature_alpha_dropout(input, self.p, not self.deterministic)
