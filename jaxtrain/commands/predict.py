"""`python -m jaxtrain.predict RUN IMAGE…`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxtrain import files
from jaxtrain.commands import program
from jaxtrain.data.photo import POLARITIES, Photo, bring, read_image
from jaxtrain.errors import ConfigError, check_name
from jaxtrain.run.records import check_destination
from jaxtrain.show.charts import BLUE, DIM, INK, PALE, check_picture, figure, plain, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from jaxtrain.run.trained import Network


RUNNERS_UP = 2


class Answer(NamedTuple):
    """One image, and how probable each class is."""

    file: str
    photo: Photo
    classes: tuple[str, ...]
    probabilities: np.ndarray
    """(classes,), which add up to 1."""

    @property
    def ranking(self) -> list[int]:
        """Numbers of the classes, the most probable first."""
        return np.argsort(-self.probabilities, kind="stable").tolist()

    @property
    def line(self) -> str:
        """File, class and probability, the runners-up, and what was done to the image.

        Example:
            >>> image = Photo(np.zeros((28, 28), np.uint8), "light-on-dark", True)
            >>> Answer("a.png", image, ("Bag", "Coat"), np.array([0.25, 0.75])).line
            'a.png: Coat 75.0 %; Bag 25.0 % (light on dark: as it is)'
        """
        first, *others = (
            f"{self.classes[i]} {100 * self.probabilities[i]:.1f} %"
            for i in self.ranking[: 1 + RUNNERS_UP]
        )
        rest = f"; {', '.join(others)}" if others else ""
        return f"{escape(self.file)}: {first}{rest} ({self.photo.description})"

    def content(self) -> dict[str, Any]:
        """All of it but the pixels."""
        label = self.ranking[0]
        values = dict(zip(self.classes, self.probabilities.tolist(), strict=True))
        return {
            "file": escape(self.file),
            "class": self.classes[label],
            "label": label,
            "probability": values[self.classes[label]],
            "probabilities": values,
            "polarity": self.photo.polarity,
            "as_it_was": self.photo.as_it_was,
        }


def escape(text: str) -> str:
    r"""A file's name that cannot move the cursor of a terminal.

    Example:
        >>> escape("a\x1b[2J.png")
        'a?[2J.png'
    """
    return "".join(letter if letter.isprintable() else "?" for letter in text)


MOST_ROWS = 50
ROW = 1.75
"""Height of an image with its bars, in inches."""
LETTERS = 70


def picture(answers: Sequence[Answer]) -> bytes:
    """A PNG file with a row for each of the first `MOST_ROWS` answers.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    return png(drawing(answers))


def drawing(answers: Sequence[Answer]) -> Figure:
    """The same as a figure."""
    rows = answers[:MOST_ROWS]
    # Placed by hand: a layout that is solved for takes seconds with so many axes.
    whole = figure(height=ROW * len(rows), layout=None)
    room = ROW * len(rows)
    places = {
        **{"left": 0.02, "right": 0.96, "wspace": 0.55, "hspace": 0.32},
        **{"bottom": 0.12 / room, "top": 1 - 0.3 / room, "width_ratios": [1, 2.2]},
    }
    grid = whole.subplots(len(rows), 2, squeeze=False, gridspec_kw=places)
    for (left, right), answer in zip(grid, rows, strict=True):
        _image(left, answer)
        _bars(right, answer)
    return whole


def _image(ax: Axes, answer: Answer) -> None:
    ax.set_axis_off()
    ax.imshow(answer.photo.pixels, cmap="gray", vmin=0, vmax=255)
    title = f"{plain(answer.file, LETTERS)} ({answer.photo.description})"
    ax.set_title(title, loc="left", fontsize=7, color=INK, pad=4)


def _bars(ax: Axes, answer: Answer) -> None:
    values = answer.probabilities
    colours = [BLUE if i == answer.ranking[0] else PALE for i in range(len(values))]
    places = range(len(values))
    ax.barh(places, values, color=colours, height=0.7)
    ax.set_yticks(places, [plain(name, 15) for name in answer.classes])
    for place, value in enumerate(values):
        if value >= 0.005:
            ax.text(value + 0.01, place, f"{value:.0%}", {"va": "center", "size": 6})
    ax.tick_params(colors=DIM, labelsize=6, length=0)
    ax.invert_yaxis()
    ax.set_xlim(0, 1.1)
    ax.set_xticks([])
    for side in ax.spines.values():
        side.set_visible(False)


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
    if options.picture is not None:
        check_picture("--picture")
    for flag, path in (("--picture", options.picture), ("--json", options.json)):
        if path is not None:
            check_destination(path, flag)
    photos = [_photo(path, options.polarity) for path in options.images]
    from jaxtrain.run.trained import load

    network = load(options.run, options.best)
    answers = _answers(network, options.images, photos)
    if options.picture is not None:
        _write("--picture", options.picture, picture(answers))
    if options.json is not None:
        _write("--json", options.json, _json(network, answers))
    for problem in network.problems:
        print(f"{PROG}: passed over {problem}", file=sys.stderr)
    print(network.title)
    for answer in answers:
        print(answer.line)
    return 0


def _photo(path: Path, polarity: str) -> Photo:
    image = read_image(path)
    try:
        return bring(image, polarity)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _answers(
    network: Network, paths: Sequence[Path], photos: Sequence[Photo]
) -> list[Answer]:
    values = network.probabilities(np.stack([image.pixels for image in photos]))
    if not np.isfinite(values).all():
        raise ConfigError(f"{network.path}: the network's outputs are not finite")
    return [
        Answer(str(path), image, network.classes, row)
        for path, image, row in zip(paths, photos, values, strict=True)
    ]


def _json(network: Network, answers: Sequence[Answer]) -> bytes:
    content = {
        "schema": SCHEMA,
        "step": network.step,
        "images": [answer.content() for answer in answers],
    }
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode("ascii")


def _write(option: str, path: Path, data: bytes) -> None:
    try:
        files.write_bytes(path, data)
    except OSError as error:
        raise ConfigError(f"{option} {path}: {error.strerror or error}") from error


if __name__ == "__main__":
    sys.exit(main())
