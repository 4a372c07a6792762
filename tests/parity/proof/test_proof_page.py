"""The page of the proof: whole by itself, well formed, and true to the verdicts."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from jaxtrain.run.history import History
from jaxtrain.show import charts
from jaxtrain.store.events import Epoch
from parity.proof.report import curves, page
from parity.proof.verdict import Findings, Twins, Verdict

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


Drawn = dict[str, np.ndarray]


def drawn(chart: curves.Chart) -> Drawn:
    """Label -> points, (2, points), of each line; the band's are its outline's."""
    ax = charts.figure().subplots()
    chart.draw(ax)
    bands = {str(b.get_label()): b.get_paths()[0].vertices.T for b in ax.collections}
    lines = {str(line.get_label()): line.get_xydata().T for line in ax.lines}
    return {**bands, **lines}


def svgs(text: str) -> list[ElementTree.Element]:
    """Parsed: what is not well formed raises."""
    return [ElementTree.fromstring(s) for s in re.findall(r"<svg.*?</svg>", text, re.S)]


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    page.save(tmp_path / "page.html", Findings(GROUPS, {"rng": [SEEN]}))
    text = (tmp_path / "page.html").read_text()
    assert len(svgs(text)) == 4
    # A name, and no place.
    text = text.replace(f'xmlns="{charts.SVG}"', "")
    for outside in ("<script", "<link", "src=", "http:", "https:", "@import"):
        assert outside not in text, outside
    assert set(re.findall(r"(?:url\(|href=\")(.)", text)) == {"#"}
    assert "prefers-color-scheme: dark" in text
    assert "a &lt;b&gt; &amp; c" in text
    assert "<b>" not in text.replace("<figcaption><b>", "")


def test_places_in_the_page_have_names_of_their_own() -> None:
    pairs = [replace(SEEN, group="pairs")]
    text = page.page(Findings({**GROUPS, "pairs": pairs}))
    names = re.findall(r' id="([^"]*)"', text)
    # Equal charts share what they are clipped by: there, a name stands for its content.
    own = [name for name in names if not re.fullmatch("[mp][0-9a-f]{10}", name)]
    assert own == ["fashion", "rng", "pairs"]
    assert {*re.findall(r'(?:url\(|href=")#([^")]*)', text)} <= {*names}


def test_a_number_stays_on_one_line() -> None:
    text = page.page(Findings(GROUPS))
    assert "largest 4e&#8209;05, allowed 5e&#8209;05" in text


def test_a_departure_is_at_the_top() -> None:
    equal = page.page(Findings(GROUPS))
    assert '<p class="ok">equal: 2 measures' in equal
    assert "DEPARTS" not in equal
    failed = {**GROUPS, "rng": [replace(SEEN, value=1.0)]}
    text = page.page(Findings(failed))
    assert '<p class="bad">departs: 1 of 2' in text
    assert text.count("DEPARTS") == 2


def test_the_difference_of_one_step_survives_the_binning() -> None:
    chart = curves.of(TWINS)[1]
    assert "largest 4e-05, allowed 5e-05" in chart.caption
    assert "1,875 of 1,876 steps are equal" in chart.caption
    lines = drawn(chart)
    assert lines["bound"].tolist() == [[0, STEPS - 1], [5e-5, 5e-5]]
    (x,), (y,) = lines["|Δloss|"]
    assert 0 <= 700 - x < STEPS / curves.MOST
    assert y == pytest.approx(4e-5, rel=1e-9)


def test_losses_are_both_runs() -> None:
    lines = drawn(curves.of(TWINS)[0])
    assert [*lines] == ["PyTorch", "JAX", "published"]
    assert len(lines["JAX"][0]) == STEPS / 4
    means = np.reshape(FALL, (-1, 4)).mean(1)
    np.testing.assert_allclose(lines["PyTorch"][1], means, rtol=1e-12)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(lines["JAX"][1], means, rtol=1e-12)


def test_noise_is_a_band_with_its_bound_and_our_run() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("torchvision")
    others = [[loss + 1e-5 * (n >= 90) for n, loss in enumerate(FALL)], FALL]
    runs = [replace(history(losses), config=FLOAT32) for losses in (FALL, APART)]
    pair = Twins("mlp", *runs, 2.0, tuple(history(run) for run in others))
    losses, chart = curves.of(pair)
    assert losses.title == "Training loss"
    assert "of 2 runs of PyTorch's" in chart.caption
    assert "At the end: PyTorch's 0 to 1e-05, JAX 4e-05." in chart.caption
    lines = drawn(chart)
    band, bound, ours = lines["PyTorch's own runs"], lines["bound"], lines["JAX"]
    # From the four steps in which the runs first differ; from zero to the largest.
    assert (band[0].min(), band[1].min()) == (88, 0)
    assert band[1].max() == pytest.approx(1e-5, rel=1e-9)
    # At the end the bound is between band and run.
    assert band[1].max() < bound[1][-1] < ours[1][-1]
    svgs(curves.svg(chart))


def test_the_published_log_is_in_the_tutorial_s_charts_alone() -> None:
    assert sum("published" in drawn(chart) for chart in curves.of(TWINS)) == 2
    other = replace(TWINS, name="shuffle")
    assert not any("published" in drawn(chart) for chart in curves.of(other))


def test_the_published_figures_are_the_page_s() -> None:
    x, y = curves.tutorial_losses(9380)
    assert (len(x), x[10], y[0]) == (100, 938, 2.29873)
    _, accuracies = curves.tutorial_accuracies(10)
    assert [*accuracies][::9] == [50.9, 71.0]


def test_odd_values_have_no_place() -> None:
    nan, inf = float("nan"), float("inf")
    odd = [1.0, nan, inf, 0.0, 2.0, 1e308]
    twins = Twins("odd", history(odd), history([*odd[:-1], 0.5]), 1e-10)
    losses, differences, *_ = curves.of(twins)
    assert drawn(losses)["PyTorch"].tolist() == [[0, 3, 4], [1, 0, 2]]
    # What differs by more than can be drawn, or not at all.
    assert drawn(differences)["|Δloss|"].tolist() == [[], []]
    for chart in curves.of(twins):
        svgs(curves.svg(chart))


@pytest.mark.parametrize("values", [[1.0], [0.0, 0.0], [float("nan")], [0.0, 1e-320]])
def test_little_to_draw_is_drawn(values: list[float]) -> None:
    twins = Twins("tutorial", history(values), history([2 * v for v in values]), 1e-10)
    for chart in curves.of(twins):
        svgs(curves.svg(chart))


def test_a_line_has_no_more_points_than_pixels() -> None:
    for count in (0, 1, curves.MOST, curves.MOST + 1, 9380):
        x, y = curves.bin_points(range(count), range(count), max)
        assert len(x) == len(y) <= curves.MOST
        assert max(y, default=-1) == count - 1
