"""A command line derived from `Config`: flat flags, one-line errors."""

import argparse
import dataclasses
import inspect
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, NoReturn, get_args, get_origin

from jaxtrain.commands.program import Parser
from jaxtrain.errors import ConfigError, excerpt, nearest
from jaxtrain.run.by_name import LOSS, OPTIMIZER, SCHEDULER, parse_arguments
from jaxtrain.run.config import Config
from jaxtrain.store import codec

Field = dataclasses.Field[Any]


def parse(argv: Sequence[str], prog: str, description: str, epilog: str = "") -> Config:
    """Read a configuration from command-line arguments alone; see `parse_with`.

    Example:
        >>> config = parse(["--lr", "0.1", "--optimizer-args", "momentum=0.9"], "x", "")
        >>> config.optimizer.lr, config.optimizer.args
        (0.1, {'momentum': 0.9})
    """
    return parse_with({}, argv, prog, description, epilog)[0]


def parse_with(
    own: Mapping[str, Mapping[str, Any]],
    argv: Sequence[str],
    prog: str,
    description: str,
    epilog: str = "",
) -> tuple[Config, dict[str, Any]]:
    """Read a configuration, and a command's own flags beside it.

    Every command takes `--config FILE`, a configuration as JSON, which flags then
    change.

    Args:
        own: flag -> what argparse is told about it.
        argv: the arguments, without the program's name.
        prog: how the program is called, for `--help`.
        description: what it does, for `--help`.
        epilog: what follows the list of flags in `--help`.

    Returns:
        The configuration, and the values of those own flags that were given, by flag.

    Raises:
        ConfigError: a flag is unknown, or a value is not possible.
        SystemExit: the help was asked for and printed.

    Example:
        >>> own = {"--check": {"action": "store_true"}}
        >>> parse_with(own, ["--check", "--epochs", "2"], "x", "")[1]
        {'--check': True}
    """
    own = {**_CONFIG, **own}
    parser = Parser(
        prog=prog,
        usage=f"{prog} [OPTIONS]",
        description=description,
        epilog=epilog,
    )
    for flag, options in own.items():
        parser.add_argument(
            flag, dest=flag, **{"default": argparse.SUPPRESS, **options}
        )
    _add_options(parser)
    flags = {field.metadata["flag"]: field for _, _, field in _fields()}
    single = [flag for flag, field in flags.items() if "nargs" not in field.metadata]
    namespace, unknown = parser.parse_known_args(_join_negatives(argv, single))
    if unknown:
        _refuse(unknown[0].partition("=")[0], [*own, *flags])
    attributes = vars(namespace)
    values = {flag: attributes[flag] for flag in own if flag in attributes}
    return _config(attributes, _from_file(values.pop("--config", None))), values


_CONFIG = {
    "--config": {
        "metavar": "FILE",
        "help": "begin with a configuration that a run has written, such as "
        "RUN/config.json; the other flags replace what it says",
    }
}


def _from_file(path: str | None) -> Config:
    """What a file says, alone or among what a run writes with it; else the defaults."""
    if path is None:
        return Config()
    try:
        with open(path, "rb") as file:
            data = file.read()
        # Written by hand, it may be in any of Unicode's encodings.
        content = codec.decode(data.decode(json.detect_encoding(data)))
    except codec.Damage as error:
        raise ConfigError(f"--config {path} {error}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or f"it holds no JSON: {error}"
        raise ConfigError(f"--config {path} cannot be read: {reason}") from error
    if isinstance(content, Mapping) and "schema" in content:
        if not re.fullmatch(r"jaxtrain\.\w+/[12]", str(content["schema"])):
            unknown = f"{excerpt(content['schema'])}, which this version does not know"
            raise ConfigError(f"--config {path} is of the schema {unknown}")
        content = content.get("config")
    if not isinstance(content, Mapping):
        raise ConfigError(f"--config {path} holds no configuration")
    try:
        return Config.from_dict(content)
    except ConfigError as error:
        raise ConfigError(f"--config {path}: {error}") from error


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
            field.metadata["flag"], dest=f"{part}.{field.name}", **_keywords(field)
        )


