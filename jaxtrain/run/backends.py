"""What trains: functions that other packages may register too."""

from collections.abc import Callable, Iterator
from importlib.metadata import entry_points

from jaxtrain.data import Dataset
from jaxtrain.errors import ConfigError, check_name
from jaxtrain.events import Event
from jaxtrain.run.config import Config

GROUP = "jaxtrain.backends"
"""Of the entry points under which they are found."""

Backend = Callable[[Config, Dataset], Iterator[Event]]


def load_backend(name: str) -> Backend:
    """The function that trains, found among the installed packages' entry points.

    Raises:
        ConfigError: none is registered under that name, or it cannot be imported.
    """
    registered = entry_points(group=GROUP)
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
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(
            f"backend {name!r} cannot be imported: {type(error).__name__}: {reason}"
        ) from error
