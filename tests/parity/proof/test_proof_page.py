"""The page of the proof: whole by itself, well formed, and true to the verdicts."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from jaxtrain.events import Epoch
from jaxtrain.run.history import History
from parity.proof.report import curves, page, plot
from parity.proof.report.plot import Line, chart, thinned, ticks
from parity.proof.verdict import Twins, Verdict

STEPS = 1876


def history(losses: Sequence[float]) -> History:
    epochs = [Epoch(n, 1.0, 50.0 + n, 1.0, 1.0, 1.0) for n in (1, 2)]
    return History({}, {}, [*losses], [1e-3] * len(losses), [], epochs)


FLOAT32 = {"loop": {"dtype": "float32"}}
FALL = [2.3 - n / 5000 for n in range(STEPS)]
# Equal, but for one step.
APART = [loss + 4e-5 * (n == 700) for n, loss in enumerate(FALL)]
TWINS = Twins("tutorial", history(FALL), history(APART), 5e-5)
SEEN = Verdict(
    "fashion",
    "tutorial",
    "a <b> & c",
    "float32",
    "run",
    "loss",
    4e-5,
    5e-5,
    "why",
    TWINS,
)
GROUPS = {"fashion": [SEEN], "rng": [replace(SEEN, group="rng", twins=None)]}


def svgs(text: str) -> list[ElementTree.Element]:
    """Parsed: what is not well formed raises."""
    return [ElementTree.fromstring(s) for s in re.findall(r"<svg.*?</svg>", text, re.S)]


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    page.save(tmp_path / "page.html", GROUPS, {"rng": SEEN})
    text = (tmp_path / "page.html").read_text()
    for outside in ("<script", "<link", "src=", "http:", "https:", "@import", "url("):
        assert outside not in text, outside
    assert "prefers-color-scheme: dark" in text
    assert "a &lt;b&gt; &amp; c" in text
    assert "<b>" not in text
    assert len(svgs(text)) == 4


def test_a_number_stays_on_one_line() -> None:
    text = page.page(GROUPS, {})
    assert "largest 4e&#8209;05, allowed 5e&#8209;05" in text


def test_the_powers_of_a_log_axis_look_alike() -> None:
    svg = chart("log", "x", [Line("a", "ours", range(3), [1e-6, 1e-3, 0.1])], log=True)
    (root,) = svgs(svg)
    labels = [e.text for e in root.iter() if e.attrib.get("text-anchor") == "end"]
    assert labels == ["1e-06", "1e-05", "1e-04", "1e-03", "1e-02", "1e-01"]


def test_a_departure_is_at_the_top() -> None:
    equal = page.page(GROUPS, {})
    assert '<p class="ok">equal: 2 measures' in equal
    assert "DEPARTS" not in equal
    failed = {**GROUPS, "rng": [replace(SEEN, value=1.0)]}
    text = page.page(failed, {})
    assert '<p class="departs">departs: 1 of 2' in text
    assert text.count("DEPARTS") == 2


def test_the_difference_of_one_step_survives_the_thinning() -> None:
    caption, svg = curves.plots(TWINS)[1]
    assert "largest 4e-05, allowed 5e-05" in caption
    assert "1,875 of 1,876 steps are equal" in caption
    (root,) = svgs(svg)
    lines = [e for e in root.iter() if e.tag == "polyline"]
    bound, apart = (e.attrib["points"].split() for e in lines)
    assert (len(bound), len(apart)) == (2, 1)
    # Higher in the picture is less: the step lies below the bound.
    assert float(apart[0].split(",")[1]) > float(bound[0].split(",")[1])


def test_noise_is_a_band_with_its_bound_and_our_run() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("torchvision")
    others = [[loss + 1e-5 * (n >= 90) for n, loss in enumerate(FALL)], FALL]
    runs = [replace(history(losses), config=FLOAT32) for losses in (FALL, APART)]
    pair = Twins("mlp", *runs, 2.0, tuple(history(run) for run in others))
    (losses, _), (caption, svg) = curves.plots(pair)
    assert losses.startswith("Training loss")
    assert "of 2 runs of PyTorch's" in caption
    assert "At the end: PyTorch's 0 to 1e-05, JAX 4e-05." in caption
    (root,) = svgs(svg)
    (band,) = [e for e in root.iter() if e.tag == "polygon"]
    bound, ours = [e for e in root.iter() if e.tag == "polyline"]
    upper = [float(point.split(",")[1]) for point in band.attrib["points"].split()]
    # Higher in the picture is less: at the end the bound is between band and run.
    allowed, seen = (
        float(line.attrib["points"].split()[-1].split(",")[1]) for line in (bound, ours)
    )
    assert seen < allowed < min(upper)
    # Runs that are equal have no place on a log axis, but at its foot.
    assert max(upper) == plot.HEIGHT - plot.BOTTOM


def test_the_published_log_is_in_the_tutorial_s_plots_alone() -> None:
    assert sum("published" in svg for _, svg in curves.plots(TWINS)) == 2
    other = replace(TWINS, name="shuffle")
    assert not any("published" in svg for _, svg in curves.plots(other))


def test_the_published_figures_are_the_page_s() -> None:
    losses = curves.published_losses(9380)
    assert (len(losses.x), losses.x[10], losses.y[0]) == (100, 938, 2.29873)
    assert list(curves.published_accuracies(10).y)[::9] == [50.9, 71.0]


@pytest.mark.parametrize("log", [False, True])
def test_odd_values_have_no_place(log: bool) -> None:
    nan, inf = float("nan"), float("inf")
    line = Line("a < b", "ours", range(5), [1.0, nan, inf, 0.0, 2.0])
    (root,) = svgs(chart("odd", "x", [line], log=log))
    (curve,) = [e for e in root.iter() if e.tag == "polyline"]
    assert len(curve.attrib["points"].split()) == (2 if log else 3)


@pytest.mark.parametrize("values", [[], [1.0], [0.0, 0.0], [float("nan")]])
@pytest.mark.parametrize("log", [False, True])
def test_little_to_draw_is_drawn(values: list[float], log: bool) -> None:
    svgs(chart("little", "x", [Line("a", "ours", range(len(values)), values)], log=log))


@pytest.mark.parametrize(
    ("low", "high", "log"),
    [(0.0, 9380.0, False), (-0.3, 0.2, False), (1e-12, 1e-4, True), (3.0, 5.0, True)],
)
def test_ticks_are_few_and_within(low: float, high: float, log: bool) -> None:
    found = ticks(low, high, log)
    assert len(found) <= 9
    assert all(low <= tick <= high for tick in found)


def test_a_line_has_no_more_points_than_pixels() -> None:
    for count in (0, 1, plot.MOST, plot.MOST + 1, 9380):
        x, y = thinned(range(count), range(count), max)
        assert len(x) == len(y) <= plot.MOST
        assert max(y, default=-1) == count - 1
