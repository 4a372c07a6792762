"""What befalls a run that has begun: NaN, signals, compilations, folders, clocks."""

import errno
import itertools
import json
import os
import pickle
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from fault_runs import (
    SAVING,
    STARTED,
    Command,
    Ran,
    forge,
    left,
    nested,
    refused,
    steps,
)

from jaxtrain.commands import fashion
from jaxtrain.data import Dataset, Split
from jaxtrain.run.config import Config
from jaxtrain.run.history import History
from jaxtrain.store import checkpoint
from jaxtrain.store.checkpoint import Store
from jaxtrain.store.events import Epoch, Event, Steps
from jaxtrain.store.run_folder import read_run

DIVERGING = "--hidden 8 --epochs 1 --lr 1e30"
FOUND = "epoch 1, step 1 (loss nan): the output of layer "
PROMISE = "The step is kept: --replay "


@pytest.fixture(scope="session")
def fault(tmp_path_factory: pytest.TempPathFactory, tiny: Dataset) -> Path:
    """The folder of a run that has ended at a number that is not finite."""
    out = tmp_path_factory.mktemp("fault") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fashion, "load", lambda source, on_progress: tiny)
        assert fashion.main([*DIVERGING.split(), "--out", str(out)]) == 2
    return out


def test_nan_names_step_and_layer_and_the_step_can_be_taken_again(
    command: Command, fault: Path
) -> None:
    again = command(f"{DIVERGING} --resume auto --out", fault)
    refused(again, f"error: {FOUND}")
    assert again.err.endswith(f"not finite. {PROMISE}{fault / 'fault'}\n")
    # The loss is told up to the fault, and the state before it is there to go on from.
    assert read_run(fault).losses[-1] != read_run(fault).losses[-1]
    assert np.isfinite(checkpoint.load(steps(fault)[-1]).arrays["losses"]).all()
    ran = command("--replay", fault / "fault")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("epoch 1, step 1: the output of layer ")
    assert ran.out.endswith("not finite (as then)\n")


def test_nan_is_named_even_where_the_step_cannot_be_kept(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any, **more: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    ran = command(DIVERGING)
    refused(ran, f"error: {FOUND}")
    told = "The step could not be kept: [Errno 28] No space left on device\n"
    assert ran.err.endswith(told)


@pytest.mark.parametrize("name", ["no", "file", ".", "a\0b", "x" * 300])
def test_a_replay_of_nothing_is_one_line(
    command: Command, tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_text("no step")
    path = tmp_path / name
    refused(command("--replay", path), f"error: --replay {path} holds no kept step: ")


def cut(arrays: dict[str, np.ndarray], meta: Any) -> None:
    arrays["images"] = arrays["images"][:, 1:]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda arrays, meta: arrays.pop("images"), "there is no 'images'\n"),
        (lambda arrays, meta: meta.pop("found"), "there is no 'found'\n"),
        (lambda arrays, meta: meta.update(classes=3), "'int' object is not iterable\n"),
        (lambda arrays, meta: meta.update(config={}), "the checkpoint does not fit: "),
        (lambda arrays, meta: meta.update(config=[]), "a configuration is a table of"),
        (cut, "Linear(784, 8) got an input of shape (64, 756)"),
    ],
)
def test_a_replay_of_something_else_is_one_line(
    command: Command, fault: Path, tmp_path: Path, change: Any, told: str
) -> None:
    found = checkpoint.read(fault / "fault").checkpoint
    assert found is not None
    arrays, meta = dict(found.arrays), json.loads(json.dumps(found.meta))
    change(arrays, meta)
    with Store.open(tmp_path / "kept") as store:
        store.save(found.step, arrays, meta)
    path = tmp_path / "kept"
    refused(
        command("--replay", path), f"error: --replay {path} holds no kept step: {told}"
    )


def test_a_replay_of_a_damaged_step_is_one_line(
    command: Command, fault: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copytree(fault / "fault", tmp_path / "fault"))
    (file,) = path.glob("step-*/state.safetensors")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    ran = command("--replay", path)
    refused(ran, f"error: --replay {path} holds no kept step: ")
    assert "has another SHA-256 than when it was written" in ran.err


def test_a_replay_of_what_is_nested_too_deeply_is_one_line(
    command: Command, fault: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copytree(fault / "fault", tmp_path / "fault"))
    (step,) = path.glob("step-*")
    forge(step, state_json=nested(step / "state.json"))
    told = f"{path} has no whole checkpoint in it: {step.name}: state.json has a depth"
    refused(
        command("--replay", path),
        f"error: --replay {path} holds no kept step: {told}",
    )


def test_a_replay_that_no_memory_holds_is_one_line(
    command: Command, fault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(*given: Any) -> Any:
        raise MemoryError("Unable to allocate 5.70 TiB")

    monkeypatch.setattr("jaxtrain.run.loop.build_trainer", build)
    ran = command("--replay", fault / "fault")
    refused(ran, f"error: --replay {fault / 'fault'} holds no kept step: Unable to")


def interrupted(config: Config, dataset: Dataset) -> Iterator[Event]:
    """Gets a second signal while the first waits for it to come to an event."""
    yield STARTED
    yield Steps(1, 0, [2.0], [0.1])
    signal.raise_signal(signal.SIGINT)
    reached.append("after the first")
    signal.raise_signal(signal.SIGINT)
    reached.append("after the second")
    yield Steps(1, 1, [2.0], [0.1])


reached: list[str] = []


def test_a_second_signal_ends_a_run_that_does_not_come_to_an_end(
    command: Command, tmp_path: Path
) -> None:
    reached.clear()
    path = tmp_path / "run.json"
    # A shell starts what runs in its background with SIGINT ignored.
    given = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ran = command("--epochs 1 --history", path, backend=interrupted)
        after = signal.getsignal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, given)
    refused(ran, "ended by SIGINT; what was done until then is in ", status=130)
    assert reached == ["after the first"]
    assert History.load(path).losses == [2.0]
    assert after is signal.default_int_handler


