"""The command as its user meets it: what it prints, keeps, refuses and survives.

Most tests train nothing: a plug-in, found through its entry points like any other
backend, yields made-up events. It lives in a folder of its own, made by `plugins`.
"""

import math
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoints
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

import jaxtrain
from jaxtrain import fashion, optim, process
from jaxtrain.cli import parse
from jaxtrain.config import Config
from jaxtrain.data import Dataset, Split
from jaxtrain.display import Bar, Display
from jaxtrain.history import PYTHON, Epoch, Event, History, Started, Steps

PROG = "python -m jaxtrain.fashion"

TOY = '''
"""Backends that train nothing, and a data set that is read from nowhere."""
import os, time, warnings
import numpy as np
from jaxtrain.data import Dataset, Split
from jaxtrain.history import Epoch, Started, Steps

STARTED = Started("toy", "cpu", "MLP 784-10", 7850, {"toy": "1.0"})

def load(source, on_progress=None):
    split = Split(np.zeros((200, 28, 28), np.uint8), np.zeros(200, np.uint8))
    return Dataset("toy data", split, split, tuple("abcdefghij"), source, {}, None)

def run(config, dataset):
    yield STARTED
    warnings.warn("a warning")
    for epoch in range(1, config.loop.epochs + 1):
        yield Steps(epoch, 0, [2.0, 1.0, 1.0, 1.0], [config.optimizer.lr] * 4)
        yield Epoch(epoch, 1.25, 50.0, 1.5, 0.5, 0.25)

def stuck(config, dataset):
    yield STARTED
    yield Steps(1, 0, [2.0], [0.1])
    # Not one long sleep: a signal may come just before it, or to another thread.
    for _ in range(600):
        time.sleep(0.1)

def greedy(config, dataset):
    yield STARTED
    raise MemoryError("Unable to allocate 1. TiB\\nfor an array")

def greedy_device(config, dataset):
    yield STARTED
    raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes.\\nMore.")

def wrong(config, dataset):
    yield STARTED
    yield Steps(1, 0, [2.0], [0.1])
    raise RuntimeError("a bug")

def remover(config, dataset):
    yield STARTED
    yield Steps(1, 0, [2.0], [0.1])
    os.rmdir(config.records.history.parent)
'''

ENTRY_POINTS = """
[jaxtrain.backends]
toy = toy:run
toy-stuck = toy:stuck
toy-greedy = toy:greedy
toy-greedy-device = toy:greedy_device
toy-wrong = toy:wrong
toy-remover = toy:remover
toy-incomplete = toy_incomplete:run [extra]
toy-mismatched = toy_mismatched:run
toy-nameless = toy:nameless
"""

PROGRAM = """
import sys, warnings, toy
from jaxtrain import fashion
fashion.load = toy.load
sys.exit(fashion.main())
"""


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a package with backends is installed."""
    folder = tmp_path_factory.mktemp("plugins")
    info = folder / "toy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (folder / "toy.py").write_text(TOY)
    (folder / "toy_incomplete.py").write_text("import no_such_package")
    (folder / "toy_mismatched.py").write_text(
        "raise RuntimeError('nms is not\\nthere')"
    )
    return folder


class Ran(NamedTuple):
    """What a command gave."""

    status: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    plugins: Path,
    tiny: Dataset,
) -> Command:
    """Runs the command in this process, on a tiny data set."""
    monkeypatch.syspath_prepend(plugins)
    monkeypatch.setattr(fashion, "load", lambda source, on_progress: tiny)

    def run(text: str, *more: str | Path) -> Ran:
        argv = [*text.split(), *map(str, more)]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "a warning")
            status = fashion.main(argv)
        return Ran(status, *capsys.readouterr())

    return run


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a test fail that gets as far as reading the data."""

    def load(*args: Any, **more: Any) -> None:
        pytest.fail("the data was read before the refusal")

    monkeypatch.setattr(fashion, "load", load)


def refused(ran: Ran, message: str) -> None:
    """One line on stderr, nothing on stdout, and exit status 2."""
    assert ran == Ran(2, "", f"{PROG}: error: {message}\n")


# What is printed.


def blank(train: int = 60_000, test: int = 10_000, name: str = "toy data") -> Dataset:
    """Black images that take no memory."""

    def split(size: int) -> Split:
        black = np.broadcast_to(np.uint8(0), (size, 28, 28))
        return Split(black, np.broadcast_to(np.uint8(0), (size,)))

    return Dataset(name, split(train), split(test), ("a",), "a test", {}, None)


