"""Why the test of a port fails: with PyTorch, without it, and as files are written."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from parity.golden.content import Golden, Playback, golden_pairs, make_golden
from parity.golden.file import GoldenError, read, write
from parity.port.case import Case
from parity.port.comparison import Pair, batch_pairs, record_from
from parity.port.mapping import MapError
from parity.port.step import Original


class GoldenTask(NamedTuple):
    """One call of the fixture."""

    path: Path
    """Of the golden file."""
    renewal: str
    """The command that writes it."""
    steps: int | None
    dtype: str


def with_torch(case: Case, task: GoldenTask) -> str:
    """Why the test fails where PyTorch is installed; empty if it does not."""
    from parity.port.torch_run import LiveRun

    pairs = list(batch_pairs(case, task.steps))
    departure = _departure(LiveRun(case.torch, task.dtype), case, pairs, task)
    theirs = [batch for batch, _ in pairs if batch is not None]
    return "\n".join(filter(None, [departure, _staleness(case, task, theirs)]))


def with_new_file(case: Case, task: GoldenTask, tell: Callable[[bool], None]) -> str:
    """The same with a golden file written first.

    The file is PyTorch's alone: it is written whether the port departs or not. The port
    is then compared with what is read from it.

    Args:
        case: the port and its original.
        task: with the place of the file.
        tell: called with whether that changed the file.
    """
    pairs = list(batch_pairs(case, task.steps))
    theirs = [batch for batch, _ in pairs if batch is not None]
    tell(write(task.path, make_golden(case.torch, theirs, task.dtype)))
    return _departure(Playback(read(task.path)), case, pairs, task)


def without_torch(case: Case, task: GoldenTask, writes: bool) -> str:
    """The same where PyTorch is not installed."""
    if writes:
        return "--write-golden needs PyTorch, which is not installed"
    if not task.path.is_file():
        return (
            f"PyTorch is not installed, and there is no golden file {task.path}: write "
            f"it where PyTorch is, by {task.renewal}"
        )
    golden = _read(task)
    pairs = golden_pairs(golden, case, task.steps)
    source = f" {golden.torch} by {task.path}"
    return _departure(Playback(golden), case, pairs, task, source)


def _departure(
    original: Original,
    case: Case,
    pairs: Iterable[Pair],
    task: GoldenTask,
    source: str = "",
) -> str:
    try:
        report = record_from(original, case, pairs, task.dtype).report
    except MapError as error:
        return str(error)
    if report.passed:
        return ""
    table = str(report).removesuffix(report.verdict)
    return f"{report.verdict}\ncompared with PyTorch{source}:\n{table}".rstrip()


def _staleness(case: Case, task: GoldenTask, batches: list[Any]) -> str:
    if not task.path.is_file():
        return ""
    from parity.golden.stale import first_change

    golden = _read(task)
    change = first_change(golden, case.torch, batches)
    if not change:
        return ""
    return (
        f"stale: {task.path} does not say what PyTorch says now ({change}); if that is "
        f"meant, renew it by {task.renewal}"
    )


def _read(task: GoldenTask) -> Golden:
    try:
        golden = read(task.path)
    except GoldenError as error:
        raise GoldenError(f"{error}; write it anew by {task.renewal}") from error
    if golden.dtype != task.dtype:
        raise GoldenError(
            f"{task.path} is in {golden.dtype}, not {task.dtype}; write it anew by "
            f"{task.renewal}"
        )
    return golden
