"""`python -m parity …`: the proof from the command line."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from jaxtrain.data import DataError
from jaxtrain.registry import ConfigError

PROG = "python -m parity"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(message)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, not {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROG, description=__doc__, allow_abbrev=False)
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
    bench = commands.add_parser("bench", help="both sides timed in turn")
    bench.add_argument("what", choices=("fashion",))
    bench.add_argument("--epochs", type=_positive, default=10, metavar="N")
    bench.add_argument("--rounds", type=_positive, default=5, metavar="N")
    return parser


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


def _bench(epochs: int, rounds: int) -> int:
    from parity.bench import fashion

    def progress(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    print(fashion.machine())
    print(fashion.table(fashion.measure(epochs, rounds, progress)))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 equal, 1 departs, 2 cannot run."""
    try:
        options = _parser().parse_args(argv)
        if options.command == "fashion":
            return _fashion(options.epochs)
        if options.command == "seeds":
            return _seeds(options.seeds, options.epochs)
        return _bench(options.epochs, options.rounds)
    except (ConfigError, DataError) as error:
        print(f"{PROG}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{PROG}: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