def displayed(
    events: Sequence[Event],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    config: Config | None = None,
    dataset: Dataset | None = None,
) -> list[str]:
    """Lines that events make; the clock starts at 1 and gains 2 at each look."""
    ticks = iter(range(3, 100, 2))
    clock = SimpleNamespace(perf_counter=lambda: next(ticks))
    monkeypatch.setattr("jaxtrain.display.time", clock)
    with Bar() as bar:
        display = Display(config or Config(), dataset or blank(), bar, 1.0)
        for event in events:
            display.show(event)
        display.done()
    return capsys.readouterr().out.split("\n")


STARTED = Started("toy", "cpu", "MLP 784-10", 7_850, {"toy": "1.0", "numpy": "2.0"})
EPOCH = Epoch(1, 2.2386041, 49.49, 2.1625123, 2.0, 0.5)


def test_the_lines_of_a_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = [2.3053114] + [9.0] * 99 + [2.2983512] + [9.0] * 836 + [9.0]
    events: list[Event] = [
        STARTED,
        Steps(1, 0, losses[:100], [0.1] * 100),
        Steps(1, 100, losses[100:250], [0.1] * 150),
        Steps(1, 250, losses[250:], [0.1] * (len(losses) - 250)),
        EPOCH,
    ]
    nines = [f"loss: 9.000000  [{n:5d}/60000]" for n in range(12_864, 60_000, 6_400)]
    assert displayed(events, capsys, monkeypatch) == [
        f"jaxtrain {jaxtrain.__version__}, backend toy on cpu "
        f"(toy 1.0, numpy 2.0, python {PYTHON})",
        "data: toy data, 60000 training and 10000 test images, from a test",
        "model: MLP 784-10, 7,850 parameters, float32",
        "training: cross_entropy, sgd(lr=0.001), batches of 64 in stored order, seed 0",
        "",
        "Epoch 1",
        "-------------------------------",
        "loss: 2.305311  [   64/60000]",
        "loss: 2.298351  [ 6464/60000]",
        *nines,
        "Test Error: ",
        " Accuracy: 49.5%, Avg loss: 2.162512 ",
        "",
        "Epoch 1, Loss: 2.238604",
        "",
        "Done!",
        "time to first step 2.0 s, 30,000 samples/s in training, total 4.0 s",
        "",
    ]


def test_synthetic_results_say_so_wherever_they_are_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Event] = [STARTED, Steps(1, 0, [2.0], [0.1]), EPOCH]
    dataset = blank(name="synthetic")
    lines = displayed(events, capsys, monkeypatch, dataset=dataset)
    assert lines[1].startswith("data: synthetic, 60000 training and 10000 test images")
    assert lines[5:-2] == [
        "Epoch 1 (synthetic data)",
        "-------------------------------",
        "loss: 2.000000  [   64/60000]",
        "Test Error (synthetic data): ",
        " Accuracy: 49.5%, Avg loss: 2.162512 ",
        "",
        "Epoch 1, Loss (synthetic data): 2.238604",
        "",
        "Done!",
    ]


def test_a_short_last_batch_counts_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Event] = [STARTED, Steps(1, 0, [1.0] * 101, [0.1] * 101)]
    lines = displayed(events, capsys, monkeypatch, dataset=blank(train=6_410))
    assert lines[7:9] == [
        "loss: 1.000000  [   64/ 6410]",
        "loss: 1.000000  [ 6410/ 6410]",
    ]


def test_numbers_that_are_none_are_shown_as_such(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Event] = [
        STARTED,
        Steps(1, 0, [math.nan], [0.1]),
        replace(EPOCH, train_loss=math.nan, avg_loss=math.inf),
    ]
    lines = displayed(events, capsys, monkeypatch)
    assert lines[7:-3] == [
        "loss:     nan  [   64/60000]",
        "Test Error: ",
        " Accuracy: 49.5%, Avg loss:      inf ",
        "",
        "Epoch 1, Loss: nan",
        "",
    ]


def test_the_header_tells_what_was_chosen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "--dropout 0.25 --dropout-masks jax --dtype float64 --loss-args "
        "label_smoothing=0.1 --lr 0.5 --optimizer-args momentum=0.9 nesterov=true "
        "--scheduler step_lr --scheduler-args step_size=3 --scheduler-every step "
        "--batch-size 7 --shuffle --seed -3"
    )
    config = parse(text.split(), PROG, "")
    lines = displayed([STARTED], capsys, monkeypatch, config)
    assert lines[2:] == [
        "model: MLP 784-10, 7,850 parameters, float64, dropout 0.25 (jax masks)",
        "training: cross_entropy(label_smoothing=0.1), "
        "sgd(lr=0.5, momentum=0.9, nesterov=True), step_lr(step_size=3) every step, "
        "batches of 7 shuffled, seed -3",
        "",
        "Done!",
        "total 2.0 s",
        "",
    ]


