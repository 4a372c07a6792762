"""The whole command, with a backend that trains nothing."""

import re
import sys
from importlib.metadata import EntryPoints
from pathlib import Path

import pytest
from toys import PROG, Command, refused

from jaxtrain.commands.options import parse
from jaxtrain.run import backends
from jaxtrain.run.config import Config
from jaxtrain.run.history import History


def test_a_run_prints_and_keeps_its_history(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    ran = command("--backend toy --epochs 2 --lr 0.5 --history", path)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.count("loss: 2.000000  [   64/  200]\n") == 2
    assert ran.out.count("Test Error: \n Accuracy: 50.0%, Avg loss: 1.500000 \n\n") == 2
    assert re.fullmatch(
        r"time to first step \d+\.\d s, 400 samples/s in training, total \d+\.\d s",
        ran.out.splitlines()[-1],
    )
    history = History.load(path)
    assert history.losses == [2.0, 1.0, 1.0, 1.0] * 2
    assert history.lrs == [0.5] * 8
    assert [epoch.accuracy for epoch in history.epochs] == [50.0, 50.0]
    assert history.data == {"name": "random", "source": "a test", "sha256": {}}
    text = f"--backend toy --epochs 2 --lr 0.5 --history {path}"
    assert Config.from_dict(history.config) == parse(text.split(), PROG, "")
    assert list(tmp_path.iterdir()) == [path]


def test_no_epochs_train_nothing(command: Command) -> None:
    ran = command("--backend toy --epochs 0")
    assert (ran.status, ran.err) == (0, "")
    assert re.search(r"seed 0\n\nDone!\ntotal \d\.\d s\n$", ran.out)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--lr -1", "--lr must be from 0 to 1e+38, but got -1.0"),
        ("--backend trch", "unknown backend 'trch': did you mean 'torch'?"),
        (
            "--backend toy-incomplete",
            "backend 'toy-incomplete' needs no_such_package, which is not installed: "
            "pip install 'toy[extra]'",
        ),
        (
            "--backend toy-mismatched",
            "backend 'toy-mismatched' cannot be imported: RuntimeError: nms is not",
        ),
        (
            "--backend toy-nameless",
            "backend 'toy-nameless' cannot be imported: AttributeError: "
            "module 'toy' has no attribute 'nameless'",
        ),
    ],
)
def test_refused_before_the_data_is_read(
    command: Command, unread: None, text: str, message: str
) -> None:
    refused(command(text), message)


def test_without_an_installation_no_backend_is_there(
    command: Command, unread: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "entry_points", lambda group: EntryPoints([]))
    refused(
        command("--epochs 1"),
        "no backend is registered: the package is not installed "
        "(in its folder: pip install .)",
    )


def test_the_torch_backend_needs_its_extra(
    command: Command, unread: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "parity.pytorch.backend", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    refused(
        command("--backend torch"),
        "backend 'torch' needs torch, which is not installed: "
        "pip install 'jaxtrain[parity]'",
    )


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        ("toy-greedy", "Unable to allocate 1. TiB"),
        ("toy-greedy-device", "RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes."),
    ],
)
def test_a_lack_of_memory_names_the_sizes(
    command: Command, backend: str, reason: str
) -> None:
    ran = command(f"--backend {backend} --hidden 3 2 --batch-size 7")
    assert (ran.status, ran.err) == (
        2,
        f"{PROG}: error: not enough memory for --hidden 3 2 with --batch-size 7: "
        f"{reason}\n",
    )


def test_a_bug_is_not_hidden_and_costs_no_history(
    command: Command, tmp_path: Path
) -> None:
    path = tmp_path / "run.json"
    with pytest.raises(RuntimeError, match="a bug"):
        command("--backend toy-wrong --history", path)
    assert History.load(path).losses == [2.0]
