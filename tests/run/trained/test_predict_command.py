"""`python -m jaxtrain.predict`: what it prints, draws and writes, and refuses."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from trained_runs import Run, configured, write

pytest.importorskip("PIL")
pytest.importorskip("matplotlib")

from matplotlib.colors import to_rgba
from PIL import Image

from jaxtrain.commands.predict import MOST_ROWS, Answer, drawing, main
from jaxtrain.data import Dataset
from jaxtrain.data.fashion_mnist.description import CLASSES
from jaxtrain.data.photo import Photo
from jaxtrain.run.trained import load
from jaxtrain.show.charts import BLUE


@pytest.fixture
def files(garments: Dataset, tmp_path: Path) -> list[str]:
    """The first test images, as PNG files."""
    paths = [tmp_path / f"{number}.png" for number in range(6)]
    for path, pixels in zip(paths, garments.test.images, strict=False):
        Image.fromarray(pixels).save(path)
    return [str(path) for path in paths]


def test_the_lines_are_the_network_s_answers(
    trained_run: Run,
    garments: Dataset,
    files: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([str(trained_run.out), *files]) == 0
    said = capsys.readouterr()
    title, *lines = said.out.splitlines()
    assert title == "MLP 784-16-10 after 96 steps, averaged weights"
    assert said.err == ""
    values = load(trained_run.out).probabilities(garments.test.images[:6])
    for line, path, row in zip(lines, files, values, strict=True):
        best, second, third = np.argsort(-row)[:3]
        shares = [f"{CLASSES[i]} {100 * row[i]:.1f} %" for i in (best, second, third)]
        right = f"{path}: {shares[0]}; {shares[1]}, {shares[2]}"
        assert line == f"{right} (light on dark: as it is)"


def test_json_holds_every_probability(
    trained_run: Run, garments: Dataset, files: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "answers.json"
    assert main([str(trained_run.out), *files, "--json", str(path)]) == 0
    content = json.loads(path.read_text())
    assert content["schema"] == "jaxtrain.answers/1"
    assert content["step"] == 96
    values = load(trained_run.out).probabilities(garments.test.images[:6])
    assert [image["file"] for image in content["images"]] == files
    for image, row in zip(content["images"], values, strict=True):
        assert image["label"] == row.argmax()
        assert image["class"] == CLASSES[row.argmax()]
        assert image["probability"] == row.max()
        assert list(image["probabilities"]) == list(CLASSES)
        assert list(image["probabilities"].values()) == row.tolist()
        assert (image["polarity"], image["as_it_was"]) == ("light-on-dark", True)


@pytest.mark.parametrize(
    ("given", "told", "same"),
    [
        ("auto", "dark on light: negated", True),
        ("dark-on-light", "dark on light: negated", True),
        ("light-on-dark", "light on dark: as it is", False),
    ],
)
def test_the_polarity_taken_is_told(
    trained_run: Run,
    garments: Dataset,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    given: str,
    told: str,
    same: bool,
) -> None:
    path, pixels = tmp_path / "a.png", garments.test.images[0]
    Image.fromarray(255 - pixels).save(path)
    assert main([str(trained_run.out), str(path), "--polarity", given]) == 0
    line = capsys.readouterr().out.splitlines()[1]
    assert line.endswith(f"({told})")
    row = load(trained_run.out).probabilities(pixels[None])[0]
    share = f": {CLASSES[row.argmax()]} {100 * row.max():.1f} %;"
    assert (share in line) == same


def test_best_is_another_network(
    tmp_path: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for step, score in ((5, 0.4), (6, 0.5)):
        write(tmp_path / "run", configured(), step=step, score=score, seed=step)
    said = []
    for flags in ([], ["--best"]):
        assert main([str(tmp_path / "run"), *files, *flags]) == 0
        said.append(capsys.readouterr().out)
    assert "after 6 steps" in said[0]
    assert "after 5 steps" in said[1]
    assert said[0].splitlines()[1] != said[1].splitlines()[1]


def test_the_picture_shows_what_the_network_sees(
    trained_run: Run, garments: Dataset
) -> None:
    images = garments.test.images[:3]
    values = load(trained_run.out).probabilities(images)
    answers = [
        Answer(f"{i}$.png", Photo(pixels, "light-on-dark", True), CLASSES, row)
        for i, (pixels, row) in enumerate(zip(images, values, strict=True))
    ]
    axes = drawing(answers).axes
    assert len(axes) == 6
    for i, row in enumerate(values):
        (shown,) = axes[2 * i].images
        np.testing.assert_array_equal(shown.get_array(), images[i])
        assert (shown.norm.vmin, shown.norm.vmax) == (0, 255)
        bars = axes[2 * i + 1].patches
        assert [bar.get_width() for bar in bars] == row.tolist()
        dark = [bar.get_facecolor() == to_rgba(BLUE) for bar in bars]
        assert dark == [label == row.argmax() for label in range(10)]
        title = axes[2 * i].get_title(loc="left")
        assert title == rf"{i}\$.png (light on dark: as it is)"


def test_many_images_are_drawn_in_part(
    trained_run: Run, files: list[str], tmp_path: Path
) -> None:
    sizes = []
    for count in (1, MOST_ROWS, MOST_ROWS + 3):
        path = tmp_path / "seen.png"
        many = (files * MOST_ROWS)[:count]
        assert main([str(trained_run.out), *many, "--picture", str(path)]) == 0
        sizes.append(Image.open(io.BytesIO(path.read_bytes())).height)
    assert sizes[0] < sizes[1] == sizes[2]


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_what_is_not_possible_is_said_in_a_line(
    trained_run: Run,
    files: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, image = str(trained_run.out), files[0]
    blank = tmp_path / "blank.png"
    Image.new("RGB", (90, 50), "white").save(blank)
    cases = {
        "is no folder": [str(tmp_path / "none"), image],
        "none.png cannot be read": [run, image, str(tmp_path / "none.png")],
        "is not a file": [run, str(tmp_path)],
        "blank.png: it has one colour all over": [run, str(blank)],
        "did you mean 'auto'": [run, image, "--polarity", "aut"],
        "--picture a.jpg must end in .png": [run, image, "--picture", "a.jpg"],
        "none/a.png": [run, image, "--picture", str(tmp_path / "none" / "a.png")],
        f"--json {tmp_path} is a folder; ": [
            run,
            image,
            "--json",
            str(tmp_path),
        ],
        "required: IMAGE": [run],
    }
    before = sorted(tmp_path.iterdir())
    for message, arguments in cases.items():
        assert message in refused(arguments, capsys)
    assert sorted(tmp_path.iterdir()) == before


def test_a_network_that_diverged_is_refused(
    tmp_path: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    from jaxtrain.store import checkpoint

    path = write(tmp_path / "run", configured())
    found = checkpoint.load(path)
    arrays = {name: array.copy() for name, array in found.arrays.items()}
    arrays["params/linear_relu_stack.2.bias"][3] = np.nan
    with checkpoint.Store.open(path.parent) as store:
        store.save(6, arrays, found.meta)
    said = refused([str(tmp_path / "run"), files[0]], capsys)
    assert "outputs are not finite" in said


def test_a_file_s_name_cannot_move_the_cursor(
    trained_run: Run,
    files: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "a\x1b[2J\nb.png"
    Path(files[0]).rename(path)
    assert main([str(trained_run.out), str(path)]) == 0
    said = capsys.readouterr().out
    assert "a?[2J?b.png" in said
    assert said.count("\n") == 2


def test_without_matplotlib_it_says_what_to_install(
    trained_run: Run,
    files: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    arguments = [str(trained_run.out), files[0], "--picture", "seen.png"]
    assert "pip install 'jaxtrain[plots]'" in refused(arguments, capsys)
