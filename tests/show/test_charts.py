"""Charts as SVG: the same each time, in the page's colours and font."""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

from jaxtrain.errors import ConfigError
from jaxtrain.show import charts


def draw(values: tuple[float, ...] = (1e-6, 1e-3, 0.1)) -> Figure:
    drawn = charts.figure()
    ax = drawn.subplots()
    ax.plot(range(len(values)), values, "o-", color=charts.BLUE, label="a < b")
    charts.dress(ax, "step", "loss")
    charts.log_axis(ax)
    charts.legend_above(ax)
    return drawn


def texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return [e.text or "" for e in root.iter() if e.tag.endswith("}text")]


def test_texts_stay_texts_and_powers_of_ten_look_alike() -> None:
    found = texts(charts.svg(draw(), "a <b>"))
    assert {"a < b", "step", "loss"} < {*found}
    powers = [text for text in found if "e" in text and text[0] == "1"]
    assert powers == ["1e-06", "1e-04", "1e-02", "1e+00"]


@pytest.mark.parametrize("values", [(2e-5, 3e-5), (1e-5,), (1e-12, 1.0), (1e-307, 1.0)])
def test_a_log_axis_has_some_numbers_and_few(values: tuple[float, ...]) -> None:
    powers = [float(t) for t in texts(charts.svg(draw(values), "")) if "e" in t[1:2]]
    assert 1 <= len(powers) <= 8
    assert powers[0] <= values[0]


def test_colours_are_the_page_s_and_dark_where_that_is() -> None:
    svg = charts.svg(draw(), "")
    assert f"stroke: var(--blue, {charts.BLUE})" in svg
    assert f"fill: var(--card, {charts.COLORS['card'][0]})" in svg
    # No colour but those that a page can change.
    assert not re.findall(r"#[0-9a-f]{6}(?!\))\b(?![0-9a-f])", svg)
    used = {*re.findall(r"var\(--(\w+)", svg)}
    light, dark = charts.variables().split("@media")
    for name in used:
        both = [re.findall(rf"--{name}: (#\w+)", part) for part in (light, dark)]
        assert [len(found) for found in both] == [1, 1]
        assert both[0] != both[1]
    assert "@media" not in charts.variables(dark=False)


def test_a_chart_says_what_it_shows_to_those_who_do_not_see_it() -> None:
    root = ElementTree.fromstring(charts.svg(draw(), 'a "<b>"'))
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == 'a "<b>"'
    assert root[0].text == 'a "<b>"'


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_same_figure_is_the_same_file_in_every_process(
    tmp_path: Path, seed: str
) -> None:
    charts.save(draw(), "it", tmp_path / "here.svg", "--plot")
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); "
        "import test_charts as t; "
        "t.charts.save(t.draw(), 'it', Path(sys.argv[2]), '--plot')"
    )
    given = [str(Path(__file__).parent), str(tmp_path / "there.svg")]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    subprocess.run([sys.executable, "-c", code, *given], check=True, env=environment)
    here, there = ((tmp_path / f"{n}.svg").read_text() for n in ("here", "there"))
    assert here == there
    assert here != charts.svg(draw((1.0, 2.0)), "it")


@pytest.mark.parametrize("kind", charts.FORMATS)
def test_every_format_is_written(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"chart.{kind}"
    charts.save(draw(), "it", path, "--plot")
    assert path.stat().st_size > 1000


@pytest.mark.parametrize("name", ["chart", "chart.foo", "svg", ".svg"])
def test_another_format_is_refused_with_those_there_are(name: str) -> None:
    told = f"--plot {name} must end in a format's name: eps, jpg, pdf, png, svg, webp"
    with pytest.raises(ConfigError, match=re.escape(told)):
        charts.check_picture("--plot", Path(name))


def test_without_matplotlib_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    charts.check_picture("--html")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        ConfigError, match=r"--html needs matplotlib.*jaxtrain\[plots\]"
    ):
        charts.check_picture("--html")
