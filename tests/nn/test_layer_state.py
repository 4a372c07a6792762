"""Every layer begins as PyTorch's does, and their `state_dict`s cross both ways."""

import io
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

torch = pytest.importorskip("torch")

from jaxtrain import nn, rng
from parity.proof.layers.cases import CASES, NAMES, LayerCase
from parity.proof.layers.judge import our_layer, start_state, torch_layer

SEEDS = [0, 1, 2, 17, -1, 2**32 - 1, 2**63, 2**64 - 1, *range(100, 112)]


def kinds(name: str) -> list[LayerCase]:
    """One case of each argument set."""
    return list({c.arguments: c for c in CASES if c.name == name}.values())


WITH_STATE = [n for n in NAMES if any(torch_layer(c).state_dict() for c in kinds(n))]


def assert_same_state(ours: nnx.Module, theirs: "torch.nn.Module") -> None:
    expected = {name: value.numpy() for name, value in theirs.state_dict().items()}
    state = nn.state_dict(ours)
    assert list(state) == list(expected)
    for name, value in state.items():
        assert value.dtype.kind == expected[name].dtype.kind
        assert value.shape == expected[name].shape
        np.testing.assert_array_equal(value, expected[name])


@pytest.mark.parametrize("name", WITH_STATE)
def test_initial_values_are_pytorchs(name: str) -> None:
    """20 seeds over all argument sets of the layer, one after the other."""
    cases = kinds(name)
    for i, seed in enumerate(SEEDS):
        torch.manual_seed(seed)
        generator = rng.Generator(seed)
        for case in cases[i % 3 :: 3] or cases:
            theirs = torch_layer(case)
            assert_same_state(our_layer(case, "float32", generator), theirs)
        assert bytes(generator.get_state()) == bytes(torch.get_rng_state().numpy())


@pytest.mark.parametrize("name", WITH_STATE)
def test_float64_draws_its_own_values(name: str) -> None:
    case = kinds(name)[0]
    default = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        torch.manual_seed(3)
        theirs = torch_layer(case, "float64")
    finally:
        torch.set_default_dtype(default)
    with jax.enable_x64(True):
        assert_same_state(our_layer(case, "float64", rng.Generator(3)), theirs)


@pytest.mark.parametrize("name", NAMES)
def test_state_dicts_cross_both_ways(name: str) -> None:
    for case in kinds(name):
        ours, theirs = our_layer(case, "float32"), torch_layer(case)
        nn.load_state_dict(ours, start_state(case))
        plain = nn.state_dict(ours)
        theirs.load_state_dict({k: torch.tensor(v) for k, v in plain.items()})
        assert_same_state(ours, theirs)
        other = our_layer(case, "float32")
        nn.load_state_dict(other, theirs.state_dict())
        assert_same_state(other, theirs)


def test_a_state_dict_is_plain_numpy() -> None:
    layer = nn.BatchNorm2d(3)
    state = nn.state_dict(layer)
    assert all(type(value) is np.ndarray for value in state.values())
    assert state["num_batches_tracked"].dtype.kind == "i"
    file = io.BytesIO()
    np.savez(file, **state)
    file.seek(0)
    nn.load_state_dict(nn.BatchNorm2d(3), dict(np.load(file)))


def test_every_fault_is_named_at_once() -> None:
    layer = nn.BatchNorm2d(3)
    given = {"weight": np.ones(4), "running_mean": np.ones(3), "gamma": np.ones(3)}
    with pytest.raises(ValueError, match="cannot load") as caught:
        nn.load_state_dict(layer, given)
    for part in ("'bias'", "'num_batches_tracked'", "'gamma'", "(4,), not (3,)"):
        assert part in str(caught.value)


# Whole models, built layer by layer.


def lenet(nn: Any, **given: Any) -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2, **given),
        nn.Tanh(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, stride=2, **given),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 25, 84, **given),
        nn.PReLU(),
        nn.Linear(84, 10, **given),
    )


def decoder(nn: Any, **given: Any) -> Any:
    return nn.Sequential(
        nn.Embedding(11, 12, padding_idx=0, **given),
        nn.LayerNorm(12),
        nn.ConvTranspose1d(5, 8, 3, stride=2, **given),
        nn.GroupNorm(2, 8),
        nn.SiLU(),
        nn.Conv1d(8, 4, 3, groups=2, padding="same", padding_mode="circular", **given),
        nn.InstanceNorm1d(4, affine=True),
        nn.Linear(25, 3, bias=False, **given),
    )


def volume(nn: Any, **given: Any) -> Any:
    return nn.Sequential(
        nn.Conv3d(2, 4, 3, bias=False, **given),
        nn.BatchNorm3d(4, momentum=None),
        nn.ModuleList([nn.ELU(), nn.Linear(2, 2, **given)])[0],
        nn.ConvTranspose3d(4, 2, 2, stride=2, **given),
        nn.Flatten(),
        nn.RMSNorm(2 * 64),
        nn.Linear(128, 5, **given),
    )


MODELS = {
    lenet: ((4, 1, 28, 28), "float"),
    decoder: ((3, 5), "index"),
    volume: ((2, 2, 4, 4, 4), "float"),
}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("seed", [0, 5, -1])
def test_whole_models_begin_and_compute_as_pytorchs(model: Any, seed: int) -> None:
    torch.manual_seed(seed)
    theirs = model(torch.nn)
    ours = model(nn, generator=rng.Generator(seed))
    assert_same_state(ours, theirs)
    shape, kind = MODELS[model]
    draw = np.random.default_rng(0)
    x = draw.integers(0, 11, shape) if kind == "index" else draw.standard_normal(shape)
    x = x if kind == "index" else x.astype(np.float32)
    for mode in ("train", "eval"):
        getattr(ours, mode)(), getattr(theirs, mode)()
        expected = theirs(torch.tensor(x)).detach().numpy()
        # A hundred float32 roundings, of outputs of size 1.
        np.testing.assert_allclose(ours(jnp.asarray(x)), expected, rtol=0, atol=1e-5)
    found, right = nn.state_dict(ours), theirs.state_dict()
    for name, value in found.items():
        np.testing.assert_allclose(value, right[name], rtol=1e-5, atol=1e-6)


def test_drawing_in_another_order_is_noticed() -> None:
    torch.manual_seed(0)
    theirs = lenet(torch.nn)
    generator = rng.Generator(0)
    nn.Linear(84, 10, generator=generator)
    with pytest.raises(AssertionError):
        assert_same_state(lenet(nn, generator=generator), theirs)


def test_sequential_takes_names_and_slices_keep_them() -> None:
    layers = {"a": nn.Linear(2, 3), "b": nn.ReLU(), "c": nn.Linear(3, 1)}
    model = nn.Sequential(layers)
    assert list(nn.state_dict(model)) == ["a.weight", "a.bias", "c.weight", "c.bias"]
    assert list(nn.state_dict(model[1:])) == ["c.weight", "c.bias"]
    with pytest.raises(ValueError, match="'train'"):
        nn.Sequential({"train": nn.ReLU()})


def test_a_module_list_is_a_list() -> None:
    layers = nn.ModuleList([nn.Linear(1, 1)])
    layers.append(nn.ReLU()).extend([nn.Linear(1, 2)])
    assert len(layers) == 3
    assert isinstance(layers[-2], nn.ReLU)
    layers[1] = nn.Linear(2, 2)
    names = ["0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"]
    assert list(nn.state_dict(layers)) == names
    assert [layer.out_features for layer in layers[1:]] == [2, 2]
