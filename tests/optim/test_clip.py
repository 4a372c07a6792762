"""Clipping against `torch.nn.utils`."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxtrain.optim import clip_grad_norm, clip_grad_value
from jaxtrain.optim._gradients import total_norm

torch = pytest.importorskip("torch")

NORMS = [1.0, 2.0, 3.0, 0.5, math.inf]
GRADS = {
    "large": [[3.0, -4.0], [[1.0, 2.0], [-2.0, 0.5]]],
    "within": [[0.01, -0.02], [[0.0, 0.02], [0.001, 0.0]]],
    "near the 1e-6": [[1e-6, -2e-6], [[5e-7, 0.0], [0.0, 1e-9]]],
    "zero": [[0.0, 0.0], [[0.0, 0.0], [0.0, 0.0]]],
    "infinite": [[math.inf, 1.0], [[0.0, 2.0], [0.0, 0.0]]],
    "not a number": [[math.nan, 1.0], [[0.0, 2.0], [0.0, 0.0]]],
}


def torch_clipped(grads: list, clip: str, *arguments: float) -> list[np.ndarray]:
    parameters = []
    for grad in grads:
        p = torch.nn.Parameter(torch.zeros(np.shape(grad), dtype=torch.float64))
        p.grad = torch.tensor(grad, dtype=torch.float64)
        parameters.append(p)
    getattr(torch.nn.utils, clip)(parameters, *arguments)
    return [p.grad.numpy() for p in parameters]


def clipped(tx: optax.GradientTransformation, grads: list) -> list[np.ndarray]:
    with jax.enable_x64(True):
        tree = [jnp.asarray(grad) for grad in grads]
        return [np.asarray(g) for g in jax.jit(tx.update)(tree, tx.init(tree))[0]]


def apart(ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    """Largest relative difference; infinite where only one is not finite."""
    worst = 0.0
    for a, b in zip(ours, theirs, strict=True):
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        with np.errstate(invalid="ignore", divide="ignore"):
            relative = np.abs(a - b) / np.abs(b)
        relative = np.where(np.isnan(relative), np.inf, relative)
        worst = max(worst, np.where(same, 0.0, relative).max())
    return worst


BOUND = 4e-16
"""The norm adds six squares: two float64 roundings of 2.2e-16 at most."""


@pytest.mark.parametrize("norm_type", NORMS)
@pytest.mark.parametrize("max_norm", [0.0, 1e-6, 0.1, 1.0, 100.0])
@pytest.mark.parametrize("grads", GRADS.values(), ids=GRADS)
def test_clip_grad_norm(norm_type: float, max_norm: float, grads: list) -> None:
    theirs = torch_clipped(grads, "clip_grad_norm_", max_norm, norm_type)
    assert apart(clipped(clip_grad_norm(max_norm, norm_type), grads), theirs) <= BOUND


def test_optax_clips_by_the_norm_without_the_1e_6() -> None:
    """https://github.com/goodfire-ai/spd/issues/643: 2e-4 apart at a norm of 5e-3."""
    grads = [[3e-3, -4e-3]]
    theirs = torch_clipped(grads, "clip_grad_norm_", 1e-3)
    assert apart(clipped(optax.clip_by_global_norm(1e-3), grads), theirs) > 1e-4
    assert apart(clipped(clip_grad_norm(1e-3), grads), theirs) <= BOUND


@pytest.mark.parametrize("clip_value", [0.0, 0.015, 1.0, math.inf])
@pytest.mark.parametrize("grads", GRADS.values(), ids=GRADS)
def test_clip_grad_value(clip_value: float, grads: list) -> None:
    theirs = torch_clipped(grads, "clip_grad_value_", clip_value)
    assert apart(clipped(clip_grad_value(clip_value), grads), theirs) == 0


def test_a_norm_that_is_not_finite_raises_if_asked() -> None:
    tx = clip_grad_norm(1.0, error_if_nonfinite=True)
    bad = jnp.array([jnp.nan])
    with pytest.raises(RuntimeError, match="nan"):
        tx.update(bad, tx.init(bad))
    good, _ = tx.update(jnp.array([2.0]), tx.init(bad))
    assert abs(good[0] - 1) < 1e-5


def test_total_norm_of_nothing_is_zero() -> None:
    assert total_norm({}) == 0
    assert total_norm([jnp.zeros((0, 3)), jnp.array([2.0])], math.inf) == 2
