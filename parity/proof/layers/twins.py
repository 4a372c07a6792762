"""Broken layers: one wrong detail each, and the tensor that must tell."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxtrain import nn
from jaxtrain.nn.activation.smooth import gru_step
from jaxtrain.nn.functional import (
    _attention,
    _avg_pool,
    _conv,
    _taps,
    _upsampling,
)
from parity.proof.layers.cases import CASES, LayerCase
from parity.proof.layers.judge import Build, judge, our_layer
from parity.proof.verdict import Verdict

Fits = Callable[[LayerCase], bool]


@dataclass(frozen=True)
class Twin:
    """A case, how its layer is broken, and where that must be seen."""

    case: LayerCase
    build: Build
    tensor: str = "output 0"
    dtype: str = "float64"

    def __call__(self) -> Verdict:
        """What the judge says of the tensor."""
        found = judge([self.case], self.dtype, self.build)
        return next(verdict for verdict in found if verdict.tensor == self.tensor)


@dataclass(frozen=True)
class Patched:
    """A case whose layer is broken by another value of a module's name."""

    case: LayerCase
    module: ModuleType
    name: str
    value: Any
    tensor: str = "output 0"

    def __call__(self) -> Verdict:
        """What the judge says of the tensor."""
        with mock.patch.object(self.module, self.name, self.value):
            return Twin(self.case, our_layer, self.tensor)()


def _first(name: str, fits: Fits = lambda case: True) -> LayerCase:
    return next(case for case in CASES if case.name == name and fits(case))


def _has(**arguments: Any) -> Fits:
    return lambda case: arguments.items() <= case.args.items()


def _takes(argument: str) -> Fits:
    return lambda case: argument in case.args


def _of(kind: str) -> Fits:
    return lambda case: case.inputs[0].kind == kind


def _retyped(name: str = "", **arguments: Any) -> Build:
    """Our layer, built with other arguments, or that of another name."""

    def build(case: LayerCase, dtype: str) -> nnx.Module:
        args = {**case.args, **arguments}
        return our_layer(replace(case, name=name or case.name, args=args), dtype)

    return build


def _typed(cls: type[nnx.Module]) -> Build:
    return lambda case, dtype: cls(**case.args, dtype=jnp.dtype(dtype))


def _plain(cls: type[nnx.Module]) -> Build:
    return lambda case, dtype: cls(**case.args)


class BiasedBatchNorm(nn.BatchNorm1d):
    """Flax's: the running variance is that of the normalisation."""

    def _update(self, mean: Any, var: Any) -> None:
        n, old = 8, 0.9 * self.running_var[...]
        super()._update(mean, old + (var - old) * (n - 1) / n)


class ClippedHardtanh(nn.Hardtanh):
    """The obvious version, whose gradient at a bound is a half."""

    def __call__(self, input: jax.Array) -> jax.Array:
        return jnp.clip(input, self.min_val, self.max_val)


class LearntPadding(nn.Embedding):
    """The padding row takes gradients."""

    def __call__(self, input: jax.Array) -> jax.Array:
        return self.weight[...][input]


class OneBias(nn.LSTMCell):
    """Flax's: one bias, here the input's; the other one is never learnt."""

    def __call__(self, input: jax.Array, hx: Any = None) -> Any:
        kept: Any = self.bias_hh
        self.bias_hh = nnx.Param(jax.lax.stop_gradient(kept[...]))
        found = super().__call__(input, hx)
        self.bias_hh = kept
        return found


class WeakState(nn.GRU):
    """The state counts a thousandth less."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.step = weak_step


class BatchOrderedMasks(nn.TransformerEncoderLayer):
    """Masks are drawn in the order of the shape, not of PyTorch's memory."""

    def _drop(self, dropout: nn.Dropout, x: jax.Array) -> jax.Array:
        return dropout(x)


class LaterTies(nn.MaxPool2d):
    """Of equal elements the last takes the gradient."""

    def __call__(self, input: jax.Array) -> Any:
        return super().__call__(input[..., ::-1, ::-1])[..., ::-1, ::-1]


def weak_step(x: jax.Array, h: jax.Array, state: Any) -> Any:
    return gru_step(x, h * 0.999, state)


class ColumnsFirst(nn.PixelShuffle):
    """Channels fill each square column by column."""

    def __call__(self, input: jax.Array) -> jax.Array:
        return super().__call__(input.swapaxes(-1, -2)).swapaxes(-1, -2)


class ElementsFirst(nn.Unfold):
    """A column holds all channels of one element, then those of the next."""

    def __call__(self, input: jax.Array) -> jax.Array:
        found = super().__call__(input)
        parts = found.reshape(-1, input.shape[-3], 4, found.shape[-1])
        return parts.swapaxes(1, 2).reshape(found.shape)


