"""Where the tutorial's published result lies among our runs with many seeds.

Its seed is unknown, so it is a sample and not a curve to hit to the digit.
"""

import csv
import statistics
from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import files

from jaxtrain.data import load
from jaxtrain.run.config import Config
from jaxtrain.store.events import Epoch
from parity.proof.runs.histories import history


def tutorial_figures() -> list[tuple[int, float, float]]:
    """(epoch, accuracy in percent, average loss) that the tutorial's page shows."""
    text = files("parity").joinpath("reference/tutorial_test.csv").read_text()
    return [
        (int(row["epoch"]), float(row["accuracy_percent"]), float(row["avg_loss"]))
        for row in csv.DictReader(text.splitlines())
    ]


def measure(seeds: Iterable[int], epochs: int = 10) -> list[list[Epoch]]:
    """The epochs of the tutorial's run in JAX, once for each seed."""
    dataset, config = load(), Config()
    return [
        history(
            replace(config, loop=replace(config.loop, seed=seed, epochs=epochs)),
            dataset,
            "jax",
        ).epochs
        for seed in seeds
    ]


def table(runs: list[list[Epoch]]) -> str:
    """Least, median and greatest of each epoch beside the published figure."""
    lines = [
        f"{len(runs)} seeds",
        "| epoch | accuracy: least | median | greatest | published "
        "| average loss: least | median | greatest | published |",
        "|--:" * 9 + "|",
    ]
    for epochs, (number, accuracy, loss) in zip(
        zip(*runs, strict=True), tutorial_figures(), strict=False
    ):
        accuracies = sorted(epoch.accuracy for epoch in epochs)
        losses = sorted(epoch.avg_loss for epoch in epochs)
        lines.append(
            f"| {number} | {accuracies[0]:.1f} | {statistics.median(accuracies):.1f} "
            f"| {accuracies[-1]:.1f} | {accuracy:.1f} | {losses[0]:.4f} "
            f"| {statistics.median(losses):.4f} | {losses[-1]:.4f} | {loss:.4f} |"
        )
    return "\n".join(lines)
