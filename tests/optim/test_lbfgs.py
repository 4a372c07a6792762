"""`jaxtrain.optim.lbfgs` against `torch.optim.LBFGS`: decisions, points, states."""

from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxtrain import optim
from jaxtrain.optim import _lbfgs, _line_search
from jaxtrain.optim._lbfgs import Memory, direction

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.usefixtures("float64")

ORDER = ["x", "y"]
UPDATES = 8
WOLFE = {"line_search_fn": "strong_wolfe"}
ARGUMENTS: list[dict[str, Any]] = [
    {},
    WOLFE,
    {"lr": 0.1},
    {"lr": 0.1, **WOLFE},
    {"max_iter": 4},
    {"max_iter": 1},
    {"max_iter": 7, "max_eval": 5, **WOLFE},
    {"max_eval": 1, **WOLFE},
    {"max_iter": 4, "history_size": 3, **WOLFE},
    {"max_iter": 4, "history_size": 1},
    {"max_iter": 3, "tolerance_grad": 2.0},
    {"max_iter": 3, "tolerance_change": 0.5, **WOLFE},
    {"max_iter": 3, "lr": 0.5, "maximize": True, **WOLFE},
]


def valley(x: Any, y: Any, sign: float) -> Any:
    """Rosenbrock's function of six numbers, which come in two parts."""
    flat = [*x.reshape(-1), *y]
    return sign * sum((1 - a) ** 2 + 100 * (b - a * a) ** 2 for a, b in pairwise(flat))


START = {"x": np.array([[-1.2, 1.0], [0.3, -0.5]]), "y": np.array([0.7, 0.1])}


class Torch:
    """PyTorch's optimiser on the valley."""

    def __init__(self, arguments: dict[str, Any], start: dict[str, np.ndarray]):
        self.p = {k: torch.nn.Parameter(torch.tensor(v)) for k, v in start.items()}
        self.optimizer = torch.optim.LBFGS(list(self.p.values()), **arguments)
        self.sign = -1.0 if arguments.get("maximize") else 1.0

    def step(self) -> None:
        def closure() -> Any:
            self.optimizer.zero_grad()
            loss = valley(self.p["x"], self.p["y"], self.sign)
            loss.backward()
            return loss

        self.optimizer.step(closure)

    def params(self) -> dict[str, np.ndarray]:
        return {k: p.detach().numpy().copy() for k, p in self.p.items()}


def our_step(arguments: dict[str, Any]) -> Callable[..., Any]:
    tx, sign = optim.lbfgs(**arguments), -1.0 if arguments.get("maximize") else 1.0
    closure = jax.value_and_grad(lambda p: valley(p["x"], p["y"], sign))

    @jax.jit
    def step(params: Any, state: Any) -> tuple[Any, Any]:
        value, grads = closure(params)
        updates, state = tx.update(
            grads, state, params, value=value, value_and_grad_fn=closure
        )
        return optax.apply_updates(params, updates), state

    return step


def vector(params: dict[str, Any]) -> np.ndarray:
    return np.concatenate([np.ravel(params[name]) for name in ORDER])


def flat_state(entry: dict[str, Any]) -> dict[str, np.ndarray]:
    """All numbers of an entry of PyTorch's state, but for the counts."""
    kept = {k: v for k, v in entry.items() if k not in ("func_evals", "n_iter", "al")}
    return {
        k: np.concatenate([np.ravel(np.asarray(x)) for x in v])
        if isinstance(v, list) and v
        else np.ravel(np.asarray(v, np.float64))
        for k, v in kept.items()
    }


def counts(entry: dict[str, Any]) -> tuple[int, int]:
    return entry["func_evals"], entry["n_iter"]


