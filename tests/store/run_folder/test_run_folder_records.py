"""Every record is checked: damage is named and mended, and old folders are read."""

import json
import os
import random
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file

from jaxtrain.commands import export, fashion, predict, report
from jaxtrain.run.history import History
from jaxtrain.store.run_folder import read_run

OLD = Path(__file__).parents[2] / "fixtures" / "old_runs"
sys.path.insert(0, str(OLD))
import make_old_runs as old

EXPECTED: dict[str, list[float]] = json.loads((OLD / "losses.json").read_text())


class Ran(NamedTuple):
    """What a command gave."""

    status: int
    out: str
    err: str


Command = Callable[..., Ran]
Main = Callable[[list[str]], int]


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    dataset = old.data()
    monkeypatch.setattr(fashion, "load", lambda source, on_progress: dataset)

    def run(main: Main, text: str, *more: str | Path) -> Ran:
        status = main([*text.split(), *map(str, more)])
        return Ran(status, *capsys.readouterr())

    return run


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in files if p.name != ".lock"
    }


def flags_of(name: str) -> str:
    return f"{old.RUNS[name][0]} {old.SAVING}".removesuffix("--out")


@pytest.mark.parametrize("name", old.RUNS)
def test_a_folder_without_checksums_is_gone_on_with_bit_for_bit(
    command: Command, tmp_path: Path, name: str
) -> None:
    out = tmp_path / name
    shutil.copytree(OLD / name, out)
    before = read_run(out)
    told = f"{out}: config.json, metrics.jsonl"
    assert before.problems[0].startswith(told)
    assert before.problems[0].endswith("by an earlier version, and read unverified")
    done = len(before.losses)
    assert before.losses.tolist() == EXPECTED[name][:done]
    more = f"--epochs {old.EPOCHS} --resume auto --history"
    history = tmp_path / "history.json"
    ran = command(fashion.main, flags_of(name), *more.split(), history, "--out", out)
    assert (ran.status, ran.err) == (0, "")
    after = read_run(out)
    assert after.problems == []
    (warned,) = (each for each in after.warnings if each.kind == "unverified")
    assert "rows of an earlier version, which gave no checksums" in warned.text
    assert after.losses.tolist() == History.load(history).losses
    whole = tmp_path / "whole.json"
    flags = f"{old.RUNS[name][0]} --epochs {old.EPOCHS} --history"
    assert command(fashion.main, flags, whole).status == 0
    here = History.load(whole).losses
    if here[:done] != EXPECTED[name][:done]:
        pytest.skip("this machine rounds otherwise than the one of the folders")
    assert after.losses.tolist() == here == EXPECTED[name]


RUN = "adam_in_mid_epoch"


@pytest.fixture(scope="session")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of today's, broken off in mid-epoch, with all that a folder may hold."""
    root = tmp_path_factory.mktemp("records")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fashion, "load", lambda source, on_progress: old.data())
        for name in (RUN, "sgd_finished"):
            flags, ends = old.RUNS[name]
            status = old.run(f"{flags} {old.SAVING} {root / name}", ends)
            assert status == (0 if ends is None else 143)
    return root


@pytest.fixture
def runs(ended: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ended, tmp_path / "runs"))


def line_of(out: Path, what: str) -> int:
    """Number of the first line of the records that holds so."""
    lines = (out / "metrics.jsonl").read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if what in line)


def change(path: Path, pattern: bytes, new: bytes) -> None:
    data = path.read_bytes()
    changed, count = re.subn(pattern, new, data, count=1)
    assert count == 1
    assert changed != data
    path.write_bytes(changed)


STEP = rb'("step":3,.*?"loss":\d\.\d\d)\d'
DAMAGE = [
    ('"step":3,', STEP, rb"\g<1>x"),
    ('"step":3,', rb'("step":3,.*"crc32":").', rb"\1x"),
    ('"step":3,', rb'("step":3,.*?"loss":)\d', rb"\g<1>9"),
    ('"step":13,', rb'("step":13,.*?"loss":)\d', rb"\g<1>9"),
    ('"step":3,', rb'("step":3,.*)\n', rb"\1 "),
    ('"kind":"epoch"', rb'("accuracy":)\d', rb"\g<1>9"),
    ('"schema"', rb'"jaxtrain":"0', b'"jaxtrain":"1'),
]


