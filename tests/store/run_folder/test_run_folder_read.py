"""A run folder that others may have written: one line, and nothing executed."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import run_events as toy

from jaxtrain.errors import ConfigError
from jaxtrain.store.run_folder import read, read_run
from jaxtrain.store.run_folder.files import object_with_seal


@pytest.fixture
def run(tmp_path: Path) -> Path:
    toy.write(tmp_path / "out")
    return tmp_path / "out"


def change(run: Path, **parts: Any) -> None:
    path = run / "config.json"
    content = json.loads(path.read_text())
    del content["sha256"]
    path.write_bytes(object_with_seal(content | parts))


def test_what_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no is not the folder of a run"):
        read_run(tmp_path / "no")
    with pytest.raises(ConfigError, match=r"holds no run: there is no config\.json"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"schema": "jaxtrain.run/3"}, "its schema is not jaxtrain.run/2 but"),
        ({"config": []}, "its 'config' is not a dict"),
        ({"config": {"loop": 3}}, "'loop' of its config is no dict"),
        ({"command": "rm"}, "its 'command' is not a list"),
        ({"command": [1]}, "its 'command' is not of texts"),
        ({"versions": {"jax": 1}}, "its 'versions' is not of texts"),
    ],
)
def test_another_configuration(run: Path, parts: dict[str, Any], told: str) -> None:
    change(run, **parts)
    with pytest.raises(ConfigError, match=rf"config\.json is damaged: {told}"):
        read_run(run)


@pytest.mark.parametrize("name", ["config.json", "metrics.jsonl", "predictions.npz"])
def test_what_is_no_file(run: Path, name: str) -> None:
    (run / name).unlink()
    os.mkfifo(run / name)
    with pytest.raises(ConfigError, match=f"{name} is not a file"):
        read_run(run)
    (run / name).unlink()
    (run / name).mkdir()
    with pytest.raises(ConfigError, match=f"{name} is not a file"):
        read_run(run)


def test_what_is_too_large(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "MOST_BYTES", 1000)
    with pytest.raises(ConfigError, match=r"metrics\.jsonl has [\d,]+ bytes; at most"):
        read_run(run)


def test_a_run_that_has_only_begun(run: Path) -> None:
    (run / "metrics.jsonl").unlink()
    (run / "predictions.npz").unlink()
    record = read_run(run)
    assert (record.rows, record.torn, record.ended) == ([], True, False)
    assert record.lrs.size == record.losses.size == record.momenta.size == 0
