"""Train on Fashion-MNIST from the command line, as the official PyTorch tutorial does.

    python -m jaxtrain.fashion --seed 0

prints the lines that the tutorial's script prints after `torch.manual_seed(0)`;
`--backend torch` has PyTorch itself print them.
"""

import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points

from jaxtrain import program, records
from jaxtrain.cli import parse
from jaxtrain.config import Config
from jaxtrain.data import DataError, Dataset, load
from jaxtrain.display import Bar, Display
from jaxtrain.history import Event, History
from jaxtrain.registry import ConfigError, check_name

PROG = "python -m jaxtrain.fashion"
BACKENDS = "jaxtrain.backends"
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

exit status: 0 if all went well; 2 if something is not possible, with the reason on
stderr; 128 + n if signal n ended the run (130: Ctrl-C), after --history was written.
"""

Backend = Callable[[Config, Dataset], Iterator[Event]]

_NO_MEMORY = re.compile("out of memory|allocate.* memory|RESOURCE_EXHAUSTED", re.I)
"""How JAX and PyTorch, which raise a `RuntimeError` of many meanings, put it."""


def load_backend(name: str) -> Backend:
    """The function that trains, found among the installed packages' entry points.

    Raises:
        ConfigError: none is registered under that name, or it cannot be imported.
    """
    registered = entry_points(group=BACKENDS)
    if not registered:
        raise ConfigError(
            "no backend is registered: the package is not installed "
            "(in its folder: pip install .)"
        )
    check_name("backend", name, registered.names)
    point = registered[name]
    try:
        return point.load()
    except ModuleNotFoundError as error:
        extras = f"[{','.join(point.extras)}]" if point.extras else ""
        package = f"{point.dist.name if point.dist else 'jaxtrain'}{extras}"
        raise ConfigError(
            f"backend {name!r} needs {error.name or error}, which is not installed: "
            f"pip install '{package}'"
        ) from None
    except Exception as error:
        # Whatever a plug-in's import raises: mismatched builds of torch and torchvision
        # raise a RuntimeError, a missing shared library an OSError.
        raise ConfigError(
            f"backend {name!r} cannot be imported: "
            f"{type(error).__name__}: {_first_line(error)}"
        ) from error


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
        records.check_destination(path)
    backend = load_backend(config.loop.backend)
    with Bar() as bar:
        dataset = load(config.data.source, on_progress=bar.show)
    history = History(
        config.to_dict(),
        {"name": dataset.name, "source": dataset.source, "sha256": dataset.sha256},
    )
    with records.kept(history, path), _memory_explained(config), Bar() as bar:
        display = Display(config, dataset, bar, start)
        for event in backend(config, dataset):
            history.add(event)
            display.show(event)
        display.done()
    return history


@contextmanager
def _memory_explained(config: Config) -> Iterator[None]:
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


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, train, print; returns the exit status."""
    start = time.perf_counter()
    if argv is None:
        # As a program: what the process has computed so far is its own start.
        argv, start = sys.argv[1:], start - time.process_time()
    given = argv

    def work() -> int:
        train(parse(given, PROG, DESCRIPTION, EPILOG), start)
        return 0

    return program.run(PROG, work, (DataError,))


if __name__ == "__main__":
    sys.exit(main())
