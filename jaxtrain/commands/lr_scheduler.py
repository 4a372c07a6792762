"""`python -m jaxtrain.lr_scheduler`."""

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxtrain import lr_scheduler
from jaxtrain.commands import program
from jaxtrain.commands.program import Parser
from jaxtrain.errors import ConfigError
from jaxtrain.run.by_name import SCHEDULER, build, parse_arguments
from jaxtrain.show import charts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from jaxtrain.lr_scheduler._schedule import Schedule


BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN = "_.-=+*%#"
WIDTH = 60


def sparkline(values: Sequence[float], levels: str = BLOCKS, width: int = WIDTH) -> str:
    """A line of characters whose heights run from the lowest value to the highest.

    Of the values that share a column the one furthest from the middle is shown, so that
    no peak is lost; `?` stands for what is not finite.

    Args:
        values: at least one.
        levels: the characters, from low to high.
        width: columns at most.

    Example:
        >>> sparkline([0.0, 1.0, 2.0, 3.0, 0.0], levels="_-^")
        '_-^^_'
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    width = min(width, len(values))
    edges = np.arange(1, width) * len(values) // width
    columns = np.split(np.asarray(values), edges)
    return "".join(
        _level(_extreme(c, (low + high) / 2), low, high, levels) for c in columns
    )


def _extreme(column: np.ndarray, middle: float) -> float:
    low, high = float(column.min()), float(column.max())
    return low if middle - low > high - middle else high


def _level(value: float, low: float, high: float, levels: str) -> str:
    if not math.isfinite(value):
        return "?"
    share = (value - low) / (high - low) if high > low else 0.5
    return levels[min(int(share * len(levels)), len(levels) - 1)]


def summary(values: Sequence[float]) -> str:
    """The first, highest and last value, and at which steps they are.

    Example:
        >>> summary([0.5, 2.0, 0.1])
        '0.5 at step 0, highest 2 at step 1, 0.1 at step 2'
    """
    top, last = int(np.argmax(values)), len(values) - 1
    return (
        f"{values[0]:g} at step 0, highest {values[top]:g} at step {top}, "
        f"{values[last]:g} at step {last}"
    )


def drawing(tables: Mapping[str, np.ndarray], title: str) -> "Figure":
    """Each quantity over the steps.

    Args:
        tables: name -> values, (steps, groups).
        title: above the picture.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    fig = charts.figure(height=0.7 + 2 * len(tables))
    axes = fig.subplots(len(tables), sharex=True, squeeze=False)[:, 0]
    for ax, (name, values) in zip(axes, tables.items(), strict=True):
        _curves(ax, name, values)
    axes[-1].set_xlabel("step")
    fig.suptitle(charts.plain(title, 300), fontsize=7, color=charts.INK, wrap=True)
    return fig


def _curves(ax: "Axes", name: str, values: np.ndarray) -> None:
    for index, column in enumerate(charts.drawable(values).T):
        color = charts.SERIES[index % len(charts.SERIES)]
        label = f"group {index}"
        # A schedule stands still between two steps.
        ax.plot(column, label=label, color=color, drawstyle="steps-post", lw=1.2)
    charts.dress(ax, "", name)
    charts.legend(ax)


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
    parser.add_argument(
        "--plot", metavar="FILE", type=Path, help="also draw to this file"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, compute, draw; returns the exit status."""
    return program.run(PROG, lambda: _run(_parser().parse_args(argv)))


def _run(options: argparse.Namespace) -> int:
    if options.plot is not None:
        charts.check_picture("--plot", options.plot)
    schedule = _schedule(options)
    tables = _tables(schedule, options.steps)
    _print(schedule, tables)
    if options.plot is not None:
        title = repr(schedule)
        charts.save(drawing(tables, title), title, options.plot, "--plot")
    return 0


def _schedule(options: argparse.Namespace) -> "Schedule":
    arguments = parse_arguments(options.args, "--args")
    kind, base = replace(SCHEDULER, names=NAMES), _rates(options.lr or ["0.1"])
    if options.name in lr_scheduler.SETTING_LR and options.lr is not None:
        name = options.name
        raise ConfigError(f"{name} sets the learning rate itself: leave out --lr")
    return build(kind, options.name, arguments, base)


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


if __name__ == "__main__":
    sys.exit(main())