class Averaged(nn.Fold):
    """Where patches overlap their mean is taken."""

    def __call__(self, input: jax.Array) -> jax.Array:
        counts = super().__call__(jnp.ones_like(input))
        return super().__call__(input) / counts


class Unshared(nn.AdaptiveLogSoftmaxWithLoss):
    """A class of a cluster has no share of the cluster's probability."""

    def log_prob(self, input: jax.Array) -> jax.Array:
        found = super().log_prob(input)
        head = jax.nn.log_softmax(self.head(input))
        for i in range(self.n_clusters):
            share = head[:, self.shortlist_size + i : self.shortlist_size + i + 1]
            span = slice(self.cutoffs[i], self.cutoffs[i + 1])
            found = found.at[:, span].add(-share)
        return found


class MemoryFirst(nn.TransformerDecoderLayer):
    """The memory comes before the sequence itself."""

    attentions = ("multihead_attn", "self_attn")


class OutOfOrder(nn.TransformerDecoderLayer):
    """Masks are drawn in the order of the shape, not of PyTorch's memory."""

    def _drop(self, dropout: nn.Dropout, x: jax.Array) -> jax.Array:
        return dropout(x)


class Mirrored(nn.Bilinear):
    """x2 is weighed by what belongs to x1."""

    def __call__(self, input1: jax.Array, input2: jax.Array) -> jax.Array:
        return super().__call__(input1, input2[..., ::-1])


def _tied_pool() -> LayerCase:
    case = _first(
        "MaxPool2d", lambda c: c.args == {"kernel_size": 3} and _of("tied")(c)
    )
    return replace(case, inputs=(replace(case.inputs[0], shape=(2, 3, 6, 6)),))


ROWS_FIRST = _has(dropout=0.3, batch_first=True)
CROSSED = _has(mode="bilinear", scale_factor=(1.7, 0.6), align_corners=False)
STRAIGHT = _has(mode="linear", align_corners=True)
MASKED = _first(
    "TransformerEncoderLayer",
    lambda c: bool(c.args["dropout"] and c.args.get("batch_first")),
)

