"""`jaxtrain.optim` against `torch.optim`: one step, trajectories, and Optax's gaps."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxtrain import optim
from jaxtrain.optim._adam import AdamState
from jaxtrain.optim._arithmetic import average_square, lerp
from jaxtrain.optim._build import build
from jaxtrain.optim._hyper import Coefficient, Hyper, coefficient_of
from jaxtrain.optim._radam import RadamState, _factor, _factors, rectification
from jaxtrain.optim._rmsprop import RmspropState

torch = pytest.importorskip("torch")

from parity.cases.optimizers import CASES, Arguments, OptimizerCase
from parity.one_step import judge
from parity.torch_names import torch_optimizer

SHAPES = ((40,),)
"""Elementwise arithmetic knows no shapes: one vector sees as many gradients."""

STEPS = {"float32": 100, "float64": 40}
FREE_STEPS = 300


@pytest.mark.parametrize("dtype", STEPS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_step_from_pytorch_s_state(case: OptimizerCase, dtype: str) -> None:
    for found in judge(case, dtype, STEPS[dtype], SHAPES):
        assert found.passed, found


# Trajectories, in float64.


def hard_gradients(steps: int = FREE_STEPS, size: int = 8) -> np.ndarray:
    """Of every order from far below to far above any eps, some of them zero."""
    generator = np.random.default_rng(1)
    scale = 10.0 ** np.linspace(-9, 1, size)
    grads = generator.standard_normal((steps, size)) * scale
    return np.where(generator.random((steps, size)) < 0.05, 0, grads)


def torch_run(
    name: str,
    args: Arguments,
    grads: np.ndarray,
    lrs: np.ndarray | None = None,
    ulps: int = 0,
) -> np.ndarray:
    """Displacement after each step, from a start that is some ulps away."""
    start = np.linspace(-1, 1, grads.shape[1])
    start = start + ulps * np.spacing(start)
    p = torch.nn.Parameter(torch.tensor(start))
    points = []
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        optimizer = torch_optimizer(name)([p], **args)
        for step, grad in enumerate(grads):
            if lrs is not None:
                optimizer.param_groups[0]["lr"] = float(lrs[step])
            p.grad = torch.tensor(grad)
            optimizer.step()
            points.append(p.detach().numpy().copy())
    finally:
        torch.set_default_dtype(before)
    return np.array(points) - start


def free_run(tx: optax.GradientTransformation, grads: np.ndarray) -> np.ndarray:
    def step(carry: Any, grad: jax.Array) -> tuple[Any, jax.Array]:
        p, state = carry
        updates, state = tx.update(grad, state, p)
        p = optax.apply_updates(p, updates)
        return (p, state), p

    start = np.linspace(-1, 1, grads.shape[1])

    @jax.jit
    def run(p: jax.Array, grads: jax.Array) -> jax.Array:
        return jax.lax.scan(step, (p, tx.init(p)), grads)[1]

    return np.asarray(run(jnp.asarray(start), jnp.asarray(grads))) - start


def gap(
    tx: optax.GradientTransformation,
    name: str,
    args: Arguments,
    lrs: np.ndarray | None = None,
    steps: int = 60,
) -> float:
    """Largest distance from PyTorch, relative to how far PyTorch has moved."""
    with jax.enable_x64(True):
        grads = hard_gradients(steps)
        theirs, ours = torch_run(name, args, grads, lrs), free_run(tx, grads)
        assert np.array_equal(np.isnan(theirs), np.isnan(ours))
        moved = np.nanmax(np.abs(theirs))
        return float(np.nanmax(np.abs(ours - theirs)) / max(moved, 1e-300))


FLOAT64 = 1e-11


@pytest.mark.parametrize("case", CASES, ids=str)
def test_free_running_trajectory_in_float64(case: OptimizerCase) -> None:
    tx, bound = getattr(optim, case.name)(**case.args), FLOAT64
    if case.chaotic:
        grads = hard_gradients()
        one, other = (torch_run(case.name, case.args, grads, ulps=n) for n in (0, 1))
        bound = 2 * np.abs(other - one).max() / np.abs(one).max()
    assert gap(tx, case.name, case.args, steps=FREE_STEPS) <= bound


# Broken twins: each must fail the one-step judge.


def fails(tx: Any, name: str, args: Arguments, dtype: str = "float64") -> bool:
    found = judge(OptimizerCase(name, args), dtype, 12, SHAPES, tx)
    return not all(measure.passed for measure in found)


def rmsprop_twin(direction: Callable[..., Any], **args: Any) -> Any:
    def step(p: Any, g: jax.Array, state: Any, hyper: Hyper) -> Any:
        kept = coefficient_of(0.99, g.dtype)
        v = average_square(state["square_avg"], g, kept)
        moved, buffer = direction(g, v, state.get("momentum_buffer"))
        new = {"square_avg": v, "momentum_buffer": buffer}
        return moved, {name: new[name] for name in state}

    names = ["square_avg", *args.get("names", ())]
    return build(RmspropState, {}, dict.fromkeys(names, jnp.zeros_like), step)


def test_rmsprop_with_eps_inside_the_root() -> None:
    def direction(g: jax.Array, v: jax.Array, buffer: Any) -> Any:
        return -0.01 * g / jnp.sqrt(v + 1e-8), None

    assert fails(rmsprop_twin(direction), "rmsprop", {})


def test_rmsprop_with_the_rate_inside_the_momentum_buffer() -> None:
    def direction(g: jax.Array, v: jax.Array, buffer: Any) -> Any:
        buffer = 0.9 * buffer + 0.01 * g / (jnp.sqrt(v) + 1e-8)
        return -buffer, buffer

    twin = rmsprop_twin(direction, names=["momentum_buffer"])
    assert fails(twin, "rmsprop", {"momentum": 0.9})


def test_an_accumulator_of_adagrad_that_starts_at_a_tenth() -> None:
    assert fails(optim.adagrad(initial_accumulator_value=0.1), "adagrad", {})


def test_nadam_without_the_schedule_of_mu() -> None:
    assert fails(optim.nadam(momentum_decay=1e9), "nadam", {})


def test_radam_with_eps_after_the_correction() -> None:
    def step(p: Any, g: jax.Array, state: Any, hyper: Hyper) -> Any:
        beta1, beta2 = (coefficient_of(beta, g.dtype) for beta in (0.9, 0.999))
        m = lerp(state["exp_avg"], g, beta1)
        v = average_square(state["exp_avg_sq"], g, beta2)
        along = m / hyper.bias_correction(beta1) * 1e-3
        factor = rectification(hyper, beta2)
        root = jnp.sqrt(v) / hyper.bias_correction(beta2, 0.5) + 1e-8
        moved = -jnp.where(factor > 0, along / root * factor, along)
        return moved, {"exp_avg": m, "exp_avg_sq": v}

    moments = dict.fromkeys(("exp_avg", "exp_avg_sq"), jnp.zeros_like)
    assert fails(build(RadamState, {}, moments, step), "radam", {})


def test_radam_rectifies_above_5_and_not_at_5() -> None:
    """Optax rectifies from 5 on. No step shows it: no beta near 2/3 ends at 5."""
    at, above = np.float64(5), np.nextafter(5.0, 6)
    assert _factor(at, np.float64(9), np.sqrt, np.where) == 0
    assert _factor(above, np.float64(9), np.sqrt, np.where) > 0


def test_amsgrad_with_the_largest_corrected_average() -> None:
    def step(p: Any, g: jax.Array, state: Any, hyper: Hyper) -> Any:
        beta1, beta2 = (coefficient_of(beta, g.dtype) for beta in (0.9, 0.999))
        m = lerp(state["exp_avg"], g, beta1)
        v = average_square(state["exp_avg_sq"], g, beta2)
        corrected = v / hyper.bias_correction(beta2)
        largest = jnp.maximum(state["max_exp_avg_sq"], corrected)
        new = {"exp_avg": m, "exp_avg_sq": v, "max_exp_avg_sq": largest}
        lr = 1e-3 / hyper.bias_correction(beta1)
        return -lr * m / (jnp.sqrt(largest) + 1e-8), new

    names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    twin = build(AdamState, {}, dict.fromkeys(names, jnp.zeros_like), step)
    assert fails(twin, "adam", {"amsgrad": True})


def test_a_bias_correction_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    def rounded(hyper: Hyper, beta: Coefficient, power: float = 1.0) -> jax.Array:
        return (1 - beta.value**hyper.t) ** power

    monkeypatch.setattr(Hyper, "bias_correction", rounded)
    assert fails(optim.adam(), "adam", {}, "float32")


def test_adamax_without_eps() -> None:
    assert fails(optim.adamax(eps=0.0), "adamax", {})


def wrapped(tx: Any, change: Callable[..., Any]) -> Any:
    def update(g: Any, state: Any, p: Any = None, **given: Any) -> Any:
        return change(state, *tx.update(g, state, p, **given))

    return optax.GradientTransformationExtraArgs(tx.init, update)


def test_asgd_that_averages_a_step_late() -> None:
    def late(state: Any, updates: Any, new: Any) -> Any:
        return updates, new._replace(mu=1 / jnp.maximum(1, state.count - 3.0))

    twin = wrapped(optim.asgd(t0=3), late)
    assert fails(twin, "asgd", {"t0": 3})


def test_rprop_that_lags_a_step() -> None:
    def lagging(state: Any, updates: Any, new: Any) -> Any:
        return -jnp.sign(state.prev) * state.step_size, new

    assert fails(wrapped(optim.rprop(), lagging), "rprop", {})


def test_decoupled_decay_in_place_of_the_penalty() -> None:
    decay = {"weight_decay": 0.1}
    assert fails(optim.adamw(**decay), "adam", decay)
    assert fails(optim.adam(**decay), "adamw", decay)


# What Optax's functions do instead (parity.cases knows none of them).

FALLING = 0.01 * 0.5 ** (np.arange(60) // 10)


def falling(count: jax.Array) -> jax.Array:
    return jnp.asarray(FALLING)[count]


def departs(tx: Any, least: float, name: str, lrs: Any = None, **args: Any) -> None:
    """Optax's transformation is `least` off PyTorch's run, and ours is not."""
    assert gap(tx, name, args, lrs) > least
    same(name, lrs, **args)


def same(name: str, lrs: Any = None, **args: Any) -> None:
    schedule = {} if lrs is None else {"lr": falling}
    ours = getattr(optim, name)(**args | schedule)
    assert gap(ours, name, args, lrs) <= FLOAT64


def test_trap_1_eps_of_rmsprop_inside_the_root() -> None:
    """https://github.com/google-deepmind/optax/issues/532"""
    departs(optax.rmsprop(0.01, decay=0.99), 0.1, "rmsprop")


