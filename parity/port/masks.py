"""One set of dropout masks for both sides: PyTorch draws, the port is handed the same.

On PyTorch's side the functions of `torch.nn.functional` that drop are replaced while a
step is taken, on the JAX side `jax.random.bernoulli` and `jaxtrain.nn.dropout_source`,
from which Flax's layers, ours and hand-written ones all draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain import nn

if TYPE_CHECKING:
    import torch


DROPOUTS = ("dropout", "dropout1d", "dropout2d", "dropout3d")


class Mask(NamedTuple):
    """Which elements are kept, and the probability with which they are."""

    elements: np.ndarray
    """Of whole channels: (N, C, 1, …)."""
    keep: float


Request = tuple[tuple[int, ...], float]
"""(shape, probability) of a mask that the port draws."""


@contextmanager
def torch_masks(supply: Sequence[Mask] | None = None) -> Iterator[list[Mask]]:
    """Inside the block, PyTorch's masks are collected in the list.

    Args:
        supply: masks to use, in order, in place of drawing them.
    """
    import torch
    import torch.nn.functional as F

    masks: list[Mask] = []
    rest = None if supply is None else iter(supply)
    originals = {name: getattr(F, name) for name in DROPOUTS}

    def replacement(name: str) -> Callable[..., torch.Tensor]:
        def dropout(
            input: torch.Tensor,
            p: float = 0.5,
            training: bool = True,
            inplace: bool = False,
        ) -> torch.Tensor:
            if not training or p == 0:
                return input
            keep = 1 - p or 1.0
            mask = next(rest, None) if rest is not None else None
            if mask is None:
                noise = originals[name](torch.ones_like(input), p, True)
                mask = Mask(_narrow(name, noise != 0), 1 - p)
            masks.append(mask)
            # Looked up here, so that another can be put in its place.
            return apply_mask(input, torch.as_tensor(mask.elements).to(input) / keep, p)

        return dropout

    patches: dict[str, Any] = {name: replacement(name) for name in DROPOUTS}
    # Of what it is now, so that a block within a block works as well.
    attention = partial(_attention, F.scaled_dot_product_attention)
    with patch.multiple(F, **patches, scaled_dot_product_attention=attention):
        yield masks


def apply_mask(input: torch.Tensor, noise: torch.Tensor, p: float) -> torch.Tensor:
    """What dropout makes of its input; the doctor tries others in its place.

    Args:
        input: of any shape.
        noise: 1 / (1 - p) where it is kept, 0 elsewhere.
        p: rate.
    """
    del p
    return input * noise


def _narrow(name: str, mask: torch.Tensor) -> np.ndarray:
    """One element a channel where whole channels are dropped."""
    if name != "dropout":
        lead = 1 if name == "dropout1d" and mask.ndim == 2 else 2
        mask = mask[(..., *[slice(1)] * (mask.ndim - lead))]
    return mask.numpy().copy()


def _attention(
    fused: Callable[..., torch.Tensor],
    query: torch.Tensor,
    *args: Any,
    **kwargs: Any,
) -> torch.Tensor:
    """PyTorch's, with the masks of its dropout in sight."""
    import torch
    import torch.nn.functional as F

    p = kwargs.get("dropout_p", args[3] if len(args) > 3 else 0.0)
    if not p:
        return fused(query, *args, **kwargs)
    key, value, bias, _ = (*args, None, None, 0.0)[:4]
    bias = kwargs.get("attn_mask", bias)
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
    if kwargs.get("is_causal"):
        bias = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if bias is not None:
        is_bool = bias.dtype == torch.bool
        scores = scores.masked_fill(~bias, -torch.inf) if is_bool else scores + bias
    return F.dropout(scores.softmax(-1), p) @ value


def mask_layouts(mask: Any, shape: tuple[int, ...]) -> Iterator[Any]:
    """What a mask may look like on the JAX side.

    Itself, with channels last, with the first two axes swapped (time first), or with
    leading axes merged (examples and heads).

    Example:
        >>> [x.shape for x in mask_layouts(np.ones((4, 2, 3, 5)), (8, 3, 5))]
        [(4, 2, 3, 5), (4, 3, 5, 2), (2, 4, 3, 5), (8, 3, 5)]
    """
    yield mask
    if mask.ndim > 2:
        yield jnp.moveaxis(mask, 1, -1)
        yield jnp.swapaxes(mask, 0, 1)
    if mask.size == math.prod(shape) and mask.shape[-2:] == tuple(shape)[-2:]:
        yield mask.reshape(shape)


KEEP_BOUND = 1e-7
"""Of keep probabilities: what rounding one to float32 may change."""


def mask_distance(
    masks: Sequence[Mask], requests: Sequence[Request]
) -> tuple[float, str]:
    """How far what the port asked for is from what PyTorch drew, and why in words.

    Handing out PyTorch's masks hides a mask too many, and another probability.

    Args:
        masks: PyTorch's.
        requests: the port's (shape, probability), in order.

    Example:
        >>> mask_distance([Mask(np.ones((2, 3)), 0.75)], [((2, 3), 0.5)])
        (0.25, 'dropout 0 keeps with probability 0.5 where PyTorch has 0.75')
    """
    # All dropped: Flax then draws nothing.
    draws = [mask for mask in masks if mask.keep > 0]
    if len(draws) != len(requests):
        return np.inf, f"the port draws {len(requests)} masks, PyTorch {len(draws)}"
    worst, note = 0.0, ""
    for place, (mask, (shape, p)) in enumerate(zip(draws, requests, strict=True)):
        if all(x.shape != shape for x in mask_layouts(mask.elements, shape)):
            says = f"shape {shape} where PyTorch has {mask.elements.shape}"
            return np.inf, f"dropout {place} has a mask of {says}"
        # The port may draw what is dropped.
        far = min(abs(p - mask.keep), abs(1 - p - mask.keep))
        if far > max(worst, KEEP_BOUND):
            says = f"{p:g} where PyTorch has {mask.keep:g}"
            worst, note = far, f"dropout {place} keeps with probability {says}"
    return worst, note


class SharedMasks:
    """Hands PyTorch's masks to the port, and notes what the port asks for.

    Args:
        masks: in order; their `kept` may be traced.
    """

    def __init__(self, masks: Sequence[tuple[Any, float]]):
        self._rest = iter(masks)
        self.requests: list[Request] = []

    def bernoulli(self, shape: tuple[int, ...], p: float) -> jax.Array:
        """The next mask; all ones where there is none that fits."""
        self.requests.append((tuple(shape), float(p)))
        elements, keep = next(self._rest, (None, 1.0))
        if elements is None:
            return jnp.ones(shape, bool)
        # A mask of what is dropped, drawn with the rate itself.
        if abs(p - keep) > abs(p - (1 - keep)):
            elements = ~elements
        candidates = (
            x for x in mask_layouts(elements, shape) if x.shape == tuple(shape)
        )
        return next(candidates, jnp.ones(shape, bool))

    def uniform(self, shape: tuple[int, ...], low: float, high: float) -> jax.Array:
        """Random slopes are not shared.

        Raises:
            ValueError: always.
        """
        raise ValueError("RReLU's random slopes cannot be shared: use eval() on both")

    @contextmanager
    def lend(self) -> Iterator[None]:
        """Inside the block, the port draws from here."""

        def bernoulli(key: Any, p: Any = 0.5, shape: Any = None, **rest: Any) -> Any:
            return self.bernoulli(np.shape(p) if shape is None else shape, p)

        with nn.dropout_source(self), patch.object(jax.random, "bernoulli", bernoulli):
            yield