_ARGUMENTS: Mapping[str, Twin] = {
    "GELU by tanh where PyTorch's is exact": Twin(
        _first("GELU", lambda case: "approximate" not in case.args),
        _retyped(approximate="tanh"),
        dtype="float32",
    ),
    "the same in float64": Twin(_first("GELU"), _retyped(approximate="tanh")),
    "ε of Flax in LayerNorm": Twin(_first("LayerNorm"), _retyped(eps=1e-6)),
    "ε of Flax in RMSNorm": Twin(_first("RMSNorm"), _retyped(eps=1e-6)),
    "ε of Flax in GroupNorm": Twin(_first("GroupNorm"), _retyped(eps=1e-6)),
    "ε of Flax in InstanceNorm": Twin(_first("InstanceNorm2d"), _retyped(eps=1e-6)),
    "ε of Keras in BatchNorm": Twin(_first("BatchNorm1d"), _retyped(eps=1e-3)),
    "the momentum of the old": Twin(
        _first("BatchNorm1d"), _retyped(momentum=0.9), "running_mean"
    ),
    "a slope a tenth too steep": Twin(
        _first("LeakyReLU"), _retyped(negative_slope=0.011)
    ),
    "Softplus straight too early": Twin(
        _first("Softplus", _of("grid")), _retyped(threshold=2.0)
    ),
    "a convolution that pads otherwise": Twin(
        _first("Conv1d", _has(padding_mode="reflect")),
        _retyped(padding_mode="circular", padding=1),
    ),
    "replication for reflection": Twin(
        _first("ReflectionPad1d", _has(padding=2)), _retyped("ReplicationPad1d")
    ),
    "reflection for a circle": Twin(
        _first("CircularPad2d", _has(padding=2)), _retyped("ReflectionPad2d")
    ),
    "zeros for a constant": Twin(
        _first("ConstantPad2d", _has(value=0.5)), _retyped(value=0.0)
    ),
    "corners that are not aligned": Twin(
        _first("Upsample", STRAIGHT), _retyped(align_corners=False)
    ),
    "a scale that is computed again": Twin(
        _first("Upsample", CROSSED), _retyped(recompute_scale_factor=True)
    ),
    "nearest without the half": Twin(
        _first("Upsample", _has(mode="nearest-exact")), _retyped(mode="nearest")
    ),
    "one channel more in a response": Twin(
        _first("LocalResponseNorm", _has(size=2)), _retyped(size=3)
    ),
    "another weight of a response": Twin(
        _first("LocalResponseNorm", _has(size=3)), _retyped(alpha=1.5)
    ),
    "other groups of channels": Twin(
        _first("ChannelShuffle", lambda c: c.inputs[0].shape[1] == 6),
        _retyped(groups=3),
    ),
    "a cosine without its ε": Twin(
        _first("CosineSimilarity", _has(eps=5.0)), _retyped(eps=1e-8)
    ),
    "a distance without its ε": Twin(_first("PairwiseDistance"), _retyped(eps=0.0)),
    "a mean over the padding": Twin(
        _first("EmbeddingBag", _has(mode="mean", padding_idx=2)),
        _retyped(padding_idx=None),
    ),
    "ε of Flax in a decoder": Twin(
        _first("TransformerDecoderLayer"), _retyped(layer_norm_eps=1e-6)
    ),
}
_DETAILS: Mapping[str, Twin] = {
    "a biased running variance": Twin(
        _first("BatchNorm1d", lambda c: c.inputs[0].shape == (8, 3)),
        _typed(BiasedBatchNorm),
        "running_var",
    ),
    "a gradient at the bound": Twin(
        _first("Hardtanh", _of("grid")),
        lambda case, dtype: ClippedHardtanh(),
        "d input 0",
    ),
    "a padding row that learns": Twin(
        _first("Embedding", _takes("padding_idx")), _typed(LearntPadding), "d weight"
    ),
    "one bias": Twin(_first("LSTMCell"), _typed(OneBias), "d bias_hh"),
    "a gate that is slightly wrong": Twin(_first("GRU"), _typed(WeakState)),
    "masks in the order of the shape": Twin(MASKED, _typed(BatchOrderedMasks)),
    "the last of equal elements": Twin(_tied_pool(), _plain(LaterTies), "d input 0"),
    "squares column by column": Twin(_first("PixelShuffle"), _plain(ColumnsFirst)),
    "elements before channels": Twin(_first("Unfold"), _plain(ElementsFirst)),
    "patches that are averaged": Twin(_first("Fold"), _plain(Averaged)),
    "a bilinear form mirrored": Twin(_first("Bilinear"), _typed(Mirrored)),
    "a cluster without its share": Twin(
        _first("AdaptiveLogSoftmaxWithLoss"), _typed(Unshared), "output 1"
    ),
    "the memory before the sequence": Twin(
        _first("TransformerDecoderLayer"), _typed(MemoryFirst)
    ),
    "a decoder's masks in the order of the shape": Twin(
        _first("TransformerDecoderLayer", ROWS_FIRST), _typed(OutOfOrder)
    ),
}
_CUBIC = _first("Upsample", _has(mode="bicubic", size=(7, 3)))
_STEEP = _first("Upsample", _has(mode="bicubic", scale_factor=1.1))


def _value_alone(x: Any, value: Any, slope: Any) -> Any:
    return value


def _forwards(weight: jax.Array, groups: int) -> jax.Array:
    """The kernel is not mirrored."""
    return _mirror(weight, groups)[..., ::-1]


def _unscaled(q: Any, k: Any, mask: Any, scale: Any, safe: bool) -> jax.Array:
    """Scores are not divided by sqrt(d)."""
    return _weights(q, k, mask, 1.0, safe)


def _whole(spans: Any, *rest: Any) -> np.ndarray:
    """What an incomplete window lacks counts in its mean."""
    return np.array(math.prod(span.kernel for span in spans))


_mirror, _weights = _conv.mirror, _attention.attention_weights

_PATCHED: Mapping[str, Patched] = {
    "the cubic of others": Patched(_CUBIC, _taps, "CUBIC", -0.5),
    "the cubic of others, its slope": Patched(
        _CUBIC, _taps, "CUBIC", -0.5, "d input 0"
    ),
    "a derivative that is no copy": Patched(
        _STEEP, _upsampling, "with_slope", _value_alone, "d input 0"
    ),
    "a kernel that is not mirrored": Patched(
        _first("ConvTranspose1d"), _conv, "mirror", _forwards
    ),
    "scores that are not scaled": Patched(
        _first("MultiheadAttention"), _attention, "attention_weights", _unscaled
    ),
    "a mean over what is not there": Patched(
        _first("AvgPool2d", _takes("ceil_mode")), _avg_pool, "_divisor", _whole
    ),
}
TWINS: Mapping[str, Callable[[], Verdict]] = {**_ARGUMENTS, **_DETAILS, **_PATCHED}
"""Name -> the verdict that must fail; the first is the control."""


def cases() -> Iterator[LayerCase]:
    """Those of the twins, in which our own layers must pass."""
    for table in (_ARGUMENTS, _DETAILS):
        yield from (twin.case for twin in table.values())
    yield from (twin.case for twin in _PATCHED.values())
