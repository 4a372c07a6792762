"""Trees of JAX arrays through a store and back, bit for bit."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from checkpoint_content import same
from flax import nnx

from jaxtrain import models, nn, optim, rng
from jaxtrain.errors import ConfigError
from jaxtrain.store.checkpoint import Store, flatten, restore


class State(NamedTuple):
    params: Any
    opt_state: Any
    buffers: Any = ()


def through_a_store(tree: Any, folder: Path) -> Any:
    with Store.open(folder) as store:
        store.save(1, flatten(tree))
        found = store.latest()
    assert found is not None
    return restore(jax.tree.map(blank, tree), found.arrays)


def blank(leaf: Any) -> Any:
    """A leaf like this one with nothing of its values."""
    if isinstance(leaf, bool | int | float):
        return type(leaf)(0)
    if isinstance(leaf, np.ndarray):
        return np.zeros_like(leaf)
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.key(0, impl=jax.random.key_impl(leaf))
    return jnp.zeros_like(leaf)


def check(tree: Any, folder: Path) -> None:
    found = through_a_store(tree, folder)
    assert jax.tree.structure(found) == jax.tree.structure(tree)
    assert same(flatten(found), flatten(tree))
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(tree), strict=True):
        assert type(one) is type(other)
        assert getattr(one, "dtype", None) == getattr(other, "dtype", None)
        weak = [getattr(leaf, "weak_type", None) for leaf in (one, other)]
        assert weak[0] == weak[1]


def moved(tx: Any, params: Any, steps: int = 3, **extra: Any) -> Any:
    """The optimiser's state after a few updates."""
    state = tx.init(params)
    for step in range(steps):
        grads = jax.tree.map(lambda p, n=step: (p * (n + 1)).astype(p.dtype), params)
        _, state = tx.update(grads, state, params, **extra)
    return state


def loss(params: Any) -> jax.Array:
    leaves = jax.tree.leaves(params)
    return sum((jnp.sum(jnp.square(p - 1)) for p in leaves), start=jnp.zeros([]))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_adam_on_a_network(tmp_path: Path, dtype: str) -> None:
    """With batch normalisation, so with buffers."""
    model = models.CNN(generator=rng.Generator(0), dtype=dtype)
    _, params, buffers = nnx.split(model, nnx.Param, ...)
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype(dtype)}
    opt_state = moved(optim.adam(lr=1e-3, amsgrad=True), params, steps=1)
    check(State(params, opt_state, buffers), tmp_path)


def test_lbfgs(tmp_path: Path) -> None:
    params = {"x": jnp.arange(3.0), "y": jnp.full((2, 2), 5.0)}
    tx = optim.lbfgs(history_size=3, max_iter=4, line_search_fn="strong_wolfe")
    value, grads = jax.value_and_grad(loss)(params)
    _, state = tx.update(
        grads,
        tx.init(params),
        params,
        value=value,
        value_and_grad_fn=jax.value_and_grad(loss),
    )
    check(State(params, state), tmp_path)


def test_partition_and_groups(tmp_path: Path) -> None:
    params = {"a": {"weight": jnp.ones((2, 3))}, "bias": jnp.ones(3)}
    tx = optax.partition(
        {"one": optim.adam(lr=1e-3), "other": optim.sgd(lr=0.1, momentum=0.9)},
        {"a": {"weight": "one"}, "bias": "other"},
    )
    check(State(params, moved(tx, params)), tmp_path / "partition")
    groups = optim.param_groups(
        optim.adamw,
        [
            {"params": lambda name: name == "bias", "weight_decay": 0.0},
            {"params": lambda name: name != "bias"},
        ],
        lr=0.1,
    )
    check(State(params, moved(groups, params)), tmp_path / "groups")


@pytest.mark.parametrize("name", ["adadelta", "adafactor", "muon", "nadam", "radam"])
def test_other_optimisers(tmp_path: Path, name: str) -> None:
    params = {"weight": jnp.arange(12.0).reshape(3, 4)}
    check(moved(getattr(optim, name)(), params), tmp_path)


def test_optax_s_own(tmp_path: Path) -> None:
    params = {"weight": jnp.ones((3, 4))}
    tx = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.inject_hyperparams(optax.adamw)(learning_rate=0.1),
        optax.ema(0.9),
    )
    check(moved(tx, params), tmp_path)


def test_a_whole_module_with_its_random_keys(tmp_path: Path) -> None:
    module = nnx.Sequential(
        nnx.Linear(2, 3, rngs=nnx.Rngs(0)),
        nnx.BatchNorm(3, rngs=nnx.Rngs(1)),
        nnx.Dropout(0.5, rngs=nnx.Rngs(2)),
    )
    module(jnp.ones((4, 2)))
    check(nnx.state(module), tmp_path)


def test_float64(tmp_path: Path) -> None:
    with jax.enable_x64(True):
        check({"w": jnp.asarray([1 / 3, -0.0], jnp.float64), "n": 2**60}, tmp_path)


