"""`state_dict` lists names in PyTorch's order, whatever Flax has done to the module."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

torch = pytest.importorskip("torch")

from jaxtrain import nn
from jaxtrain.nn.module import named_variables


class Ours(nnx.Module):
    """A user's model: names out of alphabetical order, a parameter after a module."""

    def __init__(self) -> None:
        self.stem = nn.Conv1d(2, 4, 3)
        self.scale = nnx.Param(jnp.ones(1))
        self.norm = nn.BatchNorm1d(4)
        self.blocks = nn.ModuleList(nn.Linear(4, 4) for _ in range(11))
        self.attend = nn.MultiheadAttention(4, 2, add_bias_kv=True)
        self.listed = nnx.List(nn.Linear(1, 1) for _ in range(11))
        self.absolute = nnx.Param(jnp.ones(1))


class Theirs(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = torch.nn.Conv1d(2, 4, 3)
        self.scale = torch.nn.Parameter(torch.ones(1))
        self.norm = torch.nn.BatchNorm1d(4)
        self.blocks = torch.nn.ModuleList(torch.nn.Linear(4, 4) for _ in range(11))
        self.attend = torch.nn.MultiheadAttention(4, 2, add_bias_kv=True)
        self.listed = torch.nn.ModuleList(torch.nn.Linear(1, 1) for _ in range(11))
        self.absolute = torch.nn.Parameter(torch.ones(1))


def sequential(nn: Any) -> Any:
    layers = [nn.Linear(2, 2) for _ in range(11)]
    return nn.Sequential(*layers, nn.BatchNorm1d(2), nn.PReLU())


PAIRS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "Sequential": (lambda: sequential(nn), lambda: sequential(torch.nn)),
    "BatchNorm": (lambda: nn.BatchNorm2d(3), lambda: torch.nn.BatchNorm2d(3)),
    "TransformerEncoderLayer": (
        lambda: nn.TransformerEncoderLayer(4, 2, 8),
        lambda: torch.nn.TransformerEncoderLayer(4, 2, 8),
    ),
    "LSTM": (
        lambda: nn.LSTM(2, 3, 2, bidirectional=True, proj_size=1),
        lambda: torch.nn.LSTM(2, 3, 2, bidirectional=True, proj_size=1),
    ),
    "a user's model": (Ours, Theirs),
}


def remade(module: nnx.Module) -> dict[str, nnx.Module]:
    """The module put together anew in the ways that Flax has."""
    graph, state = nnx.split(module)
    leaves, tree = jax.tree.flatten(module)
    return {
        "clone": nnx.clone(module),
        "merge": nnx.merge(graph, state),
        "twice": nnx.clone(nnx.clone(module)),
        "unflattened": jax.tree.unflatten(tree, leaves),
    }


@pytest.mark.parametrize("name", PAIRS)
def test_names_are_in_pytorchs_order(name: str) -> None:
    ours, theirs = (make() for make in PAIRS[name])
    expected = list(theirs.state_dict())
    assert list(nn.state_dict(ours)) == expected
    for how, module in remade(ours).items():
        assert list(nn.state_dict(module)) == expected, how


@pytest.mark.parametrize("name", PAIRS)
def test_the_order_outlasts_a_compiled_function(name: str) -> None:
    ours, theirs = (make() for make in PAIRS[name])
    seen = []

    def changed(module: Any) -> Any:
        seen.append(list(named_variables(module)))
        return module

    graph, state = nnx.split(ours)
    jax.jit(lambda state: nnx.state(changed(nnx.merge(graph, state))))(state)
    returned = nnx.jit(changed)(ours)
    passed = jax.jit(changed)(ours)
    expected = list(theirs.state_dict())
    assert seen == [expected] * 3
    assert list(nn.state_dict(returned)) == expected
    assert list(nn.state_dict(passed)) == expected


def test_what_flax_sorts_would_be_noticed() -> None:
    ours = nnx.clone(nn.BatchNorm2d(3))
    assert list(vars(ours)) == sorted(vars(ours))
    by_name = [".".join(path) for path, _ in nnx.to_flat_state(nnx.state(ours))]
    assert by_name != list(torch.nn.BatchNorm2d(3).state_dict())
