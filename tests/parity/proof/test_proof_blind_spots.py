"""What other suites do not see: here each makes the command refuse, or depart.

A judge that does not see a broken twin proves nothing, so that the exit status is 2.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("torchvision")

from jaxtrain.run.config import Config
from jaxtrain.run.history import History
from jaxtrain.store.events import Epoch
from parity.__main__ import main
from parity.proof.layers import judge as layer_judge
from parity.proof.losses import judge as loss_judge
from parity.proof.optimizers import group as optimizers
from parity.proof.optimizers import one_step
from parity.proof.runs import runs
from parity.proof.verdict import Twins, Verdict

ARGUMENTS = {
    "optimizers": ["optimizers", "--names", "sgd", "--steps", "6"],
    "losses": ["losses", "--names", "mse_loss"],
    "layers": ["layers", "--names", "GELU"],
}


def refused(group: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(ARGUMENTS[group]) == 2
    return capsys.readouterr().err


# Inputs that are all zero: every update, loss and output of zero is equal.


def zero_gradients(patch: pytest.MonkeyPatch) -> None:
    drawn = one_step.gradients
    patch.setattr(one_step, "gradients", lambda *args: 0 * drawn(*args))


def zero_loss_inputs(patch: pytest.MonkeyPatch) -> None:
    drawn = loss_judge.tensors

    def zeros(*args: Any) -> Any:
        return {key: 0 * x for key, x in drawn(*args).items()}

    patch.setattr(loss_judge, "tensors", zeros)


def zero_layer_inputs(patch: pytest.MonkeyPatch) -> None:
    drawn, kept = layer_judge.tensor, layer_judge.exact_steps
    # What it made of these zeros is not to be kept for other tests.
    patch.setattr(layer_judge, "exact_steps", kept.__wrapped__)
    patch.setattr(layer_judge, "tensor", lambda *args: 0 * drawn(*args))


# A relative tolerance of 1: everything of the right order is equal.


def wide_steps(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(one_step, "LEAST_BOUND", 1 / np.finfo(np.float32).eps)


def wide_losses(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(loss_judge, "FLOAT32_BOUND", 1 / np.finfo(np.float32).eps)


def wide_layers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(layer_judge, "FLOAT32_BOUND", 1 / np.finfo(np.float32).eps)


def infinite(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(one_step, "LEAST_BOUND", np.inf)


# Only the last step is looked at.


def last_step_only(patch: pytest.MonkeyPatch) -> None:
    whole = one_step.distances

    def last(steps: one_step.TorchSteps, ours: one_step.Tensors, *rest: Any) -> Any:
        def cut(held: Any) -> Any:
            return {key: x[-1:] for key, x in held.items()}

        steps = replace(
            steps,
            grads=steps.grads[-1:],
            before=cut(steps.before),
            after=cut(steps.after),
            exact=cut(steps.exact),
            swing=cut(steps.swing),
        )
        return whole(steps, cut(ours), *rest)

    patch.setattr(one_step, "distances", last)


@pytest.mark.parametrize(
    ("group", "blinds"),
    [
        ("optimizers", zero_gradients),
        ("losses", zero_loss_inputs),
        ("layers", zero_layer_inputs),
        ("optimizers", wide_steps),
        ("losses", wide_losses),
        ("layers", wide_layers),
        ("optimizers", last_step_only),
    ],
)
def test_a_blind_judge_proves_nothing(
    group: str,
    blinds: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    blinds(monkeypatch)
    message = refused(group, capsys)
    assert f"the judge of {group} is blind" in message
    assert message.count("\n") == 1


def test_a_bound_that_allows_all_passes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    infinite(monkeypatch)
    assert main(ARGUMENTS["optimizers"]) == 1


def test_a_check_that_never_runs_is_not_equal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(optimizers, "CASES", ())
    assert "the cases of optimizers never ran" in refused("optimizers", capsys)


# Runs, made up: what is said of them needs no training.

RUN = runs.RunCase("fashion", "toy", Config(), "float32 run", 5e-5, "a reason", 0.1)


def history(losses: list[float], **changed: float) -> History:
    figures = {"train_loss": 1.0, "accuracy": 50.0, "avg_loss": 1.0, **changed}
    epoch = Epoch(epoch=1, train_seconds=1.0, test_seconds=1.0, **figures)
    rates = [1e-3] * len(losses)
    return History({}, {}, losses, rates, [], [epoch])


FALLING = [2.3, 2.2, 2.1, 2.0]


def failures(reference: History, candidate: History) -> dict[str, Verdict]:
    pair = Twins("toy", reference, candidate, RUN.bound)
    found = runs.verdicts(RUN, pair, "4 steps")
    return {verdict.measure: verdict for verdict in found if not verdict.passed}


def test_runs_that_are_equal() -> None:
    assert not failures(history(FALLING), history(FALLING))


def test_a_step_in_the_middle_is_seen() -> None:
    found = failures(history(FALLING), history([2.3, 2.2001, 2.1, 2.0]))
    assert list(found) == ["max |Δloss|"]
    assert "first step 1: 2.2001 where 2.2" in found["max |Δloss|"].config


def test_a_loss_that_is_no_number_is_seen() -> None:
    assert failures(history(FALLING), history([2.3, float("nan"), 2.1, 2.0]))


@pytest.mark.parametrize(
    ("figure", "value", "measure"),
    [
        ("train_loss", 1.001, "max |Δmean loss|"),
        ("avg_loss", 1.001, "max |Δtest loss|"),
        ("accuracy", 50.2, "max |Δaccuracy|, points"),
    ],
)
def test_a_figure_of_an_epoch_is_seen(figure: str, value: float, measure: str) -> None:
    found = failures(history(FALLING), history(FALLING, **{figure: value}))
    assert list(found) == [measure]


def test_another_rate_and_another_momentum_are_seen() -> None:
    rate, momentum = history(FALLING), history(FALLING)
    rate.lrs[2] = float(np.nextafter(1e-3, 1))
    momentum.momenta += [0.9]
    assert list(failures(history(FALLING), rate)) == ["max |Δrate|"]
    assert list(failures(history(FALLING), momentum)) == ["momenta differ"]


def test_weights_that_stand_still_prove_nothing() -> None:
    still = [2.3, 2.3, 2.3, 2.3]
    assert list(failures(history(still), history(still))) == ["learns nothing"]
