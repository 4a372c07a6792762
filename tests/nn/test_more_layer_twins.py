"""One wrong detail in a layer that pads, resizes, pools or stacks, and what tells."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

torch = pytest.importorskip("torch")

from jaxtrain import nn
from jaxtrain.nn import upsampling
from parity.proof.layers.cases import CASES, LayerCase
from parity.proof.layers.judge import Build, judge, our_layer


def first(
    name: str, fits: Callable[[LayerCase], bool] = lambda case: True
) -> LayerCase:
    return next(case for case in CASES if case.name == name and fits(case))


def assert_noticed(case: LayerCase, tensor: str, build: Build) -> None:
    with jax.enable_x64(True):
        assert all(m.passed for m in judge([case], "float64"))
        wrong = {m.tensor: m for m in judge([case], "float64", build)}
    assert not wrong[tensor].passed


def retyped(name: str = "", **arguments: Any) -> Build:
    """Our layer, built with other arguments, or that of another name."""

    def build(case: LayerCase, dtype: str) -> nnx.Module:
        args = {**case.args, **arguments}
        return our_layer(replace(case, name=name or case.name, args=args), dtype)

    return build


def has(**arguments: Any) -> Callable[[LayerCase], bool]:
    return lambda case: arguments.items() <= case.args.items()


CROSSED = has(mode="bilinear", scale_factor=(1.7, 0.6), align_corners=False)
STRAIGHT = has(mode="linear", align_corners=True)
RETYPED: list[tuple[LayerCase, Build]] = [
    (first("ReflectionPad1d", has(padding=2)), retyped("ReplicationPad1d")),
    (first("CircularPad2d", has(padding=2)), retyped("ReflectionPad2d")),
    (first("ConstantPad2d", has(value=0.5)), retyped(value=0.0)),
    (first("Upsample", STRAIGHT), retyped(align_corners=False)),
    (first("Upsample", CROSSED), retyped(recompute_scale_factor=True)),
    (first("Upsample", has(mode="nearest-exact")), retyped(mode="nearest")),
    (first("LocalResponseNorm", has(size=2)), retyped(size=3)),
    (first("LocalResponseNorm", has(size=3)), retyped(alpha=1.5)),
    (first("ChannelShuffle", lambda c: c.inputs[0].shape[1] == 6), retyped(groups=3)),
    (first("CosineSimilarity", has(eps=5.0)), retyped(eps=1e-8)),
    (first("PairwiseDistance"), retyped(eps=0.0)),
    (first("EmbeddingBag", has(mode="mean", padding_idx=2)), retyped(padding_idx=None)),
    (first("TransformerDecoderLayer"), retyped(layer_norm_eps=1e-6)),
]


@pytest.mark.parametrize(
    ("case", "build"), RETYPED, ids=lambda x: getattr(x, "name", "")
)
def test_a_wrong_argument_is_noticed(case: LayerCase, build: Build) -> None:
    assert_noticed(case, "output 0", build)


def substitute(cls: type, typed: bool = False) -> Build:
    def build(case: LayerCase, dtype: str) -> nnx.Module:
        return cls(**case.args, **({"dtype": jnp.dtype(dtype)} if typed else {}))

    return build


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

    def _dropped(self, dropout: nn.Dropout, x: jax.Array) -> jax.Array:
        return dropout(x)


class Mirrored(nn.Bilinear):
    """x2 is weighed by what belongs to x1."""

    def __call__(self, input1: jax.Array, input2: jax.Array) -> jax.Array:
        return super().__call__(input1, input2[..., ::-1])


REBUILT: list[tuple[LayerCase, str, Build]] = [
    (first("PixelShuffle"), "output 0", substitute(ColumnsFirst)),
    (first("Unfold"), "output 0", substitute(ElementsFirst)),
    (first("Fold"), "output 0", substitute(Averaged)),
    (first("Bilinear"), "output 0", substitute(Mirrored, typed=True)),
    (
        first("AdaptiveLogSoftmaxWithLoss"),
        "output 1",
        substitute(Unshared, typed=True),
    ),
    (
        first("TransformerDecoderLayer"),
        "output 0",
        substitute(MemoryFirst, typed=True),
    ),
    (
        first("TransformerDecoderLayer", has(dropout=0.3, batch_first=True)),
        "output 0",
        substitute(OutOfOrder, typed=True),
    ),
]


@pytest.mark.parametrize(
    ("case", "tensor", "build"), REBUILT, ids=lambda x: getattr(x, "name", "")
)
def test_a_wrong_detail_is_noticed(case: LayerCase, tensor: str, build: Build) -> None:
    assert_noticed(case, tensor, build)


def test_the_cubic_of_others_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of `jax.image` and of Pillow has a = -0.5."""
    case = first("Upsample", has(mode="bicubic", size=(7, 3)))
    with jax.enable_x64(True):
        assert all(m.passed for m in judge([case], "float64"))
        monkeypatch.setattr(upsampling, "CUBIC", -0.5)
        wrong = judge([case], "float64")
    assert not any(m.passed for m in wrong)


