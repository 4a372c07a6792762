"""What is refused leaves the disk as it was: every command, every way to be refused."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fault_runs import SAVING, Command, snapshot, steps

from jaxtrain.commands import export, fashion, lr_range, predict, report
from jaxtrain.data import Dataset
from jaxtrain.store import checkpoint
from jaxtrain.store.checkpoint import Store
from jaxtrain.store.run_folder import RunFolder


@pytest.fixture(scope="session")
def another(tmp_path_factory: pytest.TempPathFactory, tiny: Dataset) -> Path:
    """Another run of the configuration of `whole`, and one that goes on from it."""
    root = tmp_path_factory.mktemp("another")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fashion, "load", lambda source, on_progress: tiny)
        given = [*SAVING.split(), "--keep", "9", "--out"]
        assert fashion.main([*given, str(root / "b")]) == 0
        on = ["--epochs", "4", "--resume", str(root / "b")]
        assert fashion.main([*given, str(root / "c"), *on]) == 0
    return root


@pytest.fixture
def runs(whole: Path, another: Path, tmp_path: Path) -> Path:
    """A folder of three runs: `a`, `b` like it, and `c`, which went on from `b`."""
    shutil.copytree(whole, tmp_path / "a")
    for name in "bc":
        shutil.copytree(another / name, tmp_path / name)
    return tmp_path


def nothing(runs: Path) -> None:
    """There is nothing to prepare."""


def without(*names: str) -> Callable[[Path], None]:
    def prepare(runs: Path) -> None:
        for name in names:
            (runs / name).unlink()

    return prepare


def without_checkpoints(runs: Path) -> None:
    shutil.rmtree(runs / "b" / "checkpoints")
    (runs / "history.json").write_text("precious")


def a_folder(name: str) -> Callable[[Path], None]:
    def prepare(runs: Path) -> None:
        (runs / name).unlink(missing_ok=True)
        (runs / name).mkdir()

    return prepare


def a_file(name: str) -> Callable[[Path], None]:
    return lambda runs: (runs / name).write_text("precious") and None


def of_a_later_version(runs: Path) -> None:
    path = runs / "c" / "metrics.jsonl"
    path.write_text(path.read_text().replace(".metrics/", ".metrics/9", 1))


def damaged(runs: Path) -> None:
    for path in steps(runs / "b"):
        (path / "state.json").write_text("")


def killed_in_mid_write(runs: Path) -> None:
    (runs / "b" / ".metrics.jsonl.0123456789ab.part").write_text("half")
    newest = steps(runs / "b")[-1]
    newest.rename(newest.with_name(f".{newest.name}.0123456789ab.old"))
    (newest.parent / ".step-00000099.0123456789ab.part").mkdir()


BACK = "--resume {c}/checkpoints/step-00000012 --out {c}"
REFUSED = [
    ("--epochs 3 --out {b} --resume {a}", nothing, "holds a run, and not the one of"),
    ("--epochs 4 --out {c} --resume {b}", nothing, "holds a run, and not the one of"),
    (
        "--out {b} --resume {a}",
        without("b/config.json", "b/metrics.jsonl"),
        "holds a run, and not the one of",
    ),
    ("--out {b} --resume {a}", killed_in_mid_write, "holds a run, and not the one of"),
    (BACK, of_a_later_version, "metrics.jsonl is of the schema"),
    (BACK, a_folder("c/metrics.jsonl"), "metrics.jsonl is not a file"),
    (BACK, a_folder("c/config.json"), "config.json is not a file"),
    (BACK, a_folder("c/predictions.npz"), "predictions.npz is not a file"),
    (BACK, a_folder("c/steps.csv"), "steps.csv is not a file"),
    (f"{BACK} --tensorboard", a_file("c/tensorboard"), "is not a folder"),
    (f"{BACK} --lr 0.5", nothing, "it is of another run: optimizer.lr"),
    ("--out {b}", nothing, "already holds a run: --resume auto continues it"),
    ("--out {b} --resume auto --seed 1", killed_in_mid_write, "loop.seed 0, now 1"),
    ("--out {b} --resume auto", without_checkpoints, "without checkpoints to go on"),
    (
        "--out {b} --resume auto --history {root}/history.json",
        without_checkpoints,
        "without checkpoints to go on",
    ),
    ("--out {b}", without("b/config.json", "b/metrics.jsonl"), "holds a run already"),
    ("--out {b} --resume auto", damaged, "has no whole checkpoint"),
    ("--out {root}/new --resume {b}", damaged, "has no whole checkpoint"),
    ("--out {root}/new --resume {a} --lr 0.5", nothing, "it is of another run"),
    ("--out {root}/new --resume {root}", nothing, "holds no checkpoint"),
    ("--out {root}/new --augment mirror", nothing, "unknown transform"),
    ("--out {root}/new --optimizer-args nesterov=3", nothing, "nesterov"),
    ("--out {root}/new --backend torch --save-every 3", nothing, "is not for --backen"),
    ("--resume {b}", damaged, "has no whole checkpoint"),
    ("--history {a}", nothing, "is a folder"),
    ("--history {root}/none/history.json", nothing, "there is no folder"),
    ("--history {a}/metrics.jsonl", nothing, "is what the run in"),
    ("--history {a}/checkpoints/history.json", nothing, "is what the run in"),
    (
        "--out {b} --resume auto --history {b}/steps.csv",
        without("b/steps.csv"),
        "is what the run in",
    ),
    (
        "--out {root}/new --history {root}/new/config.json",
        nothing,
        "is what the run in",
    ),
]


@pytest.mark.parametrize(("text", "prepare", "told"), REFUSED, ids=range(len(REFUSED)))
def test_a_refused_run_leaves_the_disk_as_it_was(
    command: Command,
    runs: Path,
    text: str,
    prepare: Callable[[Path], None],
    told: str,
) -> None:
    if "torch" in text:
        pytest.importorskip("torch")
    prepare(runs)
    before = snapshot(runs)
    names = {name: runs / name for name in "abc"}
    flags = f"{SAVING} --keep 9" if "--out" in text else "--hidden --epochs 2"
    ran = command(f"{flags} {text.format(**names, root=runs)}")
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1), ran
    assert told in ran.err
    assert snapshot(runs) == before


@pytest.mark.parametrize("name", ["b", "new"])
def test_a_run_that_is_kept_out_leaves_the_disk_as_it_was(
    command: Command, runs: Path, tiny: Dataset, name: str
) -> None:
    out = runs / name
    with RunFolder.open(out, {}, {}, tiny, resume=True):
        before = snapshot(runs)
        ran = command(f"{SAVING} --resume auto --out", out)
        assert "another run is writing there" in ran.err
        assert snapshot(runs) == before
    with Store.open(out / "checkpoints"):
        before = snapshot(runs)
        ran = command(f"{SAVING} --resume auto --out", out)
        assert "is in use by another run" in ran.err
        assert snapshot(runs) == before
    assert not (runs / "new").exists()


def test_going_back_drops_what_was_later(command: Command, runs: Path) -> None:
    """The twin: a run that is not refused does change the disk."""
    text = f"{SAVING} --keep 9 --epochs 3 --resume {{c}}/checkpoints/step-00000012"
    out = runs / "c"
    assert len(steps(out)) > 3
    ran = command(f"{text} --out {{c}}".format(c=out))
    assert (ran.status, ran.err) == (0, "")
    assert [path.name for path in steps(out)][-1] == "step-00000012"
    assert checkpoint.read(out / "checkpoints").problems == []


OTHERS = [
    (report.main, "{a} --html {root}/none/page.html", nothing, "there is no folder"),
    (report.main, "{a} --html {b}", nothing, "is a folder"),
    (report.main, "{a} --html {b}/config.json", nothing, "is what the run in"),
    (
        export.main,
        "{a} {a}/checkpoints/step-00000012/state.safetensors",
        nothing,
        "is what the run in",
    ),
    (
        predict.main,
        "{a} {root}/image.png --json {a}/predictions.npz",
        nothing,
        "is what the run in",
    ),
    (report.main, "{a} --pictures {root}/none/here", nothing, "there is no folder"),
    (report.main, "{a} --pictures {a}/config.json", nothing, "must be a folder"),
    (report.main, "{a} {b}", a_folder("b/metrics.jsonl"), "is not a file"),
    (report.main, "{c}", of_a_later_version, "metrics.jsonl is of the schema"),
    (report.main, "{root}", nothing, "holds no run"),
    (export.main, "{a} {root}/net.onnx", nothing, "must end in .safetensors"),
    (export.main, "{a} {root}/none/net.jax", nothing, "there is no folder"),
    (
        export.main,
        "{a} {root}/net.safetensors",
        a_folder("net.safetensors"),
        "is a folder",
    ),
    (export.main, "{b} {root}/net.safetensors", damaged, "has no whole checkpoint"),
    (predict.main, "{b} {root}/image.png", damaged, "has no whole checkpoint"),
    (predict.main, "{a} {root}/none.png", nothing, "cannot be read"),
    (
        predict.main,
        "{a} {root}/image.png --picture {root}/seen.png --json {b}",
        nothing,
        "is a folder",
    ),
    (lr_range.main, "--picture {root}/rates.none --hidden 8", nothing, "--picture"),
    (lr_range.main, "--out {root}/new", nothing, "is of no use here"),
]


@pytest.mark.parametrize(
    ("main", "text", "prepare", "told"), OTHERS, ids=range(len(OTHERS))
)
def test_the_other_commands_leave_the_disk_as_it_was(
    runs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tiny: Dataset,
    main: Callable[[list[str]], int],
    text: str,
    prepare: Callable[[Path], None],
    told: str,
) -> None:
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(runs)
    monkeypatch.setattr(lr_range, "load", lambda source, on_progress: tiny)
    pixels = np.zeros((28, 28), np.uint8)
    pixels[9:20, 9:20] = 200
    image.fromarray(pixels).save(runs / "image.png")
    prepare(runs)
    before = snapshot(runs)
    names = {name: runs / name for name in "abc"}
    assert main(text.format(**names, root=runs).split()) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert told in err
    assert snapshot(runs) == before
