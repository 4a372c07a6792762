"""Lists and dictionaries of modules and parameters are PyTorch's."""

from collections import OrderedDict
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

torch = pytest.importorskip("torch")

from jaxtrain import nn


def arrays(make: Any) -> dict[str, Any]:
    return {"right": make((2,)), "left": make((3, 1)), "a": make(())}


def test_a_parameter_list_is_pytorchs() -> None:
    theirs = torch.nn.ParameterList([torch.ones(2), torch.ones(3)])
    ours = nn.ParameterList([jnp.ones(2), np.ones(3, np.float32)])
    assert ours.append(jnp.ones(1)) is ours
    ours.extend(jnp.ones(4) for _ in range(8))
    theirs.append(torch.ones(1))
    theirs.extend(torch.ones(4) for _ in range(8))
    for module in (ours, nnx.clone(ours)):
        assert list(nn.state_dict(module)) == list(theirs.state_dict())
    assert all(isinstance(parameter, nnx.Param) for parameter in ours)
    assert [p.shape for p in ours[1:3]] == [tuple(p.shape) for p in theirs[1:3]]
    ours[0] = jnp.zeros(5)
    assert nn.state_dict(ours)["0"].shape == (5,)
    assert len(ours) == len(theirs) == 11


def test_a_parameter_dict_is_pytorchs() -> None:
    ours = nn.ParameterDict(arrays(jnp.ones))
    theirs = torch.nn.ParameterDict(arrays(torch.ones))
    for module in (ours, nnx.clone(ours)):
        assert list(nn.state_dict(module)) == list(theirs.state_dict())
        assert list(module) == list(theirs) == list(module.keys())
    pairs = list(arrays(jnp.ones).items())
    for make in (list, OrderedDict):
        kept = torch.nn.ParameterDict(make((k, torch.ones(1)) for k, _ in pairs))
        assert list(nn.ParameterDict(make(pairs))) == list(kept)
    ours.update({"new": jnp.zeros(1), "a": jnp.zeros(4)})
    theirs.update({"new": torch.zeros(1), "a": torch.zeros(4)})
    assert list(nn.state_dict(ours)) == list(theirs.state_dict())
    assert ours.pop("right").shape == tuple(theirs.pop("right").shape)
    assert "right" not in ours
    assert [key for key, _ in ours.items()] == [key for key, _ in theirs.items()]
    assert list(nn.state_dict(ours)) == list(theirs.state_dict())


def test_a_module_dict_is_pytorchs() -> None:
    ours = nn.ModuleDict({"z": nn.Linear(2, 3), "b": nn.ReLU()})
    theirs = torch.nn.ModuleDict({"z": torch.nn.Linear(2, 3), "b": torch.nn.ReLU()})
    ours["a"] = nn.Linear(3, 1)
    theirs["a"] = torch.nn.Linear(3, 1)
    nn.load_state_dict(ours, theirs.state_dict())
    x = np.random.default_rng(0).standard_normal((4, 2)).astype(np.float32)
    y, expected = jnp.asarray(x), torch.tensor(x)
    for key in ("z", "b", "a"):
        y, expected = ours[key](y), theirs[key](expected)
    np.testing.assert_allclose(y, expected.detach(), rtol=1e-6)
    assert list(nn.state_dict(ours)) == list(theirs.state_dict())
    assert len(ours) == len(theirs) == 3
    assert [type(module).__name__ for module in ours.values()] == [
        type(module).__name__ for module in theirs.values()
    ]
    del ours["z"]
    assert list(ours) == ["b", "a"]
    ours.clear()
    assert not nn.state_dict(ours)


def test_gradients_reach_what_containers_hold() -> None:
    class Model(nnx.Module):
        def __init__(self) -> None:
            self.scales = nn.ParameterList([jnp.ones(()), jnp.ones(())])
            self.shifts = nn.ParameterDict({"last": jnp.zeros(())})

        def __call__(self, x: jax.Array) -> jax.Array:
            for scale in self.scales:
                x = x * scale[...]
            return x + self.shifts["last"][...]

    grads = nnx.grad(lambda model: model(jnp.array(3.0)))(Model())
    found = {".".join(map(str, path)): v[...] for path, v in nnx.to_flat_state(grads)}
    assert found == {"scales.0": 3.0, "scales.1": 3.0, "shifts.last": 1.0}


def test_names_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="'keys'"):
        nn.ParameterDict({"keys": jnp.ones(1)})
    with pytest.raises(KeyError, match="missing"):
        nn.ModuleDict()["missing"]
    with pytest.raises(KeyError, match="names"):
        nn.ModuleDict()["names"]
    with pytest.raises(TypeError, match="by name"):
        nn.ModuleDict().append(nn.ReLU())
    with pytest.raises(TypeError, match="by name"):
        nn.ParameterDict().append(jnp.ones(1))
