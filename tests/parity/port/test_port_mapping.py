"""The map of the weights: every layout rule by what the layers compute."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flax import nnx

torch = pytest.importorskip("torch")

from port_parts import flax_mlp, torch_mlp

from parity.port import MapError
from parity.port.mapping import weight_map
from parity.port.torch_run import TorchRun
from parity.port.units import jax_units, torch_units

R = nnx.Rngs(0)


def first(x: Any) -> Any:
    return x[0] if isinstance(x, tuple) else x


def transposed(n: int) -> tuple[Any, Any]:
    kind = getattr(torch.nn, f"ConvTranspose{n}d")
    sizes = (2, 3, 4)[:n]
    return kind(2, 3, sizes, stride=2), nnx.ConvTranspose(
        2, 3, sizes, strides=(2,) * n, padding="VALID", rngs=R
    )


def gradient_transposed() -> tuple[Any, Any]:
    return torch.nn.ConvTranspose2d(2, 3, (2, 3), stride=2), nnx.ConvTranspose(
        2, 3, (2, 3), (2, 2), padding="VALID", transpose_kernel=True, rngs=R
    )


def convolution(n: int) -> tuple[Any, Any]:
    kind = getattr(torch.nn, f"Conv{n}d")
    sizes = (3, 2, 1)[:n]
    return kind(2, 4, sizes, groups=2), nnx.Conv(
        2, 4, sizes, padding="VALID", feature_group_count=2, rngs=R
    )


def attention() -> tuple[Any, Any]:
    return torch.nn.MultiheadAttention(4, 2, batch_first=True), nnx.MultiHeadAttention(
        2, 4, decode=False, rngs=R
    )


LAYERS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "Linear": lambda: (torch.nn.Linear(3, 2), nnx.Linear(3, 2, rngs=R)),
    "Conv1d": lambda: convolution(1),
    "Conv2d": lambda: convolution(2),
    "Conv3d": lambda: convolution(3),
    "ConvTranspose1d": lambda: transposed(1),
    "ConvTranspose2d": lambda: transposed(2),
    "ConvTranspose3d": lambda: transposed(3),
    "ConvTranspose2d as a gradient": gradient_transposed,
    "Embedding": lambda: (torch.nn.Embedding(5, 3), nnx.Embed(5, 3, rngs=R)),
    "LayerNorm": lambda: (
        torch.nn.LayerNorm(3),
        nnx.LayerNorm(3, epsilon=1e-5, rngs=R),
    ),
    "GroupNorm": lambda: (
        torch.nn.GroupNorm(2, 4),
        nnx.GroupNorm(4, num_groups=2, epsilon=1e-5, rngs=R),
    ),
    "BatchNorm2d": lambda: (
        torch.nn.BatchNorm2d(3).eval(),
        nnx.BatchNorm(3, use_running_average=True, rngs=R),
    ),
    "MultiheadAttention": attention,
}


def inputs(name: str) -> np.ndarray:
    d = np.random.default_rng(0)
    if name == "Embedding":
        return d.integers(0, 5, (2, 4))
    if name in ("Linear", "LayerNorm"):
        return d.normal(size=(2, 3))
    if name == "MultiheadAttention":
        return d.normal(size=(2, 5, 4))
    channels = {"GroupNorm": 4, "BatchNorm2d": 3}.get(name, 2)
    n = int(name[-2]) if name[-1] == "d" else 2
    return d.normal(size=(2, channels, *(5, 6, 4)[:n]))


def filled(model: Any, port: nnx.Module) -> None:
    """Give the port PyTorch's weights, after moving them away from zeros and ones."""
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(0.2 * torch.rand_like(tensor))
    tensors = {n: t.numpy() for n, t in model.state_dict().items()}
    values = weight_map(model, port).to_jax(tensors)
    state = nnx.state(port)
    for path, variable in nnx.to_flat_state(state):
        value = values.get(".".join(map(str, path)))
        if value is not None:
            variable[...] = np.array(value)
    nnx.update(port, state)


