"""`python -m parity …`: the proof from the command line."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from jaxtrain import program
from jaxtrain.config import MODELS
from jaxtrain.data import DataError
from jaxtrain.program import Parser
from jaxtrain.registry import check_name

if TYPE_CHECKING:
    from parity.layers import Row as LayerRow
    from parity.losses import Row as LossRow
    from parity.optimizers import Row as OptimizerRow

PROG = "python -m parity"


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, not {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog=PROG, description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    fashion = commands.add_parser(
        "fashion",
        help="train on Fashion-MNIST in both frameworks, compare every step",
    )
    fashion.add_argument("--epochs", type=_positive, metavar="N", default=None)
    seeds = commands.add_parser(
        "seeds", help="where the tutorial's published result lies among many seeds"
    )
    seeds.add_argument("--seeds", type=_positive, default=20, metavar="N")
    seeds.add_argument("--epochs", type=_positive, default=10, metavar="N")
    optimizers = commands.add_parser(
        "optimizers", help="one step from PyTorch's state, every optimiser and argument"
    )
    optimizers.add_argument("names", nargs="*", metavar="NAME")
    losses = commands.add_parser(
        "losses", help="values and gradients of every loss and argument"
    )
    losses.add_argument("names", nargs="*", metavar="NAME")
    layers = commands.add_parser(
        "layers", help="forward, gradients and buffers of every layer and argument"
    )
    layers.add_argument("names", nargs="*", metavar="NAME")
    _add_benchmarks(commands.add_parser("bench", help="both sides timed in turn"))
    return parser


def _add_benchmarks(bench: argparse.ArgumentParser) -> None:
    what = bench.add_subparsers(dest="what", required=True, metavar="WHAT")
    fashion = what.add_parser("fashion", help="whole runs, against PyTorch")
    fashion.add_argument("--epochs", type=_positive, default=10, metavar="N")
    fashion.add_argument("--rounds", type=_positive, default=5, metavar="N")
    fashion.add_argument("--model", default="mlp", metavar="|".join(MODELS))
    optimizers = what.add_parser("optimizers", help="single updates, against Optax")
    optimizers.add_argument("names", nargs="*", metavar="NAME")
    optimizers.add_argument("--pairs", type=_positive, default=60, metavar="N")


def _fashion(epochs: int | None) -> int:
    from parity import fashion

    verdicts = []
    for verdict in fashion.verdicts(epochs):
        print(verdict, flush=True)
        verdicts.append(verdict)
    equal = all(verdict.passed for verdict in verdicts)
    print("equal" if equal else "the runs depart")
    return 0 if equal else 1


def _seeds(count: int, epochs: int) -> int:
    from parity import seeds

    print(seeds.table(seeds.measure(range(count), epochs)))
    return 0


def _optimizers(names: Sequence[str]) -> int:
    from jaxtrain import optim
    from parity import optimizers

    # L-BFGS looks at all parameters and several losses: its tests are its own.
    known = [name for name in optim.OPTIMIZERS if name != "lbfgs"]
    chosen = _chosen("optimizer", names, known)
    return _table(optimizers.HEADER, optimizers.rows(chosen, _progress))


def _losses(names: Sequence[str]) -> int:
    from parity import losses
    from parity.cases.losses import NAMES

    chosen = _chosen("loss", names, NAMES)
    return _table(losses.HEADER, losses.rows(chosen, _progress))


def _layers(names: Sequence[str]) -> int:
    from parity import layers
    from parity.cases.layers import NAMES

    chosen = _chosen("layer", names, NAMES)
    return _table(layers.HEADER, layers.rows(chosen, _progress))


def _table(header: str, rows: Iterable["OptimizerRow | LossRow | LayerRow"]) -> int:
    print(header, flush=True)
    passed = True
    for row in rows:
        print(row, flush=True)
        passed = passed and row.passed
    return 0 if passed else 1


def _chosen(kind: str, names: Sequence[str], known: Sequence[str]) -> Sequence[str]:
    for name in names:
        check_name(kind, name, known)
    return names or known


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _bench_fashion(epochs: int, rounds: int, model: str) -> int:
    from parity.bench import fashion
    from parity.bench.machine import machine

    check_name("--model", model, MODELS)
    print(machine())
    print(fashion.table(fashion.measure(epochs, rounds, model, _progress)))
    return 0


def _bench_optimizers(names: Sequence[str], pairs: int) -> int:
    from parity.bench import optimizers
    from parity.bench.machine import machine

    print(machine())
    print(optimizers.HEADER, flush=True)
    chosen = _chosen("optimizer", names, optimizers.names())
    for timing in optimizers.measure(chosen, pairs, _progress):
        print(timing, flush=True)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 equal, 1 departs, 2 cannot run."""
    return program.run(PROG, lambda: _run(_parser().parse_args(argv)), (DataError,))


def _run(options: argparse.Namespace) -> int:
    if options.command == "fashion":
        return _fashion(options.epochs)
    if options.command == "seeds":
        return _seeds(options.seeds, options.epochs)
    if options.command == "optimizers":
        return _optimizers(options.names)
    if options.command == "layers":
        return _layers(options.names)
    if options.command == "losses":
        return _losses(options.names)
    if options.what == "optimizers":
        return _bench_optimizers(options.names, options.pairs)
    return _bench_fashion(options.epochs, options.rounds, options.model)


if __name__ == "__main__":
    sys.exit(main())
