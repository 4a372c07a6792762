"""Training handed over in mid-run, both ways, goes on as if nothing had happened."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxtrain import optim
from jaxtrain.optim import from_torch_state_dict, param_groups, to_torch_state_dict

torch = pytest.importorskip("torch")

from parity.pytorch.names import torch_gradient, torch_optimizer

STEPS, HANDOVER = 60, 25
ORDER = ["weight", "bias"]
SHAPES = {"weight": (3, 4), "bias": (3,)}
MATRICES = {"weight": (3, 4), "bias": (3, 1)}
"""For Muon."""
BOUND = 1e-10
"""Relative to the displacement; rounding gives 1e-14, a lost tensor more than 1e-4."""

CASES: list[tuple[str, dict[str, Any]]] = [
    ("sgd", {}),
    ("sgd", {"lr": 0.01, "momentum": 0.9, "dampening": 0.5}),
    ("adam", {"amsgrad": True, "weight_decay": 0.1}),
    ("adamw", {"lr": 0.01}),
    ("adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.2}),
    ("adadelta", {"lr": 0.5}),
    ("rmsprop", {"momentum": 0.9, "centered": True}),
    ("adamax", {}),
    ("nadam", {}),
    ("radam", {}),
    ("asgd", {"lr": 0.1, "t0": 10.0, "lambd": 0.01}),
    ("rprop", {}),
    ("adafactor", {"lr": 0.1, "weight_decay": 0.01}),
    ("muon", {"lr": 0.1}),
    ("sparse_adam", {"lr": 0.1}),
]


@pytest.fixture(autouse=True)
def float64() -> Any:
    # PyTorch keeps some scalars of the state in the default type.
    torch.set_default_dtype(torch.float64)
    with jax.enable_x64(True):
        yield
    torch.set_default_dtype(torch.float32)


def shapes(name: str) -> dict[str, tuple[int, ...]]:
    return MATRICES if name == "muon" else SHAPES


def ones(name: str) -> dict[str, np.ndarray]:
    return {key: np.ones(shape) for key, shape in shapes(name).items()}


def gradients(name: str = "") -> list[dict[str, np.ndarray]]:
    generator = np.random.default_rng(0)
    return [
        {key: generator.standard_normal(shape) for key, shape in shapes(name).items()}
        for _ in range(STEPS)
    ]


class Torch:
    """PyTorch's side of a run."""

    def __init__(self, name: str, arguments: dict[str, Any], start: dict | None = None):
        start = start or ones(name)
        self.name = name
        self.tensors = {k: torch.nn.Parameter(torch.tensor(start[k])) for k in ORDER}
        self.optimizer = torch_optimizer(name)(list(self.tensors.values()), **arguments)

    def run(self, grads: list[dict[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
        seen = []
        for grad in grads:
            for key, p in self.tensors.items():
                p.grad = torch_gradient(self.name, torch.tensor(grad[key]))
            self.optimizer.step()
            seen.append(self.params())
        return seen

    def params(self) -> dict[str, np.ndarray]:
        return {k: p.detach().numpy().copy() for k, p in self.tensors.items()}


def our_run(
    tx: optax.GradientTransformationExtraArgs, params: dict, state: Any, grads: list
) -> tuple[list[dict[str, np.ndarray]], Any]:
    seen, update = [], jax.jit(tx.update)
    params = {key: jnp.asarray(value) for key, value in params.items()}
    for grad in grads:
        updates, state = update(grad, state, params)
        params = optax.apply_updates(params, updates)
        seen.append({key: np.asarray(value) for key, value in params.items()})
    return seen, state


def apart(ours: list[dict], theirs: list[dict]) -> float:
    return max(
        np.abs(a[key] - b[key]).max() / np.abs(b[key] - 1).max()
        for a, b in zip(ours, theirs, strict=True)
        for key in ORDER
    )


def as_tensors(state_dict: dict[str, Any]) -> dict[str, Any]:
    state = {
        number: {key: torch.as_tensor(value) for key, value in entry.items()}
        for number, entry in state_dict["state"].items()
    }
    return {**state_dict, "state": state}


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=str)
def test_from_pytorch_to_jax(name: str, arguments: dict[str, Any]) -> None:
    grads = gradients(name)
    whole = Torch(name, arguments).run(grads)
    first = Torch(name, arguments)
    first.run(grads[:HANDOVER])
    tx = getattr(optim, name)(**arguments)
    state = from_torch_state_dict(
        first.optimizer.state_dict(), tx, first.params(), ORDER
    )
    ours, _ = our_run(tx, first.params(), state, grads[HANDOVER:])
    assert apart(ours, whole[HANDOVER:]) <= BOUND
    if name != "sgd" or arguments:
        forgotten, _ = our_run(
            tx, first.params(), tx.init(first.params()), grads[HANDOVER:]
        )
        assert apart(forgotten, whole[HANDOVER:]) > BOUND


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=str)
def test_from_jax_to_pytorch(name: str, arguments: dict[str, Any]) -> None:
    grads = gradients(name)
    whole = Torch(name, arguments).run(grads)
    factory = getattr(optim, name)
    tx = factory(**arguments)
    start = ones(name)
    points, state = our_run(tx, start, tx.init(start), grads[:HANDOVER])
    given = to_torch_state_dict(factory, state, ORDER, **arguments)
    second = Torch(name, arguments, points[-1])
    second.optimizer.load_state_dict(as_tensors(given))
    assert apart(second.run(grads[HANDOVER:]), whole[HANDOVER:]) <= BOUND


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=str)
@pytest.mark.parametrize("steps", [0, 3])
def test_the_dictionary_is_pytorch_s(
    name: str, arguments: dict[str, Any], steps: int
) -> None:
    grads = gradients(name)[:steps]
    theirs = Torch(name, arguments)
    theirs.run(grads)
    expected = theirs.optimizer.state_dict()
    factory = getattr(optim, name)
    tx = factory(**arguments)
    start = ones(name)
    _, state = our_run(tx, start, tx.init(start), grads)
    given = to_torch_state_dict(factory, state, ORDER, **arguments)
    assert given.keys() == expected.keys()
    assert given["param_groups"] == expected["param_groups"]
    assert given["state"].keys() == expected["state"].keys()
    for number, entry in expected["state"].items():
        assert given["state"][number].keys() == entry.keys()
        for key, tensor in entry.items():
            value = given["state"][number][key]
            assert np.shape(value) == np.shape(tensor), key
            # Either side may cancel: one part in 1e12 of a number of about 1.
            np.testing.assert_allclose(
                value, np.asarray(tensor), rtol=1e-12, atol=1e-12
            )