def test_trap_2_default_decay_of_rmsprop() -> None:
    """https://github.com/google-deepmind/optax/issues/532"""
    departs(optax.rmsprop(0.01, eps_in_sqrt=False), 0.1, "rmsprop")


def test_trap_3_first_accumulator_of_rmsprop() -> None:
    """https://github.com/google-deepmind/optax/issues/49"""
    tx = optax.rmsprop(0.01, decay=0.99, eps_in_sqrt=False, initial_scale=1.0)
    departs(tx, 0.1, "rmsprop")


def test_trap_4_the_rate_in_the_momentum_of_rmsprop() -> None:
    """https://github.com/google-deepmind/optax/pull/55: equal at a constant rate."""

    def theirs(lr: Any) -> Any:
        return optax.rmsprop(lr, decay=0.99, eps_in_sqrt=False, momentum=0.9)

    assert gap(theirs(0.01), "rmsprop", {"momentum": 0.9}) <= FLOAT64
    departs(theirs(falling), 0.05, "rmsprop", FALLING, momentum=0.9)


def test_trap_5_amsgrad_of_corrected_averages() -> None:
    """https://github.com/google-deepmind/optax/issues/1389"""
    departs(optax.amsgrad(1e-3), 0.05, "adam", amsgrad=True)


def test_trap_6_adam_s_decay_is_a_penalty() -> None:
    """https://github.com/google-deepmind/optax/issues/417"""
    departs(optax.adamw(1e-3, weight_decay=0.1), 0.1, "adam", weight_decay=0.1)


