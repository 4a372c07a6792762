"""Slopes at kinks and at distance 0, second derivatives, and CTC's own rule."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")

from jaxtrain import losses
from parity.proof.losses.cases import CASES, LossCase
from parity.proof.losses.inputs import tensors
from parity.proof.losses.judge import torch_loss

F = torch.nn.functional

# Second derivatives, where PyTorch has them: a Hessian times a vector, by autograd
# twice there, and by the derivative of the gradient here.

TWICE = [
    name
    for name in losses.__all__
    if name
    not in {
        "ctc_loss",  # PyTorch: derivative for _ctc_loss_backward is not implemented
        "multi_margin_loss",  # likewise
        "multilabel_margin_loss",  # likewise
        "zero_one_loss",  # has no first
    }
]
SECOND_ORDER = dict.fromkeys(TWICE, 1e-12)
"""Relative to the largest element: some hundred roundings of terms of its size."""
# PyTorch puts the ε of 1e-12 next to each factor: 1e-12/x = 1e-10 at x = 0.01.
SECOND_ORDER["binary_cross_entropy"] = 1e-9


def one_of(name: str) -> LossCase:
    """A case that reaches every branch: mean or sum, on random inputs."""
    return next(
        case
        for case in CASES
        if case.name == name
        and case.variety == "random"
        and case.args.get("reduction") != "none"
        and 0 not in case.shape
    )


def plain(case: LossCase, inputs: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in case.args.items() if key not in inputs}


def torch_product(case: LossCase, vector: np.ndarray) -> np.ndarray:
    inputs, first = tensors(case), case.gradients[0]
    leaves = {key: torch.tensor(x) for key, x in inputs.items()}
    x = leaves[first].requires_grad_()
    arguments = {**leaves, **plain(case, inputs), "reduction": "sum"}
    if "penalty" in case.name:
        del arguments["reduction"]
    with torch.enable_grad():
        value = torch_loss(case.name)(**arguments)
        (slope,) = torch.autograd.grad(value, x, create_graph=True)
        if not slope.requires_grad:
            return np.zeros_like(vector)
        (twice,) = torch.autograd.grad(
            (slope * torch.tensor(vector)).sum(), x, allow_unused=True
        )
    return np.zeros_like(vector) if twice is None else twice.numpy(force=True)


def our_product(case: LossCase, vector: np.ndarray, loss: Any = None) -> Any:
    inputs, first = tensors(case), case.gradients[0]
    arrays = {key: jnp.asarray(x) for key, x in inputs.items()}
    arguments = {**arrays, **plain(case, inputs), "reduction": "sum"}
    if "penalty" in case.name:
        del arguments["reduction"]
    loss = loss or getattr(losses, case.name)

    def slope(x: jax.Array) -> jax.Array:
        return jax.grad(lambda x: loss(**{**arguments, first: x}))(x)

    return jax.jvp(slope, (arrays[first],), (jnp.asarray(vector),))[1]


def products(
    cases: list[LossCase], loss: Any = None
) -> list[tuple[LossCase, np.ndarray, np.ndarray]]:
    """Ours and PyTorch's."""
    generator = np.random.default_rng(0)
    pairs = [
        (case, generator.standard_normal(tensors(case)[case.gradients[0]].shape))
        for case in cases
    ]
    with jax.enable_x64(True):
        ours = jax.jit(lambda: [our_product(*pair, loss) for pair in pairs])()
        ours = [np.asarray(x) for x in ours]
    return [
        (case, found, torch_product(case, vector))
        for (case, vector), found in zip(pairs, ours, strict=True)
    ]


def agrees(case: LossCase, found: np.ndarray, expected: np.ndarray) -> bool:
    size = max(np.abs(expected).max(), 1e-300)
    return bool(np.abs(found - expected).max() <= SECOND_ORDER[case.name] * size)


def test_second_derivatives() -> None:
    curved = 0
    for case, found, expected in products([one_of(name) for name in TWICE]):
        assert agrees(case, found, expected), case
        curved += bool(np.abs(expected).max() > 1e-3)
    assert curved > len(TWICE) / 2


def test_a_parabola_with_no_second_derivative_is_seen() -> None:
    """The slope of x·|x|/2 at the parabola is right, and that of its slope is not."""

    def broken(input: Any, target: Any, reduction: str) -> Any:
        d = input - target
        slope = jax.lax.stop_gradient(jnp.clip(d, -1, 1))
        return (slope * d).sum()

    ((case, found, expected),) = products([one_of("huber_loss")], broken)
    assert not agrees(case, found, expected)


