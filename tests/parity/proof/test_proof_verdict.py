"""Verdicts, tasks, tables and JSON, without a framework."""

import io
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from jaxtrain.run.history import History
from jaxtrain.store.events import Epoch
from parity.proof.command import ProgressLine
from parity.proof.report import record, table
from parity.proof.verdict import Findings, Task, Twins, Verdict, worst

SEEN = Verdict("rng", "uniform", "seed 0", "float32", "same bits", "u", 1.0, 4.0, "r")


@pytest.mark.parametrize(
    ("value", "bound", "passed"),
    [
        (4.0, 4.0, True),
        (math.nextafter(4.0, 5.0), 4.0, False),
        (0.0, 0.0, True),
        (math.nan, 4.0, False),
        (math.inf, 4.0, False),
        (1.0, math.nan, False),
        (1.0, math.inf, False),
        (math.inf, math.inf, False),
    ],
)
def test_what_passes(value: float, bound: float, passed: bool) -> None:
    assert replace(SEEN, value=value, bound=bound).passed is passed


def test_the_worst_is_that_by_share_and_a_failure_before_all() -> None:
    near = replace(SEEN, value=9.0, bound=10.0)
    assert worst([SEEN, near]) is near
    for failed in (replace(SEEN, value=math.nan), replace(SEEN, bound=math.inf)):
        assert worst([near, failed, SEEN]) is failed
    with pytest.raises(ValueError, match="no verdict"):
        worst([])


def test_a_large_group_is_a_line_a_name_and_all_failures() -> None:
    many = [replace(SEEN, value=float(n % 4)) for n in range(40)]
    ((nearest, count),) = table.summarise(many)
    assert (nearest.value, count) == (3.0, 40)
    failed = [replace(SEEN, value=value) for value in (5.0, 7.0)]
    shown = table.summarise([*many, *failed])
    assert [(v.value, n) for v, n in shown] == [(7.0, 41), (5.0, 1)]
    assert table.table([*many, *failed]).count("DEPARTS") == 2


def test_a_value_is_in_its_own_column() -> None:
    text = table.table([SEEN, replace(SEEN, config="seed 1, a little longer")])
    places = {line.index("ok") for line in text.splitlines()[1:]}
    assert len(places) == 1


def test_the_last_line_names_the_worst() -> None:
    assert table.last_line([SEEN]) == "equal: 1 measures within their bounds"
    line = table.last_line([SEEN, replace(SEEN, name="normal", value=9.0)])
    assert line.startswith("departs: 1 of 2")
    assert "rng normal seed 0, u 9 of 4 in float32" in line


def test_the_json_has_the_schema_and_no_number_that_json_lacks() -> None:
    cases = [SEEN, replace(SEEN, value=math.nan), replace(SEEN, value=math.inf)]
    content = json.loads(record.to_json(Findings({"rng": cases}, {"rng": [SEEN]})))
    assert list(content) == ["passed", "versions", "machine", "cases", "controls"]
    assert content["passed"] is False
    keys = ["group", "name", "config", "dtype", "level", "measure"]
    keys += ["value", "bound", "reason", "rounding", "passed"]
    assert all(list(case) == keys for case in content["cases"])
    assert [case["value"] for case in content["cases"]] == [1.0, None, None]
    assert [case["passed"] for case in content["cases"]] == [True, False, False]
    assert {"python", "jax", "torch"} <= content["versions"].keys()


def test_nothing_at_all_is_not_passed() -> None:
    assert json.loads(record.to_json(Findings({"rng": [SEEN]})))["passed"] is True
    assert json.loads(record.to_json(Findings()))["passed"] is False


def test_a_limit_keeps_the_first_and_the_last() -> None:
    for limit in (2, 3, 7):
        held = Task([], limit=limit).choose(range(50))
        assert len({*held}) == limit
        assert (held[0], held[-1]) == (0, 49)
    assert Task([], limit=1).choose(range(50)) == [0]
    assert Task([], limit=3, first=True).choose(range(50)) == [0, 1, 2]


def test_every_failure_is_told() -> None:
    wrong = [replace(SEEN, name=name, value=9.0) for name in ("normal", "randperm")]
    lines = table.failures([SEEN, *wrong]).splitlines()
    assert lines == [f"{v.name} seed 0 in float32: u, 9 of 4 allowed" for v in wrong]
    assert table.failures([SEEN]) == ""


def test_lines_give_the_verdicts_again(tmp_path: Path) -> None:
    epoch = Epoch(1, 0.5, 50.0, math.nan, 1.0, 1.0)
    runs = [
        History({"loop": {"dtype": "float32"}}, {}, losses, [1e-3] * 2, [0.9], [epoch])
        for losses in ([0.1, 1 / 3], [0.1, math.nan])
    ]
    twins = Twins("mlp", *runs, 2.0, (runs[0],))
    curved = replace(SEEN, group="noise", value=math.inf, rounding=0.1, twins=twins)
    (tmp_path / "1.jsonl").write_text(record.lines([SEEN]) + record.lines([curved]))
    (tmp_path / "2.jsonl").write_text(record.lines([SEEN, SEEN], are_twins=True))
    found = record.load(tmp_path)
    assert found.verdicts["rng"] == [SEEN]
    assert found.controls == {"rng": [SEEN, SEEN]}
    (again,) = found.verdicts["noise"]
    assert math.isnan(again.value)
    assert not again.passed
    assert again.twins is not None
    assert (again.twins.name, again.twins.bound) == ("mlp", 2.0)
    pairs = zip((*runs, runs[0]), _runs(again.twins), strict=True)
    assert all(one.to_json() == other.to_json() for one, other in pairs)


def _runs(twins: Twins) -> list[History]:
    return [twins.reference, twins.candidate, *twins.others]


def test_a_line_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    whole = record.lines([SEEN, SEEN])
    (tmp_path / "1.jsonl").write_text(whole[:-9])
    with pytest.raises(ValueError, match=r"1\.jsonl, line 2"):
        record.load(tmp_path)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("kind", [Terminal, io.StringIO])
def test_progress_is_one_line_on_a_terminal_and_nothing_elsewhere(
    kind: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = kind()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "20")
    progress = ProgressLine()
    progress.show("a" * 50)
    progress.clear()
    text = stream.getvalue()
    assert "\n" not in text
    assert text == (f"\r\x1b[2K{'a' * 19}\r\x1b[2K" if kind is Terminal else "")
