"""Runs that end early, by the command: nothing that was there is lost."""

import inspect
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from jaxtrain.commands import fashion, process
from jaxtrain.run.loop import Run
from jaxtrain.show.terminal import Display
from jaxtrain.store.run_folder import read_run

OPTIONS = (
    *("--data", "synthetic", "--batch-size", "16", "--limit-batches", "6"),
    *("--hidden", "8", "--epochs", "6", "--validation", "100"),
)


def command(*more: object) -> int:
    return fashion.main([*OPTIONS, *map(str, more)])


def test_a_stopped_run_that_is_started_again_keeps_its_answers(tmp_path: Path) -> None:
    given = ("--early-stopping", 1, "--lr", 0, "--out", tmp_path / "run")
    assert command(*given) == 0
    before = read_run(tmp_path / "run")
    assert command(*given, "--resume", "auto") == 0
    after = read_run(tmp_path / "run")
    assert before.predictions is not None
    assert after.predictions is not None
    assert (after.predictions.outputs == before.predictions.outputs).all()
    assert after.epochs == before.epochs
    assert len(after.epochs) == 2


def test_every_start_makes_progress(tmp_path: Path) -> None:
    given = ("--max-time", 0, "--monitor", 2, "--resume", "auto")
    done = []
    for _ in range(3):
        assert command(*given, "--out", tmp_path / "run") == 0
        run = read_run(tmp_path / "run")
        done.append((len(run.losses), len(run.epochs)))
    # A report, and what the device was ahead by; then a test.
    assert done == [(4, 0), (6, 0), (6, 1)]


def test_going_back_forgets_what_came_later(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert command("--keep", 9, "--out", out) == 0
    whole = list(read_run(out).losses)
    back = out / "checkpoints" / "step-00000012"
    assert command("--keep", 9, "--out", out, "--resume", back, "--max-time", 0) == 0
    assert command("--keep", 9, "--out", out, "--resume", "auto") == 0
    run = read_run(out)
    assert list(run.losses) == whole
    assert not run.warnings


def test_an_update_that_waits_for_gradients_is_seen(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert command("--accumulate", 2, "--monitor", 2, "--lr", 0.1, "--out", out) == 0
    ratios = [max(s.update_ratios.values()) for s in read_run(out).samples]
    assert len(ratios) == 18
    assert min(ratios) > 0


def test_the_torch_backend_stops_and_tests_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torchvision")
    out = tmp_path / "run"
    given = ("--early-stopping", 1, "--lr", 0, "--backend", "torch", "--out", out)
    assert command(*given) == 0
    assert "Test Error" in capsys.readouterr().out
    run = read_run(out)
    assert len(run.epochs) == 2
    assert run.predictions is not None
    assert command("--lr", 1e30, "--backend", "torch") == 2
    assert "the loss is nan" in capsys.readouterr().err.splitlines()[-1]


def test_an_event_goes_through_four_frames(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From the engine's loop to the screen, with all that may listen on the way."""
    ways: dict[str, list[str]] = {}

    def note(owner: Any, name: str) -> None:
        wrapped = getattr(owner, name)

        def noting(*given: Any) -> Any:
            stack = [(f.frame.f_code.co_name, f.filename) for f in inspect.stack()[1:]]
            names = [f"{Path(file).stem}.{name}" for name, file in stack]
            ways[name] = names[: names.index("fashion._tell") + 1]
            return wrapped(*given)

        monkeypatch.setattr(owner, name, noting)

    note(Run, "read")
    note(Display, "show")
    assert command("--epochs", 1, "--out", tmp_path / "run", "--tensorboard") == 0
    assert ways == {
        "read": ["session.train", "session.events", "loop.run", "fashion._tell"],
        "show": ["listening.tell", "fashion._tell"],
    }


def swallowed() -> None:
    """A signal comes, and somebody drops what it raises."""
    with process.interruptible():
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        with process.note_signals() as noted:
            noted.let_in()
            pytest.fail("it was forgotten")


def test_a_signal_that_a_callback_has_swallowed_still_ends_the_run() -> None:
    given = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt):
            swallowed()
        with process.interruptible(), process.note_signals() as noted:
            noted.let_in()
    finally:
        signal.signal(signal.SIGTERM, given)
