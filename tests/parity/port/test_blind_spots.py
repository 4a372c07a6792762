"""What makes other suites pass without proving anything must not pass here."""

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

torch = pytest.importorskip("torch")

from port_parts import flax_mlp, mlp, squared_error, targets, torch_mlp, vectors

from parity.port import Case, JaxSide, TorchSide, compare


def sgd(rate: float = 0.1) -> Any:
    return lambda ps: torch.optim.SGD(ps, lr=rate)


def test_all_zero_inputs_prove_nothing() -> None:
    batches = [(np.zeros_like(x), y) for x, y in vectors()]
    report = compare(mlp(sgd(), optax.sgd(0.1), batches=batches))
    assert report.first is None
    assert not report.passed
    assert "every input is constant" in report.verdict
    assert "0.weight never had a gradient" in report.warnings


def test_two_dead_optimisers_prove_nothing() -> None:
    report = compare(mlp(sgd(0.0), optax.sgd(0.0)))
    assert not report.passed
    assert report.verdict == "proves nothing: no parameter ever moved"


def test_one_dead_optimiser_departs() -> None:
    report = compare(mlp(sgd(), optax.sgd(0.0)))
    assert report.first is not None
    assert (report.first.step, report.first.kind) == (0, "update")


def test_one_step_proves_nothing() -> None:
    report = compare(mlp(sgd(), optax.sgd(0.1)), steps=1)
    assert not report.passed
    assert "fewer than two steps" in report.verdict


def test_gradients_that_never_change_prove_nothing() -> None:
    """Then Adam's averages hide which beta is whose."""
    model, batch = torch_mlp(), targets()[0]
    theirs = TorchSide(
        model,
        lambda y, t: y.sum() * 0,
        torch.optim.SGD(model.parameters(), lr=0.1),
        penalty=lambda m: sum(p.sum() for p in m.parameters()),
    )
    ours = JaxSide(
        flax_mlp(),
        lambda y, t: 0.0 * y.sum(),
        optax.sgd(0.1),
        penalty=lambda m: sum(
            jnp.sum(p) for p in jax.tree.leaves(nnx.state(m, nnx.Param))
        ),
    )
    report = compare(theirs, ours, [batch] * 3)
    assert report.first is None
    assert "the same at every step" in report.verdict


def test_a_loss_that_is_nan_on_both_sides_proves_nothing() -> None:
    batches = [(x * np.nan, y) for x, y in targets()]
    report = compare(
        mlp(
            sgd(),
            optax.sgd(0.1),
            batches=batches,
            torch_options={"loss": torch.nn.MSELoss()},
            jax_options={"loss": squared_error},
        )
    )
    assert not report.passed
    assert "not finite" in report.verdict


@pytest.mark.parametrize("bad", [0, 1, 2, 3])
def test_every_step_is_judged_not_the_last_alone(bad: int) -> None:
    """A port that is wrong at one step only departs at that step."""

    def lr(count: Any) -> Any:
        return jnp.where(count == bad, 0.1 + 1e-6, 0.1)

    report = compare(mlp(sgd(), optax.sgd(lr)), stop=False)
    departed = {row.step for row in report.rows if not row.passed}
    assert departed == {bad}


def test_there_is_no_tolerance_to_loosen() -> None:
    names = set(inspect.signature(compare).parameters)
    assert names == {
        "torch_side", "jax_side", "batches", "steps", "dtype", "stop", "options",
    }  # fmt: skip
    fields = {
        name for kind in (Case, TorchSide, JaxSide) for name in kind.__match_args__
    }
    assert not {name for name in fields if "tol" in name or name in ("rtol", "atol")}


def test_every_quantity_is_compared_at_every_step() -> None:
    """A check that never runs would show as a kind without rows."""
    clip = lambda ps: torch.nn.utils.clip_grad_norm_(ps, 0.5)  # noqa: E731
    from jaxtrain import optim

    report = compare(
        mlp(
            sgd(),
            optim.sgd(),
            torch_options={"clip": clip},
            jax_options={"clip": optim.clip_grad_norm(0.5), "lr": 0.1},
        )
    )
    assert report.passed
    for kind, tensors in {
        "batch": 2, "output": 3, "loss": 1, "gradient": 4, "clipped": 4, "lr": 1,
        "update": 4,
    }.items():  # fmt: skip
        rows = dict(report.kinds())[kind]
        assert len(rows) == tensors * report.steps, kind


def test_nothing_of_the_users_is_changed() -> None:
    case = mlp(lambda ps: torch.optim.Adam(ps), optax.adam(1e-3))
    before = {n: p.detach().clone() for n, p in case.torch.model.named_parameters()}
    compare(case)
    for name, p in case.torch.model.named_parameters():
        assert p.dtype == torch.float32
        assert torch.equal(p, before[name])
    assert not case.torch.optimizer.state
    assert torch.get_default_dtype() == torch.float32
