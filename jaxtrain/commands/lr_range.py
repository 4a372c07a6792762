"""`python -m jaxtrain.lr_range`."""

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jaxtrain.commands import process, program
from jaxtrain.commands.options import parse
from jaxtrain.commands.program import Parser
from jaxtrain.data import DataError, load
from jaxtrain.errors import ConfigError
from jaxtrain.run import records
from jaxtrain.run.config import Config
from jaxtrain.run.stopping import select_images
from jaxtrain.show import charts
from jaxtrain.show.terminal import Bar

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jaxtrain.watch.lr_range import RangeTest


def drawing(test: "RangeTest", title: str) -> "Figure":
    """The losses over the rates.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    fig = charts.figure(height=3.6)
    ax = fig.subplots()
    ax.plot(test.lrs, test.losses, color=charts.PALE, label="each batch")
    ax.plot(test.lrs, test.smoothed, color=charts.BLUE, lw=1.6, label="smoothed")
    if test.suggestion is not None:
        label = f"steepest fall: {test.suggestion:.2g}"
        ax.axvline(test.suggestion, color=charts.RED, linestyle="--", label=label)
    ax.set_xscale("log")
    ax.set_ylim(*_limits(test.smoothed))
    charts.dress(ax, "learning rate", "loss")
    charts.legend(ax)
    ax.set_title(charts.plain(title, 300), fontsize=7, color=charts.INK, wrap=True)
    return fig


def _limits(curve: np.ndarray) -> tuple[float, float]:
    """Of the loss: the blow-up would press everything before it flat."""
    finite = curve[np.isfinite(curve)]
    first, low = (finite[0], finite.min()) if finite.size else (1.0, 0.0)
    span = max(first - low, 0.1 * abs(first), 1e-12)
    return low - 0.4 * span, first + 0.5 * span


PROG = "python -m jaxtrain.lr_range"
DESCRIPTION = """\
Find a learning rate: train for a few steps while the rate grows, and print where the
loss falls fastest (Smith 2015, arXiv:1506.01186). Nothing is kept of the network, and
--lr and --scheduler play no part."""
EPILOG = f"""\
Range test:
  --least X             first rate (default: 1e-07)
  --greatest X          last rate (default: 10)
  --steps N             steps from one to the other (default: 200)
  --picture FILE        also draw to this file

examples:
  {PROG} --optimizer sgd --optimizer-args momentum=0.9
  {PROG} --model cnn --optimizer adam --picture rates.png

exit status: 0 if all went well; 2 if something is not possible, with the reason on
stderr."""


def _parser() -> Parser:
    # What it does not know goes to `cli.parse`, which also prints the help.
    parser = Parser(prog=PROG, add_help=False)
    parser.add_argument("--least", default="1e-7")
    parser.add_argument("--greatest", default="10")
    parser.add_argument("--steps", default="200")
    parser.add_argument("--picture", type=Path)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, train, print; returns the exit status."""
    args = sys.argv[1:] if argv is None else argv
    return program.run(PROG, lambda: _run(args), (DataError,))


def _run(argv: Sequence[str]) -> int:
    own, rest = _parser().parse_known_args(argv)
    config = parse(rest, PROG, DESCRIPTION, EPILOG)
    _check_use(config)
    least, greatest = _number("--least", own.least), _number("--greatest", own.greatest)
    if not own.steps.isdecimal():
        raise ConfigError(f"--steps must be a whole number, but got {own.steps!r}")
    if own.picture is not None:
        charts.check_picture("--picture", own.picture)
        records.check_destination(own.picture, "--picture")
    with process.interruptible(), Bar() as bar:
        dataset = load(config.data.source, on_progress=bar.show)
    # Imported here: the help does without JAX.
    from jaxtrain.watch.lr_range import range_test

    images = select_images(config, dataset)
    test = range_test(config, images, least, greatest, int(own.steps))
    title = _title(config, dataset.name)
    for line in (title, *_table(test), *_words(test)):
        print(line)
    if own.picture is not None:
        charts.save(drawing(test, title), title, own.picture, "--picture")
    return 0


def _check_use(config: Config) -> None:
    """Refuse what would be silently without effect."""
    if config.loop.backend != "jax":
        raise ConfigError(f"--backend {config.loop.backend}: a range test runs in JAX")
    for field in dataclasses.fields(config.records):
        if getattr(config.records, field.name) != field.default:
            raise ConfigError(
                f"{field.metadata['flag']} is of no use here: a range test keeps no "
                "records; --picture FILE draws it"
            )


def _number(flag: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"{flag} must be a number, but got {text!r}") from None


def _title(config: Config, data: str) -> str:
    optimizer = config.optimizer
    arguments = "".join(f", {key}={value}" for key, value in optimizer.args.items())
    return (
        f"Range test: {optimizer.name}{arguments}, {config.model.title(784, 10)}, "
        f"{config.loss.name}, {data}, batches of {config.data.batch_size}"
    )


def _table(test: "RangeTest") -> Iterator[str]:
    """A row for every factor of ten, and the last step."""
    yield f"{'lr':>9} {'loss':>10} {'smoothed':>10}"
    if not len(test.lrs):
        return
    decades = np.floor(np.log10(test.lrs) + 1e-9)
    rows = [0, *(np.flatnonzero(np.diff(decades)) + 1)]
    for row in dict.fromkeys([*rows, len(test.lrs) - 1]):
        yield (
            f"{test.lrs[row]:9.2g} {test.losses[row]:10.4f} {test.smoothed[row]:10.4f}"
        )


def _words(test: "RangeTest") -> Iterator[str]:
    if test.suggestion is None:
        yield "The loss falls at no rate: see python -m jaxtrain.fashion --check"
        return
    lowest = test.lrs[np.argmin(test.smoothed)]
    yield (
        f"The loss falls fastest at a rate of {test.suggestion:.2g}, and is lowest at "
        f"{lowest:.2g}."
    )
    if test.ended:
        yield f"It blows up beyond {test.lrs[-1]:.2g}, where the test ended."
    yield f"Suggestion: --lr {test.suggestion:.2g}"


if __name__ == "__main__":
    sys.exit(main())
