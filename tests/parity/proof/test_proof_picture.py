"""The plots of a run as one picture."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from jaxtrain.errors import ConfigError
from jaxtrain.run.history import History
from jaxtrain.store.events import Epoch, Steps
from parity.proof.report import curves
from parity.proof.verdict import Twins, Verdict

TITLES = ("Training loss", "Difference of the losses", "Test accuracy", "Learning rate")


def run(by: float) -> History:
    steps = Steps(1, 0, [2.0 + by, 1.0 + by], [0.1, 0.1])
    return History({}, {}).extend([steps, Epoch(1, 1.5, 50.0, 1.5, 1.0, 1.0)])


def verdict(twins: Twins | None) -> Verdict:
    given = Verdict("fashion", "a", "b", "float32", "c", "d", 0.0, 1.0, "e")
    return Verdict(**{**vars(given), "twins": twins})


RUNS = [verdict(None), verdict(Twins("a", run(0.0), run(1e-6), 1e-5))]


def test_every_chart_is_in_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "charts.svg"
    curves.save(path, RUNS)
    root = ElementTree.parse(path).getroot()
    assert root.attrib["aria-label"] == ", ".join(TITLES)
    texts = [element.text for element in root.iter() if element.tag.endswith("}text")]
    assert [text for text in texts if text in TITLES] == [*TITLES]
    (style, *_) = (e.text for e in root.iter() if e.tag.endswith("}style"))
    # It brings what a page would give its charts.
    assert style is not None
    assert "--blue: #0072b2" in style
    assert "prefers-color-scheme: dark" in style


def test_the_suffix_says_the_format(tmp_path: Path) -> None:
    curves.save(tmp_path / "charts.png", RUNS)
    assert (tmp_path / "charts.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_run_there_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing was drawn"):
        curves.save(tmp_path / "plots.svg", [verdict(None)])
