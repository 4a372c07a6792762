"""Names of checkpoints, and the hidden names that they have before and after."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from jaxtrain.atomic import SUFFIX

REPLACED = ".old"
"""Ends the hidden name of a checkpoint while another of its step takes its place."""

_STEP = r"step-(?:[0-9]{8}|[1-9][0-9]{8,})"
_HIDDEN = re.compile(rf"\.({_STEP})\.[0-9a-f]{{12}}({SUFFIX}|{REPLACED})")


def step_name(step: int) -> str:
    """The folder of a step.

    Example:
        >>> step_name(123), step_of("step-00000123")
        ('step-00000123', 123)
    """
    return f"step-{step:08d}"


def step_of(name: str) -> int | None:
    """The step whose folder has that name, hidden while it is replaced or not."""
    hidden = _HIDDEN.fullmatch(name)
    name = hidden[1] if hidden else name
    return int(name.removeprefix("step-")) if re.fullmatch(_STEP, name) else None


def hidden(path: Path, suffix: str = SUFFIX) -> Path:
    """A new hidden name beside a checkpoint's."""
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}{suffix}")


def shown(path: Path) -> Path | None:
    """The name that a hidden one stands for; None for any other name."""
    found = _HIDDEN.fullmatch(path.name)
    return path.with_name(found[1]) if found else None


def is_replaced(path: Path) -> bool:
    """Whether it is a checkpoint that was whole and made room for another."""
    return shown(path) is not None and path.name.endswith(REPLACED)