def test_a_signal_saves_and_the_run_goes_on_to_the_same_end(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, whole: Path
) -> None:
    """In the command's own process, in the middle of the first epoch."""
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        add = History.add

        def interrupt(history: History, event: Event) -> None:
            add(history, event)
            if isinstance(event, Steps) and event.first == 2:
                signal.raise_signal(signal.SIGTERM)

        patch.setattr(History, "add", interrupt)
        ran = command(f"{SAVING} --save-every inf --out", out)
    refused(ran, "ended by SIGTERM", status=143)
    assert "Test Error" not in ran.out
    # All that was told is saved: the interrupt itself came between two reports.
    assert steps(out)[-1].name == f"step-{len(read_run(out).losses):08d}"
    ran = command(f"{SAVING} --resume auto --out", out)
    assert (ran.status, ran.err) == (0, "")
    assert left(out) == left(whole)


def test_nothing_is_compiled_after_the_first_epoch(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With everything on that looks, saves and writes, and a last batch of its own."""
    names: list[str] = []
    at_ends: list[int] = []
    add = History.add

    def listen(event: str, duration: float, **details: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(str(details.get("fun_name", event)))

    def note(history: History, event: Event) -> None:
        add(history, event)
        if isinstance(event, Epoch):
            at_ends.append(len(names))

    monkeypatch.setattr(History, "add", note)
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        # A network that no other test has, so that nothing is compiled yet.
        text = "--hidden 6 --epochs 3 --save-every 0 --monitor 2 --tensorboard"
        text += " --scheduler exponential_lr --scheduler-args gamma=0.9 --ema 0.9"
        ran = command(f"{text} --out", tmp_path)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert (ran.status, ran.err) == (0, "")
    # The whole epochs; what follows them is the last test, whose batches are larger.
    assert len(at_ends) == 3
    assert 0 < at_ends[0] == at_ends[1] == at_ends[2], names


def removing(config: Config, dataset: Dataset) -> Iterator[Event]:
    yield STARTED
    yield Steps(1, 0, [2.0], [0.1])
    assert config.records.out is not None
    shutil.rmtree(config.records.out)
    yield Steps(1, 1, [2.0], [0.1])
    pytest.fail("the run went on without a place for its records")


def test_a_run_s_folder_that_goes_away_is_told_at_once(
    command: Command, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    ran = command("--epochs 1 --out", out, backend=removing)
    told = f"error: --out: {out / 'metrics.jsonl'} cannot be written: No such file or"
    refused(ran, told)
    assert not out.exists()


def test_clocks_that_jump_back_change_nothing(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, whole: Path
) -> None:
    """By an hour at every look, from one that is negative to begin with."""
    out = tmp_path / "run"
    looks = itertools.count(1)

    def clock() -> float:
        return -3600.0 * next(looks)

    with monkeypatch.context() as patch:
        for name in ("time", "monotonic", "perf_counter"):
            patch.setattr(time, name, clock)
        ran = command(f"{SAVING} --max-time 60 --tensorboard --out", out)
    assert next(looks) > 10
    assert (ran.status, ran.err) == (0, "")
    assert left(out) == left(whole)
    assert [epoch.epoch for epoch in read_run(out).epochs] == [1, 2]


def test_blank_images_of_one_class_are_found_before_training(
    command: Command, monkeypatch: pytest.MonkeyPatch, tiny: Dataset
) -> None:
    count = len(tiny.train)
    blank = Split(np.zeros((count, 28, 28), np.uint8), np.full(count, 3, np.uint8))
    dataset = replace(tiny, train=blank)
    monkeypatch.setattr(fashion, "load", lambda source, on_progress: dataset)
    ran = command("--hidden --check")
    assert (ran.status, ran.err) == (1, "")
    assert "FAULT    inputs are scaled: the network sees 0 to 0" in ran.out
    assert "FAULT    no blank images: 200 of 200 inputs" in ran.out
    assert "FAULT    all classes in training data: no label is 0 (a), 1 (b)" in ran.out
    assert "ok       inputs are finite" in ran.out


class Bomb:
    def __reduce__(self) -> Any:
        return os.mkdir, ("executed",)


def hostile_npz(path: Path) -> None:
    np.savez(path, labels=np.array([Bomb()], dtype=object))


@pytest.mark.parametrize(
    ("name", "damage", "told"),
    [
        ("config.json", Path.unlink, "holds no run: there is no config.json in it"),
        ("config.json", lambda path: path.write_text("[" * 100_000), "is damaged: "),
        ("metrics.jsonl", lambda path: path.write_text("{\n"), "line 1 is damaged: "),
        ("predictions.npz", hostile_npz, "holds no predictions: its arrays are labels"),
        (
            "predictions.npz",
            lambda path: path.write_bytes(pickle.dumps(Bomb())),
            "holds no predictions: it does not match its checksum",
        ),
    ],
)
def test_a_damaged_run_is_one_line_for_the_report(
    ended: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    damage: Any,
    told: str,
) -> None:
    from jaxtrain.commands.report import main

    monkeypatch.chdir(ended.parent)
    damage(ended / name)
    status = main([str(ended)])
    ran = Ran(status, *capsys.readouterr())
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(f"python -m jaxtrain.report: error: {ended}")
    assert told in ran.err
    assert [path.name for path in ended.parent.iterdir()] == [ended.name]