def _keywords(field: Field) -> dict[str, Any]:
    """What argparse is told about a field. It judges no value: `Config` does, in words.

    A type or choices given to argparse would have it complain in words of its own.
    """
    ours = ("flag", "reach", "kind")
    options = {k: v for k, v in field.metadata.items() if k not in ours}
    choices = options.pop("choices", None)
    if "metavar" in options and choices:
        options["help"] += f"; one of: {', '.join(choices)}"
    elif choices:
        options["metavar"] = "|".join(choices)
    letter = {int: "N", float: "X"}.get(_scalar(field.type))
    if letter and "metavar" not in options:
        options["metavar"] = letter
    default = field.default
    if default is False:
        options["action"] = "store_true"
    elif default not in (None, (), dataclasses.MISSING):
        text = " ".join(map(str, default)) if isinstance(default, tuple) else default
        options["help"] += f" (default: {text})"
    return options | {"default": argparse.SUPPRESS}


def _join_negatives(argv: Sequence[str], flags: Collection[str]) -> list[str]:
    """Tie a negative number to the flag before it: argparse takes -1e-3 for a flag."""
    result: list[str] = []
    for token in argv:
        if result and result[-1] in flags and _is_negative(token):
            result[-1] += f"={token}"
        else:
            result.append(token)
    return result


def _is_negative(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return token.startswith("-")


_ARGUMENTS = (
    (OPTIMIZER, "--optimizer-args"),
    (SCHEDULER, "--scheduler-args"),
    (LOSS, "--loss-args"),
)
"""Where to look for what is no flag but an argument."""


def _refuse(name: str, flags: Collection[str]) -> NoReturn:
    # Typesetters make dashes of hyphens, and some flags have one hyphen elsewhere.
    bare = name.lstrip("-\N{EN DASH}\N{EM DASH}")
    argument, near = bare.replace("-", "_"), nearest("--" + bare, flags)
    for kind, flag in _ARGUMENTS if "--" + bare not in flags else ():
        for function in map(kind.find, kind.names):
            if argument in inspect.signature(function).parameters:
                raise ConfigError(
                    f"unknown option {name!r}: give {flag} {argument}=VALUE"
                )
    if near:
        raise ConfigError(f"unknown option {name!r}: did you mean {near!r}?")
    raise ConfigError(
        f"unknown option {name!r}: see --help; what an optimizer, scheduler or loss "
        "takes goes into --optimizer-args KEY=VALUE, --scheduler-args or --loss-args"
    )


def _config(options: Mapping[str, Any], base: Config) -> Config:
    parts: dict[str, Any] = {}
    for part, _, field in _fields():
        key = f"{part}.{field.name}"
        if key in options:
            parts.setdefault(part, {})[field.name] = _value(field, options[key])
    changes = {p: dataclasses.replace(getattr(base, p), **parts[p]) for p in parts}
    return dataclasses.replace(base, **changes)


def _value(field: Field, value: Any) -> Any:
    """What a flag was given, read but not judged."""
    if field.metadata.get("metavar") == "KEY=VALUE":
        return parse_arguments(value, field.metadata["flag"])
    kind = _scalar(field.type)
    if isinstance(value, list):
        return [_read(text, kind) for text in value]
    return value if value is True else _read(value, kind)


def _scalar(kind: Any) -> Any:
    """The type of a field's values, without `None` and `tuple` around it."""
    while get_origin(kind) is tuple or isinstance(kind, UnionType):
        kind = get_args(kind)[0]
    return kind


def _read(text: str, kind: Any) -> Any:
    """A number, or the text itself where there is to be none, or is none."""
    try:
        return kind(text) if kind in (int, float) else text
    except ValueError:
        return text
