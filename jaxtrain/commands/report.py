"""Runs as a page: `python -m jaxtrain.report RUN`."""

import argparse
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from jaxtrain import files as atomic
from jaxtrain.commands import program
from jaxtrain.errors import ConfigError
from jaxtrain.run.records import check_destination
from jaxtrain.show.report import draw, page
from jaxtrain.store.run_folder import read_run

PROG = "python -m jaxtrain.report"
DESCRIPTION = """\
Make one HTML page of a run's folder, or of several runs compared: what differs in their
configurations, final figures, curves, warnings, mistakes. The page needs nothing else,
neither the data nor a network. A run that is still going can be looked at too."""
EPILOG = f"""\
examples:
  {PROG} runs/first
  {PROG} runs/first runs/second --html both.html
  {PROG} runs/first --pictures pictures

exit status: 0 if all went well; 2 if something is not possible, with the reason on
stderr."""


def _parser() -> argparse.ArgumentParser:
    parser = program.Parser(prog=PROG, description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument(
        "runs", metavar="RUN", nargs="+", type=Path, help="folder that --out named"
    )
    parser.add_argument(
        "--html",
        metavar="FILE",
        type=Path,
        help="the page (default: RUN/report.html; of several runs, report.html here)",
    )
    parser.add_argument(
        "--pictures",
        metavar="DIR",
        type=Path,
        help="also write each picture there as a PNG file",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Read, draw, write; returns the exit status."""
    return program.run(PROG, lambda: _run(_parser().parse_args(argv)))


def _run(options: argparse.Namespace) -> int:
    runs = [read_run(path) for path in options.runs]
    html = options.html
    if html is None:
        html = (options.runs[0] if len(runs) == 1 else Path()) / "report.html"
    check_destination(html, "--html")
    report, folder = draw(runs), options.pictures
    files = {} if folder is None else report.files()
    if folder is not None:
        _check_folder(folder, files)
    text = page(report)
    _write_option("--html", html, lambda: atomic.write_text(html, text))
    places = [str(html)]
    if folder is not None:
        _write_option("--pictures", folder, lambda: _save(folder, files))
        places.append(f"{len(files)} pictures in {folder}")
    for problem in (problem for run in runs for problem in run.problems):
        print(f"{PROG}: {problem}", file=sys.stderr)
    print(", ".join(places))
    return 0


def _check_folder(folder: Path, names: Collection[str]) -> None:
    """Refuse before the page is written what cannot be written after it."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--pictures {folder} must be a folder, or not exist yet")
    files = [folder / name for name in names] if folder.exists() else [folder]
    for path in files:
        check_destination(path, "--pictures")


def _save(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    for name, image in files.items():
        atomic.write_bytes(folder / name, image)


def _write_option(option: str, path: Path, write: Callable[[], None]) -> None:
    try:
        write()
    except OSError as error:
        raise ConfigError(f"{option} {path}: {error.strerror or error}") from error


if __name__ == "__main__":
    sys.exit(main())
