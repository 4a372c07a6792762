"""Weights cross by file, both ways, without a map: every layer and every network."""

from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from flax import nnx

from jaxtrain import nn, rng
from jaxtrain.run.config import MODELS, Config, ModelConfig
from jaxtrain.run.recipe import build_model
from parity.proof.layers.cases import CASES, NAMES
from parity.proof.layers.judge import our_layer, torch_layer
from parity.pytorch.networks import make_model

FIRST = {name: next(case for case in CASES if case.name == name) for name in NAMES}
WITH_STATE = [name for name in NAMES if torch_layer(FIRST[name]).state_dict()]


def moved(layer: torch.nn.Module) -> Mapping[str, torch.Tensor]:
    """Its state, moved from the start: nothing is to cross by being equal."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for value in layer.state_dict().values():
            if value.is_floating_point():
                value.add_(torch.rand(value.shape, generator=generator))
            else:
                value.add_(3)
    return layer.state_dict()


def check(theirs: torch.nn.Module, ours: nnx.Module, fresh: torch.nn.Module) -> None:
    path, state = Path("weights.safetensors"), moved(theirs)
    safetensors.torch.save_file(dict(state), path)
    nn.load_state_dict(ours, safetensors.numpy.load_file(path))
    safetensors.numpy.save_file(nn.state_dict(ours), path)
    missing = fresh.load_state_dict(safetensors.torch.load_file(path), strict=True)
    assert not missing.missing_keys
    assert not missing.unexpected_keys
    back = fresh.state_dict()
    assert list(back) == list(state)
    for name, value in state.items():
        np.testing.assert_array_equal(back[name].numpy(), value.numpy(), name)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", WITH_STATE)
def test_a_layer_crosses(name: str) -> None:
    case = FIRST[name]
    check(torch_layer(case), our_layer(case, "float32"), torch_layer(case))


@pytest.mark.parametrize("name", MODELS)
def test_a_network_crosses(name: str) -> None:
    config = Config(model=ModelConfig(name))
    ours = build_model(config, rng.Generator(0))
    check(make_model(config), ours, make_model(config))


def test_float64_and_bfloat16_cross() -> None:
    for dtype in ("float64", "bfloat16"):
        with jax.enable_x64(dtype == "float64"):
            ours = nn.Linear(3, 2, generator=rng.Generator(1), dtype=dtype)
            state = nn.state_dict(ours)
        safetensors.numpy.save_file(state, "weights.safetensors")
        found = safetensors.torch.load_file("weights.safetensors")
        for key, value in state.items():
            assert found[key].dtype == getattr(torch, dtype)
            right = np.asarray(value, np.float64)
            np.testing.assert_array_equal(found[key].double().numpy(), right)


def test_a_file_of_another_network_is_refused() -> None:
    config = Config(model=ModelConfig("cnn"))
    state = dict(make_model(config).state_dict())
    del state["classifier.1.bias"]
    safetensors.torch.save_file(state, "weights.safetensors")
    ours = build_model(config, rng.Generator(0))
    with pytest.raises((KeyError, ValueError), match=r"classifier\.1\.bias"):
        nn.load_state_dict(ours, safetensors.numpy.load_file("weights.safetensors"))
