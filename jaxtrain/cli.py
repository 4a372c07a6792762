"""A command line derived from `Config`: flat flags, one-line errors."""

import argparse
import dataclasses
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NoReturn

from jaxtrain.config import Config
from jaxtrain.program import Parser
from jaxtrain.registry import ConfigError, nearest, parse_argument

Field = dataclasses.Field[Any]

_WORDS = {int: "a whole number", float: "a number"}


def parse(argv: Sequence[str], prog: str, description: str, epilog: str = "") -> Config:
    """Read a configuration from command-line arguments.

    Args:
        argv: the arguments, without the program's name.
        prog: how the program is called, for `--help`.
        description: what it does, for `--help`.
        epilog: what follows the list of flags in `--help`.

    Raises:
        ConfigError: a flag is unknown, or a value is not possible.
        SystemExit: the help was asked for and printed.

    Example:
        >>> config = parse(["--lr", "0.1", "--optimizer-args", "momentum=0.9"], "x", "")
        >>> config.optimizer.lr, config.optimizer.args
        (0.1, {'momentum': 0.9})
    """
    parser = Parser(
        prog=prog,
        usage=f"{prog} [OPTIONS]",
        description=description,
        epilog=epilog,
    )
    _add_options(parser)
    flags = {field.metadata["flag"]: field for _, _, field in _fields()}
    single = [flag for flag, field in flags.items() if "nargs" not in field.metadata]
    namespace, unknown = parser.parse_known_args(_join_negatives(argv, single))
    if unknown:
        _refuse(unknown[0].partition("=")[0], flags)
    return _config(vars(namespace))


def _fields() -> Iterator[tuple[str, type, Field]]:
    for part in dataclasses.fields(Config):
        assert isinstance(part.type, type)
        for field in dataclasses.fields(part.type):
            yield part.name, part.type, field


def _add_options(parser: argparse.ArgumentParser) -> None:
    groups: dict[str, Any] = {}
    for part, kind, field in _fields():
        if part not in groups:
            groups[part] = parser.add_argument_group((kind.__doc__ or "").rstrip("."))
        groups[part].add_argument(
            field.metadata["flag"], dest=f"{part}.{field.name}", **_described(field)
        )


def _described(field: Field) -> dict[str, Any]:
    """What argparse is told about a field. It judges no value: `Config` does, in words.

    A type or choices given to argparse would have it complain in words of its own.
    """
    options = {k: v for k, v in field.metadata.items() if k not in ("flag", "type")}
    choices = options.pop("choices", None)
    if "metavar" in options and choices:
        options["help"] += f"; one of: {', '.join(choices)}"
    elif choices:
        options["metavar"] = "|".join(choices)
    if field.metadata.get("type") in _WORDS and "metavar" not in options:
        options["metavar"] = "N" if field.metadata["type"] is int else "X"
    default = field.default
    if default is False:
        options["action"] = "store_true"
    elif default not in (None, dataclasses.MISSING):
        shown = " ".join(map(str, default)) if isinstance(default, tuple) else default
        options["help"] += f" (default: {shown})"
    return options | {"default": argparse.SUPPRESS}


def _join_negatives(argv: Sequence[str], flags: Collection[str]) -> list[str]:
    """Tie a negative number to the flag before it: argparse takes -1e-3 for a flag."""
    joined: list[str] = []
    for token in argv:
        if joined and joined[-1] in flags and _is_negative(token):
            joined[-1] += f"={token}"
        else:
            joined.append(token)
    return joined


def _is_negative(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return token.startswith("-")


def _refuse(name: str, flags: Collection[str]) -> NoReturn:
    # Typesetters make dashes of hyphens, and some flags have one hyphen elsewhere.
    near = nearest("--" + name.lstrip("-\N{EN DASH}\N{EM DASH}"), flags)
    if near:
        raise ConfigError(f"unknown option {name!r}: did you mean {near!r}?")
    raise ConfigError(
        f"unknown option {name!r}: see --help; what an optimizer, scheduler or loss "
        "takes goes into --optimizer-args KEY=VALUE, --scheduler-args or --loss-args"
    )


def _config(given: dict[str, Any]) -> Config:
    parts: dict[str, dict[str, Any]] = {}
    for part, _, field in _fields():
        key = f"{part}.{field.name}"
        if key in given:
            parts.setdefault(part, {})[field.name] = _value(field, given[key])
    return Config.from_dict(parts)


def _value(field: Field, given: Any) -> Any:
    flag, kind = field.metadata["flag"], field.metadata.get("type", str)
    if field.metadata.get("metavar") == "KEY=VALUE":
        return _arguments(given, flag)
    if isinstance(given, list):
        return tuple(_converted(text, kind, flag) for text in given)
    return given if given is True else _converted(given, kind, flag)


def _converted(text: str, kind: type, flag: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise ConfigError(f"{flag} must be {_WORDS[kind]}, but got {text!r}") from None


def _arguments(texts: Sequence[str], flag: str) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for text in texts:
        try:
            key, value = parse_argument(text)
        except ConfigError as error:
            raise ConfigError(f"{flag}: {error}") from None
        if key in arguments:
            raise ConfigError(
                f"{flag}: {key} is given twice, as {arguments[key]!r} and {value!r}"
            )
        arguments[key] = value
    return arguments