def test_a_derivative_that_is_no_copy_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = first("Upsample", has(mode="bicubic", scale_factor=1.1))
    with jax.enable_x64(True):
        assert all(m.passed for m in judge([case], "float64"))
        monkeypatch.setattr(upsampling, "with_slope", lambda x, value, slope: value)
        wrong = {m.tensor: m.passed for m in judge([case], "float64")}
    assert wrong == {"output 0": True, "d input 0": False}


def test_places_that_were_found_twice() -> None:
    """Each finder has the gradient, where that of a mere scatter goes to one."""
    x = np.random.default_rng(0).standard_normal((2, 3, 6)).astype(np.float32)
    pooled, places = nn.MaxPool1d(3, stride=1, return_indices=True)(x)
    assert np.unique(places[0, 0]).size < places[0, 0].size
    weights = np.random.default_rng(1).standard_normal((2, 3, 6)).astype(np.float32)
    leaf = torch.tensor(np.asarray(pooled), requires_grad=True)
    unpooled = torch.nn.MaxUnpool1d(3, stride=1)(leaf, torch.tensor(places).long())
    (unpooled * torch.tensor(weights)).sum().backward()

    def total(pooled: jax.Array, unpool: Any) -> jax.Array:
        return (unpool(pooled) * weights).sum()

    def scattered(pooled: jax.Array) -> jax.Array:
        n, c = jnp.arange(2)[:, None, None], jnp.arange(3)[:, None]
        return jnp.zeros_like(x).at[n, c, places].set(pooled)

    layer = nn.MaxUnpool1d(3, stride=1)
    np.testing.assert_array_equal(layer(pooled, places), unpooled.detach())
    found = jax.grad(total)(pooled, lambda pooled: layer(pooled, places))
    np.testing.assert_array_equal(found, leaf.grad)
    assert (jax.grad(total)(pooled, scattered) != found).any()


def test_all_layers_of_a_stack_begin_alike() -> None:
    """And those of a `Transformer` do not: it draws them anew."""
    layer = nn.TransformerEncoderLayer(4, 2, 8)
    copies = nn.TransformerEncoder(layer, 2).layers
    assert (copies[0].linear1.weight[...] == copies[1].linear1.weight[...]).all()
    copies[0].linear1.weight[...] = copies[0].linear1.weight[...] + 1
    assert (copies[1].linear1.weight[...] == layer.linear1.weight[...]).all()
    drawn = nn.Transformer(4, 2, 2, 1, 8).encoder.layers
    assert (drawn[0].linear1.weight[...] != drawn[1].linear1.weight[...]).any()


def test_all_classes_and_the_likeliest() -> None:
    torch.manual_seed(0)
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(8, 12, [2, 5, 9], 2.0)
    ours = nn.AdaptiveLogSoftmaxWithLoss(8, 12, [2, 5, 9], 2.0)
    nn.load_state_dict(ours, theirs.state_dict())
    x = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32)
    with torch.no_grad():
        expected, likeliest = (
            theirs.log_prob(torch.tensor(x)),
            theirs.predict(torch.tensor(x)),
        )
    # A few float32 roundings of numbers up to 8.
    np.testing.assert_allclose(ours.log_prob(x), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(ours.predict(x), likeliest)
    assert not np.isfinite(ours(x[:2], np.array([0, 12])).output[1])


def test_the_causal_mask_is_pytorchs() -> None:
    expected = torch.nn.Transformer.generate_square_subsequent_mask(4)
    found = nn.Transformer.generate_square_subsequent_mask(4)
    np.testing.assert_array_equal(found, expected, strict=True)