def test_trap_7_default_decay_of_adamw() -> None:
    """Public threads: none found."""
    departs(optax.adamw(1e-3), 1e-3, "adamw")


def test_trap_8_the_schedule_scales_adamw_s_decay() -> None:
    """https://github.com/pytorch/pytorch/pull/3740: in Optax too, not in the paper."""
    args = {"lr": 0.01, "weight_decay": 0.1}
    theirs = optax.adamw(falling, weight_decay=0.1)
    assert gap(theirs, "adamw", args, FALLING) <= FLOAT64
    paper = optax.chain(
        optax.scale_by_adam(),
        optax.scale_by_learning_rate(falling),
        optax.add_decayed_weights(-0.01 * 0.1),
    )
    departs(paper, 1e-3, "adamw", FALLING, **args)


def test_trap_9_adam_agrees() -> None:
    """https://github.com/jax-ml/jax/issues/4834"""
    assert gap(optax.adam(1e-3), "adam", {}) <= FLOAT64
    same("adam")


def test_trap_10_nadam_s_mu_product() -> None:
    """https://github.com/rwth-i6/returnn/issues/1440"""
    departs(optax.nadam(2e-3), 0.05, "nadam")
    departs(optax.nadam(2e-3), 0.05, "nadam", momentum_decay=0.0)


