"""What is refused at the door, what comes out NaN, and what PyTorch does there."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")

from jaxtrain import losses
from parity.proof.losses.cases import CASES, NAMES
from parity.proof.losses.inputs import tensors
from parity.proof.losses.judge import OUR_DISTANCES, plain_arguments, torch_loss


def name_of(x: Any) -> str | None:
    """A short id: arrays in it would be long."""
    return x if isinstance(x, str) else None


PAIR, OTHER = np.ones((3, 2)), np.ones((3, 4))
LOG_P = np.full((5, 2, 3), np.log(1 / 3))
LABELS, LENGTHS = np.array([[1], [2]]), np.array([5, 5])

REFUSED: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("mse_loss", (PAIR, OTHER), {}, r"input has shape \(3, 2\).*target .*\(3, 4\)"),
    ("mse_loss", (PAIR, np.ones(2)), {}, r"\(3, 2\).*\(2,\)"),
    ("l1_loss", (PAIR, PAIR), {"weight": np.ones(2)}, r"weight has shape \(2,\)"),
    ("huber_loss", (PAIR, PAIR), {"delta": 0.0}, "0.0"),
    ("huber_loss", (PAIR, PAIR), {"delta": -2.0}, "-2.0"),
    ("smooth_l1_loss", (PAIR, PAIR), {"beta": -1.0}, "-1.0"),
    ("smooth_l1_loss", (PAIR, np.ones(3)), {"beta": 0}, r"\(3,\)"),
    ("poisson_nll_loss", (PAIR, OTHER), {}, r"\(3, 4\)"),
    ("kl_div", (PAIR, OTHER), {}, r"\(3, 4\)"),
    ("gaussian_nll_loss", (PAIR, PAIR, -1.0), {}, "-1.0"),
    ("gaussian_nll_loss", (PAIR, PAIR, np.ones(2)), {}, r"\(2,\)"),
    ("binary_cross_entropy", (PAIR, np.ones(2)), {}, r"\(2,\)"),
    ("binary_cross_entropy", (PAIR, PAIR, np.ones(3)), {}, r"weight .*\(3,\)"),
    ("binary_cross_entropy_with_logits", (PAIR, OTHER), {}, r"\(3, 4\)"),
    (
        "binary_cross_entropy_with_logits",
        (PAIR, PAIR),
        {"pos_weight": np.ones(3)},
        r"pos_weight .*\(3,\)",
    ),
    ("cross_entropy", (PAIR, np.zeros(4, int)), {}, r"\(3,\).*\(4,\)"),
    ("cross_entropy", (PAIR, OTHER), {}, r"\(3, 2\).*\(3, 4\)"),
    (
        "cross_entropy",
        (PAIR, np.zeros(3, int)),
        {"weight": [1.0]},
        r"2 classes.*\(1,\)",
    ),
    ("cross_entropy", (PAIR, PAIR), {"label_smoothing": 1.5}, "1.5"),
    ("cross_entropy", (np.float32(1), np.array(0)), {}, r"\(\)"),
    ("nll_loss", (PAIR, np.zeros(4, int)), {}, r"\(4,\)"),
    ("linear_cross_entropy", (PAIR, OTHER, np.zeros(3, int)), {}, r"\(3, 4\)"),
    (
        "linear_cross_entropy",
        (PAIR, PAIR, np.zeros(3, int)),
        {"linear_bias": np.ones(4)},
        r"\(4,\)",
    ),
    (
        "linear_cross_entropy",
        (PAIR, PAIR, np.ones((3, 3))),
        {"ignore_index": 1},
        "is 1",
    ),
    (
        "linear_cross_entropy",
        (np.ones((2, 2, 2)), PAIR, np.zeros(2, int)),
        {},
        "2, 2, 2",
    ),
    ("margin_ranking_loss", (PAIR, np.ones(2), PAIR), {}, r"\(2,\)"),
    ("hinge_embedding_loss", (PAIR, OTHER), {}, r"\(3, 4\)"),
    ("hinge_loss", (PAIR, OTHER), {}, r"\(3, 4\)"),
    ("soft_margin_loss", (PAIR, OTHER), {}, r"\(3, 4\)"),
    ("multilabel_margin_loss", (PAIR, np.zeros((3, 1), int)), {}, r"\(3, 1\)"),
    ("multilabel_soft_margin_loss", (PAIR, OTHER), {}, r"\(3, 4\)"),
    ("multi_margin_loss", (PAIR, np.zeros(3, int)), {"p": 3}, "3"),
    ("multi_margin_loss", (PAIR, np.zeros(2, int)), {}, r"\(2,\)"),
    ("multi_margin_loss", (PAIR, np.zeros(3, int)), {"weight": np.ones(3)}, r"\(3,\)"),
    ("cosine_embedding_loss", (PAIR, PAIR, np.ones((3, 1))), {}, r"\(3, 1\)"),
    ("cosine_embedding_loss", (PAIR, OTHER, np.ones(3)), {}, r"\(3, 4\)"),
    ("triplet_margin_loss", (PAIR, PAIR, np.ones(2)), {}, r"\(2,\)"),
    ("triplet_margin_loss", (PAIR, PAIR, PAIR), {"margin": 0.0}, "0.0"),
    ("triplet_margin_with_distance_loss", (PAIR, PAIR, PAIR), {"margin": -1.0}, "-1.0"),
    ("sigmoid_focal_loss", (PAIR, PAIR), {"alpha": 2.0}, "2.0"),
    ("sigmoid_focal_loss", (PAIR, OTHER), {}, r"\(3, 4\)"),
    ("generalized_box_iou_loss", (PAIR, PAIR), {}, r"\(3, 2\)"),
    ("ctc_loss", (LOG_P, LABELS, LENGTHS, [1, 1]), {"blank": 3}, "3"),
    ("ctc_loss", (LOG_P, LABELS, [5], [1, 1]), {}, r"\(1,\)"),
    ("ctc_loss", (LOG_P, LABELS[:1], LENGTHS, [1, 1]), {}, r"\(1, 1\)"),
    ("ctc_loss", (LOG_P[:0], LABELS, LENGTHS, [1, 1]), {}, r"\(0, 2, 3\)"),
    ("zero_one_loss", (PAIR, np.zeros(4, int)), {}, r"\(4,\)"),
]


@pytest.mark.parametrize(
    ("name", "given", "arguments", "message"), REFUSED, ids=name_of
)
def test_what_does_not_fit_is_refused(
    name: str, given: tuple[Any, ...], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(losses, name)(*given, **arguments)


REDUCED = [name for name in NAMES if "penalty" not in name]


def first_case(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    case = next(case for case in CASES if case.name == name)
    plain = plain_arguments(case, OUR_DISTANCES)
    plain.pop("reduction", None)
    return tensors(case), plain


@pytest.mark.parametrize("name", REDUCED)
def test_an_unknown_reduction_is_refused_as_in_pytorch(name: str) -> None:
    inputs, plain = first_case(name)
    with pytest.raises(ValueError, match="average"):
        getattr(losses, name)(**inputs, **plain, reduction="average")
    leaves = {key: torch.tensor(x) for key, x in inputs.items()}
    if name not in ("hinge_loss", "zero_one_loss"):
        with pytest.raises(ValueError, match="average"):
            torch_loss(name)(**leaves, **plain, reduction="average")


@pytest.mark.parametrize("name", NAMES)
def test_integers_are_no_input(name: str) -> None:
    inputs, plain = first_case(name)
    first = next(iter(inputs))
    inputs[first] = np.ones(inputs[first].shape, np.int32)
    with pytest.raises(TypeError, match="int32"):
        getattr(losses, name)(**inputs, **plain)


@pytest.mark.parametrize(
    "name", ["nll_loss", "multi_margin_loss", "multilabel_margin_loss", "zero_one_loss"]
)
def test_class_indices_are_integers(name: str) -> None:
    inputs, plain = first_case(name)
    inputs["target"] = inputs["target"].astype(np.float32)
    with pytest.raises(TypeError, match="target must hold integers, but is float32"):
        getattr(losses, name)(**inputs, **plain)


def test_batchmean_is_for_kl_div_alone() -> None:
    losses.kl_div(PAIR, PAIR, "batchmean")
    with pytest.raises(ValueError, match="batchmean"):
        losses.mse_loss(PAIR, PAIR, "batchmean")


# Values that PyTorch refuses: NaN, compiled or not.

ROWS = np.array([[0.1, 0.9, 0.3], [0.5, 0.2, 0.4]], np.float32)
WRONG_VALUES: list[tuple[str, tuple[Any, ...]]] = [
    ("cross_entropy", (ROWS, np.array([3, 0]))),
    ("cross_entropy", (ROWS, np.array([-1, 0]))),
    ("nll_loss", (ROWS, np.array([0, 7]))),
    ("nll_loss", (ROWS, np.array([0, -2]))),
    ("multi_margin_loss", (ROWS, np.array([0, 3]))),
    ("multi_margin_loss", (ROWS, np.array([-1, 0]))),
    ("multilabel_margin_loss", (ROWS, np.array([[0, 3, -1], [0, -1, 0]]))),
    ("multilabel_margin_loss", (ROWS, np.array([[0, -1, -2], [0, -1, 0]]))),
    ("binary_cross_entropy", (ROWS + 1, ROWS)),
    ("binary_cross_entropy", (ROWS - 1, ROWS)),
    ("binary_cross_entropy", (ROWS, ROWS + 1)),
    ("gaussian_nll_loss", (ROWS, ROWS, ROWS - 0.5)),
]


@pytest.mark.parametrize(("name", "given"), WRONG_VALUES, ids=name_of)
def test_a_value_that_pytorch_refuses_is_nan(name: str, given: tuple[Any, ...]) -> None:
    loss = getattr(losses, name)
    assert jnp.isnan(loss(*given))
    assert jnp.isnan(jax.jit(loss)(*given))
    with pytest.raises((RuntimeError, IndexError, ValueError)):
        torch_loss(name)(*(torch.tensor(x) for x in given))


@pytest.mark.parametrize("name", ["cross_entropy", "multi_margin_loss"])
@pytest.mark.parametrize("label", [3, -1, 200])
def test_a_label_out_of_range_spoils_its_own_row_only(name: str, label: int) -> None:
    target = jnp.array([label, 1])
    found = getattr(losses, name)(ROWS, target, reduction="none")
    assert jnp.isnan(found).tolist() == [True, False]


@pytest.mark.parametrize("name", ["multi_margin_loss", "multilabel_margin_loss"])
def test_an_empty_batch_is_nothing_and_not_memory(name: str) -> None:
    """PyTorch returns what lies in memory: nothing to compare with."""
    target = jnp.zeros((0, 3) if "label" in name else (0,), int)
    loss = getattr(losses, name)
    assert jnp.isnan(loss(jnp.zeros((0, 3)), target))
    assert loss(jnp.zeros((0, 3)), target, reduction="sum") == 0


def test_an_empty_batch_of_boxes_costs_nothing() -> None:
    empty = jnp.zeros((0, 4))
    assert losses.distance_box_iou_loss(empty, empty, "mean") == 0


# The metric.


def test_zero_one_loss_cannot_be_descended() -> None:
    target = jnp.array([1, 1])
    assert losses.zero_one_loss(ROWS, target) == 0.5
    with pytest.raises(TypeError, match="has no gradient"):
        jax.grad(losses.zero_one_loss)(ROWS, target)
    x = torch.tensor(ROWS, requires_grad=True)
    with pytest.raises(RuntimeError, match="does not require grad"):
        torch_loss("zero_one_loss")(x, torch.tensor([1, 1])).backward()


# Any function of (outputs, targets) trains; of ours, these take class indices.


@pytest.mark.parametrize("name", ["cross_entropy", "multi_margin_loss", "nll_loss"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_logits_and_labels_of_ten_classes(name: str, dtype: type) -> None:
    outputs = np.random.default_rng(0).standard_normal((64, 10)).astype(np.float32)
    labels = np.random.default_rng(1).integers(0, 10, 64).astype(dtype)
    value, slope = jax.value_and_grad(getattr(losses, name))(outputs, labels)
    expected = torch_loss(name)(
        torch.tensor(outputs), torch.tensor(labels.astype(np.int64))
    )
    np.testing.assert_allclose(value, expected, rtol=1e-6)  # some roundings
    assert jnp.abs(slope).max() > 0
