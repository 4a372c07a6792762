"""The page: whole by itself, well formed, and true to the runs."""

import base64
import errno
import io
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import run_events as toy

pytest.importorskip("matplotlib")

from jaxtrain.commands.report import main
from jaxtrain.show import summary
from jaxtrain.show.pictures import COMPARISONS, PICTURES
from jaxtrain.show.report import Drawn, page
from jaxtrain.store import events
from jaxtrain.store.run_folder import RunFolder, RunRecord, read_run

VOID = ("meta", "img", "br", "link")
EVENTS = [*toy.story()]
PNG = b"\x89PNG stands for a picture"


class Page(HTMLParser):
    """Reads a page strictly: every tag that opens closes, in its turn."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.cells: list[list[str]] = []
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self.stack and self.stack[-1] in ("td", "th"):
            self.cells[-1][-1] += data

    def row(self, first: str) -> list[str]:
        """The cells after the first, of the row that begins so."""
        (found,) = (row[1:] for row in self.cells if row and row[0] == first)
        return found


def read(record: RunRecord, *others: RunRecord) -> Page:
    """The page with a stand-in for each picture."""
    records = [record, *others]
    each = [{n: PNG for n, p in PICTURES.items() if p.can(r)} for r in records]
    every = dict.fromkeys(COMPARISONS, PNG) if others else {}
    return Page(page(Drawn(records, each, every)))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`first`, and a `second` of another rate that was killed in mid-line."""
    root = tmp_path_factory.mktemp("runs")
    toy.write(root / "first")
    optimizer = {"name": "sgd", "lr": 0.2, "args": {"momentum": 0.9}}
    config = {**toy.CONFIG, "optimizer": optimizer}
    with RunFolder.open(root / "second", config, toy.ABOUT, toy.DATA) as folder:
        for event in EVENTS[:20]:
            folder.add(event)
    path = root / "second" / "metrics.jsonl"
    path.write_bytes(path.read_bytes()[:-7])
    return root


@pytest.fixture(scope="module")
def first(runs: Path) -> RunRecord:
    return read_run(runs / "first")


@pytest.fixture(scope="module")
def second(runs: Path) -> RunRecord:
    return read_run(runs / "second")


def outside(text: str) -> list[str]:
    """What a page would load from elsewhere, or run."""
    found = []
    for tag, attributes in Page(text).tags:
        for name, value in attributes.items():
            loads = name in ("src", "href", "data", "srcset", "action", "background")
            if loads and not re.match("data:image/png;base64,|#", value or ""):
                found.append(f"{tag} {name}={value}")
            if name.startswith("on") or name == "style":
                found.append(f"{tag} {name}")
        if tag in ("script", "link", "iframe", "object", "embed", "base", "form"):
            found.append(tag)
    style = re.findall("<style>(.*?)</style>", text, re.S)
    found += [word for word in ("url(", "@import") if word in "".join(style)]
    return found


