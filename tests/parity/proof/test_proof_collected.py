"""`python -m parity page`: what the workers of a test session have judged."""

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("torchvision")

from parity.__main__ import main
from parity.proof.groups import GROUPS, push, twins
from parity.proof.report import record
from parity.proof.verdict import Verdict

SEEN = Verdict("", "", "a case", "float64", "same bits", "values", 0.0, 1.0, "why")
CASES = [replace(SEEN, group=one, name=name) for one in GROUPS for name in push(one)]
TWINS = [
    replace(SEEN, group=group, name=name, value=2.0)
    for group in GROUPS
    for name in twins(group)
]
LAST_OF_LOSSES = [*twins("losses")][-1]


def write(folder: Path, cases: Iterable[Verdict], twins: Iterable[Verdict]) -> None:
    cases, twins = [*cases], [*twins]
    (folder / "1.jsonl").write_text(record.lines(cases[::2]))
    (folder / "2.jsonl").write_text(
        record.lines(twins, are_twins=True) + record.lines(cases[1::2])
    )


def test_all_that_was_judged_is_one_proof(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proof, found = tmp_path / "proof", tmp_path / "found.json"
    proof.mkdir()
    write(proof, CASES, TWINS)
    assert main(["page", str(proof), "--json", str(found)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1].startswith(f"equal: {len(CASES):,} measures")
    content = json.loads(found.read_text())
    assert content["passed"] is True
    assert len(content["cases"]) == len(CASES)
    assert [twin["name"] for twin in content["controls"]] == [t.name for t in TWINS]


def test_a_departure_is_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, [replace(CASES[0], value=3.0), *CASES[1:]], TWINS)
    assert main(["page", str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("departs: 1 of")


@pytest.mark.parametrize("lost", GROUPS)
def test_a_group_that_never_ran_proves_nothing(
    lost: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, (case for case in CASES if case.group != lost), TWINS)
    assert main(["page", str(tmp_path)]) == 2
    assert f"of {lost}, " in capsys.readouterr().err
    write(tmp_path, CASES, (twin for twin in TWINS if twin.group != lost))
    assert main(["page", str(tmp_path)]) == 2
    assert f"no broken twin of {lost}" in capsys.readouterr().err


def test_a_twin_that_passes_and_a_name_that_is_missing_prove_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, CASES, [*TWINS[1:], replace(TWINS[0], value=0.5)])
    assert main(["page", str(tmp_path)]) == 2
    assert f"the judge of {TWINS[0].group} is blind" in capsys.readouterr().err
    write(tmp_path, CASES, [twin for twin in TWINS if twin.name != LAST_OF_LOSSES])
    assert main(["page", str(tmp_path)]) == 2
    assert "broken twins of losses were judged" in capsys.readouterr().err
    write(tmp_path, CASES[1:], TWINS)
    assert main(["page", str(tmp_path)]) == 2
    assert f"{CASES[0].name} never ran" in capsys.readouterr().err


def test_what_is_no_folder_of_a_proof_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "1.jsonl").write_text("{}\n")
    assert main(["page", str(tmp_path)]) == 2
    assert main(["page", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.count("\n") == 2


CASES_OF_RNG = str(Path(__file__).with_name("test_cases.py"))


def session(folder: Path) -> int:
    """The exit status of a test session with a part of the proof."""
    chosen = ["-k", "rng-randperm or is_seen and rng", CASES_OF_RNG]
    options = ["-q", "-p", "no:cacheprovider", "--proof", str(folder)]
    command = [sys.executable, "-m", "pytest", *options, *chosen]
    return subprocess.run(command, capture_output=True).returncode


def test_a_session_writes_what_it_judges_and_never_into_an_older_proof(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "proof"
    assert session(folder) == 0
    found = record.load(folder)
    assert {verdict.name for verdict in found.all} == {"randperm"}
    assert found.passed
    (twin,) = found.controls["rng"]
    assert not twin.passed
    (file,) = folder.iterdir()
    before = file.read_bytes()
    assert session(folder) == 4
    assert file.read_bytes() == before