def departures(
    arguments: dict[str, Any], step: Callable[..., Any] | None = None
) -> list[str]:
    """What eight of our updates, each from PyTorch's state, differ in from PyTorch's.

    PyTorch against itself is the yardstick: how far its own update is from that of four
    starts one ulp away. An update has up to 25 evaluations, each of which may amplify.
    """
    tx, step = optim.lbfgs(**arguments), step or our_step(arguments)
    theirs, found, firm = Torch(arguments, START), [], 0
    for number in range(UPDATES):
        # PyTorch's dictionaries hold its own tensors, which it goes on to change.
        before, saved = theirs.params(), deepcopy(theirs.optimizer.state_dict())
        state = optim.from_torch_state_dict(saved, tx, before, ORDER)
        ours, state = step({k: jnp.asarray(v) for k, v in before.items()}, state)
        others = []
        for seed in range(4):
            signs = np.random.default_rng(seed).choice([-1, 1], 6)
            parts = dict(zip(ORDER, (signs[:4].reshape(2, 2), signs[4:]), strict=True))
            moved = {k: v + parts[k] * np.spacing(v) for k, v in before.items()}
            other = Torch(arguments, moved)
            other.optimizer.load_state_dict(deepcopy(saved))
            other.step()
            others.append(other)
        theirs.step()
        entry = theirs.optimizer.state_dict()["state"][0]
        given = optim.to_torch_state_dict(optim.lbfgs, state, ORDER, **arguments)
        given = given["state"][0]
        assert given.keys() == entry.keys()
        agreed = all(
            counts(other.optimizer.state_dict()["state"][0]) == counts(entry)
            for other in others
        )
        if agreed and counts(given) != counts(entry):
            found.append(f"{number}: counts {counts(given)}, not {counts(entry)}")
        if not agreed:  # PyTorch itself decides otherwise: nothing to equal.
            continue
        firm += 1
        twins = [other.optimizer.state_dict()["state"][0] for other in others]
        pairs = {"param": (vector(theirs.params()), vector(ours))}
        noise = {"param": [vector(other.params()) for other in others]}
        flat, own = flat_state(entry), flat_state(given)
        sizes = {k: v.size for k, v in flat.items()}
        if sizes != {k: v.size for k, v in own.items()}:
            found.append(f"{number}: another number of pairs")
            continue
        for name in flat:
            pairs[name] = flat[name], own[name]
            noise[name] = [flat_state(twin)[name] for twin in twins]
        for name, (a, b) in pairs.items():
            scale = np.abs(a).max(initial=1e-300)
            seen = max(np.abs(a - other).max(initial=0) for other in noise[name])
            bound = max(4 * seen, 64 * np.finfo(np.float64).eps * scale)
            if not np.abs(a - b).max(initial=0) <= bound:
                found.append(f"{number}: {name} {np.abs(a - b).max() / scale}, {seen}")
    assert firm > UPDATES // 2, "PyTorch's own decisions are too uncertain to judge by"
    assert counts(entry)[1] >= UPDATES // 2, "it hardly moved"
    return found


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
def test_each_update_from_pytorch_s_state(arguments: dict[str, Any]) -> None:
    assert departures(arguments) == []


# Broken twins.


def test_a_curvature_condition_of_a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_line_search, "CURVATURE", 0.1)
    assert departures(WOLFE)


def test_a_first_direction_that_is_not_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    def unscaled(memory: Memory, g: Any) -> Any:
        return direction(memory._replace(H_diag=jnp.ones([])), g)

    monkeypatch.setattr(_lbfgs, "direction", unscaled)
    assert departures({"max_iter": 4})


def test_a_pair_that_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(memory: Memory, g: Any) -> Any:
        return direction(memory._replace(stored=jnp.minimum(memory.stored, 2)), g)

    monkeypatch.setattr(_lbfgs, "direction", forgetful)
    assert departures({"max_iter": 4, "history_size": 3})


def test_an_evaluation_too_many() -> None:
    one = our_step({"max_iter": 4})

    def step(params: Any, state: Any) -> tuple[Any, Any]:
        params, state = one(params, state)
        return params, state._replace(func_evals=state.func_evals + 1)

    assert departures({"max_iter": 4}, step)


# With the rest.


def test_a_gradient_that_is_small_enough_stops_before_the_first_iteration() -> None:
    tx, x = optim.lbfgs(tolerance_grad=10.0), jnp.ones(3)
    updates, state = tx.update(
        x, tx.init(x), x, value=1.0, value_and_grad_fn=lambda x: (1.0, x)
    )
    assert (np.asarray(updates) == 0).all()
    given = optim.to_torch_state_dict(optim.lbfgs, state, [""])
    assert given["state"] == {0: {"func_evals": 1, "n_iter": 0}}


def test_flax_s_optimizer() -> None:
    model = nnx.Linear(2, 3, rngs=nnx.Rngs(0), param_dtype=jnp.float64)
    inputs = jnp.asarray(np.random.default_rng(0).standard_normal((8, 2)))
    targets = inputs @ jnp.ones((2, 3)) + 0.5
    graph, params = nnx.split(model)

    def loss(params: Any) -> jax.Array:
        return ((nnx.merge(graph, params)(inputs) - targets) ** 2).mean()

    closure = jax.value_and_grad(loss)
    optimizer = nnx.Optimizer(model, optim.lbfgs(**WOLFE), wrt=nnx.Param)
    value, grads = closure(params)
    optimizer.update(model, grads, value=value, value_and_grad_fn=closure)
    assert loss(nnx.state(model)) < 1e-9 * value


