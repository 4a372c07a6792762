"""Arguments of `jaxtrain.optim`: what is refused, and what may move."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxtrain import optim
from jaxtrain.optim._hyper import Hyper, coefficient_of
from jaxtrain.optim._radam import _factors, rectification

torch = pytest.importorskip("torch")

from parity.cases.optimizers import Arguments, OptimizerCase
from parity.torch_names import torch_optimizer
from parity.trajectory import gap

BETAS = ("adam", "adamax", "adamw", "nadam", "radam", "sparse_adam")

REFUSED: list[tuple[str, Arguments]] = [
    *((name, {"lr": -0.125}) for name in optim.OPTIMIZERS),
    *(
        (name, {"weight_decay": -0.125})
        for name in optim.OPTIMIZERS
        if name not in ("lbfgs", "rprop", "sparse_adam")
    ),
    *(
        (name, {"eps": -0.125})
        for name in optim.OPTIMIZERS
        if name not in ("adafactor", "asgd", "lbfgs", "muon", "rprop", "sgd")
    ),
    *(
        (name, {"betas": betas})
        for name in BETAS
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
    ("adafactor", {"beta2_decay": 0.125}),
    ("adafactor", {"eps": (-0.125, 1e-3)}),
    ("adafactor", {"eps": (None, -0.125)}),
    ("adafactor", {"d": 0.875}),
    ("muon", {"momentum": -0.125}),
    ("muon", {"adjust_lr_fn": "sqrt"}),
    ("sparse_adam", {"lr": 0.0}),
    ("sparse_adam", {"eps": 0.0}),
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
    with pytest.raises(ValueError, match=r".") as theirs:
        torch_optimizer(name)([torch.nn.Parameter(torch.ones(1, 1))], **args)
    with pytest.raises(ValueError, match=r".") as ours:
        getattr(optim, name)(**args)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize(("name", "args"), TAKEN, ids=str)
def test_what_pytorch_takes_is_taken(name: str, args: Arguments) -> None:
    assert gap(getattr(optim, name)(**args), OptimizerCase(name, args)) <= 1e-11


LATE: list[tuple[str, Arguments]] = [
    ("lbfgs", {"line_search_fn": "armijo"}),
    ("lbfgs", {"max_iter": 0}),
    ("lbfgs", {"history_size": 0}),
    ("muon", {"ns_coefficients": (1.0, 2.0)}),
    ("muon", {"ns_steps": 100}),
]
"""What PyTorch refuses in the first step, or stumbles over."""


@pytest.mark.parametrize(("name", "args"), LATE, ids=str)
def test_what_fails_in_pytorch_s_first_step_is_refused(
    name: str, args: Arguments
) -> None:
    (value,) = args.values()
    with pytest.raises(ValueError, match=re.escape(str(value))):
        getattr(optim, name)(**args)


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
