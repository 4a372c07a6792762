"""Runs in float32, judged by how far PyTorch's own runs part."""

import json
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("torchvision")

from jaxtrain.data import Dataset
from jaxtrain.run.config import Config
from jaxtrain.run.history import History
from parity.__main__ import main
from parity.proof.runs import noise_group
from parity.proof.runs.noise import (
    FACTOR,
    allowance,
    departure_from_noise,
    distance,
    leave_one_out,
)
from parity.proof.runs.noise_cases import CASES
from parity.proof.verdict import Task, Verdict

SMALL = ["noise", "--names", "mlp+sgd", "--steps", "20"]


def run(losses: Sequence[float]) -> History:
    return History({"loop": {"dtype": "float32"}}, {}, [*losses])


STEPS = 40
FALL = run([2.3 - n / 50 for n in range(STEPS)])


def apart(size: float, first: int = 0) -> History:
    """A run that is so far from `FALL` from a step on."""
    return run([x + size * (n >= first) for n, x in enumerate(FALL.losses)])


# The measure.


@pytest.mark.parametrize("size", [1.9e-3, 2.1e-3, math.nan, math.inf])
def test_the_distance_is_what_the_departure_is_judged_by(size: float) -> None:
    others = [apart(1e-3), apart(-5e-4)]
    found = distance(FALL, others, apart(size, 17))
    departs = departure_from_noise(FALL, others, apart(size, 17)) is not None
    assert departs is (not found <= FACTOR)
    assert found == pytest.approx(size / 1e-3, nan_ok=True) or not math.isfinite(size)


def test_equal_runs_are_no_distance_apart() -> None:
    assert distance(FALL, [FALL], FALL) == 0
    assert leave_one_out(FALL, [FALL, FALL]) == [0, 0]


def test_below_some_roundings_these_are_the_unit() -> None:
    assert distance(FALL, [FALL], apart(1e-6)) < FACTOR
    # A loss near 1.5 at the end, in units of 2⁻²³: 8 are allowed.
    assert distance(FALL, [FALL], apart(2e-6)) > FACTOR
    assert (allowance(FALL, [FALL]) > 0).all()


def test_a_run_that_is_alone_is_left_out_of_its_own_bound() -> None:
    *others, alone = leave_one_out(FALL, [*[apart(1e-3)] * 7, apart(1e-2)])
    assert max(others) < 1
    assert alone == pytest.approx(10)


# How many runs it takes; made up, so that nothing is trained.


def made_up(
    nudged: Callable[[int], History], patch: pytest.MonkeyPatch, moves: float = 1.0
) -> None:
    """PyTorch's runs by seed; a run whose rate is off is off by so much of that."""

    def of(config: Config, dataset: Dataset, backend: str = "torch") -> History:
        first = CASES["mlp+sgd"].optimizer.lr
        return apart(moves * (config.optimizer.lr / first - 1))

    patch.setattr(noise_group, "history", of)
    patch.setattr(noise_group, "history_with_thread", of)
    patch.setattr(noise_group, "history_with_nudge", lambda *args, seed: nudged(seed))


def verdicts(limit: int | None = 8) -> dict[str, Verdict]:
    task = Task(["mlp+sgd"], steps=STEPS, limit=limit)
    return {v.measure: v for v in noise_group.verdicts(task, lambda text: None)}


def test_as_many_runs_as_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up(lambda seed: apart(1e-5), monkeypatch)
    assert ", 8 noisy runs, " in verdicts()[noise_group.OURS].config
    assert ", 16 noisy runs, " in verdicts(None)[noise_group.OURS].config
    assert all(verdict.passed for verdict in verdicts().values())


