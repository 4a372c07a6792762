"""Layers that look for places, that stack, and that share out classes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from jaxtrain import nn


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
