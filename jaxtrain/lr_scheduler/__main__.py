"""A schedule, drawn before it is trained with."""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jaxtrain import lr_scheduler, program
from jaxtrain.program import Parser
from jaxtrain.registry import ConfigError, build, check_name, parse_argument

if TYPE_CHECKING:
    import numpy as np

    from jaxtrain.lr_scheduler._schedule import Schedule

PROG = "python -m jaxtrain.lr_scheduler"
DESCRIPTION = """\
Draw a learning-rate schedule: a line of text for each group of parameters, and for the
momentum where it is cycled; with --plot a picture."""
EPILOG = f"""\
examples:
  {PROG} step_lr --args step_size=30
  {PROG} one_cycle_lr --args max_lr=0.1 total_steps=938 --plot one_cycle.png
  {PROG} cosine_annealing_lr --lr 0.1 0.01 --args T_max=50 --steps 200

exit status: 0 if all went well; 2 if something is not possible, with the reason on
stderr."""

STEPS = 100
MOST_STEPS = 1_000_000
NAMES = sorted(
    {*lr_scheduler.SCHEDULERS, *lr_scheduler.SETTING_LR} - {"reduce_lr_on_plateau"}
)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog=PROG, description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("name", metavar="NAME", help=f"one of: {', '.join(NAMES)}")
    parser.add_argument(
        "--lr",
        nargs="+",
        metavar="X",
        help="base learning rate, or one for each group (default: 0.1)",
    )
    parser.add_argument(
        "--args",
        nargs="+",
        metavar="KEY=VALUE",
        default=[],
        help="arguments, as torch.optim.lr_scheduler names them",
    )
    parser.add_argument(
        "--steps",
        metavar="N",
        help=f"steps to draw (default: total_steps if there is one, else {STEPS})",
    )
    parser.add_argument("--plot", metavar="FILE", help="also draw to this file")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, compute, draw; returns the exit status."""
    return program.run(PROG, lambda: _run(_parser().parse_args(argv)))


def _run(options: argparse.Namespace) -> int:
    schedule = _schedule(options)
    tables = _tables(schedule, options.steps)
    _print(schedule, tables)
    if options.plot is not None:
        _plot(tables, repr(schedule), options.plot)
    return 0


def _schedule(options: argparse.Namespace) -> "Schedule":
    name, arguments = options.name, {}
    check_name("scheduler", name, NAMES)
    for text in options.args:
        key, value = parse_argument(text)
        if key in arguments:
            raise ConfigError(f"--args: {key} is given twice")
        arguments[key] = value
    base = [_rates(options.lr or ["0.1"])]
    if name in lr_scheduler.SETTING_LR:
        if options.lr is not None:
            raise ConfigError(f"{name} sets the learning rate itself: leave out --lr")
        base = []
    function = getattr(lr_scheduler, name)
    return build(function, *base, kind="scheduler", name=name, arguments=arguments)


def _rates(texts: Sequence[str]) -> float | list[float]:
    try:
        rates = [float(text) for text in texts]
    except ValueError as error:
        raise ConfigError(f"--lr must be numbers: {error}") from None
    return rates if len(rates) > 1 else rates[0]


def _tables(schedule: "Schedule", steps: str | None) -> dict[str, "np.ndarray"]:
    tracks: dict[str, Any] = {"lr": schedule, "momentum": schedule.momentum}
    count = getattr(schedule.host(), "total_steps", STEPS)
    if steps is not None:
        count = int(steps) if steps.isdecimal() else 0
        if not 1 <= count <= MOST_STEPS:
            raise ConfigError(
                f"--steps must be a number from 1 to {MOST_STEPS}, but got {steps!r}"
            )
    try:
        return {
            name: track.table(count).reshape(count, -1)
            for name, track in tracks.items()
            if track is not None
        }
    except (ValueError, ArithmeticError) as error:
        raise ConfigError(f"--steps {count}: {error}") from None


def _print(schedule: "Schedule", tables: dict[str, "np.ndarray"]) -> None:
    from jaxtrain.lr_scheduler._picture import BLOCKS, PLAIN, sparkline, summary

    levels = BLOCKS if _can_print(BLOCKS) else PLAIN
    print(schedule)
    for name, values in tables.items():
        for index, column in enumerate(values.T.tolist()):
            label = f"{name}[{index}]" if values.shape[1] > 1 else name
            print(f"{label:11} {sparkline(column, levels)}  {summary(column)}")


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _plot(tables: dict[str, "np.ndarray"], title: str, path: str) -> None:
    from jaxtrain.lr_scheduler._picture import plot

    try:
        plot(tables, title, path)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"--plot needs {error.name}, which is not installed: "
            f"pip install '{error.name}'"
        ) from None
    except (ValueError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"--plot {path}: {reason}") from None


if __name__ == "__main__":
    sys.exit(main())
