"""Signals at any moment of a program, beside four processes that keep the machine busy.

A compilation takes long there. An exception that a signal raises while XLA's threads
compile has Python give up waiting for them; at its end it frees the client that they
still use, and the process dies of a segmentation fault.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import jaxtrain

ROOT = Path(jaxtrain.__file__).parents[1]
ARGUMENTS = ("--data", "synthetic", "--epochs", "20", "--resume", "auto")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BUSY = 4
AFTER = 5.0
"""Seconds after the first loss, of which the last moments are."""


@pytest.fixture(scope="module", autouse=True)
def busy() -> Iterator[None]:
    """Other work on the machine; and signals that no shell's & has set to ignored."""
    if not Path("/proc/self/status").exists():
        pytest.skip("/proc says who handles signals")
    handlers = {n: signal.signal(n, signal.SIG_DFL) for n in SIGNALS[1:]}
    handlers[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    loop = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(loop) for _ in range(BUSY)]
    yield
    for each in others:
        each.kill()
        each.wait()
    for number, handler in handlers.items():
        signal.signal(number, handler)


def started(out: Path, module: str = "jaxtrain.fashion") -> subprocess.Popen[str]:
    """The program, from its first moment on: Python's own start is not its."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", module, *ARGUMENTS, "--out", str(out)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Linux shares time among sessions: its own part, and not that of the tests.
        start_new_session=True,
    )
    while not handled(process.pid, signal.SIGTERM):
        assert process.poll() is None
        time.sleep(0.001)
    return process


def handled(pid: int, number: int) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (caught,) = (int(x.split()[1], 16) for x in lines if x.startswith("SigCgt:"))
    return bool(caught >> (number - 1) & 1)


def first_loss(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert any(line.startswith("loss:") for line in process.stdout)


class Moment(NamedTuple):
    """Of a signal: before the first loss, as a share of the time until then, or after
    it, as a share of `AFTER`."""

    number: signal.Signals
    after: bool
    share: float


def moments(seed: int) -> Moment:
    drawn = random.Random(seed)
    return Moment(SIGNALS[seed % 3], seed % 2 == 1, drawn.random())


@pytest.fixture(scope="module")
def start_up(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds from the first moment to the first loss."""
    begin = time.monotonic()
    process = started(tmp_path_factory.mktemp("start") / "run")
    first_loss(process)
    took = time.monotonic() - begin
    process.kill()
    process.communicate()
    return took


def check(moment: Moment, out: Path, start_up: float) -> None:
    process = started(out)
    if moment.after:
        first_loss(process)
        time.sleep(moment.share * AFTER)
    else:
        time.sleep(moment.share * start_up)
    process.send_signal(moment.number)
    _, errors = process.communicate(timeout=300)
    program = "python -m jaxtrain.fashion"
    assert errors == f"{program}: ended by {moment.number.name}\n"
    assert process.returncode == 128 + moment.number
    assert newest(out) == steps(out), "what was told is saved"
    assert steps(out) or not moment.after


def newest(out: Path) -> int:
    found = [int(p.name.removeprefix("step-")) for p in out.glob("checkpoints/step-*")]
    return max(found, default=0)


def steps(out: Path) -> int:
    """Rows of steps in the metrics."""
    metrics = out / "metrics.jsonl"
    lines = metrics.read_text().splitlines() if metrics.exists() else []
    return sum(json.loads(line).get("kind") == "step" for line in lines)


@pytest.mark.parametrize("seed", range(3))
def test_some_moments(seed: int, tmp_path: Path, start_up: float) -> None:
    check(moments(seed), tmp_path / "run", start_up)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6, 66))
def test_sixty_moments(seed: int, tmp_path: Path, start_up: float) -> None:
    check(moments(seed), tmp_path / "run", start_up)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_modules_are_imported(
    number: signal.Signals, tmp_path: Path
) -> None:
    process = started(tmp_path / "run", "jaxtrain.predict")
    process.send_signal(number)
    _, errors = process.communicate(timeout=300)
    assert errors == f"python -m jaxtrain.predict: ended by {number.name}\n"
    assert process.returncode == 128 + number


FIRST = """
import os, signal, sys
sys.argv, sys.orig_argv = ["-m"], [sys.executable, "-m", "MODULE"]

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "jaxtrain.commands":
            os.kill(os.getpid(), signal.Signals(NUMBER))
            sum(range(1000))

sys.meta_path.insert(0, Finder())
import jaxtrain
print("imported")
"""


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("module", ["jaxtrain.predict", "pytest"])
def test_a_signal_before_the_process_is_taken_over(
    module: str, number: signal.Signals
) -> None:
    script = FIRST.replace("MODULE", module).replace("NUMBER", str(int(number)))
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == ""
    if module == "pytest":  # whose process it is; SIGINT raises there
        assert done.returncode == -number
        return
    assert done.returncode == 128 + number
    assert done.stderr == f"python -m {module}: ended by {number.name}\n"


DROPPED = """
import gc, os, signal, time
from jaxtrain.commands import process, program
process.take_over("program")

def callback(phase, info):
    gc.callbacks.remove(callback)
    os.kill(os.getpid(), signal.SIGTERM)
    sum(range(1000))

def work():
    with process.interruptible():
        gc.callbacks.append(callback)
        gc.collect()
        time.sleep(60)

program.run("program", work)
"""


def test_an_interrupt_that_a_callback_drops_comes_again() -> None:
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", DROPPED],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (143, "")
    assert done.stderr == "program: ended by SIGTERM\n"
    assert time.monotonic() - begin < 60


STUCK = """
import signal, sys, threading, time
from jaxtrain.commands import process
process.take_over("program")
with process.note_signals() as noted:
    noted.patience = float(sys.argv[1])
    noted.last_acts += [lambda: "something is kept", lambda: 1 / 0]
    print("begun", flush=True)
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()  # as in a compilation: no step of Python's is taken
"""


@pytest.mark.parametrize(("patience", "signals"), [(0.1, 1), (1e3, 2)])
def test_a_run_that_does_not_come_to_an_end(patience: float, signals: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK, str(patience)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    for _ in range(signals):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
    _, errors = process.communicate(timeout=60)
    assert errors == "program: ended by SIGTERM; something is kept\n"
    assert process.returncode == 143


def test_an_import_leaves_the_signals_to_their_owner() -> None:
    script = (
        "import signal, jaxtrain, jaxtrain.fashion, jaxtrain.commands.process as p\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
        "assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL\n"
        "assert not p.is_own()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
