"""What the command prints, of made-up events."""

import math
import platform
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from toys import PROG

import jaxtrain
from jaxtrain.commands.options import parse
from jaxtrain.data import Dataset, Split
from jaxtrain.run.config import Config
from jaxtrain.show.terminal import Bar, Display
from jaxtrain.store.events import Epoch, Event, Started, Steps


def blank(train: int = 60_000, test: int = 10_000, name: str = "toy data") -> Dataset:
    """Black images that take no memory."""

    def split(size: int) -> Split:
        black = np.broadcast_to(np.uint8(0), (size, 28, 28))
        return Split(black, np.broadcast_to(np.uint8(0), (size,)))

    return Dataset(name, split(train), split(test), ("a",), "a test", {}, None)


def displayed(
    events: Sequence[Event],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    config: Config | None = None,
    dataset: Dataset | None = None,
) -> list[str]:
    """Lines that events make; the clock starts at 1 and gains 2 at each look."""
    ticks = iter(range(3, 100, 2))
    clock = SimpleNamespace(perf_counter=lambda: next(ticks))
    monkeypatch.setattr("jaxtrain.show.terminal.time", clock)
    with Bar() as bar:
        display = Display(config or Config(), dataset or blank(), bar, 1.0)
        for event in events:
            display.show(event)
        display.finish()
    return capsys.readouterr().out.split("\n")


STARTED = Started("toy", "cpu", "MLP 784-10", 7_850, {"toy": "1.0", "numpy": "2.0"})
EPOCH = Epoch(1, 2.2386041, 49.49, 2.1625123, 2.0, 0.5)


def test_the_lines_of_a_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = [2.3053114] + [9.0] * 99 + [2.2983512] + [9.0] * 836 + [9.0]
    events: list[Event] = [
        STARTED,
        Steps(1, 0, losses[:100], [0.1] * 100),
        Steps(1, 100, losses[100:250], [0.1] * 150),
        Steps(1, 250, losses[250:], [0.1] * (len(losses) - 250)),
        EPOCH,
    ]
    nines = [f"loss: 9.000000  [{n:5d}/60000]" for n in range(12_864, 60_000, 6_400)]
    assert displayed(events, capsys, monkeypatch) == [
        f"jaxtrain {jaxtrain.__version__}, backend toy on cpu "
        f"(toy 1.0, numpy 2.0, python {platform.python_version()})",
        "data: toy data, 60000 training and 10000 test images, from a test",
        "model: MLP 784-10, 7,850 parameters, float32",
        "training: cross_entropy, sgd(lr=0.001), batches of 64 in stored order, seed 0",
        "",
        "Epoch 1",
        "-------------------------------",
        "loss: 2.305311  [   64/60000]",
        "loss: 2.298351  [ 6464/60000]",
        *nines,
        "Test Error: ",
        " Accuracy: 49.5%, Avg loss: 2.162512 ",
        "",
        "Epoch 1, Loss: 2.238604",
        "",
        "Done!",
        "time to first step 2.0 s, 30,000 samples/s in training, total 4.0 s",
        "",
    ]


def test_synthetic_results_say_so_wherever_they_are_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Event] = [STARTED, Steps(1, 0, [2.0], [0.1]), EPOCH]
    dataset = blank(name="synthetic")
    lines = displayed(events, capsys, monkeypatch, dataset=dataset)
    assert lines[1].startswith("data: synthetic, 60000 training and 10000 test images")
    assert lines[5:-2] == [
        "Epoch 1 (synthetic data)",
        "-------------------------------",
        "loss: 2.000000  [   64/60000]",
        "Test Error (synthetic data): ",
        " Accuracy: 49.5%, Avg loss: 2.162512 ",
        "",
        "Epoch 1, Loss (synthetic data): 2.238604",
        "",
        "Done!",
    ]


def test_a_short_last_batch_counts_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Event] = [STARTED, Steps(1, 0, [1.0] * 101, [0.1] * 101)]
    lines = displayed(events, capsys, monkeypatch, dataset=blank(train=6_410))
    assert lines[7:9] == [
        "loss: 1.000000  [   64/ 6410]",
        "loss: 1.000000  [ 6410/ 6410]",
    ]


def test_numbers_that_are_none_are_shown_as_such(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Event] = [
        STARTED,
        Steps(1, 0, [math.nan], [0.1]),
        replace(EPOCH, train_loss=math.nan, avg_loss=math.inf),
    ]
    lines = displayed(events, capsys, monkeypatch)
    assert lines[7:-3] == [
        "loss:     nan  [   64/60000]",
        "Test Error: ",
        " Accuracy: 49.5%, Avg loss:      inf ",
        "",
        "Epoch 1, Loss: nan",
        "",
    ]


def test_the_header_tells_what_was_chosen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "--dropout 0.25 --dropout-masks jax --dtype float64 --loss-args "
        "label_smoothing=0.1 --lr 0.5 --optimizer-args momentum=0.9 nesterov=true "
        "--scheduler step_lr --scheduler-args step_size=3 --scheduler-every step "
        "--batch-size 7 --shuffle --seed -3"
    )
    config = parse(text.split(), PROG, "")
    lines = displayed([STARTED], capsys, monkeypatch, config)
    assert lines[2:] == [
        "model: MLP 784-10, 7,850 parameters, float64, dropout 0.25 (jax masks)",
        "training: cross_entropy(label_smoothing=0.1), "
        "sgd(lr=0.5, momentum=0.9, nesterov=True), step_lr(step_size=3) every step, "
        "batches of 7 shuffled, seed -3",
        "",
        "Done!",
        "total 2.0 s",
        "",
    ]
