"""Arguments of `jaxtrain.optim`: what is refused, and what may move."""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from packaging.version import Version

from jaxtrain import optim
from jaxtrain.optim._hyper import Hyper, coefficient_of
from jaxtrain.optim._radam import _factors, rectification

torch = pytest.importorskip("torch")

from parity.proof.optimizers.cases import Arguments, OptimizerCase
from parity.proof.optimizers.trajectory import gap
from parity.pytorch.names import torch_gradient, torch_optimizer

BETAS = ("adam", "adamax", "adamw", "nadam", "radam", "sparse_adam")

INF, NAN = float("inf"), float("nan")
NUMBERS = (-0.125, -0.0, 0.0, 1, 2.0, INF, NAN, True, "0.1", None, (0.1,))
NUMBERS += (np.float32(-0.125), np.float32(0.5))
COUNTS = (-1, 0, 1, 3, 100, 2.5, None, "3")
FLAGS = (False, True)

VALUES: dict[str, tuple[Any, ...]] = {
    "adjust_lr_fn": (None, "original", "match_rms_adamw", "spectral_unclamped", "sqrt"),
    "alpha": NUMBERS,
    "amsgrad": FLAGS,
    "beta2_decay": NUMBERS,
    "betas": (
        *((1.0, 0.9), (-0.125, 0.9), (0.9, 1.5), (0.9, NAN), (0.0, 0.0), [0.9, 0.99]),
        *((0, 0.9), (0.9, 0), (0, 0), (np.float32(0.5), 0.5), (np.float64(0.5), 0.5)),
        *((0.9,), (0.9, 0.99, 0.999), 0.9, None, ("0.9", "0.9"), (None, 0.9)),
    ),
    "centered": FLAGS,
    "d": NUMBERS,
    "dampening": NUMBERS,
    "decoupled_weight_decay": FLAGS,
    "eps": NUMBERS,
    "etas": (
        *((0.0, 1.2), (-0.5, 1.2), (0.5, 1.0), (1.5, 2.0), (0.5, NAN), (NAN, 1.2)),
        *((0.5, INF), [0.5, 1.2], (0.5,), (0.5, 1.2, 3.0), 0.5, ("0.5", "1.2")),
    ),
    "history_size": COUNTS,
    "initial_accumulator_value": NUMBERS,
    "lambd": NUMBERS,
    "line_search_fn": (None, "strong_wolfe", "armijo", ""),
    "lr": NUMBERS,
    "lr_decay": NUMBERS,
    "max_eval": COUNTS,
    "max_iter": COUNTS,
    "maximize": FLAGS,
    "momentum": NUMBERS,
    "momentum_decay": NUMBERS,
    "nesterov": FLAGS,
    "ns_coefficients": ((3.0, -3.2, 1.2), (1.0, 2.0), (1.0, 2.0, 3.0, 4.0), 3.0),
    "ns_steps": COUNTS,
    "rho": (*NUMBERS, 1.5),
    "step_sizes": ((-1.0, -2.0), (NAN, NAN), (0, 50), (1e-6,), 3.0),
    "t0": NUMBERS,
    "tolerance_change": NUMBERS,
    "tolerance_grad": NUMBERS,
    "weight_decay": NUMBERS,
}
"""For each argument: bad values, good ones, and those on the border."""

EPS_OF_ADAFACTOR = (
    *((-0.125, 1e-3), (None, -0.125), (NAN, 1e-3), (0.0, 0.0), (None, INF)),
    *((None, None), (None,), 1e-8, ("0.1", 1e-3)),
)

BESIDE: list[tuple[str, Arguments]] = [
    ("sgd", {"nesterov": True, "momentum": 0.9}),
    ("sgd", {"nesterov": True, "momentum": 0.9, "dampening": 0.25}),
    ("sgd", {"nesterov": True, "momentum": NAN}),
    # Without momentum PyTorch never looks at it.
    *(("sgd", {"dampening": v, "momentum": 0.9}) for v in ("0.1", None, (0.1,))),
    # Ranges come before types, as in PyTorch.
    ("adam", {"betas": (0, 0.9), "weight_decay": -0.125}),
    ("adam", {"betas": (0, 0.9), "eps": -0.125}),
]

STRICTER: dict[tuple[str, str], tuple[tuple[Any, ...], str]] = {
    ("adam", "betas"): (((0.9, 0.99, 0.999),), "the third is dropped"),
    ("adamw", "betas"): (((0.9, 0.99, 0.999),), "the third is dropped"),
    ("lbfgs", "max_iter"): ((-1, 0, 2.5), "no iteration, or 3 for 2.5"),
    ("lbfgs", "max_eval"): ((2.5,), "3 for 2.5"),
    ("sgd", "dampening"): (("0.1", None, (0.1,)), "never looked at"),
}
"""What we refuse and PyTorch takes even in its steps, and what it makes of it."""