def test_groups_cross_both_ways() -> None:
    groups = [
        {"params": lambda name: name == "bias", "lr": 0.05},
        {"params": lambda name: name == "weight", "weight_decay": 0.1},
    ]
    tx = param_groups(optim.adam, groups, lr=0.01)
    start = {key: jnp.ones(shape) for key, shape in SHAPES.items()}
    points, state = our_run(tx, start, tx.init(start), gradients()[:3])
    given = to_torch_state_dict(optim.adam, state, ORDER, groups, lr=0.01)
    assert [group["params"] for group in given["param_groups"]] == [[0], [1]]
    assert [group["lr"] for group in given["param_groups"]] == [0.05, 0.01]
    assert given["state"][0]["exp_avg"].shape == SHAPES["bias"]
    again = from_torch_state_dict(given, tx, points[-1], ORDER, groups)
    for ours, theirs in zip(
        jax.tree.leaves(again), jax.tree.leaves(state), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_a_dictionary_that_does_not_fit_is_refused_with_all_its_faults() -> None:
    first = Torch("adam", {})
    first.run(gradients()[:2])
    broken = first.optimizer.state_dict()
    del broken["state"][0]["exp_avg"]
    broken["state"][1]["exp_avg_sq"] = torch.ones(4)
    broken["state"][1]["momentum_buffer"] = torch.ones(3)
    tx = optim.adam()
    with pytest.raises(ValueError, match="cannot load") as caught:
        from_torch_state_dict(broken, tx, first.params(), ORDER)
    for part in (
        "weight: missing 'exp_avg'",
        "bias: 'exp_avg_sq' is (4,), not (3,)",
        "bias: unexpected 'momentum_buffer'",
    ):
        assert part in str(caught.value)


# Tensors of 16 bits.


def bits(array: Any) -> np.ndarray:
    return np.asarray(array).view(np.uint16)


def torch_bits(tensor: Any) -> np.ndarray:
    return tensor.detach().view(torch.int16).numpy().view(np.uint16)


def torch_in_bfloat16(kind: str, **arguments: Any) -> Any:
    """PyTorch's optimiser of two bfloat16 parameters after three steps."""
    generator = torch.Generator().manual_seed(0)
    tensors = [
        torch.nn.Parameter(torch.randn(SHAPES[key], generator=generator).bfloat16())
        for key in ORDER
    ]
    optimizer = getattr(torch.optim, kind)(tensors, **arguments)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = sum((p**2).sum() for p in tensors)
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    return optimizer


def params_in_bfloat16() -> dict[str, jax.Array]:
    return {key: jnp.ones(shape, jnp.bfloat16) for key, shape in SHAPES.items()}


def test_bfloat16_arrives_bit_for_bit() -> None:
    saved = torch_in_bfloat16("Adam").state_dict()
    state = from_torch_state_dict(saved, optim.adam(), params_in_bfloat16(), ORDER)
    for number, key in enumerate(ORDER):
        for name in ("exp_avg", "exp_avg_sq"):
            ours, theirs = getattr(state, name)[key], saved["state"][number][name]
            assert ours.dtype == jnp.bfloat16
            np.testing.assert_array_equal(bits(ours), torch_bits(theirs))
            assert len(set(torch_bits(theirs).ravel())) > 1, "one number says little"
    assert int(state.count) == 3


def test_lbfgs_s_bfloat16_arrives_bit_for_bit() -> None:
    saved = torch_in_bfloat16("LBFGS", lr=0.1, max_iter=2).state_dict()
    tx, entry = optim.lbfgs(), saved["state"][0]
    state = from_torch_state_dict(saved, tx, params_in_bfloat16(), ORDER)

    def flat(tree: Any) -> np.ndarray:
        return np.concatenate([bits(tree[key]).ravel() for key in ORDER])

    np.testing.assert_array_equal(flat(state.d), torch_bits(entry["d"]))
    newest = len(entry["old_stps"]) - 1
    row = jax.tree.map(lambda ring: ring[newest], state.memory.old_stps)
    np.testing.assert_array_equal(flat(row), torch_bits(entry["old_stps"][newest]))


# What is refused.


def refusal(
    saved: Any, tx: optax.GradientTransformationExtraArgs, order: list[str]
) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        from_torch_state_dict(saved, tx, ones(""), order)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (["weight"], "lacks 'bias'"),
        (["weight", "bais"], "lacks 'bias'; it names 'bais', which is no parameter"),
        (["weight", "bias", "weight"], "names 'weight' more than once"),
    ],
)
@pytest.mark.parametrize("name", ["adam", "lbfgs"])
def test_an_order_that_is_not_the_parameters_is_refused(
    name: str, order: list[str], words: str
) -> None:
    factory = getattr(optim, name)
    tx, empty = factory(), {"state": {}, "param_groups": []}
    assert words in refusal(empty, tx, order)
    state = tx.init({key: jnp.asarray(value) for key, value in ones("").items()})
    with pytest.raises(ValueError, match=words):
        to_torch_state_dict(factory, state, order)


def test_another_optimiser_s_state_is_refused_by_lbfgs() -> None:
    other = Torch("sgd", {"momentum": 0.9})
    other.run(gradients()[:1])
    said = refusal(other.optimizer.state_dict(), optim.lbfgs(), ORDER)
    for part in ("entries [0, 1]", "missing 'func_evals'", "'momentum_buffer'"):
        assert part in said


def test_lbfgs_s_state_is_refused_by_another_optimiser() -> None:
    optimizer = torch.optim.LBFGS(list(Torch("sgd", {}).tensors.values()))
    p, *_ = optimizer.param_groups[0]["params"]

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p**4).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    said = refusal(optimizer.state_dict(), optim.adam(), ORDER)
    assert "missing 'exp_avg'" in said
    assert "unexpected 'old_dirs'" in said


def test_a_dictionary_of_something_else_is_refused() -> None:
    said = refusal({"weight": torch.ones(3)}, optim.adam(), ORDER)
    assert "'state' and 'param_groups', not ['weight']" in said
