"""A trained run on image files: `python -m jaxtrain.predict RUN IMAGE`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jaxtrain import atomic, program
from jaxtrain.predict import POLARITIES, Brought, bring, read_image
from jaxtrain.predict._answers import Answer
from jaxtrain.registry import ConfigError, check_name

if TYPE_CHECKING:
    from jaxtrain.trained import Trained

PROG = "python -m jaxtrain.predict"
DESCRIPTION = """\
Name the garments on image files. Each image is brought to what Fashion-MNIST's are:
trimmed, its longest edge 28 pixels, centred, grey, and light on black. A grey image of
28x28 stays as it is."""
EPILOG = f"""\
examples:
  {PROG} runs/first shirt.jpg boot.png
  {PROG} runs/first *.png --best --picture seen.png --json answers.json

exit status: 0 if all went well; 2 if something is not possible, with the reason on
stderr."""
SCHEMA = "jaxtrain.answers/1"


def _parser() -> argparse.ArgumentParser:
    parser = program.Parser(prog=PROG, description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument(
        "run",
        metavar="RUN",
        type=Path,
        help="a run's folder, or one of its checkpoints",
    )
    parser.add_argument(
        "images", metavar="IMAGE", nargs="+", type=Path, help="PNG, JPEG and the like"
    )
    parser.add_argument(
        "--best",
        action="store_true",
        help="the checkpoint with the lowest test loss, not the newest",
    )
    parser.add_argument(
        "--polarity",
        default=POLARITIES[0],
        metavar="|".join(POLARITIES),
        help="whether garments are lighter or darker than what is around them; auto "
        "goes by each image's border (default: auto)",
    )
    parser.add_argument(
        "--picture",
        metavar="FILE.png",
        type=Path,
        help="draw the images as the network sees them, and its answers",
    )
    parser.add_argument(
        "--json", metavar="FILE", type=Path, help="write every probability"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, read, answer; returns the exit status."""
    return program.run(PROG, lambda: _run(_parser().parse_args(argv)))


def _run(options: argparse.Namespace) -> int:
    check_name("--polarity", options.polarity, POLARITIES)
    if options.picture is not None and options.picture.suffix != ".png":
        raise ConfigError(f"--picture {options.picture} must end in .png")
    brought = [_brought(path, options.polarity) for path in options.images]
    from jaxtrain.trained import load

    trained = load(options.run, options.best)
    answers = _answers(trained, options.images, brought)
    if options.picture is not None:
        from jaxtrain.predict._picture import picture

        _write("--picture", options.picture, picture(answers))
    if options.json is not None:
        _write("--json", options.json, _json(trained, answers))
    for problem in trained.problems:
        print(f"{PROG}: passed over {problem}", file=sys.stderr)
    print(trained.title)
    for answer in answers:
        print(answer.line)
    return 0


def _brought(path: Path, polarity: str) -> Brought:
    image = read_image(path)
    try:
        return bring(image, polarity)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _answers(
    trained: Trained, paths: Sequence[Path], brought: Sequence[Brought]
) -> list[Answer]:
    values = trained.probabilities(np.stack([image.pixels for image in brought]))
    if not np.isfinite(values).all():
        raise ConfigError(f"{trained.path}: the network's outputs are not finite")
    return [
        Answer(str(path), image, trained.classes, row)
        for path, image, row in zip(paths, brought, values, strict=True)
    ]


def _json(trained: Trained, answers: Sequence[Answer]) -> bytes:
    content = {
        "schema": SCHEMA,
        "step": trained.step,
        "images": [answer.content() for answer in answers],
    }
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode("ascii")


def _write(option: str, path: Path, data: bytes) -> None:
    try:
        atomic.write_bytes(path, data)
    except OSError as error:
        raise ConfigError(f"{option} {path}: {error.strerror or error}") from error


if __name__ == "__main__":
    sys.exit(main())
