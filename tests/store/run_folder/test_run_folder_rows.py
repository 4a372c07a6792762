"""What is written is what was said: every event, in files that others can read."""

import csv
import json
import math
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import run_events as toy

import jaxtrain
from jaxtrain.errors import ConfigError
from jaxtrain.store.events import Epoch, Evaluation, Started, Steps, Stopped
from jaxtrain.store.run_folder import read_run
from jaxtrain.store.run_folder.read import read_rows


def no_constant(name: str) -> NoReturn:
    raise AssertionError(f"{name} is no JSON")


def rows(out: Path) -> list[dict[str, Any]]:
    """As a strict reader finds them."""
    text = (out / "metrics.jsonl").read_text("ascii")
    assert text.endswith("\n")
    held = [json.loads(line, parse_constant=no_constant) for line in text.splitlines()]
    for row in held:
        assert len(row.pop("crc32")) == 8
    return held


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "out"
    toy.write(out)
    return out


def test_what_is_in_the_folder(run: Path) -> None:
    assert sorted(path.name for path in run.iterdir()) == [
        ".lock",
        "config.json",
        "epochs.csv",
        "metrics.jsonl",
        "predictions.npz",
        "steps.csv",
    ]


def test_the_configuration_says_what_the_run_is(run: Path) -> None:
    content = json.loads((run / "config.json").read_text("ascii"))
    assert content["schema"] == "jaxtrain.run/2"
    assert content["command"] == ["program", "--out", "run"]
    assert content["data"] == toy.ABOUT
    # Where the records go is not part of what the run is.
    assert content["config"] == {k: v for k, v in toy.CONFIG.items() if k != "records"}
    assert content["versions"]["toy"] == "1.0"
    assert content["versions"]["jaxtrain"] == jaxtrain.__version__


