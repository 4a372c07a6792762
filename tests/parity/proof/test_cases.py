"""The proof, as it is judged at every push; `--proof DIR` keeps what is seen."""

from collections.abc import Callable, Sequence

import pytest

pytest.importorskip("torch")
pytest.importorskip("torchvision")

from parity.proof.groups import GROUPS, module, push, twins
from parity.proof.losses.cases import CASES as LOSS_CASES
from parity.proof.report import table
from parity.proof.verdict import Task, Verdict

Proof = Callable[[Sequence[Verdict], bool], None]

EVERY = [(group, name) for group in GROUPS for name in module(group).NAMES]
AT_PUSH = [(group, name) for group in GROUPS for name in push(group)]


def judged(group: str, tasks: list[Task]) -> list[Verdict]:
    verdicts = module(group).verdicts
    return [found for task in tasks for found in verdicts(task, lambda text: None)]


@pytest.mark.parametrize(("group", "name"), AT_PUSH)
def test_every_case_is_equal(
    group: str, name: str, proof: Proof, request: pytest.FixtureRequest
) -> None:
    if group == "fashion":
        request.getfixturevalue("fashion_mnist")
    found = judged(group, push(group)[name])
    proof(found, False)
    assert found
    assert table.failures(found) == ""
    if group == "losses":
        cases = [case for case in LOSS_CASES if case.name == name]
        assert len(found) == 2 * sum(1 + len(case.gradients) for case in cases)


@pytest.mark.long
@pytest.mark.parametrize(("group", "name"), EVERY)
def test_every_case_in_full(
    group: str, name: str, request: pytest.FixtureRequest
) -> None:
    if group == "fashion":
        request.getfixturevalue("fashion_mnist")
    found = judged(group, [Task([name])])
    assert found
    assert table.failures(found) == ""


@pytest.mark.parametrize("group", GROUPS)
def test_every_broken_twin_is_seen(
    group: str, proof: Proof, request: pytest.FixtureRequest
) -> None:
    if group == "fashion":
        request.getfixturevalue("fashion_mnist")
    found = {name: twin() for name, twin in twins(group).items()}
    proof([*found.values()], True)
    assert [name for name, verdict in found.items() if verdict.passed] == []
    assert next(iter(found)) == GROUPS[group].control