# A whole command, with a backend that trains nothing.


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
    monkeypatch.setattr(fashion, "entry_points", lambda group: EntryPoints([]))
    refused(
        command("--epochs 1"),
        "no backend is registered: the package is not installed "
        "(in its folder: pip install .)",
    )


def test_the_torch_backend_needs_its_extra(
    command: Command, unread: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "parity.torch_backend", raising=False)
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


# Where the history may go.


OTHER = "is a link, a device or a pipe; it must be a file, or not exist yet"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("folder", "{} is a folder; it must be a file, or not exist yet"),
        ("no/run.json", "{}: there is no folder {parent}"),
        ("file/run.json", "{}: there is no folder {parent}"),
        ("link", "{} " + OTHER),
        ("dangling", "{} " + OTHER),
        ("pipe", "{} " + OTHER),
        (os.devnull, "{} " + OTHER),
        ("x" * 300, "{} cannot be written: File name too long"),
        ("/proc/self/run.json", "{} cannot be written: No such file or directory"),
        ("closed/run.json", "{} cannot be written: Permission denied"),
    ],
)
def test_where_a_history_cannot_be(
    command: Command, unread: None, tmp_path: Path, name: str, message: str
) -> None:
    if name.startswith("closed") and os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    if name.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("there is no /proc here")
    (tmp_path / "folder").mkdir()
    (tmp_path / "closed").mkdir(mode=0o555)
    (tmp_path / "file").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    path, before = tmp_path / name, sorted(tmp_path.iterdir())
    told = message.format(path, parent=path.parent)
    refused(command("--backend toy --history", path), f"--history {told}")
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "file").read_text() == "precious"
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_history_without_a_name_is_refused(command: Command, unread: None) -> None:
    told = "--history . is a folder; it must be a file, or not exist yet"
    refused(command("--backend toy --history", ""), told)


def test_an_old_history_goes_only_when_a_new_one_is_there(
    command: Command, unread: None, tmp_path: Path
) -> None:
    path = tmp_path / "run.json"
    path.write_text("an old one")
    assert command("--backend nothing --history", path).status == 2
    assert path.read_text() == "an old one"
    assert list(tmp_path.iterdir()) == [path]


def test_an_old_history_is_replaced(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text("an old one")
    assert command("--backend toy --epochs 1 --history", path).status == 0
    assert len(History.load(path).losses) == 4


def test_a_history_finds_another_place_when_its_own_is_gone(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / "folder" / "run.json"
    path.parent.mkdir()
    ran = command("--backend toy-remover --history", path)
    (refuge,) = tmp_path.glob("jaxtrain-*/run.json")
    assert (ran.status, ran.err) == (
        2,
        f"{PROG}: error: --history {path} cannot be written: No such file or "
        f"directory; it is in {refuge}\n",
    )
    assert History.load(refuge).losses == [2.0]


# The backends that really train.


def jax_devices() -> set[str]:
    import jax

    return {device.platform for device in jax.devices()}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "--optimizer-args foo=1",
            "optimizer sgd takes no argument 'foo': choose from: ",
        ),
        (
            "--optimizer-args momentun=1",
            "optimizer sgd takes no argument 'momentun': did you mean 'momentum'?",
        ),
        ("--optimizer-args momentum=-1", "optimizer sgd: Invalid momentum value: -1"),
        (
            "--optimizer-args momentum=much",
            "optimizer sgd: momentum must be a number, but got 'much'",
        ),
        (
            "--optimizer-args weight_decay=-1",
            "optimizer sgd: Invalid weight_decay value: -1",
        ),
        (
            "--optimizer-args nesterov=true",
            "optimizer sgd: Nesterov momentum requires a momentum and zero dampening",
        ),
        (
            "--optimizer-args nesterov=yes",
            "optimizer sgd: nesterov must be true or false, but got 'yes'",
        ),
        (
            "--optimizer-args foreach=true",
            "optimizer sgd takes no argument 'foreach': ",
        ),
        (
            "--scheduler step_lr",
            "scheduler step_lr needs an argument 'step_size': step_size=VALUE",
        ),
        (
            "--scheduler step_lr --scheduler-args step_size=0",
            "scheduler step_lr: step_size must be positive, but got 0",
        ),
        (
            "--scheduler step_lr --scheduler-args step_size=1.5",
            "scheduler step_lr: step_size must be a whole number, but got 1.5",
        ),
        (
            "--loss-args reduction=none",
            "loss cross_entropy gives values of shape (64,)",
        ),
        (
            "--loss-args reduction=average",
            "loss cross_entropy: average is not a valid value for reduction",
        ),
        (
            "--loss-args label_smoothing=2",
            "loss cross_entropy: label_smoothing must be between 0.0 and 1.0. Got: 2",
        ),
        (
            "--loss-args weight=1,2",
            "loss cross_entropy: weight must have one value for each of 10 classes",
        ),
    ],
)
def test_what_jax_refuses(command: Command, text: str, message: str) -> None:
    ran = command(f"--hidden --epochs 1 {text}")
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(f"{PROG}: error: {message}")


