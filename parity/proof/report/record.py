"""Verdicts as JSON."""

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from jaxtrain import files
from parity.proof.verdict import Verdict

PACKAGES = ("jaxtrain", "jax", "flax", "optax", "numpy", "torch", "torchvision")


def versions() -> dict[str, str]:
    """Of Python and of what takes part."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def to_json(verdicts: Sequence[Verdict], controls: Mapping[str, Verdict]) -> str:
    """The schema that the command's help describes.

    Nothing is passed where there is nothing: `passed` is false without cases.

    Example:
        >>> json.loads(to_json([], {}))["passed"]
        False
    """
    from parity.proof.surroundings import surroundings

    cases = [verdict.to_dict() for verdict in verdicts]
    content = {
        "passed": bool(cases) and all(verdict.passed for verdict in verdicts),
        "versions": versions(),
        "machine": surroundings(),
        "cases": cases,
        "controls": [verdict.to_dict() for verdict in controls.values()],
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def save(
    path: Path, verdicts: Sequence[Verdict], controls: Mapping[str, Verdict]
) -> None:
    """Write the JSON; the file is whole or not there.

    Raises:
        OSError: the file cannot be written.
    """
    files.write_text(path, to_json(verdicts, controls))
