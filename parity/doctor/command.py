"""`python -m parity doctor FILE`: a user's file, compared and diagnosed."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from jaxtrain.registry import ConfigError


def run(path: str, *, steps: int | None = None, json_file: str | None = None) -> int:
    """Execute a file that defines `case() -> parity.Case`, and diagnose it.

    Args:
        path: of the file.
        steps: how many to compare; one for each batch if not given.
        json_file: where to write the report as JSON.

    Returns:
        Exit status: 0 equal, 1 departs or proves nothing.

    Raises:
        ConfigError: the file cannot be read, or does not keep to the contract.
    """
    # torch and JAX take their seconds: not before the file is known to exist.
    made = _case(_module(path), path)
    from parity.doctor.diagnosis import diagnose

    print(f"executed {path}; comparing in float64", flush=True)
    found = diagnose(made, steps=steps)
    print(found)
    if json_file:
        record = {
            "report": None if found.report is None else found.report.to_dict(),
            "cause": found.cause,
            "explanations": [str(trial) for trial in found.explanations],
        }
        Path(json_file).write_text(json.dumps(record, indent=1))
    return 0 if found.report is not None and found.report.passed else 1


def _module(path: str) -> ModuleType:
    file = Path(path)
    if not file.is_file():
        raise ConfigError(f"there is no file {path!r}")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path!r} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # The file may import its neighbours, as a script may.
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(file.parent))
    return module


def _case(module: ModuleType, path: str) -> Any:
    from parity.port.case import Case

    make = getattr(module, "case", None)
    if not callable(make):
        raise ConfigError(f"{path!r} must define case() -> parity.Case")
    made = make()
    if not isinstance(made, Case):
        raise ConfigError(
            f"case() in {path!r} must return a parity.Case, not {type(made).__name__}"
        )
    return made
