"""One error for what a user asked for and cannot have, and what would be right."""

import difflib
import importlib.util
from collections.abc import Collection, Iterable
from typing import Any


class ConfigError(ValueError):
    """What was asked for is not possible; the message is one line for the user."""


def suggestion(name: str, names: Iterable[str]) -> str:
    """A hint at the nearest known name, or at all of them.

    Example:
        >>> suggestion("sdg", ["adam", "sgd"]), suggestion("x", ["adam", "sgd"])
        ("did you mean 'sgd'?", 'choose from: adam, sgd')
    """
    names = sorted(names)
    near = nearest(name, names) if isinstance(name, str) else None
    return f"did you mean {near!r}?" if near else f"choose from: {', '.join(names)}"


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The known name that is most like `name`, whatever its case, if one is like it.

    Example:
        >>> nearest("SGD", ["adam", "sgd"]), nearest("x", ["adam", "sgd"])
        ('sgd', None)
    """
    folds = {item.casefold(): item for item in names}
    near = difflib.get_close_matches(name.casefold(), folds, n=1)
    return folds[near[0]] if near else None


def check_name(kind: str, name: str, names: Collection[str]) -> None:
    """Raise `ConfigError`, with the nearest known name, unless `name` is known.

    Example:
        >>> check_name("optimizer", "sdg", ["adam", "sgd"])
        Traceback (most recent call last):
            ...
        jaxtrain.errors.ConfigError: unknown optimizer 'sdg': did you mean 'sgd'?
    """
    if name not in names:
        raise ConfigError(f"unknown {kind} {excerpt(name)}: {suggestion(name, names)}")


def check_package(package: str, what: str, extra: str) -> None:
    """Raise `ConfigError` unless the package, which an extra brings, is installed.

    Example:
        >>> check_package("no_plots", "--plot", "plots")
        Traceback (most recent call last):
            ...
        jaxtrain.errors.ConfigError: --plot needs no_plots, which is not installed: \
pip install 'jaxtrain[plots]'
    """
    if importlib.util.find_spec(package) is None:
        raise ConfigError(
            f"{what} needs {package}, which is not installed: "
            f"pip install 'jaxtrain[{extra}]'"
        )


def excerpt(value: Any) -> str:
    """A value as a message has room for it, however long or deep it is.

    Example:
        >>> excerpt("sdg"), excerpt(7 * [0.5]), len(excerpt(10**400)), excerpt(10**9999)
        ("'sdg'", '[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]', 101, 'a huge int')
    """
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deeply; too many digits
        return f"a huge {type(value).__name__}"
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}…"


MOST_LETTERS = 100
"""Characters of a value in a message."""
