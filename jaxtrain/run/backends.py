"""What trains: functions that other packages may register too."""

import inspect
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points

from jaxtrain.data import Dataset
from jaxtrain.errors import ConfigError, check_name
from jaxtrain.run.config import Config
from jaxtrain.run.stopping import Stop
from jaxtrain.store.events import Event, Stopped

GROUP = "jaxtrain.backends"
"""Of the entry points under which they are found."""

Backend = Callable[..., Iterator[Event]]
"""`backend(config, dataset)` trains as its events are read.

One that takes a keyword `stop` too asks that between two chunks of its work. As soon as
it gives a reason, the run reports what is done, saves, yields `Stopped(reason)`, and
ends. The events of any other are read no further then.
"""


def load_backend(name: str) -> Backend:
    """The function that trains, found among the installed packages' entry points.

    Raises:
        ConfigError: none is registered under that name, or it cannot be imported.
    """
    points = entry_points(group=GROUP)
    if not points:
        raise ConfigError(
            "no backend is registered: the package is not installed "
            "(in its folder: pip install .)"
        )
    check_name("backend", name, points.names)
    point = points[name]
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
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(
            f"backend {name!r} cannot be imported: {type(error).__name__}: {reason}"
        ) from error


def asks(backend: Backend) -> bool:
    """Whether a backend takes the keyword `stop`."""
    return "stop" in inspect.signature(backend).parameters


@contextmanager
def running(
    backend: Backend, config: Config, dataset: Dataset, stop: Stop
) -> Iterator[Iterator[Event]]:
    """The events of a run that ends when `stop` gives a reason, or with the block."""
    takes_stop = asks(backend)
    events = backend(config, dataset, **({"stop": stop} if takes_stop else {}))
    try:
        yield events if takes_stop else _until(events, stop)
    finally:
        if isinstance(events, Generator):
            events.close()


def _until(events: Iterator[Event], stop: Stop) -> Iterator[Event]:
    for event in events:
        yield event
        if reason := stop():
            yield Stopped(reason)
            return