@pytest.mark.parametrize("device", ["gpu", "tpu"])
def test_jax_refuses_a_device_that_is_not_there(command: Command, device: str) -> None:
    found = jax_devices()
    if device in found:
        pytest.skip("it is there")
    refused(
        command(f"--hidden --epochs 1 --device {device}"),
        f"no {device} device: JAX finds only {', '.join(sorted(found))} here",
    )


def test_torch_refuses_a_device_that_is_not_there(command: Command) -> None:
    pytest.importorskip("torchvision")
    ran = command("--backend torch --hidden --epochs 1 --device tpu")
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(f"{PROG}: error: no tpu device: PyTorch finds only cpu")


@pytest.mark.parametrize(
    ("batch_size", "batches"), [(1000, 1), (200, 1), (100, 2), (64, 4)]
)
def test_batches_of_any_size(
    command: Command, tmp_path: Path, batch_size: int, batches: int
) -> None:
    path = tmp_path / "run.json"
    text = f"--hidden 4 --epochs 1 --batch-size {batch_size} --history"
    ran = command(text, path)
    assert (ran.status, ran.err) == (0, "")
    shown = min(batch_size, 200)
    assert len(
        re.findall(rf"^loss: 2\.\d{{6}}  \[  {shown:3d}/  200\]$", ran.out, re.M)
    )
    assert len(History.load(path).losses) == batches


