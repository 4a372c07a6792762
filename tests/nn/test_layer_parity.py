"""Three training steps of every layer, against PyTorch's."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

torch = pytest.importorskip("torch")

from jaxtrain import nn
from parity.proof.layers import twins
from parity.proof.layers.cases import CASES, NAMES, LayerCase
from parity.proof.layers.judge import judge, our_layer, tensor
from parity.proof.report.table import failures


def cases_of(name: str) -> list[LayerCase]:
    return [case for case in CASES if case.name == name]


@pytest.mark.parametrize("name", NAMES)
def test_at_least_ten_argument_sets(name: str) -> None:
    assert len(cases_of(name)) >= 10


def test_every_layer_has_cases() -> None:
    """Those that draw numbers have tests of their own."""
    others = {"GivenMasks", "KeyMasks", "RReLU", "PackedSequence"}
    containers = {"ModuleDict", "ModuleList", "ParameterDict", "ParameterList"}
    classes = {name for name in nn.__all__ if name[0].isupper()}
    assert classes - others - containers - {"Sequential"} == set(NAMES)


LOSSES = {n for n in torch.nn.modules.__all__ if n.endswith("Loss")} - set(NAMES)
LAZY = {name for name in torch.nn.modules.__all__ if name.startswith("Lazy")}
BASES = {"Container", "Module", "RNNBase", "RNNCellBase"}
# Of several machines; wrong in PyTorch; of losses, of which they are no layers.
LEFT_OUT = {"SyncBatchNorm", "CrossMapLRN2d", "LinearCrossEntropyOptions", "NLLLoss2d"}


@pytest.mark.long
def test_every_layer_of_pytorch_is_here_or_left_out() -> None:
    """A newer PyTorch may have more; `docs/layers.md` says what is left out."""
    missing = set(torch.nn.modules.__all__) - set(nn.__all__)
    assert missing == LOSSES | LAZY | BASES | LEFT_OUT


FAR = np.array([-np.inf, -1e30, -100.0, -0.0, 0.0, 100.0, 1e30], np.float32)


@pytest.mark.parametrize("name", ["ELU", "SELU", "CELU", "Hardswish", "Softplus"])
def test_far_out_nothing_overflows(name: str) -> None:
    """To a few float32 roundings, and to what XLA flushes to zero."""
    leaf = torch.tensor(FAR, requires_grad=True)
    expected = getattr(torch.nn, name)()(leaf)
    expected.sum().backward()
    layer = getattr(nn, name)()
    found = layer(jnp.asarray(FAR))
    slopes = jax.grad(lambda x: layer(x).sum())(jnp.asarray(FAR))
    np.testing.assert_allclose(found, expected.detach(), rtol=1e-6, atol=1e-37)
    np.testing.assert_allclose(slopes, leaf.grad, rtol=1e-6, atol=1e-37)


@pytest.mark.parametrize("name", ["Mish", "GELU", "SiLU", "Tanh", "Sigmoid"])
def test_far_out_smooth_functions_are_straight(name: str) -> None:
    leaf = torch.tensor(FAR[1:], requires_grad=True)
    getattr(torch.nn, name)()(leaf).sum().backward()
    layer = getattr(nn, name)()
    slopes = jax.grad(lambda x: layer(x).sum())(jnp.asarray(FAR[1:]))
    np.testing.assert_allclose(slopes, leaf.grad, rtol=1e-6, atol=1e-30)


def test_the_layers_that_twins_break_are_whole() -> None:
    assert failures(judge([*twins.cases()], "float64")) == ""


# The same numbers in other surroundings.


def normed() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.GELU())


def test_nnx_jit_moves_running_statistics() -> None:
    plain, jitted = normed(), normed()
    nn.load_state_dict(jitted, nn.state_dict(plain))
    x = jax.random.normal(jax.random.key(0), (8, 4))
    expected = plain(x)
    found = nnx.jit(lambda model, x: model(x))(jitted, x)
    assert jnp.abs(found - expected).max() < 1e-6
    assert int(jitted[1].num_batches_tracked[...]) == 1
    moved = jitted[1].running_var[...]
    assert jnp.abs(moved - plain[1].running_var[...]).max() < 1e-6


def test_scan_moves_running_statistics() -> None:
    model = normed()
    graph, state = nnx.split(model)
    xs = jax.random.normal(jax.random.key(0), (3, 8, 4))

    def step(state: Any, x: jax.Array) -> tuple[Any, jax.Array]:
        copy = nnx.merge(graph, state, copy=True)
        y = copy(x)
        return nnx.state(copy), y

    last, ys = jax.jit(lambda s, xs: jax.lax.scan(step, s, xs))(state, xs)
    expected = [model(x) for x in xs]
    nnx.update(model, last)
    assert int(model[1].num_batches_tracked[...]) == 3
    assert jnp.abs(ys - jnp.stack(expected)).max() < 1e-6


def test_an_ensemble_by_vmap() -> None:
    models = [nn.LayerNorm(4) for _ in range(3)]
    for i, model in enumerate(models):
        model.weight[...] = model.weight[...] * (i + 1)
    graph, *_ = nnx.split(models[0])
    stacked = jax.tree.map(lambda *xs: jnp.stack(xs), *map(nnx.state, models))
    x = jax.random.normal(jax.random.key(0), (5, 4))
    found = jax.vmap(lambda state: nnx.merge(graph, state)(x))(stacked)
    for model, y in zip(models, found, strict=True):
        assert jnp.abs(model(x) - y).max() < 1e-6


def test_layers_mix_with_flax() -> None:
    class Mixed(nnx.Module):
        def __init__(self, rngs: nnx.Rngs):
            self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.BatchNorm1d(4)])
            self.head = nnx.Linear(4, 2, rngs=rngs)

        def __call__(self, x: jax.Array) -> jax.Array:
            for block in self.blocks:
                x = block(x)
            return self.head(x)

    model = Mixed(nnx.Rngs(0))
    optimiser_step = nnx.value_and_grad(lambda model, x: model(x).sum())
    _, grads = optimiser_step(model, jnp.arange(12.0).reshape(3, 4))
    assert set(nnx.to_flat_state(nnx.state(model, nnx.Param)).paths) == set(
        nnx.to_flat_state(grads).paths
    )
    model.eval()
    assert model.blocks[1].use_running_average
    model.train()
    assert not model.blocks[1].use_running_average


def test_evaluation_leaves_the_running_statistics() -> None:
    layer = nn.BatchNorm1d(3)
    layer.eval()
    before = nn.state_dict(layer)
    layer(jnp.ones((4, 3)))
    for name, value in nn.state_dict(layer).items():
        assert (value == before[name]).all()


HALF = [
    (nn.LayerNorm, (8,), (4, 8)),
    (nn.RMSNorm, (8,), (4, 8)),
    (nn.GroupNorm, (2, 8), (4, 8)),
    (nn.BatchNorm1d, (8,), (4, 8)),
    (nn.InstanceNorm1d, (4,), (4, 8)),
    (nn.Linear, (8, 3), (4, 8)),
    (nn.Conv1d, (4, 2, 3), (4, 8)),
]


@pytest.mark.parametrize(("cls", "arguments", "shape"), HALF, ids=str)
def test_bfloat16_stays_bfloat16(cls: Any, arguments: Any, shape: Any) -> None:
    takes_dtype = partial(cls, *arguments, dtype=jnp.bfloat16)
    x = jax.random.normal(jax.random.key(0), shape).astype(jnp.bfloat16)
    y = takes_dtype()(x)
    assert y.dtype == jnp.bfloat16
    assert jnp.isfinite(y.astype(jnp.float32)).all()


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("Identity", "Flatten")])
def test_numpy_float64_is_taken_as_float32(name: str) -> None:
    """Without a warning, which the settings would turn into an error."""
    case = cases_of(name)[0]
    layer = our_layer(case, "float32")
    outputs = layer(*case.arrange([tensor(given, 0) for given in case.inputs]))
    assert all(x.dtype.itemsize <= 4 for x in jax.tree.leaves(outputs))
