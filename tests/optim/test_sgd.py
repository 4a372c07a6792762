"""`jaxtrain.optim.sgd` against `torch.optim.SGD`, at every step."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxtrain import optim
from parity.cases.optimizers import SGD
from parity.difference import ulps

torch = pytest.importorskip("torch")

STEPS = 100
CASES = [{"lr": 0.0}, *(dict(case.args) for case in SGD)]


def gradients(seed: int = 0) -> np.ndarray:
    """(steps, 3, 4, 5) over fifteen decades, with exact zeros."""
    generator = np.random.default_rng(seed)
    shape = (STEPS, 3, 4, 5)
    size = 10.0 ** generator.uniform(-12, 3, shape)
    return generator.choice([-1, 0, 1], shape, p=[0.45, 0.1, 0.45]) * size


def torch_run(
    start: np.ndarray, grads: np.ndarray, arguments: dict[str, Any], dtype: str
) -> tuple[list[np.ndarray], list[np.ndarray | None]]:
    """Parameters before each step and after the last; momentum before each step."""
    p = torch.nn.Parameter(torch.tensor(start, dtype=getattr(torch, dtype)))
    optimizer = torch.optim.SGD([p], **arguments)
    points, buffers = [p.detach().numpy().copy()], []
    for grad in grads:
        buffer = optimizer.state[p].get("momentum_buffer")
        buffers.append(None if buffer is None else buffer.numpy().copy())
        p.grad = torch.tensor(grad, dtype=p.dtype)
        optimizer.step()
        points.append(p.detach().numpy().copy())
    return points, buffers


@pytest.mark.parametrize("arguments", CASES, ids=str)
@pytest.mark.parametrize("start", [0.0, 1.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_step_from_pytorch_s_state(
    arguments: dict[str, Any], start: float, dtype: str
) -> None:
    """Teacher-forced: 4 ulp of the largest term, since each step rounds four times.

    The terms are the parameter and lr times each summand of the direction.
    """
    with jax.enable_x64(dtype == "float64"):
        grads = gradients()
        origin = np.full(grads.shape[1:], start)
        points, buffers = torch_run(origin, grads, arguments, dtype)
        tx = optim.sgd(**arguments)
        state = tx.init(jnp.asarray(points[0]))
        update = jax.jit(tx.update)
        for step, grad in enumerate(grads):
            p, g = jnp.asarray(points[step]), jnp.asarray(grad, dtype)
            if buffers[step] is not None:
                state = state._replace(momentum_buffer=jnp.asarray(buffers[step]))
            updates, state = update(g, state, p)
            terms = largest_term(points[step], grad, buffers[step], arguments)
            apart = ulps(
                points[step + 1], optax.apply_updates(p, updates), dtype, terms
            )
            assert apart.max() <= 4, step
            if step + 1 < STEPS and buffers[step + 1] is not None:
                terms /= max(arguments.get("lr", 1e-3), 1e-300)
                kept = ulps(buffers[step + 1], state.momentum_buffer, dtype, terms)
                assert kept.max() <= 4, step


def largest_term(
    p: np.ndarray, grad: np.ndarray, buffer: np.ndarray | None, arguments: dict
) -> np.ndarray:
    decay = arguments.get("weight_decay", 0) * np.abs(p)
    moved = 0 if buffer is None else np.abs(buffer)
    direction = np.maximum(np.maximum(np.abs(grad), decay), moved)
    return np.maximum(np.abs(p), arguments.get("lr", 1e-3) * direction)


def free_run(
    tx: optax.GradientTransformation, start: np.ndarray, grads: np.ndarray
) -> np.ndarray:
    """Displacement from the start after every step, in float64."""

    def step(carry: Any, grad: jax.Array) -> tuple[Any, jax.Array]:
        p, state = carry
        updates, state = tx.update(grad, state, p)
        p = optax.apply_updates(p, updates)
        return (p, state), p

    p = jnp.asarray(start)
    _, points = jax.jit(lambda g: jax.lax.scan(step, (p, tx.init(p)), g))(grads)
    return np.asarray(points) - start


def trajectories_apart(
    tx: optax.GradientTransformation, arguments: dict[str, Any]
) -> float:
    """Largest difference of displacements, relative to the largest displacement."""
    with jax.enable_x64(True):
        grads = np.random.default_rng(1).standard_normal((STEPS, 7))
        start = np.linspace(-1, 1, 7)
        theirs = np.array(torch_run(start, grads, arguments, "float64")[0][1:]) - start
        ours = free_run(tx, start, jnp.asarray(grads))
        return float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-300))


FLOAT64 = 1e-13
"""A hundred steps of four roundings each give 4e-14 at the very most."""


@pytest.mark.parametrize("arguments", CASES, ids=str)
def test_free_running_trajectory_in_float64(arguments: dict[str, Any]) -> None:
    assert trajectories_apart(optim.sgd(**arguments), arguments) <= FLOAT64


def dampened_from_the_start(momentum: float, dampening: float) -> Any:
    """What `optax.trace` of a scaled gradient does: the first buffer is dampened."""
    return optax.chain(
        optax.scale(1 - dampening), optax.trace(momentum), optax.scale(-1e-3)
    )


@pytest.mark.parametrize(
    ("twin", "arguments"),
    [
        (
            dampened_from_the_start(0.9, 0.5),
            {"lr": 1e-3, "momentum": 0.9, "dampening": 0.5},
        ),
        (optim.sgd(1e-3, 0.9, nesterov=True), {"lr": 1e-3, "momentum": 0.9}),
        (optim.sgd(1e-3 * (1 + 1e-9)), {"lr": 1e-3}),
        (optim.sgd(1e-3, 0.9, weight_decay=0.1), {"lr": 1e-3, "momentum": 0.9}),
        (
            optax.chain(optim.sgd(1e-3, 0.9), optax.add_decayed_weights(-1e-3 * 0.1)),
            {"lr": 1e-3, "momentum": 0.9, "weight_decay": 0.1},
        ),
        (optim.sgd(1e-3, maximize=True), {"lr": 1e-3}),
        (optax.set_to_zero(), {"lr": 1e-3}),
    ],
    ids=[
        "first buffer dampened",
        "nesterov by mistake",
        "lr a billionth too large",
        "decay by mistake",
        "decay decoupled",
        "ascends",
        "dead optimiser",
    ],
)
def test_broken_twins_are_noticed(twin: Any, arguments: dict[str, Any]) -> None:
    assert trajectories_apart(twin, arguments) > FLOAT64


def test_the_rate_and_momentum_enter_as_data_without_recompiling() -> None:
    tx = optim.sgd(lr=1.0, momentum=0.9)
    p, g = jnp.ones(3), jnp.ones(3)
    traces = 0

    @jax.jit
    def update(state: Any, lr: jax.Array, momentum: jax.Array) -> Any:
        nonlocal traces
        traces += 1
        return tx.update(g, state, p, lr=lr, momentum=momentum)

    state = tx.init(p)
    for lr in (0.1, 0.2, 0.3):
        updates, _ = update(state, jnp.float32(lr), jnp.float32(0.5))
        np.testing.assert_array_equal(updates, -np.float32(lr) * g)
    assert traces == 1


def test_schedules_are_called_with_the_updates_so_far() -> None:
    tx = optim.sgd(lr=lambda count: 0.1 * (count + 1))
    state = tx.init(jnp.zeros(1))
    for step in range(3):
        updates, state = tx.update(jnp.ones(1), state)
        np.testing.assert_allclose(updates, -0.1 * (step + 1), rtol=2**-23)


def test_bfloat16_parameters_round_once() -> None:
    """Over whole vectors of 32: PyTorch rounds lr·g too in the elements left over."""
    # float32 first: NumPy's float64 values would round twice on JAX's side.
    grads = np.random.default_rng(0).standard_normal((20, 128), np.float32)
    p = torch.nn.Parameter(torch.ones(128, dtype=torch.bfloat16))
    optimizer = torch.optim.SGD([p], lr=0.1)
    tx, ours = optim.sgd(lr=0.1), jnp.ones(128, jnp.bfloat16)
    state = tx.init(ours)
    for grad in grads:
        p.grad = torch.tensor(grad, dtype=torch.bfloat16)
        optimizer.step()
        updates, state = tx.update(jnp.asarray(grad, jnp.bfloat16), state, ours)
        ours = optax.apply_updates(ours, updates)
        assert ours.dtype == jnp.bfloat16
        theirs = p.detach().float().numpy()
        np.testing.assert_array_equal(ours.astype(jnp.float32), theirs)


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ({"lr": -0.1}, "-0.1"),
        ({"momentum": -0.5}, "-0.5"),
        ({"weight_decay": -1.0}, "-1.0"),
        ({"nesterov": True}, "momentum 0"),
        ({"nesterov": True, "momentum": 0.9, "dampening": 0.25}, "dampening 0.25"),
    ],
)
def test_what_pytorch_refuses_is_refused(arguments: dict, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        optim.sgd(**arguments)
    with pytest.raises(ValueError):  # noqa: PT011 - PyTorch's words are its own
        torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], **arguments)


def test_a_momentum_that_has_no_buffer_is_refused() -> None:
    tx = optim.sgd()
    with pytest.raises(ValueError, match="built without it"):
        tx.update(jnp.ones(1), tx.init(jnp.ones(1)), momentum=0.9)
    decayed = optim.sgd(weight_decay=0.1)
    state = decayed.init(jnp.ones(1))
    with pytest.raises(ValueError, match="params"):
        decayed.update(jnp.ones(1), state)
