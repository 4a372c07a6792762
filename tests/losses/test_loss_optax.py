"""Where Optax's losses differ from PyTorch's: its gap, and our zero."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

torch = pytest.importorskip("torch")

from jaxtrain import losses

F = torch.nn.functional

X = np.random.default_rng(0).standard_normal((6, 5)).astype(np.float32)
Y = np.random.default_rng(1).standard_normal((6, 5)).astype(np.float32)
Z = np.random.default_rng(2).standard_normal((6, 5)).astype(np.float32)
LABELS = np.array([0, 4, -100, 2, -100, 1])
LOG_P = np.asarray(jax.nn.log_softmax(X))
Q = np.asarray(jax.nn.softmax(Y))


def torch_value(loss: Any, *given: Any, **arguments: Any) -> float:
    tensors = [torch.tensor(x) for x in given]
    return float(loss(*tensors, **arguments))


def apart(found: Any, expected: float) -> float:
    return abs(float(found) - expected) / abs(expected)


ROUNDINGS = 1e-6
"""Of float32, eight: sums of 30 terms."""


def test_what_the_table_names_is_there() -> None:
    pytest.importorskip("torchvision")
    from parity.proof.report.documentation import OPTAX

    for said in OPTAX.values():
        name = said.split("`")[1]
        assert hasattr(optax.losses, name), name
    assert not hasattr(optax.losses, "nll_loss")


def test_an_ignored_label() -> None:
    optaxs = optax.losses.softmax_cross_entropy_with_integer_labels(X, LABELS).mean()
    expected = torch_value(F.cross_entropy, X, LABELS)
    assert not apart(optaxs, expected) < 1
    assert apart(losses.cross_entropy(X, LABELS), expected) < ROUNDINGS


def test_the_mean_of_weighted_classes_is_over_the_weights() -> None:
    weight = np.array([0.5, 2, 0, 1, 3], np.float32)
    target = np.where(LABELS < 0, 3, LABELS)
    each = optax.losses.softmax_cross_entropy_with_integer_labels(X, target)
    expected = torch_value(
        lambda x, y, w: F.cross_entropy(x, y, weight=w), X, target, weight
    )
    assert apart((each * weight[target]).mean(), expected) > 0.05
    assert apart(losses.cross_entropy(X, target, weight), expected) < ROUNDINGS


def test_half_the_square() -> None:
    expected = torch_value(F.mse_loss, X, Y)
    assert apart(optax.losses.l2_loss(X, Y).mean(), expected) == pytest.approx(0.5)
    assert apart(losses.mse_loss(X, Y), expected) < ROUNDINGS


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")
def test_the_mean_of_a_divergence_is_over_all_elements() -> None:
    expected = torch_value(F.kl_div, LOG_P, Q)
    optaxs = optax.losses.kl_divergence(LOG_P, Q).mean()
    assert float(optaxs) / expected == pytest.approx(5, rel=ROUNDINGS)
    assert apart(losses.kl_div(LOG_P, Q), expected) < ROUNDINGS
    per_row = torch_value(F.kl_div, LOG_P, Q, reduction="batchmean")
    assert apart(losses.kl_div(LOG_P, Q, "batchmean"), per_row) < ROUNDINGS


def test_smooth_l1_is_huber_over_beta() -> None:
    expected = torch_value(F.smooth_l1_loss, X, Y, beta=0.25)
    optaxs = optax.losses.huber_loss(X, Y, delta=0.25).mean()
    assert float(optaxs) / expected == pytest.approx(0.25, rel=ROUNDINGS)
    assert apart(losses.smooth_l1_loss(X, Y, beta=0.25), expected) < ROUNDINGS


@pytest.mark.parametrize("p", [1, 2])
def test_triplets(p: int) -> None:
    expected = torch_value(F.triplet_margin_loss, X, Y, Z, p=p)
    optaxs = optax.losses.triplet_margin_loss(X, Y, Z, norm_degree=p).mean()
    ours = losses.triplet_margin_loss(X, Y, Z, p=p)
    assert apart(ours, expected) < ROUNDINGS
    if p == 1:  # signed differences are added up
        assert apart(optaxs, expected) > 0.05


def test_several_classes_and_one_margin() -> None:
    target = np.where(LABELS < 0, 3, LABELS)
    expected = torch_value(F.multi_margin_loss, X, target)
    optaxs = optax.losses.multiclass_hinge_loss(jnp.asarray(X), target).mean()
    assert apart(optaxs, expected) > 0.5
    assert apart(losses.multi_margin_loss(X, target), expected) < ROUNDINGS


def test_the_log_of_a_probability_of_zero() -> None:
    """The threads' log(s + 1e-15) has another value and another slope."""
    x, y = np.array([0.0, 1e-3], np.float32), np.ones(2, np.float32)
    expected = torch_value(F.binary_cross_entropy, x, y)

    def written_by_hand(x: jax.Array) -> jax.Array:
        return -(y * jnp.log(x + 1e-15)).mean()

    assert apart(written_by_hand(jnp.asarray(x)), expected) > 0.5
    assert apart(losses.binary_cross_entropy(x, y), expected) < ROUNDINGS
    leaf = torch.tensor(x, requires_grad=True)
    F.binary_cross_entropy(leaf, torch.tensor(y)).backward()
    grad = jax.grad(losses.binary_cross_entropy)(jnp.asarray(x), y)
    np.testing.assert_allclose(grad, leaf.grad, rtol=ROUNDINGS)
    assert not np.allclose(jax.grad(written_by_hand)(jnp.asarray(x)), leaf.grad)