# The threads' kinks, one by one, so that a failure says which.


def both(ours: Any, theirs: Any, *points: Any) -> tuple[list, list]:
    """Gradients of two functions with respect to every argument."""
    with jax.enable_x64(True):
        arrays = [jnp.asarray(point, jnp.float64) for point in points]
        found = jax.grad(lambda *x: ours(*x).sum(), range(len(points)))(*arrays)
        found = [np.asarray(x) for x in found]
    leaves = [
        torch.tensor(np.asarray(p, np.float64), requires_grad=True) for p in points
    ]
    theirs(*leaves).sum().backward()
    return found, [leaf.grad.numpy() for leaf in leaves]


ROW = [[0.3, -0.7]]
FAR = [[2.0, 0.5]]
KINKS: dict[str, tuple[Any, ...]] = {
    "equal numbers in l1_loss": (losses.l1_loss, F.l1_loss, [1.0], [1.0]),
    "an l1_penalty at 0": (
        losses.l1_penalty,
        torch_loss("l1_penalty"),
        [0.0, 1.0, -1.0],
    ),
    "an anchor equal to its positive": (
        lambda *x: losses.triplet_margin_loss(*x, eps=0.0, margin=9.0),
        lambda *x: F.triplet_margin_loss(*x, eps=0.0, margin=9.0),
        *(ROW, ROW, FAR),
    ),
    "the same in the third norm": (
        lambda *x: losses.triplet_margin_loss(*x, eps=0.0, margin=9.0, p=3),
        lambda *x: F.triplet_margin_loss(*x, eps=0.0, margin=9.0, p=3),
        *(ROW, ROW, FAR),
    ),
    "the same in the norm of 1/2": (
        lambda *x: losses.triplet_margin_loss(*x, eps=0.0, margin=99.0, p=0.5),
        lambda *x: F.triplet_margin_loss(*x, eps=0.0, margin=99.0, p=0.5),
        *(ROW, ROW, FAR),
    ),
    "a triplet just at its margin": (
        lambda *x: losses.triplet_margin_loss(*x, eps=0.0),
        lambda *x: F.triplet_margin_loss(*x, eps=0.0),
        *([[0.0, 0.0]], [[1.0, 0.0]], [[2.0, 0.0]]),
    ),
    "two negatives equally far": (
        lambda *x: losses.triplet_margin_loss(*x, eps=0.0, swap=True),
        lambda *x: F.triplet_margin_loss(*x, eps=0.0, swap=True),
        *([[0.0, 0.0]], [[2.0, 0.0]], [[1.0, 0.0]]),
    ),
    "vectors of zeros": (
        lambda *x: losses.cosine_embedding_loss(*x, jnp.array([1])),
        lambda *x: F.cosine_embedding_loss(*x, torch.tensor([1])),
        *([[0.0, 0.0]], [[0.0, 0.0]]),
    ),
    "certain probabilities": (
        lambda x: losses.binary_cross_entropy(x, jnp.array([0.0, 1.0, 1.0, 0.0])),
        lambda x: F.binary_cross_entropy(
            x, torch.tensor([0.0, 1.0, 1.0, 0.0], dtype=torch.float64)
        ),
        [0.0, 1.0, 0.0, 1.0],
    ),
    "a variance below its least": (
        losses.gaussian_nll_loss,
        F.gaussian_nll_loss,
        *([1.0], [0.5], [1e-9]),
    ),
}


@pytest.mark.parametrize("kink", KINKS)
def test_slope_at(kink: str) -> None:
    found, expected = both(*KINKS[kink])
    for one, other in zip(found, expected, strict=True):
        assert np.isfinite(other).all()
        # Float64, elements of the size of the slope.
        np.testing.assert_allclose(one, other, rtol=1e-14, atol=1e-15)


def test_jax_s_own_slopes_are_others() -> None:
    """So the tests above would fail on them."""
    assert jax.grad(jnp.abs)(0.0) == 1
    assert jax.grad(lambda x: jnp.maximum(x, 0.0))(0.0) == 0.5
    assert np.isnan(jax.grad(jnp.linalg.norm)(jnp.zeros(2))).all()