def test_the_command_makes_a_page_that_needs_nothing_else(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html, folder = tmp_path / "page.html", tmp_path / "pictures"
    given = [str(runs / "first"), "--html", str(html), "--pictures", str(folder)]
    assert main(given) == 0
    assert capsys.readouterr() == (f"{html}, 10 pictures in {folder}\n", "")
    text = html.read_text("utf-8")
    assert outside(text) == []
    assert "default-src 'none'" in text
    sources = [a["src"] or "" for tag, a in Page(text).tags if tag == "img"]
    assert len(sources) == len(PICTURES) == 10
    # The same pictures, and pictures they are.
    images = [base64.b64decode(source.partition(",")[2]) for source in sources]
    assert images == [(folder / f"{name}.png").read_bytes() for name in PICTURES]
    from PIL import Image

    for image in images:
        pixels = np.asarray(Image.open(io.BytesIO(image)).convert("L"))
        assert pixels.std() > 5
    assert not [*tmp_path.rglob("*.part")]


@pytest.mark.parametrize(
    "spoilt",
    [
        '<img src="https://example.org/x.png">',
        '<link rel="stylesheet" href="x.css">',
        "<script>1</script>",
        '<p onclick="1"></p>',
        "<style>@import 'x'</style>",
    ],
)
def test_what_comes_from_elsewhere_would_be_seen(first: RunRecord, spoilt: str) -> None:
    text = page(Drawn([first], [{}], {}))
    assert outside(text) == []
    assert outside(text.replace("</body>", f"{spoilt}</body>"))


def test_the_default_is_in_the_run_s_folder_or_here(
    runs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "jaxtrain.commands.report.draw", lambda r: Drawn(r, [{}] * 2, {})
    )
    assert main([str(runs / "second")]) == 0
    assert capsys.readouterr().out == f"{runs / 'second' / 'report.html'}\n"
    (runs / "second" / "report.html").unlink()
    assert main([str(runs / "first"), str(runs / "second")]) == 0
    assert capsys.readouterr().out == "report.html\n"
    assert "2 runs compared" in (tmp_path / "report.html").read_text()


def test_a_finished_run(first: RunRecord) -> None:
    shown = read(first)
    assert "Finished: 3 of 3 epochs." in shown.texts
    assert "Run first" in shown.texts
    heads, values = shown.cells[:2]
    assert dict(zip(heads, values, strict=True)) == {
        "test accuracy, %": "80.00",
        "test loss": "0.9000",
        "best epoch": "3 (80.00 %)",
        "training loss": "0.6667",
        "epochs": "3",
        "steps": "21",
        "training": "6.0 s",
        "testing": "1.5 s",
        "images/s": "100",
        "warnings": "3",
    }
    assert shown.row("optimizer.lr") == ["0.1"]
    assert any("MLP 4-2, 10 parameters" in text for text in shown.texts)
    assert "program --out run" in shown.texts


def test_warnings_are_told_in_words(first: RunRecord) -> None:
    shown = read(first)
    told = [row for row in shown.cells if "spike" in row]
    assert told[1] == ["2", "4", "spike", "the loss of epoch 2 jumps"]
    assert len(told) == 3


def test_lines_of_a_warning_stay_lines(tmp_path: Path) -> None:
    warned = events.Warned(1, 0, "spike", "it jumps\ntry: a lower rate\t<b>")
    toy.write(tmp_path / "out", [EVENTS[0], warned])
    shown = read(read_run(tmp_path / "out"))
    assert ["1", "0", "spike", "it jumps\ntry: a lower rate <b>"] in shown.cells
    (style,) = (text for text in shown.texts if ":root" in text)
    assert re.search(r"td \{[^}]*white-space: pre-line", style)


def test_a_killed_run_says_so(second: RunRecord) -> None:
    shown = read(second)
    (told,) = (text for text in shown.texts if text.startswith("Not finished"))
    assert re.fullmatch(
        r"Not finished, 1 of 3 epochs: it is still going, or was killed\. It last "
        r"wrote at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\. Its last line was cut off and "
        r"is left out\.",
        told,
    )
    assert not any(name in shown.texts for name in ("Confusion.", "Worst mistakes."))


def test_a_stopped_run_says_why(tmp_path: Path) -> None:
    toy.write(tmp_path / "out", [EVENTS[0], events.Stopped("--max-time is over")])
    shown = read(read_run(tmp_path / "out"))
    assert "Stopped after 0 of 3 epochs: --max-time is over." in shown.texts


def test_what_differs_and_nothing_else(first: RunRecord, second: RunRecord) -> None:
    found = dict(summary.differences([first, second]))
    assert found == {
        "optimizer.lr": ["0.1", "0.2"],
        "optimizer.args.momentum": [summary.ABSENT, "0.9"],
    }
    shown = read(first, second)
    assert ["", "first", "second"] in shown.cells
    assert ["optimizer.lr", "0.1", "0.2"] in shown.cells
    assert summary.differences([first, first]) == []
    same = read(first, first)
    assert "Nothing: configuration, data and versions are the same." in same.texts


def test_other_data_and_versions_differ(first: RunRecord) -> None:
    other = replace(
        first,
        data={**first.data, "sha256": {"images": "11"}},
        versions={**first.versions, "toy": "2.0"},
    )
    assert dict(summary.differences([first, other])) == {
        "sha256 of images": ["00ff", "11"],
        "version of toy": ["1.0", "2.0"],
    }


def test_final_figures_side_by_side(first: RunRecord, second: RunRecord) -> None:
    shown = read(first, second)
    heads = next(row for row in shown.cells if row[0] == "run")
    rows = [row for row in shown.cells if row[0] in ("first", "second")]
    accuracy, loss = heads.index("test accuracy, %"), heads.index("test loss")
    assert [row[accuracy] for row in rows] == ["80.00", "60.00"]
    assert [row[loss] for row in rows] == ["0.9000", "2.5000"]
    assert [row[heads.index("epochs")] for row in rows] == ["3", "1"]
    links = [a["href"] for tag, a in shown.tags if tag == "a"]
    places = [f"#{a['id']}" for tag, a in shown.tags if tag == "h2"]
    assert links == places == ["#run0", "#run1"]


HOSTILE = "<script>alert(1)</script><img src=https://example.org/x>\"'&\0\udcff\u202e"


def test_what_a_run_says_is_text_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "<b>run"
    config: dict[str, Any] = {
        **toy.CONFIG,
        "model": {"name": HOSTILE, HOSTILE: HOSTILE},
    }
    about = {"name": HOSTILE, "source": HOSTILE, "sha256": {HOSTILE: HOSTILE}}
    told: list[events.Event] = [
        events.Started(HOSTILE, HOSTILE, HOSTILE, 10, {HOSTILE: HOSTILE}),
        events.Warned(1, 0, HOSTILE, HOSTILE),
        events.Stopped(HOSTILE),
    ]
    data = replace(toy.DATA, classes=(HOSTILE, "a", "b"))
    with RunFolder.open(out, config, about, data, command=[HOSTILE]) as folder:
        for event in told:
            folder.add(event)
    record = read_run(out)
    other = replace(record, config={}, data={}, versions={}, path=Path("x"))
    for shown in (Drawn([record], [{}], {}), Drawn([record, other], [{}, {}], {})):
        text = page(shown)
        assert outside(text) == []
        assert "<script" not in text
        assert "<b>" not in text
        # It can be written, and no letter turns the line around.
        text.encode("utf-8")
        assert not {"\0", "\u202e"} & {*text}
        assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 8


def test_a_run_of_which_little_is_known(tmp_path: Path) -> None:
    toy.write(tmp_path / "out", EVENTS[:1])
    begun = replace(read_run(tmp_path / "out"), rows=[], config={}, data={})
    shown = read(begun, begun)
    assert any("0 epochs: it is still going" in text for text in shown.texts)


def test_numbers_that_are_not_finite_are_called_so(tmp_path: Path) -> None:
    nan = float("nan")
    toy.write(tmp_path / "out", [EVENTS[0], events.Epoch(1, nan, nan, nan, 1.0, 1.0)])
    found = summary.figures(read_run(tmp_path / "out"))
    assert found["test accuracy, %"] == found["training loss"] == "not finite"


def test_very_many_warnings_are_cut(tmp_path: Path) -> None:
    many = [events.Warned(1, n, "spike", "again") for n in range(150)]
    toy.write(tmp_path / "out", [EVENTS[0], *many])
    shown = read(read_run(tmp_path / "out"))
    assert sum("spike" in row for row in shown.cells) == 100
    assert "and 50 more" in shown.texts


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "the following arguments are required: RUN"),
        (["no"], "no is not the folder of a run"),
        (["."], ". holds no run: there is no config.json"),
        (
            ["{run}", "--html", "no/page.html"],
            "--html no/page.html: there is no",
        ),
        (["{run}", "--html", "."], "--html . is a folder; it must be a file"),
        (
            ["{run}", "--pictures", "no/where"],
            "--pictures no/where: there is no",
        ),
        (["{run}", "--pictures", "file"], "--pictures file must be a folder, or not "),
        (["{run}", "--picture", "x"], "unrecognized arguments: --picture x"),
    ],
)
def test_what_is_not_possible_is_one_line(
    runs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jaxtrain.commands.report.draw", lambda r: Drawn(r, [{}], {}))
    (tmp_path / "file").touch()
    run = str(runs / "first")
    assert main([each.replace("{run}", run) for each in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert f"python -m jaxtrain.report: error: {told}" in err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_the_old_page(
    runs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fsync(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    html = tmp_path / "page.html"
    html.write_text("old")
    monkeypatch.setattr("jaxtrain.commands.report.draw", lambda r: Drawn(r, [{}], {}))
    monkeypatch.setattr(os, "fsync", fsync)
    assert main([str(runs / "first"), "--html", str(html)]) == 2
    assert f"--html {html}: No space left on device" in capsys.readouterr().err
    assert html.read_text() == "old"
    assert [*tmp_path.iterdir()] == [html]