# PyTorch 2.15 is the first to refuse these; a rate that grows with time is a slip.
NEGATIVE = (-0.125, NAN, np.float32(-0.125))
if Version(torch.__version__).release < (2, 15):
    STRICTER |= {("asgd", key): (NEGATIVE, "taken") for key in ("alpha", "lambd")}


def table() -> list[tuple[str, Arguments]]:
    rows = []
    for name in optim.OPTIMIZERS:
        for key in inspect.signature(getattr(optim, name)).parameters:
            values = VALUES[key]
            if (name, key) == ("adafactor", "eps"):
                values = EPS_OF_ADAFACTOR
            rows += [(name, {key: value}) for value in values]
    return rows + BESIDE


TAKEN: list[tuple[str, Arguments]] = [
    ("adadelta", {"rho": 1.0}),
    ("asgd", {"t0": -1.0}),
    ("rmsprop", {"alpha": 1.5}),
    ("rprop", {"step_sizes": (-1.0, -2.0)}),
]


def refusal(make: Callable[..., Any], *given: Any, **args: Any) -> Exception | None:
    try:
        make(*given, **args)
    except Exception as error:
        return error
    return None


def pytorch_s_steps(name: str, args: Arguments) -> None:
    p = torch.nn.Parameter(torch.ones(3, 2))
    optimizer = torch_optimizer(name)([p], **args)

    def closure() -> Any:
        loss = (p**4).sum()
        (grad,) = torch.autograd.grad(loss, [p])
        p.grad = torch_gradient(name, grad)
        return loss

    for _ in range(3):
        closure()
        optimizer.step(closure)


@pytest.mark.parametrize(("name", "args"), table(), ids=str)
def test_what_pytorch_refuses_is_refused_and_nothing_else(
    name: str, args: Arguments
) -> None:
    """At construction; what fails in PyTorch's first steps is refused there too."""
    one = [torch.nn.Parameter(torch.ones(1, 1))]
    theirs = refusal(torch_optimizer(name), one, **args)
    ours = refusal(getattr(optim, name), **args)
    (key, value), *_ = args.items()
    if theirs is not None:
        assert isinstance(ours, ValueError | TypeError)
    elif ours is not None:
        assert str(value) in str(ours)
        if value not in STRICTER.get((name, key), ((), ""))[0] or len(args) > 1:
            assert refusal(pytorch_s_steps, name, args) is not None
    if isinstance(theirs, ValueError) and "Nesterov" not in str(theirs):
        floats = "betas must be either both floats or both Tensors"
        words = str(theirs).replace(floats, f"betas must be floats, not {value}")
        assert str(ours) == words


def test_the_table_tells_something() -> None:
    """A library that refused nothing, or all, would disagree in hundreds of rows."""
    one = [torch.nn.Parameter(torch.ones(1, 1))]
    verdicts = [refusal(torch_optimizer(n), one, **args) for n, args in table()]
    refused = [verdict for verdict in verdicts if verdict is not None]
    assert len(refused) > 200
    assert len(verdicts) - len(refused) > 200


@pytest.mark.parametrize("name", optim.OPTIMIZERS)
def test_schedules_only_where_values_may_move(name: str) -> None:
    def schedule(count: jax.Array) -> float:
        return 0.125

    def refused(key: str) -> bool:
        value = (schedule, schedule) if key == "betas" else schedule
        return isinstance(refusal(getattr(optim, name), **{key: value}), TypeError)

    for key in inspect.signature(getattr(optim, name)).parameters:
        if VALUES[key] is NUMBERS and key not in ("lr", "momentum"):
            assert refused(key), key
        if key in ("lr", "momentum", "betas"):
            assert not refused(key), key


@pytest.mark.parametrize(("name", "args"), TAKEN, ids=str)
def test_what_pytorch_takes_is_taken(name: str, args: Arguments) -> None:
    assert gap(getattr(optim, name)(**args), OptimizerCase(name, args)) <= 1e-11


@pytest.mark.parametrize("name", sorted({*optim.OPTIMIZERS} - {"lbfgs"}))
def test_moving_the_hyper_parameters_does_not_recompile(name: str) -> None:
    """And the update is that of an optimiser built with them, to a few roundings."""
    tx, p, g = getattr(optim, name)(), jnp.ones((1, 3)), jnp.array([[2.0, 1e-8, 0.0]])
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
