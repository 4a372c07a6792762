"""Each picture draws the right numbers."""

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import run_events as toy

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

from jaxtrain.show import charts, pictures
from jaxtrain.show.pictures import PICTURES, answers, curves, insides
from jaxtrain.store import events
from jaxtrain.store.events import Steps
from jaxtrain.store.run_folder import RunFolder, RunRecord, read_run

LOSSES = np.array([toy.loss(n) for n in range(21)])
LRS = np.array([0.1 * 0.99**n for n in range(21)])


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    out = tmp_path_factory.mktemp("run") / "out"
    toy.write(out)
    return read_run(out)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """Twice the learning rate, and half as long."""
    out = tmp_path_factory.mktemp("run") / "other"
    changed = [
        Steps(e.epoch, e.first, [v * 2 for v in e.losses], [v * 2 for v in e.lrs])
        if isinstance(e, Steps)
        else e
        for e in [*toy.story()][:20]
    ]
    toy.write(out, changed)
    return read_run(out)


def lines(figure: Figure, axes: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Label -> (x, y) of each line."""
    return {
        str(line.get_label()): (
            np.asarray(line.get_xdata(), float),
            np.asarray(line.get_ydata(), float),
        )
        for line in figure.axes[axes].lines
    }


def same(found: tuple[np.ndarray, np.ndarray], x: Any, y: Any) -> None:
    np.testing.assert_array_equal(found[0], [*x])
    # The same numbers; sums may have been taken in another order.
    np.testing.assert_allclose(found[1], [*y], rtol=1e-12)


def test_losses(record: RunRecord) -> None:
    figure = curves.losses(record)
    drawn = lines(figure)
    assert [*drawn] == ["each step", "test loss"]
    same(drawn["each step"], range(21), LOSSES)
    same(drawn["test loss"], [6, 13, 20], [2.5, 1.25, 2.5 / 3])
    with pytest.raises(AssertionError):
        same(drawn["test loss"], [7, 14, 21], [2.5, 1.25, 2.5 / 3])
    with pytest.raises(AssertionError):
        same(drawn["each step"], range(21), np.roll(LOSSES, 1))


def test_the_running_mean_is_of_a_fiftieth(tmp_path: Path) -> None:
    values = np.sin(np.arange(150.0)) + 2
    values[70] = math.inf
    started = next(iter(toy.story()))
    steps = Steps(1, 0, values.tolist(), [0.1] * 150)
    toy.write(tmp_path / "out", [started, steps])
    drawn = lines(curves.losses(read_run(tmp_path / "out")))
    assert [*drawn] == ["each step", "mean of the last 3"]
    kept = np.where(np.isfinite(values), values, np.nan)
    expected = [np.nanmean(kept[max(n - 2, 0) : n + 1]) for n in range(150)]
    same(drawn["mean of the last 3"], range(150), expected)
    wider = [np.nanmean(kept[max(n - 3, 0) : n + 1]) for n in range(150)]
    with pytest.raises(AssertionError):
        same(drawn["mean of the last 3"], range(150), wider)


def test_accuracy(record: RunRecord) -> None:
    figure = curves.accuracy(record)
    (drawn,) = lines(figure).values()
    same(drawn, [1, 2, 3], [60, 70, 80])
    assert figure.axes[0].get_ylabel() == "test accuracy, %"


def test_accuracy_of_validation_images_is_called_so(record: RunRecord) -> None:
    config = {**record.config, "data": {"validation": 0.1}}
    kept = RunRecord(**{**_fields(record), "config": config})
    label = curves.accuracy(kept).axes[0].get_ylabel()
    assert label == "validation accuracy, %"


def _fields(record: RunRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in RunRecord.__dataclass_fields__}


def test_rates(record: RunRecord) -> None:
    figure = curves.rates(record)
    (rate,), (momentum,) = (lines(figure, n).values() for n in (0, 1))
    same(rate, range(21), LRS)
    same(momentum, range(21), 0.9 + LRS / 1e3)
    assert {ax.lines[0].get_drawstyle() for ax in figure.axes} == {"steps-post"}


def test_each_group_has_a_line_and_a_still_momentum_none(tmp_path: Path) -> None:
    started = next(iter(toy.story()))
    steps = Steps(1, 0, [2.0, 1.0], [[0.1, 0.2], [0.3, 0.4]])
    toy.write(tmp_path / "out", [started, steps])
    figure = curves.rates(read_run(tmp_path / "out"))
    assert len(figure.axes) == 1
    drawn = lines(figure)
    same(drawn["group 0"], [0, 1], [0.1, 0.3])
    same(drawn["group 1"], [0, 1], [0.2, 0.4])


PLACES = [0, 3, 6, 7, 10, 13, 14, 17, 20]


def test_gradient_norms(record: RunRecord) -> None:
    figure = insides.gradient_norms(record)
    drawn = lines(figure)
    same(drawn["weight"], PLACES, (1.0 + n for n in PLACES))
    same(drawn["bias"], PLACES, (1e-3 * (1 + n) for n in PLACES))
    assert figure.axes[0].get_yscale() == "log"
    # The step of the run, and not of the epoch.
    with pytest.raises(AssertionError):
        same(drawn["weight"], [0, 3, 6] * 3, (1.0 + n for n in PLACES))


def test_update_ratios(record: RunRecord) -> None:
    figure = insides.update_ratios(record)
    same(lines(figure)["weight"], PLACES, [1e-3] * 9)
    same(lines(figure)["bias"], PLACES, [2e-3] * 9)
    assert figure.axes[0].get_yscale() == "log"


def test_dead_units_are_in_percent(record: RunRecord) -> None:
    figure = insides.dead_units(record)
    same(lines(figure)["1"], PLACES, [25] * 9)
    assert figure.axes[0].get_yscale() == "linear"


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_confusion(record: RunRecord) -> None:
    labels, named = toy.DATA.test.labels, toy.outputs().argmax(1)
    counts = [
        [int(((labels == row) & (named == column)).sum()) for column in range(3)]
        for row in range(3)
    ]
    figure = answers.confusion(record)
    assert texts(figure) == [f"{n}" for row in counts for n in row]
    assert counts != np.transpose(counts).tolist()
    (image,) = figure.axes[0].images
    shares = np.array(counts) / np.sum(counts, 1)[:, None]
    np.testing.assert_allclose(image.get_array(), shares, rtol=1e-12)
    axis = figure.axes[0]
    assert [each.get_text() for each in axis.get_yticklabels()] == [*toy.CLASSES]
    assert (axis.get_ylabel(), axis.get_xlabel()) == ("is", "named")


def test_class_accuracy(record: RunRecord) -> None:
    labels, named = toy.DATA.test.labels, toy.outputs().argmax(1)
    figure = answers.class_accuracy(record)
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    shares = [100 * float((named == n)[labels == n].mean()) for n in range(3)]
    np.testing.assert_allclose(widths, shares, rtol=1e-12)
    assert texts(figure) == [f"{share:.1f}" for share in shares]
    precisions = [100 * float((labels == n)[named == n].mean()) for n in range(3)]
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(widths, precisions, rtol=1e-12)


def shares() -> np.ndarray:
    powers = np.exp(toy.outputs().astype(float))
    return powers / powers.sum(1, keepdims=True)


def captions(figure: Figure, indices: Any) -> None:
    """Each picture is that image, under what it was named and is."""
    for ax, index in zip(figure.axes, indices, strict=True):
        label, named = toy.DATA.test.labels[index], shares()[index].argmax()
        told = [f"{toy.CLASSES[named]} {shares()[index, named]:.0%}"]
        if named != label:
            told.append(f"is {toy.CLASSES[label]} {shares()[index, label]:.0%}")
        assert ax.get_title() == "\n".join(told)
        pixels = ax.images[0].get_array()
        np.testing.assert_array_equal(pixels, toy.DATA.test.images[index])


def test_sample_predictions(record: RunRecord) -> None:
    captions(answers.sample_predictions(record), range(25))
    with pytest.raises(AssertionError):
        captions(answers.sample_predictions(record), range(1, 26))


def test_worst_mistakes(record: RunRecord) -> None:
    labels = toy.DATA.test.labels
    wrong = np.flatnonzero(shares().argmax(1) != labels)
    worst = sorted(wrong, key=lambda n: shares()[n, labels[n]])[:25]
    captions(answers.worst_mistakes(record), worst)


def test_runs_are_laid_over_each_other(record: RunRecord, other: RunRecord) -> None:
    both = [record, other]
    count = len(other.steps)
    drawn = lines(curves.loss_curves(both))
    assert [*drawn] == ["out", "other"]
    # Of fewer than fifty steps the running mean is the loss; NaN is left out.
    same(drawn["out"], range(21), LOSSES)
    same(drawn["other"], range(count), 2 * LOSSES[:count])
    drawn = lines(curves.accuracies(both))
    same(drawn["out"], [1, 2, 3], [60, 70, 80])
    same(drawn["other"], [1], [60])
    drawn = lines(curves.rate_curves(both))
    same(drawn["out"], range(21), LRS)
    same(drawn["other"], range(count), 2 * LRS[:count])


def test_of_a_run_that_has_only_begun_nothing_is_drawn(tmp_path: Path) -> None:
    toy.write(tmp_path / "out", [*toy.story()][:1])
    begun = read_run(tmp_path / "out")
    assert not any(picture.can(begun) for picture in PICTURES.values())
    for comparison in pictures.COMPARISONS.values():
        assert lines(comparison.draw([begun, begun])) == {}


ODD: list[Any] = [[math.nan] * 60, [math.inf], [1e308], [0.0, 1e-320]]


@pytest.mark.parametrize("values", ODD, ids=["nan", "infinite", "huge", "tiny"])
def test_odd_numbers_are_drawn(tmp_path: Path, values: list[float]) -> None:
    sample = events.Sampled(1, 0, {"a": values[0]}, {"a": values[0]}, {"r": values[0]})
    epoch = events.Epoch(1, *values[:1] * 5)
    told = [
        next(iter(toy.story())),
        sample,
        Steps(1, 0, values, values, values),
        epoch,
        events.Tested(*values[:1] * 2, np.full((70, 3), values[0])),
    ]
    toy.write(tmp_path / "out", told)
    odd = read_run(tmp_path / "out")
    drawn = [each.draw(odd) for each in PICTURES.values() if each.can(odd)]
    drawn += [each.draw([odd, odd]) for each in pictures.COMPARISONS.values()]
    assert len(drawn) == len(PICTURES) + 3
    assert all(charts.png(figure).startswith(b"\x89PNG") for figure in drawn)


HOSTILE = ("$\\frac{", "_hidden", "<script>", "x" * 500, "a\nb\0\udcff\u202e", "茶 🫖")


def test_odd_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    names = dict.fromkeys(HOSTILE, 0.5)
    data = replace(toy.DATA, classes=HOSTILE[:3])
    started = next(iter(toy.story()))
    sample = events.Sampled(1, 0, names, names, names)
    with RunFolder.open(tmp_path / "out", toy.CONFIG, toy.ABOUT, data) as folder:
        for event in (started, sample, events.Tested(1.0, 1.0, toy.outputs())):
            folder.add(event)
    odd = read_run(tmp_path / "out")
    assert [*odd.samples[0].gradient_norms] == [*HOSTILE]
    assert odd.predictions is not None
    assert odd.predictions.classes == HOSTILE[:3]
    for each in PICTURES.values():
        if each.can(odd):
            charts.png(each.draw(odd))
    legend = insides.gradient_norms(odd).axes[0].get_legend()
    assert legend is not None
    assert len(legend.get_texts()) == len(HOSTILE)


@pytest.mark.parametrize("count", [4000, 4001, 99_999])
def test_of_many_points_the_extremes_remain(count: int) -> None:
    x, y = np.arange(count), np.ones(count)
    y[count // 3], y[count // 2] = 9.0, -9.0
    y[5:50] = np.nan
    few, kept = charts.thin(x, y)
    assert len(few) <= 4000
    assert (np.diff(few) >= 0).all()
    assert (np.nanmin(kept), np.nanmax(kept)) == (-9.0, 9.0)
    assert few[np.nanargmax(kept)] == count // 3
    assert charts.thin(x[:3], y[:3])[0].tolist() == [0, 1, 2]


def test_without_matplotlib_it_says_what_to_install(tmp_path: Path) -> None:
    toy.write(tmp_path / "out")
    code = (
        "import sys; sys.modules['matplotlib'] = None; "
        "sys.modules['matplotlib.figure'] = None; "
        "from jaxtrain.commands.report import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "out"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "which is not installed: pip install 'jaxtrain[plots]'" in done.stderr


def test_pictures_touch_no_global_state(record: RunRecord) -> None:
    code = (
        "import sys; from pathlib import Path; "
        "from jaxtrain.show import charts, pictures; "
        "from jaxtrain.store.run_folder import read_run; "
        "assert 'matplotlib' not in sys.modules; "
        "record = read_run(Path(sys.argv[1])); "
        "[charts.png(p.draw(record)) for p in pictures.PICTURES.values()]; "
        "assert not {'matplotlib.pyplot', 'jax', 'torch'} & {*sys.modules}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, record.path], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_picture_is_tested_here() -> None:
    source = Path(__file__).read_text()
    for name, each in {**PICTURES, **pictures.COMPARISONS}.items():
        room = each.draw.__module__.rpartition(".")[2]
        assert each.draw.__name__ == name
        assert f"{room}.{name}(" in source, name
