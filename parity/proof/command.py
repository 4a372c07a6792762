"""`python -m parity [GROUP]`: what is judged, what is printed, and the exit status."""

import argparse
import importlib.util
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from jaxtrain.errors import ConfigError, check_name
from jaxtrain.run import records
from jaxtrain.show import charts
from parity.proof.groups import GROUPS, module, push, task, twins
from parity.proof.report import record, table
from parity.proof.verdict import DTYPES, Findings, Task, Verdict


class ProgressLine:
    """Shows what is being judged on stderr, and nothing where that is no terminal."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty()

    def show(self, text: str) -> None:
        """Replace the line."""
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[2K{text[:width]}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Remove the line, before another is printed."""
        self.show("")


COMMANDS: Mapping[str, str] = {
    "core": "a part of each group, in two minutes; what runs without a command",
    "all": "every group at a moderate size, in four minutes",
    "rng": "draws against PyTorch's generator: the same bits",
    "data": "samplers, loaders, batches and draws: the same bits, also resumed",
    "schedulers": "learning rates and momenta at every step: the same bits",
    "optimizers": "single steps from PyTorch's own state",
    "losses": "values and gradients",
    "layers": "outputs, gradients and buffers",
    "pairs": "optimisers under schedulers, whole runs in float64",
    "noise": "runs in float32, by how far PyTorch's own runs part",
    "fashion": "train on Fashion-MNIST in both frameworks, compare every step",
}


def add_options(parser: argparse.ArgumentParser, command: str) -> None:
    """What every group understands."""
    parser.add_argument(
        "--names", nargs="+", default=(), metavar="NAME", help="these alone, in full"
    )
    parser.add_argument("--dtype", metavar="|".join(DTYPES), help="in this type alone")
    parser.add_argument(
        "--steps", type=positive, metavar="N", help="of steps, schedules and runs"
    )
    if command == "fashion":
        parser.add_argument("--epochs", type=positive, metavar="N", help="in all cases")
    parser.add_argument(
        "--full", action="store_true", help="every case, as the tests judge it"
    )
    add_files(parser)


def add_files(parser: argparse.ArgumentParser) -> None:
    """Where what was found goes."""
    parser.add_argument("--json", metavar="FILE", help="every case, for programs")
    parser.add_argument("--html", metavar="FILE", help="one page with plots")
    parser.add_argument(
        "--picture",
        metavar="FILE",
        help="the plots of the last run alone (.svg, .png, …)",
    )


def positive(text: str) -> int:
    """A whole number from 1, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, not {text!r}")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Judge, print, write.

    Returns:
        0 where every measure is within its bound, 1 where one is not.

    Raises:
        ConfigError: it cannot be judged: something is not installed, unknown or not
            to be written, there is no such case, or a judge is blind.
        DataError: Fashion-MNIST is not here, and is asked for.
    """
    require_torch()
    # Before PyTorch is first imported: these are small tensors, and on a busy machine
    # its second thread makes them wait several times as long as they compute.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    start = time.perf_counter()
    _check_files(options)
    selection = tasks(options)
    if "fashion" in selection:
        # Before minutes of work, not after.
        from parity.proof.runs.runs import fashion_mnist

        fashion_mnist()
    from parity.proof.surroundings import describe, surroundings

    print(table.paragraph(describe(surroundings())).strip(), flush=True)
    findings = Findings()
    for group, work in selection.items():
        _judge(group, work, findings, options.full)
    if not findings.all:
        raise ConfigError(f"there is nothing to judge in {options.dtype}")
    _write(options, findings)
    line = table.last_line(findings.all)
    print(f"{line} ({time.perf_counter() - start:.0f} s)", flush=True)
    return 0 if findings.passed else 1


def collect(options: argparse.Namespace) -> int:
    """Print and write what a test session's workers have judged.

    Returns:
        0 where every measure is within its bound, 1 where one is not.

    Raises:
        ConfigError: a file is not to be read or written, a case never ran, or the
            judge of a group has not shown that it sees a broken twin.
    """
    require_torch()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    _check_files(options)
    try:
        found = record.load(Path(options.folder))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{options.folder} holds no proof: {error}") from error
    for group in GROUPS:
        _check_whole(group, found)
    ordered = Findings({group: found.verdicts[group] for group in GROUPS})
    ordered.controls = {group: found.controls[group] for group in GROUPS}
    for group in GROUPS:
        print(f"\n{group}")
        _print(group, ordered)
    _write(options, ordered)
    print(table.last_line(ordered.all), flush=True)
    return 0 if ordered.passed else 1


