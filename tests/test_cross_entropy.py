"""`jaxtrain.losses.cross_entropy` against PyTorch's: values and gradients."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxtrain import losses
from parity.compare import ulps

torch = pytest.importorskip("torch")

WEIGHT = [0.5, 2.0, 0.0, 1.0, 3.0]
ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"reduction": "sum"},
    {"reduction": "none"},
    {"weight": WEIGHT},
    {"weight": WEIGHT, "reduction": "sum"},
    {"label_smoothing": 0.1},
    {"label_smoothing": 1.0, "weight": WEIGHT},
    {"label_smoothing": 0.3, "weight": WEIGHT, "reduction": "none"},
]
INDEX_ONLY: list[dict[str, Any]] = [
    {"ignore_index": 1},
    {"ignore_index": 1, "weight": WEIGHT},
    {"ignore_index": 1, "weight": WEIGHT, "label_smoothing": 0.2},
    {"ignore_index": -100, "label_smoothing": 0.2, "reduction": "sum"},
]
SHAPES = [(8, 5), (5,), (3, 5, 2), (2, 5, 3, 4), (64, 5)]


def logits(shape: tuple[int, ...], size: float) -> np.ndarray:
    return size * np.random.default_rng(0).standard_normal(shape)


def indices(shape: tuple[int, ...], ignored: int = -100) -> np.ndarray:
    outer = shape[:1] + shape[2:] if len(shape) > 1 else ()
    target = np.random.default_rng(1).integers(0, 5, outer)
    if target.size > 2:
        target.flat[1] = ignored
    return target


def probabilities(shape: tuple[int, ...]) -> np.ndarray:
    axis = 1 if len(shape) > 1 else 0
    raw = np.random.default_rng(2).exponential(size=shape)
    return raw / raw.sum(axis, keepdims=True)


def torch_result(
    x: np.ndarray, target: np.ndarray, arguments: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    arguments = dict(arguments)
    if "weight" in arguments:
        arguments["weight"] = torch.tensor(arguments["weight"], dtype=torch.float64)
    leaf = torch.tensor(x, requires_grad=True)
    value = torch.nn.functional.cross_entropy(leaf, torch.tensor(target), **arguments)
    value.sum().backward()
    return value.detach().numpy(), leaf.grad.numpy()


def our_result(
    x: np.ndarray, target: np.ndarray, arguments: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    def value(x: jax.Array) -> jax.Array:
        return losses.cross_entropy(x, target, **arguments)

    with jax.enable_x64(True):
        x = jnp.asarray(x)
        grad = jax.jit(jax.grad(lambda x: value(x).sum()))(x)
        return np.asarray(jax.jit(value)(x)), np.asarray(grad)


def assert_same(x: np.ndarray, target: np.ndarray, arguments: dict[str, Any]) -> None:
    """To 1e-14 of the largest term: both add some hundred terms in float64."""
    value, grad = our_result(x, target, arguments)
    expected, expected_grad = torch_result(x, target, arguments)
    assert value.shape == expected.shape
    scale = max(np.abs(x).max(), 1) * max(value.size, 1)
    np.testing.assert_allclose(value, expected, rtol=1e-14, atol=1e-14 * scale)
    np.testing.assert_allclose(grad, expected_grad, rtol=1e-14, atol=1e-14 * scale)


@pytest.mark.parametrize("arguments", ARGUMENTS + INDEX_ONLY, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_class_indices(
    arguments: dict[str, Any], shape: tuple[int, ...], size: float
) -> None:
    target = indices(shape, arguments.get("ignore_index", -100))
    assert_same(logits(shape, size), target, arguments)


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_class_probabilities(arguments: dict[str, Any], shape: tuple[int, ...]) -> None:
    assert_same(logits(shape, 1.0), probabilities(shape), arguments)


def test_the_mean_over_all_rows_is_another_number() -> None:
    """Optax's users divide by the batch; PyTorch divides by the kept weights."""
    x, target = logits((8, 5), 1.0), indices((8, 5))
    arguments = {"weight": WEIGHT, "ignore_index": -100}
    per_row, _ = our_result(x, target, {**arguments, "reduction": "none"})
    expected, _ = torch_result(x, target, arguments)
    assert abs(per_row.mean() - expected) > 0.1 * abs(expected)


def test_nothing_kept_is_nan_as_in_pytorch() -> None:
    x, target = logits((3, 5), 1.0), np.full(3, -100)
    assert np.isnan(our_result(x, target, {})[0])
    assert np.isnan(torch_result(x, target, {})[0])


@pytest.mark.parametrize("label", [5, -1, 200])
def test_a_label_out_of_range_gives_nan_and_not_a_number(label: int) -> None:
    target = jnp.array([0, label, 2])
    assert np.isnan(jax.jit(losses.cross_entropy)(jnp.ones((3, 5)), target))


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
        truth = torch_result(x.astype(np.float64), target, {})[0]
        ours.append(ulps(truth, jax.jit(losses.cross_entropy)(x, target), np.float32))
        theirs.append(ulps(truth, torch_result(x, target, {})[0], np.float32))
    assert max(ours) <= max(theirs)
    assert np.square(ours).mean() <= np.square(theirs).mean()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": np.zeros(4, int)}, r"\(3,\).*\(4,\)"),
        ({"target": np.zeros((3, 4))}, r"\(3, 5\).*\(3, 4\)"),
        ({"reduction": "average"}, "average"),
        ({"label_smoothing": 1.5}, r"1\.5"),
        ({"weight": [1.0, 2.0]}, r"5 classes.*\(2,\)"),
        ({"input": np.float32(1)}, r"\(\)"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict, message: str) -> None:
    given = {"input": np.zeros((3, 5)), "target": np.zeros(3, int), **arguments}
    with pytest.raises(ValueError, match=message):
        losses.cross_entropy(**given)