def test_a_run_that_is_alone_gets_company(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up(lambda seed: apart(1e-3 if seed in (5, 13) else 1e-5), monkeypatch)
    found = verdicts()[noise_group.THEIRS]
    assert ", 14 noisy runs, " in found.config
    assert found.passed


def test_runs_that_are_all_alone_are_no_measure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made_up(lambda seed: apart(1e-6 * 3.0 ** (seed % 32)), monkeypatch)
    found = verdicts()[noise_group.THEIRS]
    assert f", {noise_group.MOST_RUNS} noisy runs, " in found.config
    assert not found.passed


# The smallest broken twin.


@pytest.mark.parametrize(
    ("moves", "least"), [(1.0, 1e-4), (1e2, 1e-6), (1e-2, 1e-2), (1e-3, math.inf)]
)
def test_the_smallest_broken_twin_is_named(
    moves: float, least: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 4e-5 is allowed; the twins are 1e-2, 1e-3, … times `moves` apart.
    made_up(lambda seed: apart(2e-5), monkeypatch, moves)
    found = verdicts()["least rate error seen"]
    assert found.value == least
    assert found.passed is math.isfinite(least)


def test_ours_beyond_the_noise_departs(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up(lambda seed: apart(2e-5), monkeypatch)
    right = noise_group.history

    def off(config: Config, dataset: Dataset, backend: str) -> History:
        return apart(5e-5, 30) if backend == "jax" else right(config, dataset, backend)

    monkeypatch.setattr(noise_group, "history", off)
    failed = [v for v in verdicts().values() if not v.passed]
    assert [v.measure for v in failed] == [noise_group.OURS]
    assert failed[0].value == pytest.approx(2.5)


def test_weights_that_stand_still_prove_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    still = run([2.3] * STEPS)
    monkeypatch.setattr(noise_group, "history", lambda *args: still)
    monkeypatch.setattr(noise_group, "history_with_nudge", lambda *args, seed: still)
    failed = [v.measure for v in verdicts().values() if not v.passed]
    assert failed == ["least rate error seen", "learns nothing"]


# The command.


def test_it_is_found_equal_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, page = tmp_path / "found.json", tmp_path / "page.html"
    assert main([*SMALL, "--json", str(found), "--html", str(page)]) == 0
    captured = capsys.readouterr()
    assert re.search(r"least rate error seen +1e-0[2-6] +0\.01 +ok", captured.out)
    assert "The broken twin is seen" in captured.out
    assert captured.err == ""
    content = json.loads(found.read_text())
    assert [case["passed"] for case in content["cases"]] == [True] * 4
    assert {case["level"] for case in content["cases"]} == {"float32 run"}
    assert not content["controls"][0]["passed"]
    assert page.read_text().count("own runs</text>") == 1  # the band, in the legend


def test_a_rate_a_thousandth_off_departs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = noise_group.history

    def off(config: Config, dataset: Dataset, backend: str) -> History:
        wrong = noise_group.with_rate(config, 1e-3) if backend == "jax" else config
        return right(wrong, dataset, backend)

    monkeypatch.setattr(noise_group, "history", off)
    assert main(SMALL) == 1
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith("departs: 1 of 4 measures; the worst is noise mlp+sgd")


def test_a_judge_that_takes_anything_for_noise_is_blind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = noise_group.history_with_nudge

    def far(*args: Any, seed: int) -> History:
        return right(*args, seed=seed, size=0.1)

    monkeypatch.setattr(noise_group, "history_with_nudge", far)
    assert main(SMALL) == 2
    message = capsys.readouterr().err
    assert "the judge of noise is blind" in message
    assert message.count("\n") == 1


def test_there_is_nothing_of_it_in_float64(capsys: pytest.CaptureFixture[str]) -> None:
    assert not list(noise_group.verdicts(Task(["mlp+sgd"], dtype="float64"), print))
    assert capsys.readouterr().out == ""


def test_more_steps_than_an_epoch_are_whole_epochs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[int, int]] = []

    def of(config: Config, dataset: Dataset, backend: str) -> History:
        asked.append((config.loop.epochs, len(dataset.train)))
        return FALL

    monkeypatch.setattr(noise_group, "history", of)
    monkeypatch.setattr(noise_group, "history_with_nudge", lambda *args, seed: FALL)
    for steps in (20, noise_group.EPOCH, noise_group.EPOCH + 1):
        list(
            noise_group.verdicts(
                Task(["mlp+sgd"], steps=steps, limit=8), lambda text: None
            )
        )
    whole = 64 * noise_group.EPOCH
    assert list(dict.fromkeys(asked)) == [(1, 64 * 20), (1, whole), (2, whole)]
