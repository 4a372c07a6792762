"""How a field of the configuration says what its flag is, and judges its value."""

import math
from dataclasses import field, fields
from typing import Any

from jaxtrain.registry import GREATEST_NUMBER, ConfigError

GREATEST_SIZE = 2**31 - 1
GREATEST_LR = GREATEST_NUMBER


def option(default: Any, flag: str, help: str, **argparse_options: Any) -> Any:
    """A field with its command-line flag; extra keywords are argparse's."""
    metadata = {"flag": flag, "help": help, **argparse_options}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def arguments_option(flag: str, help: str) -> Any:
    """A field of `key=value` arguments for what another flag names."""
    return option({}, flag, help, nargs="+", action="extend", metavar="KEY=VALUE")


def check_range(name: str, value: float, least: float, greatest: float) -> None:
    # Asked this way round, NaN is refused too.
    if not least <= value <= greatest:
        bounds = f"from {least} to {greatest}"
        if greatest == math.inf:
            bounds = f"at least {least}"
        raise ConfigError(f"{name} must be {bounds}, but got {value}")


def check_optional(part: Any, name: str, least: float, greatest: float) -> None:
    """The same for a field of a part, by its flag; None passes."""
    value = getattr(part, name)
    if value is not None:
        flags = {each.name: each.metadata["flag"] for each in fields(part)}
        check_range(flags[name], value, least, greatest)