def test_trap_11_eps_of_radam() -> None:
    """Public threads: none found."""
    departs(optax.radam(1e-3), 1e-3, "radam")


def test_trap_12_adagrad() -> None:
    """Public threads: none found."""
    departs(optax.adagrad(0.01), 0.1, "adagrad")
    tx = optax.adagrad(0.01, initial_accumulator_value=0.0, eps=1e-10)
    departs(tx, 0.01, "adagrad")


def test_trap_13_rprop_lags() -> None:
    """Public threads: none found."""
    tx = optax.rprop(0.01)
    departs(tx, 0.1, "rprop")
    updates, _ = tx.update(jnp.ones(1), tx.init(jnp.ones(1)))
    assert updates[0] == 0


def test_trap_14_dampening() -> None:
    """Public threads: none found."""
    damped = optax.chain(optax.scale(0.5), optax.sgd(1e-3, momentum=0.9))
    departs(damped, 0.01, "sgd", momentum=0.9, dampening=0.5)


def test_trap_15_adamax_and_adadelta_agree_but_for_the_rate() -> None:
    """Public threads: none found."""
    assert gap(optax.adamax(2e-3), "adamax", {}) <= FLOAT64
    assert gap(optax.adadelta(1.0), "adadelta", {}) <= FLOAT64
    same("adamax")
    same("adadelta")


# Arguments.

REFUSED: list[tuple[str, Arguments]] = [
    *((name, {"lr": -0.125}) for name in optim.OPTIMIZERS),
    *((name, {"weight_decay": -0.125}) for name in optim.OPTIMIZERS if name != "rprop"),
    *(
        (name, {"eps": -0.125})
        for name in optim.OPTIMIZERS
        if name not in ("asgd", "rprop", "sgd")
    ),
    *(
        (name, {"betas": betas})
        for name in ("adam", "adamax", "adamw", "nadam", "radam")
        for betas in ((1.0, 0.9), (-0.125, 0.9), (0.9, 1.5), (0.9, float("nan")))
    ),
    ("adadelta", {"rho": 1.5}),
    ("adadelta", {"rho": -0.125}),
    ("adagrad", {"lr_decay": -0.125}),
    ("adagrad", {"initial_accumulator_value": -0.125}),
    ("asgd", {"lambd": -0.125}),
    ("asgd", {"alpha": -0.125}),
    ("nadam", {"momentum_decay": -0.125}),
    ("rmsprop", {"alpha": -0.125}),
    ("rmsprop", {"momentum": -0.125}),
    ("rmsprop", {"lr": float("nan")}),
    ("rprop", {"etas": (0.0, 1.2)}),
    ("rprop", {"etas": (0.5, 1.0)}),
    ("rprop", {"etas": (1.5, 2.0)}),
]

TAKEN: list[tuple[str, Arguments]] = [
    ("adadelta", {"rho": 1.0}),
    ("asgd", {"t0": -1.0}),
    ("rmsprop", {"alpha": 1.5}),
    ("rprop", {"step_sizes": (-1.0, -2.0)}),
]


@pytest.mark.parametrize(("name", "args"), REFUSED, ids=str)
def test_what_pytorch_refuses_is_refused(name: str, args: Arguments) -> None:
    with pytest.raises(ValueError, match="Invalid") as theirs:
        torch_optimizer(name)([torch.nn.Parameter(torch.ones(1))], **args)
    with pytest.raises(ValueError, match="Invalid") as ours:
        getattr(optim, name)(**args)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize(("name", "args"), TAKEN, ids=str)
def test_what_pytorch_takes_is_taken(name: str, args: Arguments) -> None:
    same(name, **args)


BETAS = ("adam", "adamax", "adamw", "nadam", "radam")


