"""Train the tutorial's network several ways, and draw the curves in one picture.

    python examples/compare_curves.py curves.png \\
        --optimizer 'sgd(lr=0.1)' 'adam(lr=0.001)' 'rmsprop(lr=0.001,momentum=0.9)'
    python examples/compare_curves.py curves.png --loss 'cross_entropy()' 'mse_loss()'

Every pair of an optimiser and a loss is one run, from the same seed. What losses come
to is not alike, so the lower picture shows the accuracy. Needs matplotlib.
"""

import argparse
import sys
from pathlib import Path

from jaxtrain import data
from jaxtrain.errors import ConfigError
from jaxtrain.run.by_name import Call, parse_calls
from jaxtrain.run.config import (
    Config,
    LoopConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
)
from jaxtrain.run.history import History
from jaxtrain.run.loop import run

SMOOTH = 50
"""Batches in each point of a loss curve."""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--optimizer", nargs="+", default=["sgd(lr=0.1)"])
    parser.add_argument("--loss", nargs="+", default=["cross_entropy()"])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--hidden", type=int, nargs="*", default=[512, 512])
    parser.add_argument("--data", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def configured(optimizer: Call, loss: Call, chosen: argparse.Namespace) -> Config:
    arguments = dict(optimizer.arguments)
    lr = arguments.pop("lr", OptimizerConfig.lr)
    return Config(
        model=ModelConfig(hidden=tuple(chosen.hidden)),
        optimizer=OptimizerConfig(optimizer.name, lr, arguments),
        loss=LossConfig(loss.name, loss.arguments),
        loop=LoopConfig(epochs=chosen.epochs, seed=chosen.seed),
    )


def histories(chosen: argparse.Namespace) -> dict[str, History]:
    """A title for each run, and what it gave."""
    dataset, found = data.load(chosen.data), {}
    for optimizer in chosen.optimizer:
        for loss in chosen.loss:
            title = _title(optimizer, loss, chosen)
            (how,), (what,) = parse_calls(optimizer), parse_calls(loss)
            config = configured(how, what, chosen)
            history = History(config.to_dict(), {}).extend(run(config, dataset))
            last = history.epochs[-1]
            print(f"{title}: accuracy {last.accuracy:.1f} %, loss {last.avg_loss:.4f}")
            found[title] = history
    return found


def _title(optimizer: str, loss: str, chosen: argparse.Namespace) -> str:
    """What tells this run from the others."""
    if len(chosen.loss) == 1:
        return optimizer
    return loss if len(chosen.optimizer) == 1 else f"{optimizer}, {loss}"


def draw(found: dict[str, History], picture: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 8), layout="constrained")
    above, below = figure.subplots(2)
    for title, history in found.items():
        points = range(0, len(history.losses) - SMOOTH + 1, SMOOTH)
        means = [sum(history.losses[i : i + SMOOTH]) / SMOOTH for i in points]
        above.plot([i + SMOOTH / 2 for i in points], means, label=title)
        accuracies = [epoch.accuracy for epoch in history.epochs]
        below.plot(range(1, len(accuracies) + 1), accuracies, "o-", label=title)
    above.set(xlabel="step", ylabel=f"training loss, mean of {SMOOTH}", yscale="log")
    below.set(xlabel="epoch", ylabel="test accuracy, %")
    below.locator_params(axis="x", integer=True)
    above.legend()
    figure.savefig(picture, dpi=100)


def main() -> int:
    chosen = options()
    try:
        draw(histories(chosen), chosen.picture)
    except (ConfigError, data.DataError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
