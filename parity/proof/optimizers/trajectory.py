"""Free-running steps of an optimiser on given gradients, in float64.

No model is involved, so nothing amplifies rounding, and formulas that differ by as
little as an eps show.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from parity.difference import difference
from parity.proof.optimizers.cases import OptimizerCase
from parity.pytorch.names import torch_gradient, torch_optimizer


def gradients(steps: int, shape: tuple[int, ...] = (8,)) -> np.ndarray:
    """(steps, *shape), of every order from far below to far above any eps, some zero.

    Example:
        >>> [f"{size:.0e}" for size in np.abs(gradients(1000)).max(axis=0)[[0, -1]]]
        ['4e-09', '3e+01']
    """
    generator = np.random.default_rng(1)
    size = int(np.prod(shape))
    scale = 10.0 ** np.linspace(-9, 1, size)
    grads = generator.standard_normal((steps, size)) * scale
    grads = np.where(generator.random((steps, size)) < 0.05, 0, grads)
    return grads.reshape(steps, *shape)


def torch_trajectory(
    case: OptimizerCase,
    grads: np.ndarray,
    lrs: np.ndarray | None = None,
    ulps: int = 0,
) -> np.ndarray:
    """PyTorch's displacement after each step.

    Args:
        case: the optimiser.
        grads: (steps, *shape).
        lrs: (steps,) learning rates, or None for the case's own.
        ulps: how far the start is from that of other runs.
    """
    start = _start(grads)
    start = start + ulps * np.spacing(start)
    p = torch.nn.Parameter(torch.tensor(start))
    points = []
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        optimizer = torch_optimizer(case.name)([p], **case.args)
        for step, grad in enumerate(grads):
            if lrs is not None:
                optimizer.param_groups[0]["lr"] = float(lrs[step])
            p.grad = torch_gradient(case.name, torch.tensor(grad))
            optimizer.step()
            points.append(p.detach().numpy().copy())
    finally:
        torch.set_default_dtype(before)
    return np.array(points) - start


def trajectory(tx: optax.GradientTransformation, grads: np.ndarray) -> np.ndarray:
    """The displacement after each step of an Optax transformation."""

    def step(carry: Any, grad: jax.Array) -> tuple[Any, jax.Array]:
        p, state = carry
        updates, state = tx.update(grad, state, p)
        p = optax.apply_updates(p, updates)
        return (p, state), p

    @jax.jit
    def run(p: jax.Array, grads: jax.Array) -> jax.Array:
        return jax.lax.scan(step, (p, tx.init(p)), grads)[1]

    start = _start(grads)
    with jax.enable_x64(True):
        return np.asarray(run(jnp.asarray(start), jnp.asarray(grads))) - start


def gap(
    tx: optax.GradientTransformation,
    case: OptimizerCase,
    lrs: np.ndarray | None = None,
    steps: int = 60,
    shape: tuple[int, ...] = (8,),
) -> float:
    """Largest distance from PyTorch at any step, relative to how far PyTorch moves.

    Example:
        >>> from jaxtrain import optim
        >>> case = OptimizerCase("sgd", {"lr": 0.1})
        >>> gap(optim.sgd(lr=0.1), case) < 1e-14, gap(optim.sgd(lr=0.2), case) > 0.9
        (True, True)
    """
    grads = gradients(steps, shape)
    theirs, ours = torch_trajectory(case, grads, lrs), trajectory(tx, grads)
    scale = np.nanmax(np.abs(theirs))
    return float(difference(theirs, ours).max() / max(scale, 1e-300))


def _start(grads: np.ndarray) -> np.ndarray:
    shape = grads.shape[1:]
    return np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)