def test_a_row_for_each_step(run: Path) -> None:
    held = [row for row in rows(run) if row.get("kind") == "step"]
    assert [row["step"] for row in held] == [*range(21)]
    assert [(row["epoch"], row["batch"]) for row in held] == [
        (1 + n // 7, n % 7) for n in range(21)
    ]
    losses = [None if math.isnan(toy.loss(n)) else toy.loss(n) for n in range(21)]
    assert [row["loss"] for row in held] == losses
    assert losses.count(None) == 1
    assert held[2]["lr"] == 0.1 * 0.99**2
    assert held[2]["momentum"] == 0.9 + held[2]["lr"] / 1e3


def test_the_first_line_is_the_schema(run: Path) -> None:
    head = {"schema": "jaxtrain.metrics/2", "jaxtrain": jaxtrain.__version__}
    assert rows(run)[0] == head


def test_other_rows_know_their_step_of_the_run(run: Path) -> None:
    held = rows(run)
    found = [row for row in held if row.get("kind") == "sample"]
    assert [row["step"] for row in found] == [0, 3, 6, 7, 10, 13, 14, 17, 20]
    assert found[1] == {
        "kind": "sample",
        "step": 3,
        "epoch": 1,
        "batch": 3,
        "gradient_norms": {"0.weight": 4.0, "0.bias": 4e-3},
        "update_ratios": {"0.weight": 1e-3, "0.bias": 2e-3},
        "dead": {"1": 0.25},
        "memory": 2**20 + 3,
    }
    warned = [row for row in held if row.get("kind") == "warning"]
    assert [row["step"] for row in warned] == [4, 11, 18]
    assert warned[0] == {
        "kind": "warning",
        "step": 4,
        "epoch": 1,
        "batch": 4,
        "name": "spike",
        "text": "the loss of epoch 1 jumps",
    }


def test_an_epoch_s_row_holds_its_figures_and_its_throughput(run: Path) -> None:
    (first, *_) = (row for row in rows(run) if row.get("kind") == "epoch")
    assert first == {
        "kind": "epoch",
        "epoch": 1,
        "steps": 7,
        # 200 images, though 7 batches could hold 210.
        "samples_per_second": 100.0,
        "train_loss": 2.0,
        "accuracy": 60.0,
        "avg_loss": 2.5,
        "train_seconds": 2.0,
        "test_seconds": 0.5,
    }


def test_an_epoch_that_is_cut_short_counts_the_images_it_took(tmp_path: Path) -> None:
    events = [*toy.story()]
    short = [events[0], toy.steps(1, 0, 2), toy.epoch(1)]
    toy.write(tmp_path / "out", short)
    assert read_run(tmp_path / "out").throughput.tolist() == [30.0]


@pytest.mark.parametrize("kind", ["step", "epoch"])
def test_tables_hold_the_same_rows(run: Path, kind: str) -> None:
    text = (run / f"{kind}s.csv").read_text()
    table = [*csv.DictReader(text.splitlines())]
    expected = [row for row in rows(run) if row.get("kind") == kind]
    assert len(table) == len(expected) > 0
    for cells, row in zip(table, expected, strict=True):
        row.pop("kind")
        assert [*cells] == [*row]
        shown = ["" if value is None else repr(value) for value in row.values()]
        assert [*cells.values()] == shown


def test_each_group_has_its_column(tmp_path: Path) -> None:
    lrs: Any = [[0.1, 0.2], [0.3, float("inf")]]
    started = next(iter(toy.story()))
    toy.write(tmp_path / "out", [started, Steps(1, 0, [2.0, 1.0], lrs)])
    assert (tmp_path / "out" / "steps.csv").read_text().splitlines() == [
        "step,epoch,batch,loss,lr.0,lr.1",
        "0,1,0,2.0,0.1,0.2",
        "1,1,1,1.0,0.3,",
    ]
    found = read_run(tmp_path / "out").lrs
    np.testing.assert_array_equal(found, [[0.1, 0.2], [0.3, np.nan]])


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    losses: Any = np.array([2.5, np.inf], np.float32)
    lrs: Any = np.array([1, 1])
    sample = replace(toy.sampled(1, 0), memory=np.int64(5))  # type: ignore[arg-type]
    started = next(iter(toy.story()))
    toy.write(tmp_path / "out", [started, Steps(1, 0, losses, lrs), sample])
    steps = [row for row in rows(tmp_path / "out") if row.get("kind") == "step"]
    assert [row["loss"] for row in steps] == [2.5, None]
    assert read_run(tmp_path / "out").samples[0].memory == 5


def test_each_event_is_in_the_file_before_the_next(tmp_path: Path) -> None:
    with toy.opened(tmp_path / "out") as folder:
        said = 0
        for event in toy.story():
            folder.add(event)
            said += len(event.losses) if isinstance(event, Steps) else 1
            assert len(rows(tmp_path / "out")) == 1 + said


def test_read_back_it_is_what_was_said(run: Path) -> None:
    record = read_run(run)
    assert not record.torn
    np.testing.assert_array_equal(record.losses, [toy.loss(n) for n in range(21)])
    assert record.steps.tolist() == [*range(21)]
    assert record.lrs.shape == (21, 1)
    assert record.momenta.shape == (21,)
    assert record.epochs == [toy.epoch(n) for n in (1, 2, 3)]
    assert record.epoch_steps.tolist() == [7, 14, 21]
    assert record.samples[1] == toy.sampled(1, 3)
    assert [warned.step for warned in record.warnings] == [4, 4, 4]
    assert record.tested == Evaluation(80.0, 0.9)
    assert record.stopped is None
    assert record.ended
    assert record.started is not None
    assert record.started["model"] == "MLP 4-2"


def test_a_run_that_was_stopped_says_why(tmp_path: Path) -> None:
    started = next(iter(toy.story()))
    toy.write(tmp_path / "out", [started, Stopped("--max-time is over")])
    record = read_run(tmp_path / "out")
    assert record.stopped == "--max-time is over"
    assert record.ended


def test_a_run_that_goes_on_has_not_ended(tmp_path: Path) -> None:
    toy.write(tmp_path / "out", [*toy.story()][:12])
    assert not read_run(tmp_path / "out").ended


def test_what_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    with toy.opened(tmp_path / "out") as folder:
        folder.add(next(iter(toy.story())))
        odd: Any = Epoch(-1, 1.0, 1.0, 1.0, 1.0, 1.0)
        with pytest.raises(ValueError, match="-1 is no count"):
            folder.add(odd)
    assert len(read_run(tmp_path / "out").rows) == 1


DAMAGES = {
    "it is no JSON object": b"[]",
    "Expecting": b"{",
    "can't decode": b'{"kind": "stopped", "reason": "\xff"}',
    "it has a bare NaN": b'{"kind": "tested", "accuracy": NaN, "avg_loss": 1.0}',
    "'other' is no kind": b'{"kind": "other"}',
    "None is no text": b"{}",
    "has no 'avg_loss'": b'{"kind": "tested", "accuracy": 1.0}',
    "has a 'more'": b'{"kind": "tested", "accuracy": 1, "avg_loss": 1, "more": 1}',
    "'1' is no number": b'{"kind": "tested", "accuracy": "1", "avg_loss": 1.0}',
    "True is no number": b'{"kind": "tested", "accuracy": true, "avg_loss": 1.0}',
    "1.5 is no count": b'{"kind": "saved", "steps": 1.5, "path": ""}',
    "step 3 comes after step 20": (
        b'{"kind": "step", "step": 3, "epoch": 9, "batch": 0, "loss": 1, "lr": 1}'
    ),
    "recursion": b"[" * 100_000,
    "it has a depth of more than 128": b"[" * 200 + b"]" * 200,
    "it has a number 1e999 that no float holds": (
        b'{"kind": "tested", "accuracy": 1e999, "avg_loss": 1.0}'
    ),
    "it has a key twice": b'{"kind": "stopped", "kind": "stopped", "reason": ""}',
    "it has a number of 5001 digits, more than 300": (
        b'{"kind": "saved", "path": "", "steps": 1' + b"0" * 5000 + b"}"
    ),
}


@pytest.mark.parametrize("reason", DAMAGES)
def test_damage_is_named_with_its_line(run: Path, tmp_path: Path, reason: str) -> None:
    path = tmp_path / "metrics.jsonl"
    whole = toy.unsealed((run / "metrics.jsonl").read_bytes())
    path.write_bytes(whole + DAMAGES[reason] + b"\n" + b'{"kind": "stopped"')
    number = whole.count(b"\n") + 1
    with pytest.raises(
        ConfigError, match=rf"jsonl, line {number} is damaged: .*{reason}"
    ):
        read_rows(path)


@pytest.mark.parametrize("reason", [*DAMAGES][5:12])
def test_a_checksum_vouches_for_no_content(
    run: Path, tmp_path: Path, reason: str
) -> None:
    path = tmp_path / "metrics.jsonl"
    line = DAMAGES[reason]
    seal = b',"crc32":"%08x"}\n' % zlib.crc32(line)
    path.write_bytes((run / "metrics.jsonl").read_bytes() + line[:-1] + seal)
    with pytest.raises(ConfigError, match=rf"is damaged: .*{reason}"):
        read_rows(path)


def test_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"schema": "jaxtrain.metrics/3"}\n')
    with pytest.raises(ConfigError, match=r"of the schema jaxtrain\.metrics/3, newer"):
        read_rows(path)


def test_what_started_is_recorded_once_it_has(tmp_path: Path) -> None:
    with toy.opened(tmp_path / "out") as folder:
        assert [path.name for path in (tmp_path / "out").iterdir()] == [".lock"]
        folder.add(Started("toy", "cpu", "MLP", 1, {}))
        assert (tmp_path / "out" / "config.json").exists()
    with pytest.raises(ConfigError, match="already holds a run"):
        toy.write(tmp_path / "out")