def _check_whole(group: str, found: Findings) -> None:
    """Raise `ConfigError` where a part of what is judged at every push is missing."""
    judged = {verdict.name for verdict in found.verdicts.get(group, ())}
    if lost := [name for name in push(group) if name not in judged]:
        raise ConfigError(
            f"of {group}, {', '.join(lost)} never ran: there is nothing to judge"
        )
    seen, wanted = found.controls.get(group, []), len(twins(group))
    _check_seen(group, seen)
    if len(seen) != wanted:
        raise ConfigError(
            f"{len(seen)} of the {wanted} broken twins of {group} were judged: nothing "
            "is proved by what never ran"
        )


def _check_files(options: argparse.Namespace) -> None:
    """Raise `ConfigError` where one cannot be written, or a picture not be drawn."""
    for flag in ("json", "html", "picture"):
        if (path := getattr(options, flag)) is not None:
            records.check_destination(Path(path), f"--{flag}")
    if options.html:
        charts.check_picture("--html")
    if options.picture:
        charts.check_picture("--picture", Path(options.picture))


def require_torch() -> None:
    """Raise `ConfigError` where PyTorch is not installed."""
    for name in ("torch", "torchvision"):
        if importlib.util.find_spec(name) is None:
            raise ConfigError(
                f"there is no {name} to compare with: pip install 'jaxtrain[parity]'"
            )


def tasks(options: argparse.Namespace) -> dict[str, Task]:
    """The groups to judge, and what of each.

    Raises:
        ConfigError: nothing is left, or a name or a type is unknown.
    """
    if options.dtype is not None:
        check_name("--dtype", options.dtype, DTYPES)
    one = options.command in GROUPS
    groups = [options.command] if one else list(GROUPS)
    if one and options.steps and not GROUPS[options.command].has_steps:
        raise ConfigError(f"--steps {options.steps}: {options.command} take no steps")
    names = _by_group(options.names, groups)
    steps = 938 * epochs if (epochs := getattr(options, "epochs", None)) else None
    which = "core" if options.command == "core" else "moderate"
    which = "full" if options.full else which
    return {
        group: task(group, which, names[group], options.dtype, steps or options.steps)
        for group in names
    }


def _by_group(
    names: Sequence[str], groups: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Who has which of the names; without names, everybody has none."""
    if not names:
        return dict.fromkeys(groups, ())
    all_names = {group: module(group).NAMES for group in groups}
    everything = [name for own in all_names.values() for name in own]
    kind = groups[0].removesuffix("s") if len(groups) == 1 else "case"
    for name in names:
        check_name(kind, name, everything)
    matches = {
        group: tuple(name for name in dict.fromkeys(names) if name in own)
        for group, own in all_names.items()
    }
    return {group: own for group, own in matches.items() if own}


def _judge(group: str, work: Task, findings: Findings, full: bool) -> None:
    """Judge one group and its control, or in full all its twins; print its part."""
    print(f"\n{group}", flush=True)
    progress = ProgressLine()
    try:
        for name, twin in list(twins(group).items())[: None if full else 1]:
            progress.show(f"{group}: {name}")
            findings.controls.setdefault(group, []).append(twin())
        _check_seen(group, findings.controls[group])
        verdicts = list(module(group).verdicts(work, progress.show))
    finally:
        progress.clear()
    if not verdicts and work.dtype:
        print(table.paragraph(f"There is no such case in {work.dtype}."), flush=True)
        return
    if not verdicts:
        raise ConfigError(f"the cases of {group} never ran: there is nothing to judge")
    findings.verdicts[group] = verdicts
    _print(group, findings)


def _print(group: str, found: Findings) -> None:
    print(table.table(found.verdicts[group]))
    print(table.paragraph(GROUPS[group].proves))
    seen = table.control_text(GROUPS[group].control, found.controls[group])
    print(table.paragraph(seen), flush=True)


def _check_seen(group: str, judged: Sequence[Verdict]) -> None:
    """Raise `ConfigError` where a broken twin passes, or there is none."""
    if not judged:
        raise ConfigError(f"no broken twin of {group} was judged: nothing is proved")
    for name, twin in zip(twins(group), judged, strict=False):
        if twin.passed:
            raise ConfigError(
                f"the judge of {group} is blind: {name} came to {twin.value:g} of "
                f"{twin.bound:g} allowed, and proves nothing"
            )


def _write(options: argparse.Namespace, findings: Findings) -> None:
    if options.json:
        record.save(Path(options.json), findings)
    if options.html:
        from parity.proof.report import page

        page.save(Path(options.html), findings)
    if options.picture:
        from parity.proof.report import curves

        curves.save(Path(options.picture), findings.all)
