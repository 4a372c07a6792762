"""Groups of parameters against PyTorch's list of dictionaries."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxtrain import models, nn, optim
from jaxtrain.optim import carry_over, param_groups
from jaxtrain.rng import Generator

torch = pytest.importorskip("torch")

STEPS = 30
NAMES = ("a.weight", "a.bias", "b.weight", "b.bias")
BOUND = 1e-13
"""Thirty steps of some ten float64 roundings, relative to the displacement."""


def ending(*ends: str) -> Callable[[str], bool]:
    return lambda name: name.endswith(ends)


def gradients() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {name: generator.standard_normal((STEPS, 3)) for name in NAMES}


def torch_run(
    kind: str,
    groups: list[dict[str, Any]],
    added: dict[str, Any] | None,
    **defaults: Any,
) -> dict[str, np.ndarray]:
    """Displacements after every step; a group is added in the middle."""
    tensors = {
        name: torch.nn.Parameter(torch.ones(3, dtype=torch.float64)) for name in NAMES
    }

    def given(group: Mapping[str, Any]) -> dict[str, Any]:
        chosen = [p for name, p in tensors.items() if group["params"](name)]
        return {**group, "params": chosen}

    live = [given(group) for group in groups if not group.get("frozen")]
    optimizer = getattr(torch.optim, kind)(live, **defaults)
    grads, seen = gradients(), {name: [] for name in NAMES}
    for step in range(STEPS):
        if added is not None and step == STEPS // 2:
            optimizer.add_param_group(given(added))
        for name, p in tensors.items():
            p.grad = torch.tensor(grads[name][step])
        optimizer.step()
        for name, p in tensors.items():
            seen[name].append(p.detach().numpy() - 1)
    return {name: np.array(points) for name, points in seen.items()}


def tree_of(flat: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    tree: dict[str, dict[str, Any]] = {}
    for name, value in flat.items():
        outer, inner = name.split(".")
        tree.setdefault(outer, {})[inner] = value
    return tree


def our_run(
    tx: optax.GradientTransformationExtraArgs,
    grown: optax.GradientTransformationExtraArgs | None = None,
) -> dict[str, np.ndarray]:
    with jax.enable_x64(True):
        params = tree_of({name: jnp.ones(3) for name in NAMES})
        state, grads = tx.init(params), gradients()
        update, seen = jax.jit(tx.update), {name: [] for name in NAMES}
        for step in range(STEPS):
            if grown is not None and step == STEPS // 2:
                state = carry_over(state, grown, params)
                update = jax.jit(grown.update)
            here = tree_of({name: jnp.asarray(grads[name][step]) for name in NAMES})
            updates, state = update(here, state, params)
            params = optax.apply_updates(params, updates)
            for name in NAMES:
                outer, inner = name.split(".")
                seen[name].append(np.asarray(params[outer][inner]) - 1)
    return {name: np.array(points) for name, points in seen.items()}


def apart(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> float:
    return max(
        np.abs(ours[name] - theirs[name]).max()
        / max(np.abs(theirs[name]).max(), 1e-300)
        if theirs[name].any() or ours[name].any()
        else 0.0
        for name in NAMES
    )


GROUPS = [
    {"params": ending("bias"), "weight_decay": 0.0, "lr": 0.05},
    {"params": ending("weight"), "weight_decay": 0.3},
]
CASES = [
    ("SGD", optim.sgd, {"lr": 0.1, "momentum": 0.9}),
    ("Adam", optim.adam, {"lr": 0.01}),
    ("AdamW", optim.adamw, {"lr": 0.01}),
]


@pytest.mark.parametrize(("kind", "factory", "defaults"), CASES)
def test_each_group_has_its_own(kind: str, factory: Any, defaults: dict) -> None:
    theirs = torch_run(kind, GROUPS, None, **defaults)
    assert apart(our_run(param_groups(factory, GROUPS, **defaults)), theirs) <= BOUND
    swapped = [{**GROUPS[0], "lr": 0.05 * (1 + 1e-9)}, GROUPS[1]]
    assert apart(our_run(param_groups(factory, swapped, **defaults)), theirs) > BOUND


@pytest.mark.parametrize(("kind", "factory", "defaults"), CASES)
def test_a_frozen_group_gets_no_decay_and_no_momentum(
    kind: str, factory: Any, defaults: dict
) -> None:
    frozen = {"params": ending("bias"), "frozen": True}
    groups = [frozen, {"params": ending("weight"), "weight_decay": 0.3}]
    theirs = torch_run(kind, groups, None, **defaults)
    ours = our_run(param_groups(factory, groups, **defaults))
    assert apart(ours, theirs) <= BOUND
    assert not ours["a.bias"].any()
    zero_rate = [{"params": ending("bias"), "lr": 0.01}, groups[1]]
    assert apart(our_run(param_groups(factory, zero_rate, **defaults)), theirs) > BOUND


@pytest.mark.parametrize(("kind", "factory", "defaults"), CASES)
def test_a_group_added_in_mid_run(kind: str, factory: Any, defaults: dict) -> None:
    """The old group goes on; the new one starts at its own first step."""
    first = {"params": ending("weight"), "weight_decay": 0.1}
    added = {"params": ending("bias"), "lr": 0.03}
    waiting = {"params": ending("bias"), "frozen": True}
    theirs = torch_run(kind, [first], added, **defaults)
    before = param_groups(factory, [first, waiting], **defaults)
    after = param_groups(factory, [first, added], **defaults)
    assert apart(our_run(before, after), theirs) <= BOUND

    def forgotten(state: Any, tx: Any, params: Any) -> Any:
        return tx.init(params)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "carry_over", forgotten)
        assert apart(our_run(before, after), theirs) > BOUND


def test_a_value_for_each_group_enters_as_data() -> None:
    tx = param_groups(optim.sgd, GROUPS, lr=0.1)
    params = tree_of({name: jnp.zeros(1) for name in NAMES})
    grads = tree_of({name: jnp.ones(1) for name in NAMES})
    update = jax.jit(lambda s, a, b: tx.update(grads, s, params, lr=[a, b]))
    updates, _ = update(tx.init(params), 0.5, 0.25)
    assert float(updates["a"]["bias"][0]) == -0.5
    assert float(updates["b"]["weight"][0]) == -0.25


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.25, 0.125]])
def test_as_many_values_as_groups(values: list[float]) -> None:
    tx = param_groups(optim.sgd, GROUPS, lr=0.1)
    params = tree_of({name: jnp.zeros(1) for name in NAMES})
    with pytest.raises(ValueError, match=f"lr has {len(values)} values for 2 groups"):
        tx.update(params, tx.init(params), params, lr=values)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_tree_like_the_parameters_is_no_list_of_values(reverse: bool) -> None:
    """Two groups of a list of three parameters, which `touched` is a list of too."""
    groups = [
        {"params": lambda name: name in "02", "lr": 0.125},
        {"params": lambda name: name == "1", "lr": 0.5},
    ]
    tx = param_groups(optim.sparse_adam, groups[::-1] if reverse else groups)
    params = [jnp.ones((2, 1)) for _ in range(3)]
    touched = [jnp.array(rows) for rows in ([True, False], [False, True], [True, True])]
    updates, _ = tx.update(params, tx.init(params), params, touched=touched)
    rates, masks = [0.125, 0.5, 0.125], np.array(touched)
    expected = -np.array(rates)[:, None] * masks
    # Adam's first step is the rate itself, to some roundings.
    np.testing.assert_allclose(np.array(updates)[..., 0], expected, rtol=1e-6)


def test_two_groups_of_two_listed_parameters() -> None:
    """As many masks as groups: what could be mistaken for values of theirs."""
    groups = [{"params": lambda name, own=own: name == own} for own in "01"]
    tx = param_groups(optim.sparse_adam, groups, lr=0.125)
    params = [jnp.ones((2, 1)), jnp.ones((2, 1))]
    touched = [jnp.array([True, False]), jnp.array([False, True])]
    updates, _ = tx.update(params, tx.init(params), params, touched=touched, lr=[1, 2])
    np.testing.assert_allclose(np.array(updates)[..., 0], [[-1, 0], [0, -2]], rtol=1e-6)


def test_each_group_gets_its_part_of_a_tree() -> None:
    seen: list[Any] = []

    def noting(lr: float) -> optax.GradientTransformationExtraArgs:
        def update(updates: Any, state: Any, params: Any = None, **given: Any) -> Any:
            seen.append(given)
            return updates, state

        return optax.GradientTransformationExtraArgs(lambda params: (), update)

    tx = param_groups(
        noting,
        [
            {**group, "lr": 1.0}
            for group in [
                {"params": lambda name: name == "0"},
                {"params": lambda name: name == "1"},
            ]
        ],
    )
    params = [jnp.ones(1), jnp.ones(1)]
    tx.update(params, tx.init(params), params, like=["x", "y"], other=["x"], lr=[3, 4])
    none = optax.MaskedNode()
    assert sorted(seen, key=lambda given: given["lr"]) == [
        {"like": ["x", none], "other": ["x"], "lr": 3},
        {"like": [none, "y"], "other": ["x"], "lr": 4},
    ]


def test_the_names_of_a_model_are_pytorch_s() -> None:
    model = models.MLP(hidden=(4,), generator=Generator(0))
    names: list[str] = []

    def note(name: str) -> bool:
        names.append(name)
        return True

    tx = param_groups(optim.sgd, [{"params": note}])
    tx.init(nnx.state(model, nnx.Param))
    assert sorted(set(names)) == sorted(nn.state_dict(model))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([{"params": ending("weight")}], "'a.bias' belongs to no group"),
        (
            [{"params": ending("bias")}, {"params": lambda name: True}],
            r"'a.bias' belongs to groups \[0, 1\]",
        ),
    ],
)
def test_a_parameter_belongs_to_one_group(groups: list, message: str) -> None:
    tx = param_groups(optim.sgd, groups)
    with pytest.raises(ValueError, match=message):
        tx.init(tree_of({name: jnp.ones(1) for name in NAMES}))
