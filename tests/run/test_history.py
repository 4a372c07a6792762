"""The record of a run: complete, strict JSON, whole again after reading."""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

import jaxtrain
from jaxtrain.commands.options import parse
from jaxtrain.run.config import Config
from jaxtrain.run.history import SCHEMA, History
from jaxtrain.store import codec
from jaxtrain.store.events import Epoch, Event, Started, Steps

sys.path.insert(0, str(Path(__file__).parents[1] / "fixtures" / "old_trees"))
import make_old_trees as old_trees

EPOCH = Epoch(
    epoch=1,
    train_loss=1.75,
    accuracy=62.5,
    avg_loss=1.25,
    train_seconds=2.0,
    test_seconds=0.5,
)
EVENTS: list[Event] = [
    Started("toy", "cpu", "MLP 4-2", 10, {"toy": "1.0"}),
    Steps(epoch=1, first=0, losses=[2.5, 2.0], lrs=[0.1, 0.1], momenta=[0.9, 0.8]),
    Steps(epoch=1, first=2, losses=[0.75], lrs=[0.05], momenta=[0.7]),
    EPOCH,
]
COMMAND = (
    "--hidden 16 8 --dropout 0.25 --lr 0.1 --optimizer-args momentum=0.9 nesterov=true "
    "--scheduler step_lr --scheduler-args step_size=2 gamma=inf --seed -3 --epochs 2 "
    "--shuffle --data some/folder --history run.json"
)


def recorded(events: list[Event] = EVENTS) -> History:
    config = parse(COMMAND.split(), "program", "")
    data = {"name": "toy", "source": "here", "sha256": {"images": "00ff"}}
    return History(config.to_dict(), data).extend(events)


def no_constant(name: str) -> NoReturn:
    raise AssertionError(f"{name} is no JSON")


def content(history: History) -> dict[str, Any]:
    """What a strict reader finds in the JSON."""
    read = json.loads(history.to_json(), parse_constant=no_constant)
    assert isinstance(read, dict)
    return read


def test_events_add_up() -> None:
    history = recorded()
    assert history.losses == [2.5, 2.0, 0.75]
    assert history.lrs == [0.1, 0.1, 0.05]
    assert history.momenta == [0.9, 0.8, 0.7]
    assert history.epochs == [EPOCH]


def test_histories_do_not_share_their_lists() -> None:
    recorded()
    assert History({}, {}) == History({}, {}, [], [], [], [], {})


def test_schema() -> None:
    read = content(recorded())
    assert list(read) == [
        "schema",
        "config",
        "data",
        "losses",
        "lrs",
        "momenta",
        "epochs",
        "versions",
    ]
    assert read["schema"] == SCHEMA == "jaxtrain.history/1"
    assert read["losses"] == [2.5, 2.0, 0.75]
    assert read["epochs"] == [
        {
            "epoch": 1,
            "train_loss": 1.75,
            "accuracy": 62.5,
            "avg_loss": 1.25,
            "train_seconds": 2.0,
            "test_seconds": 0.5,
        }
    ]
    assert read["data"] == {
        "name": "toy",
        "source": "here",
        "sha256": {"images": "00ff"},
    }
    assert read["versions"] == {
        "jaxtrain": jaxtrain.__version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        "toy": "1.0",
    }


def test_the_configuration_in_it_is_enough_to_run_it_again() -> None:
    read = content(recorded())["config"]
    assert read["scheduler"]["args"]["gamma"] == {"$float": "inf"}
    read = codec.decode(json.dumps(read))
    assert Config.from_dict(read) == parse(COMMAND.split(), "program", "")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_null(value: float) -> None:
    history = recorded(
        [
            Steps(1, 0, [value, 1.0], [[0.1, value]], [value]),
            replace(EPOCH, train_loss=value, accuracy=10.0, avg_loss=value),
        ]
    )
    read = content(history)
    assert read["losses"] == [None, 1.0]
    assert read["lrs"] == [[0.1, None]]
    assert read["momenta"] == [None]
    assert read["epochs"][0] == EPOCH.to_dict() | {
        "train_loss": None,
        "accuracy": 10.0,
        "avg_loss": None,
    }


def test_numbers_of_numpy_are_numbers() -> None:
    losses: Any = np.array([2.5, 0.1], np.float32)
    accuracy: Any = np.float32(62.5)
    epoch = replace(EPOCH, accuracy=accuracy, avg_loss=np.float64("nan"))
    history = recorded([Steps(1, 0, losses, [np.float64(0.1)]), epoch])
    read = content(history)
    assert read["losses"] == [2.5, float(np.float32(0.1))]
    assert read["lrs"] == [0.1]
    assert read["epochs"] == [EPOCH.to_dict() | {"avg_loss": None}]


def test_every_digit_survives() -> None:
    losses = [1 / 3, 2.305311, 5e-324, 1.7976931348623157e308, float(np.float32(0.1))]
    assert content(recorded([Steps(1, 0, losses, losses)]))["losses"] == losses


def test_save_and_load(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    history = recorded()
    history.save(path)
    assert path.read_bytes() == history.to_json().encode("ascii") + b"\n"
    assert History.load(path) == history
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_one_of_before_is_read() -> None:
    found, right = History.load(old_trees.HISTORY), old_trees.history()
    assert repr(found.losses) == "[2.5, nan]"
    assert repr(found.lrs) == "[0.1, nan]"
    assert repr(found.epochs) == repr([replace(right.epochs[0], avg_loss=math.nan)])
    assert Config.from_dict(found.config) == Config.from_dict(right.config)
    # Earlier versions wrote the word.
    assert found.config["scheduler"]["args"] == {"gamma": "inf"}
    assert right.config["scheduler"]["args"] == {"gamma": math.inf}


def test_load_makes_nan_of_null(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    epoch = replace(EPOCH, avg_loss=math.inf)
    recorded([Steps(1, 0, [math.nan], [[0.1, math.inf]]), epoch]).save(path)
    loaded = History.load(path)
    assert math.isnan(loaded.losses[0])
    assert loaded.lrs[0][0] == 0.1
    assert math.isnan(loaded.lrs[0][1])
    assert math.isnan(loaded.epochs[0].avg_loss)
    # A null that means nothing of the kind stays one.
    assert loaded.config["scheduler"] == recorded().config["scheduler"]
    loaded.config["loop"]["epochs"] = None
    loaded.save(path)
    assert History.load(path).config["loop"]["epochs"] is None


def test_a_history_that_cannot_be_saved_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    recorded().save(path)
    before = path.read_bytes()
    broken = recorded()
    broken.losses.append(object())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        broken.save(path)
    assert path.read_bytes() == before
    with pytest.raises(OSError, match="No such file"):
        recorded().save(tmp_path / "missing" / "run.json")
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def spoilt(**changes: Any) -> bytes:
    read = content(recorded()) | changes
    return json.dumps({k: v for k, v in read.items() if v is not ...}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe\xfd",
        b"[]",
        b"null",
        b"{}",
        spoilt(schema="jaxtrain.history/2"),
        spoilt(schema=...),
        spoilt(losses=...),
        spoilt(config=...),
        spoilt(more=1),
        spoilt(epochs=[{"epoch": 1}]),
        spoilt(epochs=3),
        spoilt(epochs=[3]),
    ],
)
def test_anything_else_is_no_history(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"run\.json holds no jaxtrain\.history/1: .+"):
        History.load(path)


def test_a_file_that_is_not_there_is_another_matter(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        History.load(tmp_path / "run.json")
