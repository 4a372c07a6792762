"""Killed anywhere and resumed, a run leaves the records of an undisturbed one."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import run_events as toy

from jaxtrain.errors import ConfigError
from jaxtrain.store.events import Epoch, Event, Resumed, Sampled, Steps, Warned
from jaxtrain.store.run_folder import folder as folder_module
from jaxtrain.store.run_folder import read_run

SESSION = ("started", "resumed", "saved")
"""Rows of a session and not of the run."""


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "out"
    toy.write(out)
    return out


def rows(out: Path) -> list[dict[str, Any]]:
    """What must be equal: all rows but those of the sessions."""
    lines = (out / "metrics.jsonl").read_text().splitlines()
    held = [json.loads(line) for line in lines]
    return [row for row in held if row.get("kind") not in SESSION]


def records(out: Path) -> list[Any]:
    """Everything that must be equal, in whichever file."""
    tables = [(out / name).read_bytes() for name in ("steps.csv", "epochs.csv")]
    return [rows(out), *tables, (out / "predictions.npz").exists()]


def go_on(out: Path, origin: Resumed | None) -> list[Event]:
    """The rest of the run; returns what the folder says of its past."""
    earlier: list[Event] = []
    with toy.opened(out, resume=True) as folder:
        if origin is not None:
            origin = toy.within(out, origin)
            earlier = folder.start(toy.started(origin))
        for event in toy.story(origin):
            folder.add(event)
    return earlier


def joined(events: Iterator[Event] | list[Event]) -> list[Any]:
    """Steps one by one, and what else a history is made of."""
    found: list[Any] = []
    for event in events:
        match event:
            case Steps():
                values = zip(event.losses, event.lrs, event.momenta, strict=True)
                found += [
                    (event.epoch, event.first + n, repr(each))
                    for n, each in enumerate(values)
                ]
            case Epoch() | Sampled() | Warned():
                found.append(event)
    return found


CHECKPOINTS = [
    toy.resumed(3),
    toy.resumed(6),
    toy.resumed(7, tested=False),
    toy.resumed(7),
    toy.resumed(13),
    toy.resumed(21),
]
EVENTS = [*toy.story()]


@pytest.mark.parametrize("origin", CHECKPOINTS, ids=repr)
@pytest.mark.parametrize("more", [0, 1, 4, len(EVENTS)])
def test_resumed_it_is_whole(
    tmp_path: Path, whole: Path, origin: Resumed, more: int
) -> None:
    # Killed some events after the checkpoint.
    at = next(n for n in range(len(EVENTS)) if joined(EVENTS[:n]) == _past(origin))
    toy.write(tmp_path / "out", EVENTS[: at + more])
    earlier = go_on(tmp_path / "out", origin)
    assert records(tmp_path / "out") == records(whole)
    # With what the folder gave back, a history is whole as well.
    assert joined([*earlier, *toy.story(origin)]) == joined(EVENTS)


def _past(origin: Resumed) -> list[Any]:
    after = len(joined(toy.story(origin)))
    return joined(EVENTS)[: len(joined(EVENTS)) - after]


def test_a_row_too_many_or_too_few_would_be_seen(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = folder_module.past
    for change in (1, -1):
        out = tmp_path / str(change)
        toy.write(out, EVENTS[:20])
        broken = Resumed("checkpoints", 6 + change)
        monkeypatch.setattr(folder_module, "past", lambda r, o, b=broken: past(r, b))
        go_on(out, toy.resumed(6))
        assert rows(out) != rows(whole)


@pytest.mark.parametrize("origin", [toy.resumed(13), toy.resumed(7, tested=False)])
def test_torn_at_any_byte(tmp_path: Path, whole: Path, origin: Resumed) -> None:
    text = (whole / "metrics.jsonl").read_bytes()
    out = tmp_path / "out"
    toy.write(out)
    past, complete = _past(origin), 0
    # From before the last rows that the checkpoint holds to well behind them.
    middle = text.index(b'{"kind":"step","step":%d,' % (origin.steps - 1))
    for size in range(middle - 250, middle + 250):
        (out / "metrics.jsonl").write_bytes(text[:size])
        with toy.opened(out, resume=True) as folder:
            *held, last = folder.start(toy.started(toy.within(out, origin)))
        if _lost(last):
            assert isinstance(last, Warned)
            kept = sum(isinstance(item, tuple) for item in joined(held))
            assert last.text.endswith(f" {_range(kept, origin.steps)}")
        else:
            complete += 1
            assert joined([*held, last]) == past
        # The epochs are the checkpoint's, too.
        epochs = [e for e in [*held, last] if isinstance(e, Epoch)]
        assert epochs == [*origin.past]
    assert 100 < complete < 250


def test_a_reader_leaves_out_a_torn_line(tmp_path: Path, whole: Path) -> None:
    text = (whole / "metrics.jsonl").read_bytes()
    out = tmp_path / "out"
    toy.write(out)
    for size in range(len(text) - 300, len(text) + 1):
        (out / "metrics.jsonl").write_bytes(text[:size])
        record = read_run(out)
        assert record.torn == (text[size - 1 : size] != b"\n")
        assert len(record.rows) == text[:size].count(b"\n") - 1
    for size in range(60):
        (out / "metrics.jsonl").write_bytes(text[:size])
        assert read_run(out).rows == []


def _lost(event: Event) -> bool:
    return isinstance(event, Warned) and event.kind == "records"


def _range(first: int, end: int) -> str:
    return f"{first} to {end - 1}" if first < end - 1 else f"{first}"


@pytest.mark.parametrize("name", ["metrics.jsonl", "steps.csv", "epochs.csv"])
@pytest.mark.parametrize("cut", [0, 1, 2, 40, 200])
def test_a_table_that_lags_or_is_gone_is_made_anew(
    tmp_path: Path, whole: Path, name: str, cut: int
) -> None:
    out = tmp_path / "out"
    toy.write(out)
    path = out / name
    if cut == 0 and name != "metrics.jsonl":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-cut] if cut else path.read_bytes())
    go_on(out, toy.resumed(13))
    assert records(out) == records(whole)


def test_lost_rows_are_named_in_the_records_too(tmp_path: Path) -> None:
    out = tmp_path / "out"
    # As after a loss of power that took the file.
    earlier = go_on(out, toy.resumed(10))
    assert [e for e in earlier if isinstance(e, Steps)] == []
    text = "steps of the run that were taken but are not in metrics.jsonl: 0 to 9"
    record = read_run(out)
    assert record.warnings[0] == Warned(2, 0, "records", text) == earlier[-1]
    assert record.steps.tolist() == [*range(10, 21)]
    assert [each.epoch for each in record.epochs] == [1, 2, 3]
    assert record.throughput.tolist()[1:] == [100.0, 100.0]
    # Again: the same is lost, and said once.
    go_on(out, toy.resumed(13))
    assert [warned.kind for warned in read_run(out).warnings].count("records") == 1


def test_a_place_that_is_not_known_is_not_made_up(tmp_path: Path) -> None:
    out = tmp_path / "out"
    origin = toy.resumed(10)
    with toy.opened(out, resume=True) as folder:
        folder.start(toy.started(toy.within(out, origin)))
        folder.add(toy.sampled(2, 3))
        folder.add(toy.steps(2, 3, 3))
        folder.add(toy.sampled(2, 6))
    places = [row["step"] for row in rows(out) if row.get("kind") == "sample"]
    assert places == [None, 13]


def test_without_a_checkpoint_it_begins_anew(tmp_path: Path, whole: Path) -> None:
    out = tmp_path / "out"
    toy.write(out, EVENTS[:1])
    toy.write(out, EVENTS, resume=True)
    assert records(out) == records(whole)


def test_steps_that_nothing_can_go_on_from_are_not_written_over(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    toy.write(out)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    with (
        pytest.raises(ConfigError, match="a run without checkpoints to go on from"),
        toy.opened(out, resume=True) as folder,
    ):
        folder.add(EVENTS[0])
    after = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    assert after == before


def test_resuming_by_the_event_alone(tmp_path: Path, whole: Path) -> None:
    out = tmp_path / "out"
    toy.write(out, EVENTS[:20])
    toy.write(out, [*toy.story(toy.resumed(6))], resume=True)
    assert records(out) == records(whole)
    lines = (out / "metrics.jsonl").read_text().splitlines()
    held = [json.loads(line) for line in lines]
    (told,) = [row for row in held if row.get("kind") == "resumed"]
    assert (told["steps"], told["epochs"], told["problems"]) == (6, 0, [])
    assert told["source"] == toy.within(out, toy.resumed(6)).source


def test_damage_that_cannot_be_mended_is_named_and_the_file_kept(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    toy.write(out)
    path = out / "metrics.jsonl"
    lines = path.read_bytes().split(b"\n")
    lines[5] = lines[5][:20]
    damaged = b"\n".join(lines)
    path.write_bytes(damaged)
    with toy.opened(out, resume=True) as folder:
        earlier = folder.start(toy.started(toy.within(out, toy.resumed(6))))
    told = [event.text for event in earlier if _lost(event)]
    assert told[0].startswith("metrics.jsonl, line 6: not as written, and lost; see ")
    assert (out / "metrics.damaged.jsonl").read_bytes() == damaged


def test_a_run_from_elsewhere_does_not_take_another_s_place(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    toy.write(out)
    before = {path: path.read_bytes() for path in out.iterdir()}
    origin = toy.within(elsewhere, toy.resumed(6))
    told = f"--out {out} already holds a run, and not the one of {origin.source}: give"
    for late in (False, True):
        refused = pytest.raises(ConfigError, match=told)
        with toy.opened(out, resume=True) as folder, refused:
            folder.add(next(toy.story(origin))) if late else folder.start(
                toy.started(origin)
            )
        assert {path: path.read_bytes() for path in out.iterdir()} == before
    # A folder of its own may be new; what is not in it is said to be lost.
    with toy.opened(tmp_path / "new", resume=True) as folder:
        (lost,) = folder.start(toy.started(origin))
    assert _lost(lost)
