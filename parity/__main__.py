"""`python -m parity …`: the proof from the command line.

Without a command: a part of each group of the proof, in two minutes.
Exit status: 0 equal, 1 departs, 2 cannot run.
"""

import argparse
import sys
from collections.abc import Sequence

from jaxtrain.commands import program
from jaxtrain.commands.program import Parser
from jaxtrain.data import DataError
from jaxtrain.errors import check_name
from jaxtrain.run.config import MODELS
from parity.proof import command as proof
from parity.proof.command import positive
from parity.proof.groups import module

PROG = "python -m parity"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog=PROG, description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in proof.COMMANDS.items():
        proof.add_options(commands.add_parser(name, help=text, description=text), name)
    page = commands.add_parser("page", help="what a test session judged with --proof")
    page.add_argument("folder", metavar="DIR")
    proof.add_files(page)
    doctor = commands.add_parser(
        "doctor", help="compare your own port, and name the cause of a departure"
    )
    doctor.add_argument("file", metavar="FILE", help="executed; defines case()")
    doctor.add_argument("--steps", type=positive, metavar="N")
    doctor.add_argument("--json", metavar="FILE")
    machines = commands.add_parser(
        "machines", help="a proof as other machines run it, one after the other"
    )
    machines.add_argument("group", nargs="?", default="all", metavar="GROUP")
    machines.add_argument(
        "--python", nargs="+", default=[], metavar="PATH", help="of other PyTorches"
    )
    machines.add_argument("--on", nargs="+", default=[], metavar="MACHINE")
    machines.add_argument("--names", nargs="+", default=[], metavar="NAME")
    seeds = commands.add_parser(
        "seeds", help="where the tutorial's published result lies among many seeds"
    )
    seeds.add_argument("--seeds", type=positive, default=20, metavar="N")
    seeds.add_argument("--epochs", type=positive, default=10, metavar="N")
    convert = commands.add_parser(
        "convert", help="a checkpoint between PyTorch's files and safetensors"
    )
    convert.add_argument("source", metavar="IN", help=".pt, .pth or .safetensors")
    convert.add_argument("destination", metavar="OUT", help="one of the same endings")
    docs = commands.add_parser("docs", help="the tables of the documentation")
    docs.add_argument("table", metavar="|".join(_TABLES))
    docs.add_argument("names", nargs="*", metavar="NAME")
    _add_benchmarks(commands.add_parser("bench", help="both sides timed in turn"))
    return parser


def _add_benchmarks(bench: argparse.ArgumentParser) -> None:
    what = bench.add_subparsers(dest="what", required=True, metavar="WHAT")
    fashion = what.add_parser("fashion", help="whole runs, against PyTorch")
    fashion.add_argument("--epochs", type=positive, default=10, metavar="N")
    fashion.add_argument("--rounds", type=positive, default=5, metavar="N")
    fashion.add_argument("--model", default="mlp", metavar="|".join(MODELS))
    monitoring = what.add_parser("monitoring", help="what it costs to watch a run")
    monitoring.add_argument("--optimizer", default="sgd", metavar="NAME")
    monitoring.add_argument("--model", default="mlp", metavar="|".join(MODELS))
    monitoring.add_argument("--epochs", type=positive, default=3, metavar="N")
    monitoring.add_argument("--rounds", type=positive, default=7, metavar="N")
    optimizers = what.add_parser("optimizers", help="single updates, against Optax")
    optimizers.add_argument("names", nargs="*", metavar="NAME")
    optimizers.add_argument("--pairs", type=positive, default=60, metavar="N")


def _seeds(count: int, epochs: int) -> int:
    from parity.proof.runs import seeds

    print(seeds.table(seeds.measure(range(count), epochs)))
    return 0


def _doctor(path: str, steps: int | None, json_file: str | None) -> int:
    from parity.doctor import command

    proof.require_torch()
    return command.run(path, steps=steps, json_file=json_file)


def _convert(source: str, destination: str) -> int:
    proof.require_torch()
    from parity.convert import command

    return command.run(source, destination)


def _machines(options: argparse.Namespace) -> int:
    from parity.proof import machines

    proof.require_torch()
    check_name("group", options.group, proof.COMMANDS)
    for name in options.on:
        check_name("--on", name, machines.MACHINES)
    names = ["--names", *options.names] if options.names else []
    return machines.run([options.group, *names], options.python, options.on)


_TABLES = {
    "optimizers": "optimizer",
    "losses": "loss",
    "layers": "layer",
    "functional": "function",
}
"""Groups that have one, and what each of its lines is about."""


def _docs(table: str, names: Sequence[str]) -> int:
    check_name("table", table, _TABLES)
    proof.require_torch()
    from parity.proof.report import documentation

    chosen = _select(_TABLES[table], names, module(table).NAMES)
    print(documentation.HEADERS[table], flush=True)
    passed = True
    for line, good in documentation.rows(table, chosen, _progress):
        print(line, flush=True)
        passed = passed and good
    return 0 if passed else 1


def _select(kind: str, names: Sequence[str], choices: Sequence[str]) -> Sequence[str]:
    for name in names:
        check_name(kind, name, choices)
    return names or choices


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _bench_fashion(epochs: int, rounds: int, model: str) -> int:
    from parity.bench import fashion
    from parity.proof.surroundings import machine

    check_name("--model", model, MODELS)
    print(machine())
    print(fashion.table(fashion.measure(epochs, rounds, model, _progress)))
    return 0


def _bench_monitoring(optimizer: str, model: str, epochs: int, rounds: int) -> int:
    from parity.bench import monitoring
    from parity.proof.surroundings import machine

    check_name("--model", model, MODELS)
    timings = monitoring.measure(optimizer, model, epochs, rounds, _progress)
    print(f"{machine()}\n{monitoring.table(timings)}")
    return 0


def _bench_optimizers(names: Sequence[str], pairs: int) -> int:
    from parity.bench import optimizers
    from parity.proof.surroundings import machine

    print(machine())
    print(optimizers.HEADER, flush=True)
    selection = _select("optimizer", names, optimizers.names())
    for timing in optimizers.measure(selection, pairs, _progress):
        print(timing, flush=True)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 equal, 1 departs, 2 cannot run."""
    args = list(sys.argv[1:] if argv is None else argv)
    if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
        args.insert(0, "core")
    return program.run(PROG, lambda: _run(_parser().parse_args(args)), (DataError,))


def _run(options: argparse.Namespace) -> int:
    if options.command in proof.COMMANDS:
        return proof.run(options)
    if options.command == "page":
        return proof.collect(options)
    if options.command == "doctor":
        return _doctor(options.file, options.steps, options.json)
    if options.command == "convert":
        return _convert(options.source, options.destination)
    if options.command == "machines":
        return _machines(options)
    if options.command == "seeds":
        return _seeds(options.seeds, options.epochs)
    if options.command == "docs":
        return _docs(options.table, options.names)
    if options.what == "optimizers":
        return _bench_optimizers(options.names, options.pairs)
    if options.what == "monitoring":
        pair = options.optimizer, options.model
        return _bench_monitoring(*pair, options.epochs, options.rounds)
    return _bench_fashion(options.epochs, options.rounds, options.model)


if __name__ == "__main__":
    sys.exit(main())