@pytest.mark.parametrize(("what", "pattern", "new"), DAMAGE, ids=range(len(DAMAGE)))
def test_a_damaged_line_is_named_and_written_again(
    command: Command, runs: Path, what: str, pattern: bytes, new: bytes
) -> None:
    out, flags = runs / RUN, flags_of(RUN)
    number, path = line_of(out, what), runs / RUN / "metrics.jsonl"
    rows = [row for row in read_run(out).rows if row["kind"] in ("step", "epoch")]
    change(path, pattern, new)
    ran = command(report.main, str(out))
    told = f"python -m jaxtrain.report: error: {path}, line {number} is damaged: "
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(told)
    ran = command(fashion.main, flags, "--resume", "auto", "--out", out)
    assert (ran.status, ran.err) == (0, "")
    record = read_run(out)
    now = [row for row in record.rows if row["kind"] in ("step", "epoch")]
    assert now[: len(rows)] == rows
    said = f"metrics.jsonl, line {number}: not as written, and written again"
    assert said in [warned.text for warned in record.warnings]
    assert not (out / "metrics.damaged.jsonl").exists()


def test_what_nothing_else_holds_is_lost_and_said(command: Command, runs: Path) -> None:
    out, flags = runs / RUN, flags_of(RUN)
    number = line_of(out, '"kind":"sample"')
    path = out / "metrics.jsonl"
    change(path, rb'("kind":"sample".*?"gradient_norms".*?:)\d', rb"\g<1>9")
    damaged = path.read_bytes()
    ran = command(fashion.main, flags, "--resume", "auto", "--out", out)
    assert (ran.status, ran.err) == (0, "")
    said = f"metrics.jsonl, line {number}: not as written, and lost; see metrics.damag"
    assert any(warned.text.startswith(said) for warned in read_run(out).warnings)
    assert (out / "metrics.damaged.jsonl").read_bytes() == damaged


def test_a_step_is_the_checkpoint_s_where_the_table_is_gone(
    command: Command, runs: Path
) -> None:
    """In the epoch of the checkpoint; elsewhere it is said to be lost."""
    out, flags = runs / RUN, flags_of(RUN)
    losses = read_run(out).losses.tolist()
    (out / "steps.csv").unlink()
    for step in (3, 13):
        change(out / "metrics.jsonl", b'("step":%d,.*?"loss":)\\d' % step, rb"\g<1>9")
    ran = command(fashion.main, flags, "--resume", "auto", "--out", out)
    assert (ran.status, ran.err) == (0, "")
    record = read_run(out)
    texts = [warned.text for warned in record.warnings]
    lost = "steps of the run that were taken but are not in metrics.jsonl: 3"
    assert lost in texts
    now = dict(zip(record.steps.tolist(), record.losses.tolist(), strict=True))
    assert {step: now[step] for step in range(18) if step != 3} == {
        step: loss for step, loss in enumerate(losses[:18]) if step != 3
    }


def test_a_damaged_configuration_is_written_again(command: Command, runs: Path) -> None:
    out, flags = runs / RUN, flags_of(RUN)
    path = out / "config.json"
    change(path, rb'("batch_size": )2', rb"\g<1>3")
    ran = command(report.main, str(out))
    told = f"{path} is damaged: it does not match its checksum\n"
    assert (ran.status, ran.err) == (2, f"python -m jaxtrain.report: error: {told}")
    ran = command(fashion.main, flags, "--resume", "auto", "--out", out)
    assert (ran.status, ran.err) == (0, "")
    assert read_run(out).config["data"]["batch_size"] == 20


MUTATED = (RUN, "sgd_finished")


def mutations(root: Path, seed: int, count: int) -> Iterator[tuple[str, Path, bytes]]:
    """Names a file and what it holds after a digit or a byte of it was changed."""
    draw = random.Random(seed)
    files = [
        path
        for name in MUTATED
        for path in sorted((root / name).rglob("*"))
        if path.is_file() and path.name != ".lock"
    ]
    for number in range(count):
        path = files[number % len(files)]
        data = bytearray(path.read_bytes())
        digits = [i for i, byte in enumerate(data) if 48 <= byte <= 57]
        if number % 2 and digits:
            at = draw.choice(digits)
            data[at] = draw.choice([d for d in range(48, 58) if d != data[at]])
        else:
            at = draw.randrange(len(data))
            data[at] ^= draw.randrange(1, 256)
        yield f"{path.relative_to(root)}@{at}", path.relative_to(root), bytes(data)