def test_what_the_update_lacks_is_said() -> None:
    tx, x = optim.lbfgs(), jnp.ones(3)
    with pytest.raises(ValueError, match="value_and_grad_fn"):
        tx.update(x, tx.init(x), x)


def test_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="lbfgs takes no groups"):
        optim.param_groups(optim.lbfgs, [{"params": lambda name: True}])


@pytest.mark.parametrize(
    "tx",
    [
        optax.masked(optim.lbfgs(), {"x": True, "y": False}),
        optax.partition(
            {"moves": optim.lbfgs(), "rests": optax.set_to_zero()},
            {"x": "moves", "y": "rests"},
        ),
    ],
)
def test_some_of_the_parameters_alone_are_refused(tx: Any) -> None:
    with pytest.raises(ValueError, match="cannot be masked or partitioned") as caught:
        tx.init(START)
    assert "\n" not in str(caught.value)


def test_a_mask_that_hides_nothing_is_fine() -> None:
    tx, x = optax.masked(optim.lbfgs(), {"x": True}), {"x": jnp.array([3.0, 1.0])}
    closure = jax.value_and_grad(lambda p: (p["x"] ** 2).sum())
    value, grads = closure(x)
    updates, _ = tx.update(grads, tx.init(x), x, value=value, value_and_grad_fn=closure)
    assert value > 1e12 * closure(optax.apply_updates(x, updates))[0]


def test_moving_the_rate_does_not_recompile() -> None:
    tx, x, traces = optim.lbfgs(max_iter=1), jnp.array([3.0, -1.0]), 0
    state = tx.init(x)

    @jax.jit
    def update(lr: Any) -> Any:
        nonlocal traces
        traces += 1
        closure = jax.value_and_grad(lambda x: (x**2).sum())
        value, grads = closure(x)
        return tx.update(
            grads, state, x, value=value, value_and_grad_fn=closure, lr=lr
        )[0]

    one, two = update(0.1), update(0.2)
    # The move is a difference of parameters of size 3: a few roundings of those.
    np.testing.assert_allclose(two, 2 * one, atol=3e-15)
    assert traces == 1


def test_a_state_that_does_not_fit_is_refused_with_all_its_faults() -> None:
    first = Torch({"max_iter": 4}, START)
    first.step()
    saved = first.optimizer.state_dict()
    saved["state"][0]["d"] = torch.ones(5)
    del saved["state"][0]["prev_loss"]
    tx = optim.lbfgs(history_size=2)
    with pytest.raises(ValueError, match="cannot load") as caught:
        optim.from_torch_state_dict(saved, tx, first.params(), ORDER)
    for part in ("missing 'prev_loss'", "'d' has 5 elements, not 6", "remembers 3"):
        assert part in str(caught.value)


# Two updates in a bowl.


def torch_bowl(
    scale: float, arguments: dict[str, Any], updates: int
) -> tuple[np.ndarray, tuple[int, int]]:
    p = torch.nn.Parameter(torch.tensor([3.0, -1.0]))
    optimizer = torch.optim.LBFGS([p], **arguments)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = scale * (p**4).sum()
        loss.backward()
        return loss

    for _ in range(updates):
        optimizer.step(closure)
    return p.detach().numpy(), counts(optimizer.state_dict()["state"][0])


def our_bowl(
    scale: float, arguments: dict[str, Any], updates: int
) -> tuple[np.ndarray, tuple[int, int]]:
    tx, p = optim.lbfgs(**arguments), jnp.array([3.0, -1.0])
    closure, state = jax.value_and_grad(lambda p: scale * (p**4).sum()), tx.init(p)
    for _ in range(updates):
        value, grads = closure(p)
        moves, state = tx.update(
            grads, state, p, value=value, value_and_grad_fn=closure
        )
        p = optax.apply_updates(p, moves)
    return np.asarray(p), (int(state.func_evals), int(state.n_iter))


@pytest.mark.parametrize(
    ("scale", "arguments"),
    [
        # |g|₁ is 0.11: a first step of 9 is cut down to 1.
        (0.001, {"max_iter": 1}),
        # Lengths far too great, of which the search may try three in all.
        (50.0, {"lr": 100.0, "max_iter": 3, "max_eval": 4, **WOLFE}),
    ],
)
def test_the_limits_of_a_step(scale: float, arguments: dict[str, Any]) -> None:
    theirs, their_counts = torch_bowl(scale, arguments, 2)
    ours, our_counts = our_bowl(scale, arguments, 2)
    assert our_counts == their_counts
    # Some twenty roundings of float64.
    np.testing.assert_allclose(ours, theirs, rtol=1e-14)
