"""A pytest plugin: a port keeps its parity in the continuous integration of its own.

    def test_my_port(assert_parity):
        assert_parity(parity.Case(make_torch_side, jax_side, batches))

The fixture compares the port with PyTorch where PyTorch is installed, and else with a
golden file that `pytest --write-golden` wrote. Nothing but pytest is imported until it
is used.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from parity.golden.verdict import GoldenTask
    from parity.port.case import Case

FOLDER, SUFFIX = "golden", ".safetensors"
GOLDEN_FILE = "golden file"
"""The property of a test's report that holds what was written."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the one option."""
    parser.getgroup("parity").addoption(
        "--write-golden",
        action="store_true",
        help="assert_parity: run PyTorch and write its numbers beside the test files, "
        "for places without PyTorch",
    )


@pytest.fixture
def assert_parity(request: pytest.FixtureRequest) -> AssertParity:
    """Call it with a `parity.Case`: the test fails where the port departs."""
    return AssertParity(request)


class AssertParity:
    """What the fixture gives.

    Args:
        request: of the test.
    """

    def __init__(self, request: pytest.FixtureRequest):
        self._request = request
        self._calls = 0

    def __call__(
        self,
        case: Case | Callable[[], Case],
        *,
        steps: int | None = None,
        dtype: str = "float64",
    ) -> None:
        """Fail the test where the port departs from PyTorch, or nothing is proved.

        Args:
            case: the port and its original, or a function that returns them. The
                original is a function where PyTorch may be absent.
            steps: how many to compare; one for each batch if not given.
            dtype: as for `parity.compare`.

        Raises:
            TypeError: it is no case.
            ValueError: the case or the arguments do not make sense.
        """
        __tracebackhide__ = True
        from parity.golden import GoldenError
        from parity.golden.verdict import GoldenTask
        from parity.port.comparison import check_arguments

        check_arguments(steps, dtype)
        self._calls += 1
        node = self._request.node
        path = golden_path(self._request.path, _names(node), self._calls)
        task = GoldenTask(path, f"pytest --write-golden {node.nodeid!r}", steps, dtype)
        writes = self._request.config.getoption("--write-golden")
        try:
            failure = self._failure(_make(case), task, writes)
        except GoldenError as error:
            failure = str(error)
        if failure:
            pytest.fail(failure, pytrace=False)

    def _failure(self, case: Case, task: GoldenTask, writes: bool) -> str:
        from parity.golden.verdict import with_new_file, with_torch, without_torch

        if not _torch_is_there():
            return without_torch(case, task, writes)
        if not writes:
            return with_torch(case, task)

        def tell(is_new: bool) -> None:
            says = f"{task.path}: {'written' if is_new else 'as it was'}"
            self._request.node.user_properties.append((GOLDEN_FILE, says))

        return with_new_file(case, task, tell)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """List the golden files: what is overwritten is said."""
    lines = sorted(set(_golden_lines(terminalreporter.stats)))
    if lines:
        terminalreporter.section("golden files of PyTorch's numbers")
        terminalreporter.write_line("\n".join(lines))


def _golden_lines(stats: dict[str, list[Any]]) -> Iterator[str]:
    for reports in stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == GOLDEN_FILE:
                    yield value


# Where a golden file is.


def golden_path(file: Path, names: list[str], call: int = 1) -> Path:
    """The golden file of a test, in a folder beside the test's file.

    Whatever the test is called, the name is of letters, digits and `_.-`; where that
    changed it, a hash of the whole keeps two names apart.

    Args:
        file: of the test.
        names: of its classes and its own, with its parameters.
        call: of the fixture within the test, from 1.

    Example:
        >>> golden_path(Path("t/test_port.py"), ["test_adam"]).as_posix()
        't/golden/test_port.test_adam.safetensors'
        >>> golden_path(Path("t/test_port.py"), ["test_it[../x]"], 2).name
        'test_port.test_it-..-x-2-16c768b6.safetensors'
    """
    whole = ".".join([file.stem, *names]) + (f"[{call}]" if call > 1 else "")
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", whole).strip("-.")[:120]
    if safe != whole:
        safe += f"-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
    return file.parent / FOLDER / f"{safe}{SUFFIX}"


def _names(node: pytest.Item) -> list[str]:
    chain = node.listchain()
    modules = [n for n, part in enumerate(chain) if isinstance(part, pytest.Module)]
    return [part.name for part in chain[modules[-1] + 1 if modules else -1 :]]


# What was given.


def _torch_is_there() -> bool:
    try:
        import torch  # noqa: F401
    except ImportError:
        return False
    return True


def _make(case: Case | Callable[[], Case]) -> Case:
    from parity.port.case import Case

    result = case() if callable(case) else case
    if not isinstance(result, Case):
        raise TypeError(
            "assert_parity takes a parity.Case, or a function that returns one, not "
            f"{type(result).__name__}"
        )
    return result
