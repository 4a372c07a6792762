"""The process around the command: pipes, signals, threads."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from toys import PROG, SIGNALS, Command, Ran, Start, finished, quiet, refused

from jaxtrain import optim
from jaxtrain.commands import process
from jaxtrain.run.history import History


def test_the_module_is_a_program(environment: dict[str, str]) -> None:
    argv = [sys.executable, "-m", "jaxtrain.fashion", "--optimizer", "sdg"]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True)
    refused(
        Ran(done.returncode, done.stdout, done.stderr),
        "unknown optimizer 'sdg': did you mean 'sgd'?",
    )


def test_the_time_includes_the_start_of_the_program(start: Start) -> None:
    ran = finished(start("--backend toy --epochs 1"))
    (first, total) = re.findall(r"(?:first step|total) (\d+\.\d) s", ran.out)
    assert 0 < float(first) <= float(total)


def test_a_reader_that_has_enough(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    command = start("--backend toy --epochs 10000 --history", path)
    assert command.stdout is not None
    assert command.stdout.readline().startswith("jaxtrain")
    command.stdout.close()
    ran = Ran(command.wait(60), "", command.stderr.read() if command.stderr else "")
    assert (ran.status, quiet(ran.err)) == (141, [])
    assert len(History.load(path).epochs) < 10_000


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone(
    start: Start, environment: dict[str, str], unbuffered: str
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    environment["PYTHONUNBUFFERED"] = unbuffered
    command = start("--help", stdout=writing)
    os.close(writing)
    assert finished(command) == Ran(141, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("text", ["--help", "--backend toy --epochs 1"])
def test_an_output_that_is_full(start: Start, text: str) -> None:
    with open("/dev/full", "w") as full:
        ran = finished(start(text, stdout=full))
    refused(ran, "[Errno 28] No space left on device")


def test_an_output_that_is_closed(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    closing = ("sh", "-c", 'exec "$@" >&-', "sh")
    ran = finished(start("--backend toy --epochs 1 --history", path, prefix=closing))
    assert (ran.status, quiet(ran.err)) == (0, [])
    assert len(History.load(path).losses) == 4


def test_an_output_that_knows_ascii_only(
    start: Start, environment: dict[str, str], tmp_path: Path
) -> None:
    environment |= {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    path = tmp_path / "r\N{LATIN SMALL LETTER U WITH DIAERESIS}n.json"
    source = "d\N{LATIN SMALL LETTER A WITH DIAERESIS}ta"
    ran = finished(start("--backend toy --epochs 1 --data", source, "--history", path))
    assert (ran.status, quiet(ran.err)) == (0, [])
    assert "from d\\xe4ta\n" in ran.out
    assert History.load(path).data["source"] == source
    ran = finished(start("--optimizer", source))
    names = ", ".join(sorted(optim.OPTIMIZERS))
    refused(ran, f"unknown optimizer 'd\\xe4ta': choose from: {names}")


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_signal_ends_the_run_and_keeps_what_was_done(
    start: Start, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    path = tmp_path / "run.json"
    command = start("--backend toy-stuck --history", path)
    assert command.stdout is not None
    while not command.stdout.readline().startswith("loss:"):
        assert command.poll() is None
    command.send_signal(number)
    ran = finished(command)
    assert ran.status == status
    assert ran.err == (
        f"{PROG}: ended by {number.name}; what was done until then is in {path}\n"
    )
    assert History.load(path).losses == [2.0]
    assert list(tmp_path.iterdir()) == [path]


def test_a_signal_without_a_history(start: Start) -> None:
    command = start("--backend toy-stuck")
    assert command.stdout is not None
    while not command.stdout.readline().startswith("loss:"):
        assert command.poll() is None
    command.send_signal(signal.SIGINT)
    assert finished(command) == Ran(130, "", f"{PROG}: ended by SIGINT\n")


def test_signals_are_the_callers_again_afterwards() -> None:
    ignored, default = signal.SIGHUP, signal.SIGTERM
    before = signal.signal(ignored, signal.SIG_IGN)
    try:
        with process.interruptible():
            assert signal.getsignal(ignored) == signal.SIG_IGN
            assert callable(signal.getsignal(default))
        assert signal.getsignal(ignored) == signal.SIG_IGN
        assert signal.getsignal(default) == signal.SIG_DFL
    finally:
        signal.signal(ignored, before)


def test_a_run_in_a_thread(command: Command) -> None:
    results: list[Ran] = []
    thread = threading.Thread(
        target=lambda: results.append(command("--backend toy --epochs 1"))
    )
    thread.start()
    thread.join()
    assert results[0].status == 0
