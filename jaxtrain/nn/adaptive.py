"""The softmax of many classes, the rare ones in clusters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn.container import ModuleList, Sequential
from jaxtrain.nn.linear import Linear
from jaxtrain.nn.module import Module
from jaxtrain.nn.shapes import check_ndim, misfit


class ASMoutput(NamedTuple):
    """What `AdaptiveLogSoftmaxWithLoss` returns."""

    output: jax.Array
    """Log-probability of each target, (N,) or ()."""
    loss: jax.Array
    """Minus their mean."""


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-softmax over many classes, the rare ones by clusters of fewer features.

    `head` scores the first `cutoffs[0]` classes and the clusters; each part of `tail`
    scores one cluster's classes, from in_features / div_value^i features. A class of a
    cluster has the product of both probabilities.

    PyTorch computes each cluster for its own examples alone; here all are computed, as
    shapes cannot depend on the targets. A target that is no class gives NaN.

    Args:
        in_features: size of the inputs.
        n_classes: number of classes, by falling frequency.
        cutoffs: first class of each cluster, increasing.
        div_value: by what features are divided from one cluster to the next.
        head_bias: whether `head` has a bias.
        generator: where the initial values come from; `rng.default_generator` if not
            given.
        dtype: of the parameters; see `Linear`.

    Raises:
        ValueError: cutoffs do not increase within 1 … n_classes - 1; inputs and targets
            do not fit.

    PyTorch: `torch.nn.AdaptiveLogSoftmaxWithLoss`.
    Reference: Grave et al. 2016, https://arxiv.org/abs/1609.04309

    Example:
        >>> layer = AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10])
        >>> output, loss = layer(jnp.ones((3, 8)), jnp.array([0, 7, 19]))
        >>> output.shape, layer.log_prob(jnp.ones((3, 8))).shape
        ((3,), (3, 20))
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        _check_cutoffs(cutoffs, n_classes)
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = (*cutoffs, n_classes)
        self.div_value = div_value
        self.head_bias = head_bias
        linear = partial(Linear, generator=generator, dtype=dtype)
        self.shortlist_size = cutoffs[0]
        self.n_clusters = len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = linear(in_features, self.head_size, head_bias)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            hidden = int(in_features // div_value ** (i + 1))
            classes = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(
                    linear(in_features, hidden, False),
                    linear(hidden, classes, False),
                )
            )

    def __call__(self, input: jax.Array, target: jax.Array) -> ASMoutput:
        name = f"AdaptiveLogSoftmaxWithLoss({self.in_features}, {self.n_classes})"
        check_ndim(name, target, (0, 1))
        if input.shape != (*target.shape, self.in_features):
            raise misfit(name, input, f"targets are {target.shape}")
        every = self.log_prob(jnp.atleast_2d(input))
        # What is no class finds NaN; -1 would count from the end otherwise.
        entries = jnp.take_along_axis(
            every,
            jnp.atleast_1d(target)[:, None],
            1,
            mode="fill",
            fill_value=jnp.nan,
            wrap_negative_indices=False,
        )
        output = entries.reshape(target.shape)
        return ASMoutput(output, -output.mean())

    def log_prob(self, input: jax.Array) -> jax.Array:
        """Log-probabilities of all classes, (N, n_classes), of inputs (N, in_features).

        PyTorch: `torch.nn.AdaptiveLogSoftmaxWithLoss.log_prob`.
        """
        head = jax.nn.log_softmax(self.head(input))
        parts = [head[:, : self.shortlist_size]]
        for i, scores in enumerate(self.tail):
            within = jax.nn.log_softmax(scores(input))
            cluster = self.shortlist_size + i
            # log p of the cluster, (N, 1), and log p of each class within it.
            parts.append(within + head[:, cluster : cluster + 1])
        return jnp.concatenate(parts, 1)

    def predict(self, input: jax.Array) -> jax.Array:
        """The likeliest class of each input, (N,).

        Where a class of the shortlist has a higher score in `head` than any cluster, it
        is the likeliest, and otherwise all classes are compared: the same class.

        PyTorch: `torch.nn.AdaptiveLogSoftmaxWithLoss.predict`.
        """
        return self.log_prob(input).argmax(1)


def _check_cutoffs(cutoffs: Sequence[int], n_classes: int) -> None:
    in_order = all(a < b for a, b in pairwise((0, *cutoffs, n_classes)))
    if not cutoffs or not in_order or any(int(c) != c for c in cutoffs):
        raise ValueError(
            "cutoffs must be unique, increasing whole numbers from 1 to "
            f"{n_classes - 1}, got {list(cutoffs)}"
        )