@pytest.mark.parametrize("name", LAYERS)
def test_a_mapped_layer_computes_the_same(name: str) -> None:
    torch.manual_seed(0)
    model, port = LAYERS[name]()
    filled(model, port)
    x = inputs(name)
    given = (
        torch.tensor(x) if x.dtype.kind == "i" else torch.tensor(x, dtype=torch.float32)
    )
    theirs = first(model(given, given, given) if "head" in name else model(given))
    last = x.ndim > 2 and name not in ("Embedding", "MultiheadAttention")
    moved = np.moveaxis(x, 1, -1) if last else x
    ours = np.asarray(port(moved.astype(np.float32) if x.dtype.kind == "f" else moved))
    ours = np.moveaxis(ours, -1, 1) if last else ours
    # float32 sums of a few dozen terms.
    np.testing.assert_allclose(ours, theirs.detach(), rtol=0, atol=5e-6)


@pytest.mark.parametrize("name", ["Linear", "Conv2d", "ConvTranspose2d"])
def test_a_mapped_layer_that_is_not_turned_would_show(name: str) -> None:
    """The broken twin: square kernels, taken as they are."""
    torch.manual_seed(0)
    model, port = LAYERS[name]()
    filled(model, port)
    port.kernel[...] = port.kernel[...][::-1]
    x = inputs(name)
    theirs = model(torch.tensor(x, dtype=torch.float32)).detach().numpy()
    ours = np.asarray(port(np.moveaxis(x, 1, -1).astype(np.float32)))
    ours = np.moveaxis(ours, -1, 1) if x.ndim > 2 else ours
    assert np.abs(ours - theirs).max() > 1e-2


def test_leftovers_of_both_sides_are_listed() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    port = nnx.Sequential(
        nnx.Linear(3, 2, use_bias=False, rngs=R), nnx.Linear(2, 2, rngs=R)
    )
    with pytest.raises(MapError) as caught:
        weight_map(model, port)
    assert caught.value.torch_left == {
        "0.bias": (2,), "1.weight": (2,), "1.bias": (2,),
    }  # fmt: skip
    assert caught.value.jax_left == {"layers.1.kernel": (2, 2), "layers.1.bias": (2,)}
    for name in caught.value.torch_left | caught.value.jax_left:
        assert name in str(caught.value)


def test_layers_are_paired_in_order_where_names_differ() -> None:
    layers = weight_map(torch_mlp(), flax_mlp()).layers
    assert ("0", "layers.0") in layers
    assert ("2", "layers.2") in layers


def test_a_name_in_the_map_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no '0.wight'; did you mean '0.weight'"):
        weight_map(torch_mlp(), flax_mlp(), {"0.wight": "layers.0.kernel"})
    with pytest.raises(ValueError, match=r"did you mean 'layers\.0\.kernel'"):
        weight_map(torch_mlp(), flax_mlp(), {"0.weight": "layers.0.kernl"})


def test_a_place_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(4, 5\) does not fit"):
        weight_map(torch_mlp(), flax_mlp(), {"0.weight": "layers.2.kernel"})


def test_none_leaves_a_tensor_out_on_purpose() -> None:
    port = flax_mlp(use_bias=False)
    assert len(weight_map(torch_mlp(), port, {"2.bias": None}).leaves) == 3


def test_tied_weights_count_once() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    model[1].weight = model[0].weight
    assert [list(u.shapes) for u in torch_units(model)] == [
        ["weight", "bias"],
        ["bias"],
    ]


def test_random_state_is_no_parameter() -> None:
    port = nnx.Sequential(nnx.Linear(2, 2, rngs=R), nnx.Dropout(0.5, rngs=R))
    assert [u.path for u in jax_units(port)] == ["layers.0"]


def test_replaying_a_step_gives_the_step() -> None:
    """What the doctor compares with is what was compared."""
    from port_parts import mlp, vectors

    case = mlp(lambda ps: torch.optim.SGD(ps, lr=0.1), __import__("optax").sgd(0.1))
    run = TorchRun(case.torch, "float64")
    step = run.step(vectors()[0])
    again = run.replay(step, vectors()[0])
    assert again.loss == step.loss
    for name, grad in step.gradients.items():
        np.testing.assert_array_equal(again.gradients[name], grad)
