"""Verdicts as JSON: all at once for programs, or line by line as they are found."""

import json
import math
import platform
from collections.abc import Iterable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jaxtrain import files
from jaxtrain.run.history import History
from parity.proof.verdict import Findings, Twins, Verdict

PACKAGES = ("jaxtrain", "jax", "flax", "optax", "numpy", "torch", "torchvision")


def versions() -> dict[str, str]:
    """Of Python and of what takes part."""
    result = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            result[name] = version(name)
        except PackageNotFoundError:
            continue
    return result


def to_json(found: Findings) -> str:
    """The schema that the command's help describes.

    Nothing is passed where there is nothing: `passed` is false without cases.

    Example:
        >>> json.loads(to_json(Findings()))["passed"]
        False
    """
    from parity.proof.surroundings import surroundings

    twins = [twin for held in found.controls.values() for twin in held]
    content = {
        "passed": found.passed,
        "versions": versions(),
        "machine": surroundings(),
        "cases": [verdict.to_dict() for verdict in found.all],
        "controls": [twin.to_dict() for twin in twins],
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def save(path: Path, found: Findings) -> None:
    """Write the JSON; the file is whole or not there.

    Raises:
        OSError: the file cannot be written.
    """
    files.write_text(path, to_json(found))


# Line by line.


def lines(verdicts: Iterable[Verdict], are_twins: bool = False) -> str:
    """A line for each verdict, whole with its curves.

    Args:
        verdicts: of any groups.
        are_twins: whether they are of broken twins, which must not pass.
    """
    content = (_content(verdict) | {"twin": are_twins} for verdict in verdicts)
    return "".join(json.dumps(one, allow_nan=False) + "\n" for one in content)


def load(folder: Path) -> Findings:
    """What several processes wrote into a folder, a file of lines each.

    Raises:
        OSError: a file cannot be read.
        ValueError: a line is no verdict, or was cut off.
    """
    found = Findings()
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            try:
                content = json.loads(line)
                held = found.controls if content.pop("twin") else found.verdicts
                verdict = _verdict(content)
            except (ValueError, TypeError, LookupError, AttributeError) as error:
                raise ValueError(f"{path}, line {number}: {error}") from error
            held.setdefault(verdict.group, []).append(verdict)
    return found


def _content(verdict: Verdict) -> dict[str, Any]:
    fields = verdict.to_dict()
    del fields["passed"]
    if (pair := verdict.twins) is None:
        return fields
    runs = (pair.reference, pair.candidate, *pair.others)
    histories = [run.to_json() for run in runs]
    return fields | {"twins": [pair.name, pair.bound, *histories]}


def _verdict(content: dict[str, Any]) -> Verdict:
    pair = content.pop("twins", None)
    for name in ("value", "bound", "rounding"):
        content[name] = math.nan if content[name] is None else content[name]
    verdict = Verdict(**content)
    if pair is None:
        return verdict
    name, bound, *histories = pair
    reference, candidate, *others = map(History.from_json, histories)
    twins = Twins(name, reference, candidate, bound, tuple(others))
    return replace(verdict, twins=twins)
