"""Every loss and its gradients against PyTorch's, over the table of cases."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")

import jax
import jax.numpy as jnp

from jaxtrain import losses
from parity.proof.losses.cases import CASES, NAMES, LossCase
from parity.proof.losses.inputs import tensors
from parity.proof.losses.judge import (
    Reference,
    our_results,
    reference,
    torch_result,
)
from parity.proof.report.documentation import OPTAX, rows


def cases(name: str) -> list[LossCase]:
    return [case for case in CASES if case.name == name]


def test_every_public_loss_is_in_the_table() -> None:
    assert set(NAMES) == set(losses.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_at_least_fifteen_argument_sets(name: str) -> None:
    assert len({str(case) for case in cases(name)}) >= 15


def test_no_gradient_is_proven_on_zeros_alone() -> None:
    """Each tensor of each loss has a case where most of its gradient counts."""
    lively: dict[tuple[str, str], float] = {}
    for case in CASES:
        pairs = [(case.name, key) for key in case.gradients]
        if 0 in case.shape or min((lively.get(p, 0) for p in pairs), default=1) > 0.5:
            continue
        inputs = tensors(case)
        shape = torch_result(case, inputs, "float64")["value"].shape
        exact = torch_result(case, inputs, "float64", np.ones(shape))
        for pair in pairs:
            slope = exact[pair[1]]
            share = float((np.isfinite(slope) & (slope != 0)).mean())
            lively[pair] = max(lively.get(pair, 0), share)
    wanted = {(case.name, key) for case in CASES for key in case.gradients}
    assert lively.keys() == wanted
    # The least is `nll_loss`, whose slope is that of one class of five.
    assert min(lively.values()) >= 0.2


def test_the_extreme_inputs_are_extreme() -> None:
    kinds = {case.name: case for case in CASES if case.variety == "extreme"}
    assert np.abs(tensors(kinds["cross_entropy"])["input"]).max() == 1e4
    certain = [tensors(c)["input"] for c in CASES if c.name == "binary_cross_entropy"]
    assert {0.0, 1.0} <= {float(x) for given in certain for x in given.flat}
    pair = tensors(kinds["cosine_embedding_loss"])
    assert (pair["input1"] == pair["input2"]).all(-1).any()


# 16 bits: computed in float32, and rounded once.


def sixteen(case: LossCase) -> tuple[Reference, dict[str, np.ndarray]]:
    right = reference(case, jnp.bfloat16)
    (ours,) = our_results(
        [case],
        [right.inputs],
        [right.cotangent],
        jnp.bfloat16,
        lambda case: getattr(losses, case.name),
    )
    return right, ours


# Lengths and labels make no difference to rounding: one case of each loss will do.
@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_is_rounded_once(name: str) -> None:
    case = next(case for case in cases(name) if case.variety == "random")
    right, ours = sixteen(case)
    for key, exact in right.exact.items():
        wide = name.endswith("iou_loss") and key == "value"
        assert ours[key].dtype == (jnp.float32 if wide else jnp.bfloat16), key
        found = ours[key].astype(np.float64)
        # Half of the last of eight bits, and what float32 may be off (see the judge).
        half_unit = 0.0 if wide else np.abs(exact) * 2.0**-8
        narrow = np.spacing(right.terms[key].astype(np.float32)).astype(np.float64)
        assert (np.abs(found - exact) <= half_unit + 8 * narrow).all(), key


# One call in a batch of calls is what it is alone.


def stacked(x: Any) -> jax.Array:
    return jnp.stack([x, x[::-1] if x.ndim else x])


BATCHED = (
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cross_entropy",
    "ctc_loss",
    "gaussian_nll_loss",
    "l1_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "triplet_margin_loss",
)
"""Those with derivatives or indices of their own; the others are plain arithmetic."""


def test_vmap_maps_values_and_gradients() -> None:
    chosen = {
        name: next(case for case in cases(name) if case.variety == "random")
        for name in BATCHED
    }

    @jax.jit
    def together(given: Any) -> Any:
        return {name: both_ways(chosen[name], x) for name, x in given.items()}

    given = {
        name: {key: stacked(jnp.asarray(x)) for key, x in tensors(case).items()}
        for name, case in chosen.items()
    }
    for name, (mapped, alone) in together(given).items():
        for one, other in zip(mapped, alone, strict=True):
            # Float32, compiled in another order.
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6, err_msg=name)


def both_ways(case: LossCase, inputs: Any) -> Any:
    plain = {k: v for k, v in case.args.items() if k not in inputs}
    first = case.gradients[0]

    def value_and_grad(inputs: Any) -> Any:
        def value(x: jax.Array) -> jax.Array:
            arguments = {**inputs, first: x}
            return getattr(losses, case.name)(**arguments, **plain).sum()

        return jax.value_and_grad(value)(inputs[first])

    halves = [
        value_and_grad({key: x[i] for key, x in inputs.items()}) for i in range(2)
    ]
    alone = [jnp.stack(pair) for pair in zip(*halves, strict=True)]
    return list(jax.vmap(value_and_grad)(inputs)), alone


# The documentation's table.


def test_the_table_has_a_row_for_each_loss() -> None:
    (row,) = rows("losses", ["kl_div"])
    line, passed = row
    name, gradients, count, wide, narrow, _, optax = line.strip("| ").split(" | ")
    assert passed
    assert (name, gradients) == ("`kl_div`", "input, target")
    assert int(count) == len(cases("kl_div"))
    assert 0 < float(wide) <= 1e-12
    assert 0 < float(narrow) <= 8
    assert "batchmean" in optax
    assert OPTAX.keys() <= set(NAMES)
