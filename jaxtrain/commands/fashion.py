"""Train on Fashion-MNIST from the command line, as the official PyTorch tutorial does.

    python -m jaxtrain.fashion --seed 0

prints the lines that the tutorial's script prints after `torch.manual_seed(0)`;
`--backend torch` has PyTorch itself print them.
"""

import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxtrain.commands import process, program
from jaxtrain.commands.options import parse_with
from jaxtrain.data import DataError, Dataset, load
from jaxtrain.errors import ConfigError
from jaxtrain.run import records
from jaxtrain.run.backends import asks, load_backend, running
from jaxtrain.run.config import Config
from jaxtrain.run.history import History
from jaxtrain.run.listening import Listener, recorder, tell
from jaxtrain.run.stopping import Limits, select_images
from jaxtrain.show.terminal import Bar, Display
from jaxtrain.store.events import Event, Steps, Stopped, TrainingFault
from jaxtrain.store.run_folder import RunFolder
from jaxtrain.watch.monitor import Monitor

PROG = "python -m jaxtrain.fashion"
DESCRIPTION = """\
Train on Fashion-MNIST as the official PyTorch tutorial does, and print its lines.
Without options it is the tutorial's own run: its network, its rate, 10 epochs."""
EPILOG = """\
KEY=VALUE: a VALUE is a number, true, false, None or a word, or several with commas
between them. A KEY that does not exist is answered with those that do.

examples:
  python -m jaxtrain.fashion --seed 0
  python -m jaxtrain.fashion --backend torch --seed 0
  python -m jaxtrain.fashion --model cnn --normalize --shuffle --optimizer adamw
  python -m jaxtrain.fashion --hidden 128 --shuffle --epochs 5 --lr 0.1
  python -m jaxtrain.fashion --optimizer sgd --optimizer-args momentum=0.9 \\
      --scheduler step_lr --scheduler-args step_size=3 --history run.json
  python -m jaxtrain.fashion --out runs/first --resume auto

exit status: 0 if all went well; 1 if --check found something; 2 if something is not
possible or a number is not finite, with the reason on stderr; 128 + n if signal n ended
the run (130: Ctrl-C), after --history and a checkpoint in --out were written.
"""

ACTIONS = {
    "--check": {
        "action": "store_true",
        "help": "look at data, network and learning rate, say in words what is wrong, "
        "and train nothing",
    },
    "--replay": {
        "metavar": "DIR",
        "help": "take again a step that made a number that is not finite",
    },
}
"""Flags that have the command do something other than train."""

SAVE_TIME = 60.0
"""Seconds that a signal waits for a run that saves before it ends: it may compile."""

_NO_MEMORY = re.compile("out of memory|allocate.* memory|RESOURCE_EXHAUSTED", re.I)
"""How JAX and PyTorch, which raise a `RuntimeError` of many meanings, put it."""


def train(config: Config, start: float | None = None) -> History:
    """Run a configuration and print it as it goes.

    Args:
        config: what to run.
        start: `time.perf_counter()` when the program started; now if not given.

    Raises:
        ConfigError: something that was asked for is not possible.
        DataError: the images cannot be had, or are not what they should be.
    """
    start = time.perf_counter() if start is None else start
    path = config.records.history
    if path is not None:
        records.check_destination(path, out=config.records.out)
    backend = load_backend(config.loop.backend)
    dataset = select_images(config, _load(config))
    about = {"name": dataset.name, "source": dataset.source, "sha256": dataset.sha256}
    history = History(config.to_dict(), about)
    with (
        process.note_signals() as notes,
        records.save_history(history, path),
        _run_folder(config, about, dataset) as folder,
        explain_memory(config),
        Bar() as bar,
    ):
        notes.last_acts += [lambda: records.save(history, path), bar.stop]
        limits = Limits(config.flow, notes.reason)
        display = Display(config, dataset, bar, start)
        listeners: list[Listener] = [limits.see, history.add, display.show]
        if folder is not None:
            listeners.insert(0, recorder(folder))
        if config.records.monitor:
            listeners.append(Monitor(config).see)
        with running(backend, config, dataset, limits) as events:
            _tell(events, listeners, notes, SAVE_TIME if asks(backend) else None)
        display.finish()
    return history


def _tell(
    events: Iterator[Event],
    listeners: Sequence[Listener],
    notes: process.SignalNotes,
    patience: float | None,
) -> None:
    """Tell all listeners of all events; a signal ends that before it is written.

    Args:
        events: of the run.
        listeners: are told in turn.
        notes: the signals that came.
        patience: seconds that they wait for the run once it has steps to save.
    """
    for event in events:
        if isinstance(event, Steps) and patience is not None:
            notes.patience, patience = patience, None
            notes.let_in()
        if isinstance(event, Stopped):
            notes.let_in()
        tell(event, listeners)


def _load(config: Config) -> Dataset:
    with process.interruptible(), Bar() as bar:
        return load(config.data.source, on_progress=bar.show)


@contextmanager
def _run_folder(
    config: Config, about: Mapping[str, Any], dataset: Dataset
) -> Iterator[RunFolder | None]:
    """The folder of `--out`, if there is one."""
    settings = config.records
    if settings.out is None:
        yield None
        return
    with RunFolder.open(
        settings.out,
        config.to_dict(),
        about,
        dataset,
        resume=settings.resume is not None,
        tensorboard=settings.tensorboard,
    ) as folder:
        yield folder


@contextmanager
def explain_memory(config: Config) -> Iterator[None]:
    """Make a `ConfigError` that names the sizes of any lack of memory in the block."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not _NO_MEMORY.search(str(error)):
            raise
        size = f"--model {config.model.name}"
        if config.model.name == "mlp":
            size = f"--hidden {' '.join(map(str, config.model.hidden))}"
        raise ConfigError(
            f"not enough memory for {size} with --batch-size "
            f"{config.data.batch_size}: {_first_line(error)}"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def check(config: Config) -> int:
    """Look at data, network and rate before training; 1 if something is wrong."""
    from jaxtrain.watch import checks

    dataset = _load(config)
    with explain_memory(config):
        findings = checks.check(config, select_images(config, dataset))
    print("\n".join(checks.show(findings)))
    return 0 if all(finding.passed for finding in findings) else 1


def replay(path: Path) -> int:
    """Take again a step that made a number that is not finite; 1 if it does not."""
    from jaxtrain.run.replay import replay as take_again

    now, then = take_again(path)
    print(f"{now} (as then)" if now == then else f"{now}\nthen: {then}")
    return 0 if now == then else 1


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, train, print; returns the exit status."""
    start = time.perf_counter()
    if argv is None:
        # As a program: what the process has computed so far is its own start.
        argv, start = sys.argv[1:], start - time.process_time()
    args = argv

    def work() -> int:
        config, flags = parse_with(ACTIONS, args, PROG, DESCRIPTION, EPILOG)
        if "--replay" in flags:
            return replay(Path(flags["--replay"]))
        if "--check" in flags:
            return check(config)
        train(config, start)
        return 0

    return program.run(PROG, work, (DataError, TrainingFault))


if __name__ == "__main__":
    sys.exit(main())
