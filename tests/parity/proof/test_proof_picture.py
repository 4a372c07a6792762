"""The plots of a run as one picture."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("torch")

from jaxtrain.errors import ConfigError
from jaxtrain.events import Epoch, Steps
from jaxtrain.run.history import History
from parity.proof.report import curves
from parity.proof.report.page import STYLE
from parity.proof.verdict import Twins, Verdict

SVG = "{http://www.w3.org/2000/svg}"


def run(by: float) -> History:
    steps = Steps(1, 0, [2.0 + by, 1.0 + by], [0.1, 0.1])
    return History({}, {}).extend([steps, Epoch(1, 1.5, 50.0, 1.5, 1.0, 1.0)])


def verdict(twins: Twins | None) -> Verdict:
    given = Verdict("fashion", "a", "b", "float32", "c", "d", 0.0, 1.0, "e")
    return Verdict(**{**vars(given), "twins": twins})


def test_every_plot_has_its_place(tmp_path: Path) -> None:
    path = tmp_path / "plots.svg"
    curves.save(path, [verdict(None), verdict(Twins("a", run(0.0), run(1e-6), 1e-5))])
    root = ElementTree.parse(path).getroot()
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    plots = root.findall(f"{SVG}svg")
    boxes = {
        tuple(float(plot.attrib[name]) for name in ("x", "y", "width", "height"))
        for plot in plots
    }
    assert len(boxes) == len(plots) == 4
    assert all(x + w <= width and y + h <= height for x, y, w, h in boxes)
    titles = [text.text for text in root.findall(f"{SVG}text")]
    assert titles[0] == "Training loss"
    assert len(titles) == 4


def test_a_page_s_style_would_move_them() -> None:
    assert curves.FLUID in STYLE


def test_without_a_run_there_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing was drawn"):
        curves.save(tmp_path / "plots.svg", [verdict(None)])