def test_a_rate_of_nothing_changes_nothing(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    assert command("--hidden 4 --epochs 2 --lr 0 --history", path).status == 0
    losses = History.load(path).losses
    assert losses[:4] == losses[4:]


def test_a_rate_beyond_reason_is_followed_to_the_end(
    command: Command, tmp_path: Path
) -> None:
    path = tmp_path / "run.json"
    ran = command("--hidden 4 --epochs 1 --lr 1e30 --history", path)
    assert (ran.status, ran.err) == (0, "")
    assert "Avg loss:      nan \n" in ran.out
    losses = History.load(path).losses
    assert math.isfinite(losses[0])
    assert math.isnan(losses[-1])


def test_the_run_of_the_tutorial(
    command: Command, monkeypatch: pytest.MonkeyPatch, fashion_mnist: Dataset
) -> None:
    monkeypatch.setattr(fashion, "load", lambda source, on_progress: fashion_mnist)
    ran = command("--epochs 1 --seed 0")
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.split("\n")
    assert lines[2] == "model: MLP 784-512-512-10, 669,706 parameters, float32"
    assert lines[5:8] == [
        "Epoch 1",
        "-------------------------------",
        "loss: 2.305311  [   64/60000]",
    ]
    for i, line in enumerate(lines[8:17], start=1):
        assert re.fullmatch(rf"loss: 2\.\d{{6}}  \[{64 + 6400 * i:5d}/60000\]", line)
    assert lines[17:19] == ["Test Error: ", " Accuracy: 49.5%, Avg loss: 2.162512 "]


# The process around it.


@pytest.fixture
def environment(plugins: Path) -> dict[str, str]:
    """Of a process that finds the plug-in, and buffers its output as usual."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return kept | {"PYTHONPATH": str(plugins), "COLUMNS": "80", "TERM": "xterm"}


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Start]:
    """Starts the command in a process of its own, and leaves none behind."""
    running = []

    def begin(
        text: str, *more: str | Path, prefix: Sequence[str] = (), **options: Any
    ) -> subprocess.Popen[str]:
        settings: dict[str, Any] = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "env": environment,
            "text": True,
        }
        argv = [*prefix, sys.executable, "-c", PROGRAM, *text.split(), *map(str, more)]
        running.append(subprocess.Popen(argv, **settings | options))
        return running[-1]

    # A caller that ignores Ctrl-C, as a shell's & does, would hand that down.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield begin
    signal.signal(signal.SIGINT, before)
    for each in running:
        with each:
            each.kill()


def finished(started: subprocess.Popen[str]) -> Ran:
    out, err = started.communicate(timeout=60)
    return Ran(started.returncode, out or "", err or "")


def quiet(err: str) -> list[str]:
    """Lines on stderr but for the plug-in's own warning."""
    return [x for x in err.splitlines() if "warn" not in x]


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


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


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
        with process.signals_interrupt():
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


# A terminal.

PIECES = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")


def read_terminal(terminal: int, until: str | None = None) -> str:
    """What a program draws, until it ends or has drawn a certain text."""
    drawn = b""
    end = time.monotonic() + 60
    while time.monotonic() < end and (until is None or until.encode() not in drawn):
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            read = os.read(terminal, 65_536)
        except OSError:  # Linux's way to say that nobody writes any more
            break
        if not read:
            break
        drawn += read
    return drawn.decode()


def screen(drawn: str) -> list[str]:
    """Lines that are left on an endlessly wide terminal."""
    lines, row, column = [""], 0, 0
    for parameter, control, back, down, text in PIECES.findall(drawn):
        if control == "A":
            row -= int(parameter or 1)
        elif control == "K":
            assert parameter == "2", "only whole lines are wiped"
            lines[row] = ""
        elif back:
            column = 0
        elif down:
            row += 1
            lines += [""] * (row == len(lines))
        elif text:
            before, after = lines[row][:column], lines[row][column + len(text) :]
            lines[row] = before.ljust(column) + text + after
            column += len(text)
    return lines[: row + 1] if not any(lines[row + 1 :]) else lines


def test_the_screen_of_the_tests_is_a_terminal() -> None:
    assert screen("ab\r\ncd\rx\x1b[1m\r\n") == ["ab", "xd", ""]
    assert screen("ab\r\ncd\r\x1b[1A\x1b[2Ke") == ["e", "cd"]


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A terminal of 80 columns: our end, and the program's."""
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)


def test_a_terminal_shows_a_bar_and_the_same_lines(
    start: Start, terminal: tuple[int, int]
) -> None:
    text = "--backend toy --epochs 3"
    # Wider than the terminal, and full of what rich would make something else of.
    long = ("--data", "[red]:smile:[/red] 123 " + "x" * 80)
    command = start(text, *long, stdout=terminal[1])
    os.close(terminal[1])
    drawn = read_terminal(terminal[0])
    ran = finished(command)
    assert ran.status == 0
    assert "\nloss: 2.000000  [   64/  200]\r\n" in drawn.replace("\x1b[2K", "\n"), (
        "numbers are not coloured"
    )
    assert "epoch 3/3" in drawn
    assert "100%" in drawn
    assert "a warning" in ran.err
    assert "a warning" not in drawn
    plain = finished(start(text, *long)).out.split("\n")
    assert long[1] in plain[1]
    stays = screen(drawn)
    # All but the seconds of the last line; the bar is gone.
    assert stays[:-2] == plain[:-2]
    assert stays[-2].startswith("time to first step")
    assert stays[-1] == plain[-1] == ""
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l"), "the cursor is back"


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_terminal_is_left_in_order(
    start: Start, terminal: tuple[int, int], number: signal.Signals, status: int
) -> None:
    command = start("--backend toy-stuck", stdout=terminal[1])
    os.close(terminal[1])
    drawn = read_terminal(terminal[0], until="epoch 1/10")
    command.send_signal(number)
    drawn += read_terminal(terminal[0])
    assert finished(command) == Ran(status, "", f"{PROG}: ended by {number.name}\n")
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l"), "the cursor is back"


def test_a_simple_terminal_gets_plain_lines(
    start: Start, terminal: tuple[int, int], environment: dict[str, str]
) -> None:
    environment |= {"PYTHONIOENCODING": "ascii", "TERM": "dumb"}
    command = start("--backend toy --epochs 1", stdout=terminal[1])
    os.close(terminal[1])
    drawn = read_terminal(terminal[0])
    assert finished(command).status == 0
    assert drawn.isascii()
    assert "loss: 2.000000  [   64/  200]\r\n" in drawn
    assert "\x1b" not in drawn