@pytest.mark.parametrize("name", optim.OPTIMIZERS)
def test_moving_the_hyper_parameters_does_not_recompile(name: str) -> None:
    """And the update is that of an optimiser built with them, to a few roundings."""
    tx, p, g = getattr(optim, name)(), jnp.ones(3), jnp.array([2.0, 1e-8, 0.0])
    state = tx.init(p)
    traces = 0

    @jax.jit
    def update(given: Any) -> Any:
        nonlocal traces
        traces += 1
        return tx.update(g, state, p, **given)[0]

    for lr, beta in ((0.1, 0.99), (0.2, 0.999), (0.3, 0.5)):
        given: dict[str, Any] = {"lr": lr}
        if name in BETAS:
            given["betas"] = (0.9, beta)
        fixed = getattr(optim, name)(**given)
        if name in BETAS:
            given["betas"] = tuple(map(optim.two_float, given["betas"]))
        expected, _ = fixed.update(g, fixed.init(p), p)
        # Decay rounds p, here 1, and may do so once less under jit.
        np.testing.assert_allclose(update(given), expected, rtol=1e-6, atol=2e-7)
    assert traces == 1


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.999, 0.99999])
def test_radam_s_rectification_of_a_beta_that_moves(beta: float) -> None:
    """In float32, while the host's own differences cancel: 1e-6 of each other."""
    listed = _factors(beta)[:2000]
    for count in {0, 3, 4, 5, 9, 99, 1999} & set(range(len(listed))):
        hyper = Hyper({}, jnp.int32(count), np.dtype("float32"))
        moving = coefficient_of(optim.two_float(beta), np.dtype("float32"))
        ours = rectification(hyper, moving)
        np.testing.assert_allclose(ours, listed[count], rtol=1e-5)


def test_subnormal_products_of_rprop_s_gradients() -> None:
    """PyTorch sees the sign of 1e-20 times -1e-20, which XLA takes for 0."""
    p = torch.nn.Parameter(torch.ones(4))
    optimizer = torch.optim.Rprop([p])
    tx, ours = optim.rprop(), jnp.ones(4)
    state = tx.init(ours)
    for grad in ([1e-20, 1e-20, 1e-25, 0.0], [1e-20, -1e-20, -1e-25, float("nan")]):
        p.grad = torch.tensor(grad)
        optimizer.step()
        updates, state = jax.jit(tx.update)(jnp.array(grad, jnp.float32), state)
        ours = optax.apply_updates(ours, updates)
        np.testing.assert_array_equal(ours, p.detach().numpy())
    step_size = optimizer.state[p]["step_size"].numpy()
    np.testing.assert_array_equal(state.step_size, step_size)


# With the rest of Optax and Flax.

TREE = {"a": jnp.ones((2, 3)), "b": [jnp.zeros(4), jnp.float32(2.0)]}


@pytest.mark.parametrize("name", optim.OPTIMIZERS)
def test_a_tree_under_chain_masked_partition_and_vmap(name: str) -> None:
    tx = getattr(optim, name)()
    grads = jax.tree.map(lambda x: jnp.cos(x) + 0.5, TREE)

    def two_steps(tx: Any, grads: Any = grads, params: Any = TREE) -> Any:
        state = tx.init(params)
        for _ in range(2):
            updates, state = tx.update(grads, state, params)
            params = optax.apply_updates(params, updates)
        return params

    alone = jax.tree.map(lambda g, p: two_steps(tx, g, p), grads, TREE)
    labels = {"a": "moves", "b": ["moves", "rests"]}
    frozen = {"moves": tx, "rests": optax.set_to_zero()}
    for form in (
        tx,
        optax.chain(optax.identity(), tx),
        optax.masked(tx, jax.tree.map(lambda _: True, TREE)),
        optax.partition(frozen, labels),
    ):
        together = two_steps(form)
        if form is not tx and isinstance(form.init(TREE), optax.PartitionState):
            assert together["b"].pop() == 2
            alone = {**alone, "b": alone["b"][:1]}
        jax.tree.map(np.testing.assert_array_equal, together, alone)
    pair = jnp.stack([TREE["a"], 2 * TREE["a"]])
    mapped = jax.vmap(lambda g, p: two_steps(tx, g, p))(pair, pair)
    for i in range(2):
        one = two_steps(tx, pair[i], pair[i])
        np.testing.assert_allclose(mapped[i], one, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", optim.OPTIMIZERS)
def test_flax_s_optimizer(name: str) -> None:
    model = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
    before = np.asarray(model.kernel[...])
    tx = getattr(optim, name)(lr=0.1)
    optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)
    grads = nnx.grad(lambda m: (m(jnp.ones((4, 2))) ** 2).mean())(model)
    optimizer.update(model, grads)
    g = jnp.asarray(grads["kernel"][...])
    updates, _ = tx.update(g, tx.init(jnp.asarray(before)), jnp.asarray(before))
    np.testing.assert_allclose(model.kernel[...], before + updates, rtol=1e-6)
