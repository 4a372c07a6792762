"""`jaxtrain.optim.muon`: the orthogonalisation, and all else without it."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxtrain import optim
from jaxtrain.optim import _muon
from jaxtrain.optim._muon import orthogonal

torch = pytest.importorskip("torch")

from torch.optim import _muon as torch_muon

from parity.proof.optimizers.cases import MUON, OptimizerCase
from parity.proof.optimizers.trajectory import gap

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
SMALL = ((6, 5), (5, 6), (4, 4), (1, 7), (7, 1), (32, 16))


def matrix(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Random, of another size for each seed."""
    generator = np.random.default_rng(seed)
    return (generator.standard_normal(shape) * 10.0 ** (seed - 3)).astype(np.float32)


def unequal(shape: tuple[int, int], function: Callable[..., Any]) -> float:
    """The largest share of elements whose bits differ from PyTorch's."""
    shares = []
    for seed in range(6):
        x = matrix(shape, seed)
        theirs = torch_muon._zeropower_via_newtonschulz(
            torch.tensor(x), COEFFICIENTS, 5, 1e-7
        )
        ours = jax.jit(lambda x: function(x, COEFFICIENTS, 5, 1e-7))(x)
        assert ours.dtype == jnp.bfloat16
        assert float(abs(theirs).max()) > 0.1
        different = np.asarray(ours, np.float32) != theirs.float().numpy()
        shares.append(different.mean())
    return max(shares)


@pytest.mark.parametrize("shape", SMALL, ids=str)
def test_small_matrices_become_the_same_bits(shape: tuple[int, int]) -> None:
    assert unequal(shape, orthogonal) == 0


def test_an_empty_direction_stays_empty() -> None:
    zero = orthogonal(jnp.zeros((3, 2)), COEFFICIENTS, 5, 1e-7)
    assert (np.asarray(zero, np.float32) == 0).all()


def test_products_that_round_before_they_are_added(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product = _muon._product
    monkeypatch.setattr(
        _muon,
        "_product",
        lambda x, y: product(x, y).astype(jnp.bfloat16).astype(jnp.float32),
    )
    assert unequal((6, 5), orthogonal) > 0.5


def test_other_coefficients_are_noticed() -> None:
    off = (3.4445, -4.7750, 2.05)
    assert unequal((6, 5), lambda x, _, *rest: orthogonal(x, off, *rest)) > 0.5


@pytest.mark.parametrize("shape", [(256, 300), (300, 256)], ids=str)
def test_large_matrices_are_as_near_the_exact_ones_as_pytorch_s(
    shape: tuple[int, int],
) -> None:
    """Sums of hundreds of products round by their order, and roundings are amplified:
    root mean square distance from the same iteration in float64.
    """
    ours, theirs = [], []
    for seed in range(3):
        x = matrix(shape, seed)
        wide = x.T if shape[0] > shape[1] else x
        y = wide.astype(np.float64) / np.linalg.norm(wide)
        a, b, c = COEFFICIENTS
        for _ in range(5):
            gram = y @ y.T
            y = a * y + (b * gram + c * gram @ gram) @ y
        exact = y.T if shape[0] > shape[1] else y
        found = torch_muon._zeropower_via_newtonschulz(
            torch.tensor(x), COEFFICIENTS, 5, 1e-7
        )
        own = orthogonal(jnp.asarray(x), COEFFICIENTS, 5, 1e-7)
        theirs.append(np.square(found.float().numpy() - exact).mean())
        ours.append(np.square(np.asarray(own, np.float32) - exact).mean())
    # The two are samples of one distribution; 5 % apart would be a formula.
    assert np.mean(ours) <= 1.05 * np.mean(theirs)


def in_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the rounding out of both sides, and leave the formulas."""

    def theirs(grad: Any, coefficients: Any, steps: int, eps: float) -> Any:
        a, b, c = coefficients
        x = grad.T if grad.size(0) > grad.size(1) else grad
        x = x / x.norm().clamp(min=eps)
        for _ in range(steps):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        return x.T if grad.size(0) > grad.size(1) else x

    def ours(matrix: Any, coefficients: Any, steps: int, eps: float) -> Any:
        a, b, c = coefficients
        x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
        x = x / jnp.maximum(jnp.linalg.norm(x), eps)
        for _ in range(steps):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        return x.T if matrix.shape[0] > matrix.shape[1] else x

    monkeypatch.setattr(torch_muon, "_zeropower_via_newtonschulz", theirs)
    monkeypatch.setattr(_muon, "orthogonal", ours)


@pytest.mark.parametrize("case", MUON, ids=str)
@pytest.mark.parametrize("shape", [(4, 6), (6, 3)], ids=str)
def test_free_running_without_bfloat16(
    case: OptimizerCase, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_float64(monkeypatch)
    tx = optim.muon(**case.args)
    # As for every optimiser in float64; the iteration amplifies by its slope, 3.4^5.
    assert gap(tx, case, steps=100, shape=shape) <= 1e-11


def test_a_momentum_that_is_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    in_float64(monkeypatch)
    case = OptimizerCase("muon", {"nesterov": False, "weight_decay": 0.0})
    ours = optim.muon(nesterov=False, weight_decay=0.0, momentum=0.949)
    assert gap(ours, case, shape=(4, 6)) > 1e-11


def test_a_vector_is_refused_as_in_pytorch() -> None:
    with pytest.raises(ValueError, match=r"2D.*\[3\]"):
        torch.optim.Muon([torch.nn.Parameter(torch.ones(3))])
    with pytest.raises(ValueError, match=r"2D.*\(3,\)"):
        optim.muon().init(jnp.ones(3))


def test_other_parameters_go_to_another_optimiser() -> None:
    tx = optax.partition(
        {2: optim.muon(lr=0.1), 1: optim.sgd(lr=0.5)},
        lambda params: jax.tree.map(jnp.ndim, params),
    )
    params = {"weight": jnp.eye(2), "bias": jnp.ones(2)}
    updates, _ = jax.jit(tx.update)(params, tx.init(params), params)
    np.testing.assert_array_equal(updates["bias"], [-0.5, -0.5])
    alone, _ = optim.muon(lr=0.1).update(
        jnp.eye(2), optim.muon().init(jnp.eye(2)), jnp.eye(2)
    )
    np.testing.assert_array_equal(updates["weight"], alone)