def test_equal_vectors_cost_a_little_as_in_pytorch() -> None:
    rows = np.random.default_rng(0).standard_normal((6, 3)) * [[1e-3]] * 3
    with jax.enable_x64(True):
        ours = losses.cosine_embedding_loss(rows, rows, np.ones(6), reduction="none")
    t = torch.tensor(rows)
    theirs = F.cosine_embedding_loss(t, t, torch.ones(6), reduction="none").numpy()
    assert theirs.min() > 1e-8
    # A few roundings of 1.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-15)


def test_an_ignored_row_may_hold_anything() -> None:
    log_p = np.array([[-0.1, -2.0], [-np.inf, np.nan]])
    grad = jax.grad(losses.nll_loss)(jnp.asarray(log_p), jnp.array([0, -100]))
    np.testing.assert_array_equal(grad, [[-1.0, 0.0], [0.0, 0.0]])


# CTC.


def ctc_inputs() -> tuple[np.ndarray, list[np.ndarray]]:
    generator = np.random.default_rng(0)
    logits = generator.standard_normal((8, 2, 4))
    targets = np.array([[1, 1, 2], [3, 2, 0]])
    return logits, [targets, np.array([8, 6]), np.array([3, 2])]


def test_ctc_through_log_softmax_is_a_true_derivative() -> None:
    """Where the rule for log_probs alone is not: against central differences."""
    logits, rest = ctc_inputs()
    with jax.enable_x64(True):

        def of_logits(x: Any) -> Any:
            return losses.ctc_loss(jax.nn.log_softmax(x), *rest)

        def of_log_probs(x: Any) -> Any:
            return losses.ctc_loss(x, *rest)

        value, start = jax.jit(of_logits), jnp.asarray(logits)
        raw = jax.nn.log_softmax(start)
        step = np.zeros_like(logits)
        step[1, 0, 1] = 1e-5

        def slope(f: Any, x: Any) -> float:
            return float((f(x + step) - f(x - step)) / 2e-5)

        # Central differences: a rounding of 1e-16/1e-5, and the step squared.
        true = slope(value, start)
        assert abs(jax.grad(of_logits)(start)[1, 0, 1] - true) < 1e-8
        lacking = slope(jax.jit(of_log_probs), raw)
        rule = jax.grad(of_log_probs)(raw)[1, 0, 1]
        assert abs(rule - lacking) > 0.01


def test_ctc_in_jit_with_traced_lengths() -> None:
    logits, rest = ctc_inputs()
    log_p = jax.nn.log_softmax(jnp.asarray(logits))
    joined = np.array([1, 1, 2, 3, 2])
    padded = losses.ctc_loss(log_p, *rest)
    traced = jax.jit(losses.ctc_loss)(log_p, joined, rest[1], rest[2])
    # Float32: the same sums, of more states.
    np.testing.assert_allclose(traced, padded, rtol=1e-6)


def test_ctc_of_bytes_is_that_of_wider_integers() -> None:
    """130 labels make 261 states: more than a byte counts."""
    log_p = jax.nn.log_softmax(jnp.zeros((300, 1, 4)))
    targets, lengths = np.arange(130)[None] % 3 + 1, ([300], [130])
    wide = losses.ctc_loss(log_p, targets, *lengths)
    narrow = np.array([130], np.uint8)
    found = losses.ctc_loss(log_p, targets.astype(np.uint8), [300], narrow)
    assert jnp.isfinite(wide)
    assert found == wide


@pytest.mark.parametrize(
    ("lengths", "finite"),
    [
        (([8, 6], [3, 2]), True),
        (([8, 0], [3, 0]), True),
        (([9, 6], [3, 2]), False),
        (([8, -1], [3, 2]), False),
        (([8, 6], [4, 2]), False),
        (([8, 6], [3, -1]), False),
    ],
    ids=str,
)
def test_ctc_lengths_out_of_range_are_nan(lengths: Any, finite: bool) -> None:
    logits, (targets, *_) = ctc_inputs()
    log_p = jax.nn.log_softmax(jnp.asarray(logits))
    value = losses.ctc_loss(log_p, targets, *lengths)
    assert bool(jnp.isfinite(value)) == finite
    t = torch.tensor(np.asarray(log_p)), torch.tensor(targets), *lengths
    if finite:
        np.testing.assert_allclose(value, F.ctc_loss(*t), rtol=1e-6)  # float32
    else:
        with pytest.raises(RuntimeError):
            F.ctc_loss(*t)
