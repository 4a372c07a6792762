"""`python -m parity doctor FILE`: a user's file, compared and diagnosed."""

import importlib.util
import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from jaxtrain.errors import ConfigError


def run(path: str, *, steps: int | None = None, json_file: str | None = None) -> int:
    """Execute a file that defines `case() -> parity.Case`, and diagnose it.

    Args:
        path: of the file.
        steps: how many to compare; one for each batch if not given.
        json_file: where to write the report as JSON.

    Returns:
        Exit status: 0 equal, 1 departs or proves nothing.

    Raises:
        ConfigError: the file cannot be read, does not keep to the contract, or raises
            anything.
    """
    with _one_line_errors(path):
        # torch and JAX take their seconds: not before the file is known to exist.
        case = _case(_module(path), path)
        from parity.doctor.diagnosis import diagnose

        print(f"executed {path}; comparing in float64", flush=True)
        diagnosis = diagnose(case, steps=steps)
    print(diagnosis)
    if json_file:
        record = {
            "report": None if diagnosis.report is None else diagnosis.report.to_dict(),
            "cause": diagnosis.cause,
            "explanations": [str(trial) for trial in diagnosis.explanations],
        }
        Path(json_file).write_text(json.dumps(record, indent=1))
    return 0 if diagnosis.report is not None and diagnosis.report.passed else 1


@contextmanager
def _one_line_errors(path: str) -> Iterator[None]:
    """Whatever the file raises, also while it is compared, becomes one line."""
    try:
        yield
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        says = next((s for s in map(str.strip, text.splitlines()) if s), "")
        kind = type(error).__name__
        place = _place(error, Path(path))
        raise ConfigError(f"{place}: {kind}{': ' * bool(says)}{says}") from error


def _place(error: BaseException, file: Path) -> str:
    """The file and the line in it at which it happened, if it was at one of its own."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if Path(f.filename).resolve() == file.resolve()]
    if own:
        return f"{file}:{own[-1].lineno}"
    innermost = frames[-1]
    return f"{file}, in {Path(innermost.filename).name}:{innermost.lineno}"


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
    result = make()
    if not isinstance(result, Case):
        raise ConfigError(
            f"case() in {path!r} must return a parity.Case, not {type(result).__name__}"
        )
    return result
