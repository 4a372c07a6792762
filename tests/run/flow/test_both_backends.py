"""One configuration, two backends: the same lines, the same records."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("torchvision")

from jaxtrain.commands import fashion
from jaxtrain.store.run_folder import RunRecord, read_run
from parity.difference import difference

OPTIONS = (
    *("--data", "synthetic", "--batch-size", "50", "--limit-batches", "6"),
    *("--hidden", "16", "--dropout", "0.2", "--shuffle", "--dtype", "float64"),
    *("--optimizer", "adamw", "--scheduler", "step_lr", "--validation", "500"),
    *("--scheduler-args", "step_size=1", "--ema", "0.9", "--accumulate", "2"),
    *("--augment", "random_horizontal_flip", "--epochs", "2", "--device", "cpu"),
)
BOUND = 1e-10
"""Of float64 runs, as in the parity tests."""


def recorded(backend: str, out: Path, *more: str) -> RunRecord:
    given = [*OPTIONS, "--backend", backend, "--out", str(out), *more]
    assert fashion.main(given) == 0
    return read_run(out)


def test_both_write_the_same_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = recorded("jax", tmp_path / "jax")
    lines = capsys.readouterr().out.splitlines()
    theirs = recorded("torch", tmp_path / "torch")
    # But for who trained, and how long it took.
    assert capsys.readouterr().out.splitlines()[1:-1] == lines[1:-1]
    assert difference(theirs.losses, ours.losses).max() <= BOUND
    assert np.array_equal(ours.lrs, theirs.lrs)
    assert len(ours.losses) == 12
    assert [e.accuracy for e in ours.epochs] == [e.accuracy for e in theirs.epochs]
    assert ours.predictions is not None
    assert theirs.predictions is not None
    assert difference(theirs.predictions.outputs, ours.predictions.outputs).max() < 1e-5
    assert np.array_equal(ours.predictions.labels, theirs.predictions.labels)
    other = recorded("jax", tmp_path / "other", "--lr", "2e-3")
    assert difference(theirs.losses, other.losses).max() > BOUND


@pytest.mark.parametrize(
    "flag", ["--resume auto", "--monitor 10", "--keep 5", "--save-every 60"]
)
def test_checkpoints_and_the_monitor_are_of_jax_alone(
    flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [*OPTIONS, "--backend", "torch", "--out", str(tmp_path / "run")]
    assert fashion.main([*given, *flag.split()]) == 2
    said = capsys.readouterr().err
    shown = flag.replace(" 60", " 60.0")
    assert said == f"{fashion.PROG}: error: {shown} is not for --backend torch\n"
