"""The networks by themselves: initial weights, shapes, and what they refuse."""

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jaxtrain import models, nn, rng
from jaxtrain.errors import ConfigError
from jaxtrain.run import by_name
from jaxtrain.run.config import MODELS, Config, LoopConfig, ModelConfig
from jaxtrain.run.recipe import build_model
from parity.pytorch import networks
from parity.pytorch.networks import make_model

SEEDS = 20


def test_every_network_is_in_both_frameworks() -> None:
    ours, theirs = by_name.MODEL, networks.MODEL
    assert list(ours.names) == list(theirs.names) == list(MODELS)
    found = [ours.find(name) for name in ours.names]
    assert found == [getattr(models, theirs.find(name).__name__) for name in MODELS]
    assert {kind.__name__ for kind in found} == set(models.__all__)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("name", MODELS)
def test_initial_weights_are_pytorchs_bit_for_bit(name: str, dropout: float) -> None:
    config = Config(model=ModelConfig(name, dropout=dropout))
    for seed in range(SEEDS if not dropout else 1):
        torch.manual_seed(seed)
        theirs = make_model(config).state_dict()
        generator = rng.Generator(seed)
        ours = nn.state_dict(build_model(config, generator))
        assert list(ours) == list(theirs)
        for key, tensor in theirs.items():
            np.testing.assert_array_equal(ours[key], tensor.numpy())
        # Nothing more was drawn, either.
        assert generator.uniform(1)[0] == torch.rand(1).item()


@pytest.mark.parametrize("name", MODELS)
def test_sixteen_bits_are_pytorchs_weights_rounded(name: str) -> None:
    config = Config(model=ModelConfig(name), loop=LoopConfig(dtype="bfloat16"))
    torch.manual_seed(0)
    theirs = make_model(config).to(torch.bfloat16).state_dict()
    ours = nn.state_dict(build_model(config, rng.Generator(0)))
    for key, tensor in theirs.items():
        right = tensor.double().numpy()
        np.testing.assert_array_equal(np.asarray(ours[key], np.float64), right)


@pytest.mark.parametrize("name", MODELS)
def test_another_seed_gives_other_weights(name: str) -> None:
    config = Config(model=ModelConfig(name))
    first, second = (
        nn.state_dict(build_model(config, rng.Generator(seed))) for seed in (0, 1)
    )
    drawn = [key for key in first if first[key].std() > 0]
    assert drawn
    assert all((first[key] != second[key]).any() for key in drawn)


@pytest.mark.parametrize("kind", [models.CNN, models.VisionTransformer])
def test_a_size_that_does_not_fit(kind: type) -> None:
    with pytest.raises(ValueError, match="size must be a multiple of 4, but got 30"):
        kind(size=30)
    assert kind(3, 8, 7)(jnp.zeros((2, 3, 8, 8))).shape == (2, 7)


def test_hidden_sizes_are_the_mlps() -> None:
    with pytest.raises(ConfigError, match="--hidden 16 is for --model mlp, not cnn"):
        ModelConfig("cnn", hidden=(16,))
