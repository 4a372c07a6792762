"""Masks are drawn in the order of PyTorch's memory, where it is named or known."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

torch = pytest.importorskip("torch")

from jaxtrain import nn, rng
from jaxtrain.nn import functional as F
from jaxtrain.training.masks import mask_maker

Order = Any
BATCH, LENGTH, SIZE = 3, 5, 8
SEED = 11


class Chain(nnx.Module):
    """Ours: parts one after another, each given what the last one returned first."""

    def __init__(self, *parts: Any):
        self.parts = nn.ModuleList(p for p in parts if isinstance(p, nnx.Module))
        self.plan = tuple(None if isinstance(p, nnx.Module) else p for p in parts)

    def __call__(self, x: jax.Array) -> jax.Array:
        return run(self.parts, self.plan, x)


def run(parts: Any, plan: tuple[Any, ...], x: Any) -> Any:
    modules = iter(parts)
    for step in plan:
        x = next(modules)(x) if step is None else step(x)
        x = x[0] if isinstance(x, tuple) else x
    return x


class TorchChain(torch.nn.Module):
    def __init__(self, *parts: Any):
        super().__init__()
        modules = [p for p in parts if isinstance(p, torch.nn.Module)]
        self.parts = torch.nn.ModuleList(modules)
        self.plan = tuple(None if isinstance(p, torch.nn.Module) else p for p in parts)

    def forward(self, x: Any) -> Any:
        return run(self.parts, self.plan, x)


class Attend(nnx.Module):
    def __init__(self, layer: nn.MultiheadAttention):
        self.layer = layer

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.layer(x, x, x, need_weights=False)[0]


class TorchAttend(torch.nn.Module):
    def __init__(self, layer: Any):
        super().__init__()
        self.layer = layer

    def forward(self, x: Any) -> Any:
        return self.layer(x, x, x, need_weights=False)[0]


class Block(nnx.Module):
    """An encoder block of a vision transformer."""

    def __init__(self, order: Order):
        self.norm1, self.norm2 = nn.LayerNorm(SIZE), nn.LayerNorm(SIZE)
        self.attention = nn.MultiheadAttention(SIZE, 2, 0.2, batch_first=True)
        self.dropout = nn.Dropout(0.3, order=order)
        self.first, self.second = nn.Linear(SIZE, 16), nn.Linear(16, SIZE)
        self.inner, self.outer = nn.Dropout(0.3), nn.Dropout(0.3)

    def __call__(self, x: jax.Array) -> jax.Array:
        y = self.norm1(x)
        x = x + self.dropout(self.attention(y, y, y, need_weights=False)[0])
        y = self.inner(F.gelu(self.first(self.norm2(x))))
        return x + self.outer(self.second(y))


class TorchBlock(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = torch.nn
        self.norm1, self.norm2 = layer.LayerNorm(SIZE), layer.LayerNorm(SIZE)
        self.attention = layer.MultiheadAttention(SIZE, 2, 0.2, batch_first=True)
        self.dropout = layer.Dropout(0.3)
        self.first, self.second = layer.Linear(SIZE, 16), layer.Linear(16, SIZE)
        self.inner, self.outer = layer.Dropout(0.3), layer.Dropout(0.3)

    def forward(self, x: Any) -> Any:
        y = self.norm1(x)
        y, _ = self.attention(y, y, y, need_weights=False)
        x = x + self.dropout(y)
        y = self.inner(torch.nn.functional.gelu(self.first(self.norm2(x))))
        return x + self.outer(self.second(y))


def swap(x: Any) -> Any:
    return x.swapaxes(1, 2)


def channels_last(x: Any) -> Any:
    return x.to(memory_format=torch.channels_last)


SEQUENCE = (BATCH, LENGTH, SIZE)
CASES: list[tuple[str, tuple[int, ...], Order, Callable[..., Any], Any]] = [
    (
        "a transpose",
        (5, 7),
        (1, 0),
        lambda order: Chain(lambda x: x.T, nn.Dropout(order=order)),
        TorchChain(lambda x: x.T, torch.nn.Dropout()),
    ),
    (
        "a transpose, saturated",
        (5, 7),
        (1, 0),
        lambda order: Chain(lambda x: x.T, nn.AlphaDropout(order=order)),
        TorchChain(lambda x: x.T, torch.nn.AlphaDropout()),
    ),
    (
        "attention",
        SEQUENCE,
        (1, 0, 2),
        lambda order: Chain(
            Attend(nn.MultiheadAttention(SIZE, 2, 0.2, batch_first=True)),
            nn.Dropout(order=order),
        ),
        TorchChain(
            TorchAttend(torch.nn.MultiheadAttention(SIZE, 2, 0.2, batch_first=True)),
            torch.nn.Dropout(),
        ),
    ),
    *(
        (
            name,
            SEQUENCE,
            (1, 0, 2),
            lambda order, name=name: Chain(
                getattr(nn, name)(SIZE, 6, 2, batch_first=True, dropout=0.3),
                nn.Dropout(order=order),
            ),
            TorchChain(
                getattr(torch.nn, name)(SIZE, 6, 2, batch_first=True, dropout=0.3),
                torch.nn.Dropout(),
            ),
        )
        for name in ("LSTM", "GRU")
    ),
    (
        "a convolution and a transpose",
        (BATCH, SIZE, LENGTH),
        (0, 2, 1),
        lambda order: Chain(nn.Conv1d(SIZE, 4, 3), swap, nn.Dropout(order=order)),
        TorchChain(torch.nn.Conv1d(SIZE, 4, 3), swap, torch.nn.Dropout()),
    ),
    (
        "channels last",
        (2, 3, 6, 6),
        "channels_last",
        lambda order: Chain(nn.Conv2d(3, 4, 3), F.relu, nn.Dropout(order=order)),
        TorchChain(
            channels_last, torch.nn.Conv2d(3, 4, 3), torch.relu, torch.nn.Dropout()
        ),
    ),
    (
        "a block of a vision transformer",
        SEQUENCE,
        (1, 0, 2),
        lambda order: Block(order),
        TorchBlock(),
    ),
]
KNOWN: list[tuple[str, dict[str, Any]]] = [
    ("TransformerEncoderLayer", {}),
    ("TransformerEncoderLayer", {"norm_first": True}),
]


def both(ours: Any, theirs: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """What both make of one input in float32, from one state and one seed."""
    nn.load_state_dict(ours, theirs.state_dict())
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    torch.manual_seed(SEED)
    rng.manual_seed(SEED)
    expected = theirs.train()(torch.tensor(x)).detach().numpy()
    found = np.asarray(ours(jnp.asarray(x)))
    place = rng.default_generator.get_state()
    assert bytes(place) == bytes(torch.get_rng_state().numpy())
    return found, expected


def equal(found: Any, expected: Any) -> bool:
    # Masks are equal or they are not: a few hundred float32 roundings lie far between.
    return bool(np.allclose(found, expected, rtol=1e-5, atol=1e-5))


@pytest.mark.parametrize(("name", "shape", "order", "make", "theirs"), CASES)
def test_masks_are_pytorchs_where_the_order_is_named(
    name: str, shape: Any, order: Order, make: Any, theirs: Any
) -> None:
    assert equal(*both(make(order), theirs, shape)), name
    # In the order of the axes they are not.
    assert not equal(*both(make(None), theirs, shape)), name


@pytest.mark.parametrize(("name", "arguments"), KNOWN)
def test_transformers_know_the_order(
    name: str, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"dim_feedforward": 16, "dropout": 0.3, "batch_first": True, **arguments}
    ours = getattr(nn, name)(SIZE, 2, **sizes)
    theirs = getattr(torch.nn, name)(SIZE, 2, **sizes)
    assert equal(*both(ours, theirs, SEQUENCE))
    monkeypatch.setattr(type(ours), "_drop", lambda self, dropout, x: dropout(x))
    assert not equal(*both(ours, theirs, SEQUENCE))


FEATURES = ["dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]


def test_channels_are_dropped_in_the_order_of_the_axes() -> None:
    """PyTorch makes a mask of channels anew, whatever the memory: no order is asked."""
    for name in FEATURES:
        ndim = 3 if name == "dropout1d" else 4
        x = np.ones((6, 4, 2, 2)[:ndim], np.float32).swapaxes(0, 1)
        torch.manual_seed(SEED)
        rng.manual_seed(SEED)
        given = torch.tensor(np.ascontiguousarray(x.swapaxes(0, 1))).swapaxes(0, 1)
        assert not given.is_contiguous()
        expected = getattr(torch.nn.functional, name)(given, training=True)
        found = getattr(F, name)(jnp.asarray(x), training=True)
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-6)


def test_masks_that_are_handed_in_have_the_order_s_shape() -> None:
    """What `dropout_draws` says, `GivenMasks` hands out; the engine draws so, too."""
    layer, x = nn.Dropout(order=(1, 0)), jnp.ones((3, 5))
    assert nn.dropout_draws(layer, x) == [((5, 3), 0.5)]
    rng.manual_seed(SEED)
    expected = layer(x)
    mask = rng.Generator(SEED).bernoulli((5, 3), 0.5)

    @jax.jit
    def given(mask: jax.Array) -> jax.Array:
        with nn.dropout_source(nn.GivenMasks([mask])):
            return layer(x)

    np.testing.assert_array_equal(given(mask), expected)
    one = jax.ShapeDtypeStruct((5,), jnp.float32)
    draw = mask_maker("torch", layer, one, rng.Generator(SEED))
    np.testing.assert_array_equal(given(draw(0, (1, 3))[0][0]), expected)


def test_gradients_outside_of_compiled_functions_take_the_host_s_draws() -> None:
    rng.manual_seed(SEED)
    expected = F.dropout(jnp.ones(9))
    rng.manual_seed(SEED)
    found = jax.grad(lambda x: F.dropout(x).sum())(jnp.ones(9))
    np.testing.assert_array_equal(found, expected)


def test_an_order_that_names_no_axes_is_refused() -> None:
    for order in ((0, 0), (1, 2), "channels_last"):
        with pytest.raises(ValueError, match=r"order must name the 2 axes"):
            F.dropout(jnp.ones((2, 3)), order=order)
    with pytest.raises(ValueError, match=r"order must name the 2 axes.*\(0, 2\)"):
        nn.Dropout(order=(0, 2))
    assert nn.Dropout(order=[1, 0]).order == (1, 0)