def test_every_kind_of_leaf(tmp_path: Path) -> None:
    tree = {
        "key": jax.random.key(3),
        "keys": jax.random.split(jax.random.key(4, impl="rbg"), 2),
        "old key": jax.random.PRNGKey(5),
        "bfloat16": jnp.asarray([1.5, jnp.nan, -0.0], jnp.bfloat16),
        "weak": jnp.asarray(1.5),
        "weak count": jnp.asarray(3),
        "weak many": jnp.asarray(1.5) * jnp.broadcast_to(jnp.asarray(2.0), (3,)),
        "numpy": np.array([1 / 3, np.nan]),
        "numbers": (True, 7, 0.1),
        "none": None,
        "nothing": (),
        "empty": jnp.zeros((0, 3), jnp.int8),
    }
    assert tree["weak many"].weak_type
    tree["keys"] = tree["keys"][0]
    check(tree, tmp_path)


def test_names_are_those_of_a_state_dict() -> None:
    model = models.CNN(generator=rng.Generator(0))
    assert set(flatten(nnx.state(model))) == set(nn.state_dict(model))
    params = nnx.state(model, nnx.Param)
    state = State(params, (optim.adam(lr=1e-3).init(params), optax.EmptyState()))
    names = list(flatten(state))
    assert names[0] == "params/classifier.1.bias"
    assert "opt_state/0/exp_avg/features.0.weight" in names
    assert "opt_state/0/count" in names
    assert list(flatten(jnp.ones(2))) == [""]
    assert list(flatten([{"a": {"b": [3]}}])) == ["0/a.b/0"]
    assert list(flatten({"k": jax.random.key(0)})) == ["k#threefry2x32"]


def test_a_name_for_two_leaves_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^two leaves of the tree are named 'a\.b'$"):
        flatten({"a": {"b": 1}, "a.b": 2})


def test_nothing_of_the_old_values_stays(tmp_path: Path) -> None:
    """And a step that donates its state leaves what was flattened as it was."""
    step = jax.jit(lambda tree: jax.tree.map(lambda x: x + 1, tree), donate_argnums=0)
    tree = {"w": jnp.arange(100_000.0)}
    arrays = flatten(tree)
    with Store.open(tmp_path) as store:
        store.save(1, arrays)
        for _ in range(3):
            tree = step(tree)
        found = store.latest()
    assert found is not None
    right = np.arange(100_000, dtype=np.float32)
    np.testing.assert_array_equal(arrays["w"], right)
    back = restore(tree, found.arrays)
    np.testing.assert_array_equal(back["w"], right)
    # What is restored is its own: the step may have it.
    step(back)
    np.testing.assert_array_equal(found.arrays["w"], right)


def test_shapes_and_types_alone_will_do() -> None:
    tree = {"w": jnp.arange(3.0), "n": jnp.asarray(2, jnp.int8)}
    like = jax.eval_shape(lambda: tree)
    assert same(flatten(restore(like, flatten(tree))), flatten(tree))


LIKE = {"a": jnp.zeros(2), "b": jnp.zeros((2, 3)), "c": jnp.zeros([], jnp.int32)}


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    return flatten(LIKE)


def test_what_fits_is_taken(arrays: dict[str, np.ndarray]) -> None:
    assert same(flatten(restore(LIKE, arrays)), arrays)


@pytest.mark.parametrize(
    ("name", "array", "reason"),
    [
        ("a", None, "missing 'a'"),
        ("d", np.zeros(1), "unexpected 'd'"),
        (
            "b",
            np.zeros((3, 2), np.float32),
            "'b' is float32 (3, 2), not float32 (2, 3)",
        ),
        ("b", np.zeros((2, 3)), "'b' is float64 (2, 3), not float32 (2, 3)"),
        ("c", np.zeros(1, np.int32), "'c' is int32 (1,), not int32 ()"),
        ("c", np.zeros([], np.uint32), "'c' is uint32 (), not int32 ()"),
    ],
)
def test_what_does_not_fit_is_named(
    arrays: dict[str, np.ndarray], name: str, array: Any, reason: str
) -> None:
    arrays[name] = array
    if array is None:
        del arrays[name]
    with pytest.raises(ConfigError) as caught:
        restore(LIKE, arrays)
    assert str(caught.value) == f"the checkpoint does not fit: {reason}"


def test_only_the_first_few_are_named() -> None:
    with pytest.raises(ConfigError) as caught:
        restore({str(i): jnp.zeros(1) for i in range(100)}, {})
    assert str(caught.value) == (
        "the checkpoint does not fit: missing '0', missing '1', missing '10', "
        "missing '11', and 96 more"
    )


def test_another_kind_of_key_does_not_fit() -> None:
    given = flatten({"k": jax.random.key(0, impl="rbg")})
    with pytest.raises(ConfigError, match="missing 'k#unsafe_rbg', unexpected 'k#rbg'"):
        restore({"k": jax.random.key(0, impl="unsafe_rbg")}, given)


def test_float64_where_jax_has_none_is_refused() -> None:
    like = {"w": jax.ShapeDtypeStruct((2,), np.dtype(np.float64))}
    with pytest.raises(ConfigError, match=r"'w' is float64, .* jax_enable_x64$"):
        restore(like, {"w": np.zeros(2)})