@pytest.fixture
def hurried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hundreds of runs of two programs: compiled once, and no waiting for the disk."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: getattr(jax.config, name) for name in names}
    jax.config.update(names[0], str(tmp_path / "cache"))
    jax.config.update(names[1], 0)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("count", "every"),
    [(30, 10), pytest.param(400, 1, marks=pytest.mark.long)],
    ids=["few", "many"],
)
def test_no_mutation_gives_a_wrong_result(
    command: Command, ended: Path, tmp_path: Path, count: int, every: int
) -> None:
    """What a command says of a damaged folder is right, or is refused in a line.

    Where a damaged checkpoint is passed over, export and predict say so and take an
    older one. `every`: so many mutations are tried by report alone, but for one.
    """
    image = pytest.importorskip("PIL.Image")
    image.fromarray(old.data().test.images[0]).save(tmp_path / "image.png")
    shutil.copytree(ended, tmp_path / "right")
    right = {name: results(command, tmp_path / "right" / name) for name in MUTATED}
    assert all(ran.status == 0 for each in right.values() for ran, _ in each.values())
    outcomes = {"right": 0, "passed over": 0, "refused": 0}
    for number, (what, path, data) in enumerate(mutations(ended, 0, count)):
        run = tmp_path / "mutated" / path.parts[0]
        shutil.copytree(ended, run.parent)
        (run.parent / path).write_bytes(data)
        names = COMMANDS if number % every == 0 else ("report",)
        for name, (ran, result) in results(command, run, names).items():
            told = "passed over" in ran.err and name in ("export", "predict")
            assert "Traceback" not in ran.err, what
            if ran.status:
                assert (ran.status, ran.err.count("\n")) == (2, 1), (what, ran)
                outcomes["refused"] += 1
            elif told:
                outcomes["passed over"] += 1
            else:
                assert result == right[path.parts[0]][name][1], (what, name)
                outcomes["right"] += 1
        shutil.rmtree(run.parent)
    print(outcomes)
    assert outcomes["right"] > outcomes["refused"] > 0


Result = tuple[Ran, object]
COMMANDS = ("report", "export", "predict", "resume")


def results(
    command: Command, out: Path, names: Sequence[str] = COMMANDS
) -> dict[str, Result]:
    """What commands make of a run; a refusal may leave no trace."""
    place = out.parents[1]
    page, net, seen = (place / name for name in ("p.html", "n.safetensors", "a.json"))
    history = place / "history.json"
    resume = [*flags_of(out.name).split(), "--resume", "auto", "--history", history]
    ways: dict[str, tuple[Main, list[str | Path], Callable[[], object]]] = {
        "report": (report.main, [out, "--html", page], lambda: shown(out)),
        "export": (export.main, [out, net], lambda: weights(net)),
        "predict": (
            predict.main,
            [out, place / "image.png", "--json", seen],
            seen.read_bytes,
        ),
        "resume": (fashion.main, [*resume, "--out", out], lambda: kept(out, history)),
    }
    found: dict[str, Result] = {}
    before = content(out)
    for name in names:
        main, given, result = ways[name]
        ran = command(main, "", *given)
        assert ran.status == 0 or content(out) == before, (name, ran)
        found[name] = ran, result() if ran.status == 0 else None
    return found


def weights(path: Path) -> object:
    # The library writes a file's metadata in any order.
    return {name: array.tolist() for name, array in load_file(path).items()}


def shown(out: Path) -> object:
    """All that a report is made of."""
    record = read_run(out)
    answers = record.predictions
    outputs = None if answers is None else answers.outputs.tolist()
    rows = [row for row in record.rows if row["kind"] in ("step", "epoch", "tested")]
    return repr(rows), record.config["optimizer"], outputs


def kept(out: Path, history: Path) -> object:
    """What a run that went on leaves, but for times."""
    record, content = read_run(out), History.load(history)
    outputs = record.predictions
    assert outputs is not None
    epochs = [(e.epoch, e.train_loss, e.accuracy, e.avg_loss) for e in content.epochs]
    assert [e.avg_loss for e in record.epochs] == [e.avg_loss for e in content.epochs]
    assert np.array_equal(record.losses, content.losses)
    return content.losses, content.lrs, epochs, outputs.outputs.tolist()
