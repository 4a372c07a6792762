"""What `cross_entropy` does that a table of cases does not say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from jaxtrain import losses
from parity.difference import ulps

WEIGHT = [0.5, 2.0, 0.0, 1.0, 3.0]


def torch_value(x: np.ndarray, target: np.ndarray) -> np.ndarray:
    loss = torch.nn.functional.cross_entropy
    return loss(torch.tensor(x), torch.tensor(target)).numpy()


def test_the_mean_over_all_rows_is_another_number() -> None:
    """Optax's users divide by the batch; PyTorch divides by the kept weights."""
    x = np.random.default_rng(0).standard_normal((8, 5))
    target = np.array([0, -100, 3, 2, 4, 1, 0, -100])
    per_row = losses.cross_entropy(x, target, WEIGHT, reduction="none")
    mean = losses.cross_entropy(x, target, WEIGHT)
    assert abs(per_row.mean() - mean) > 0.1 * abs(mean)
    kept = np.array(WEIGHT)[target[target >= 0]].sum()
    np.testing.assert_allclose(per_row.sum() / kept, mean, rtol=1e-6)  # float32


def test_nothing_kept_is_nan_as_in_pytorch() -> None:
    x, target = np.ones((3, 5), np.float32), np.full(3, -100)
    assert np.isnan(losses.cross_entropy(x, target))
    assert np.isnan(torch_value(x, target))


def test_unsigned_labels_are_class_indices() -> None:
    target = jnp.array([0, 4, 2], jnp.uint8)
    value = losses.cross_entropy(jnp.ones((3, 5)), target)
    # One float32 rounding.
    np.testing.assert_allclose(value, np.log(5), rtol=2**-23)


def test_float32_mean_of_a_batch_is_as_near_the_truth_as_pytorch_s() -> None:
    """In ulps of the float64 value, the worst and the root mean square of 200."""
    ours, theirs = [], []
    for seed in range(200):
        x = np.random.default_rng(seed).standard_normal((64, 10)).astype(np.float32)
        target = np.random.default_rng(seed + 1).integers(0, 10, 64)
        truth = torch_value(x.astype(np.float64), target)
        ours.append(ulps(truth, jax.jit(losses.cross_entropy)(x, target), np.float32))
        theirs.append(ulps(truth, torch_value(x, target), np.float32))
    assert max(ours) <= max(theirs)
    assert np.square(ours).mean() <= np.square(theirs).mean()
