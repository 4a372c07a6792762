"""Public names that are imported on first use.

The command line lists every optimiser, scheduler and loss in `--help`, which must not
cost the second that importing JAX, Flax and Optax takes.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def attach(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a module `__getattr__` that finds each name in its private module.

    Args:
        package: the package's `__name__`.
        homes: public name -> private module inside the package.

    Example:
        >>> attach("os", {"join": "path"})("join")("a", "b")
        'a/b'
    """

    def __getattr__(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return __getattr__
