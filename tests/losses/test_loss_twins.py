"""What the judge of losses sees: a twin of each, and how little is enough."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")

from jaxtrain import losses
from parity.proof.losses.cases import CASES
from parity.proof.losses.judge import judge
from parity.proof.losses.twins import BROKEN


def test_every_loss_has_a_twin() -> None:
    assert {name for name, _, _ in BROKEN} == set(losses.__all__)


def test_the_judge_in_float32_sees_one_part_in_a_million() -> None:
    """A mean over n - 1 would be far larger; this is the smallest thing it sees."""
    cases = [case for case in CASES if case.name == "mse_loss"][:3]

    def off(**given: Any) -> jax.Array:
        return losses.mse_loss(**given) * np.float32(1 + 2.0**-19)

    assert not all(m.passed for m in judge(cases, "float32", lambda case: off))
    assert all(m.passed for m in judge(cases, "float32"))


def test_a_slope_that_is_nan_is_not_near_a_number() -> None:
    cases = [case for case in CASES if case.name == "triplet_margin_loss"]
    cases = [c for c in cases if c.args.get("eps") == 0 and c.variety == "tied"][:2]
    assert cases

    def euclidean(x: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.sqrt(((x - y) ** 2).sum(-1))

    def naive(eps: float, p: float = 2.0, **given: Any) -> jax.Array:
        return losses.triplet_margin_with_distance_loss(
            **given, distance_function=euclidean
        )

    found = judge(cases, "float64", lambda case: naive)
    assert max(verdict.value for verdict in found) == np.inf
