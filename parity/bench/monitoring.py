"""`python -m parity bench monitoring`: the same run watched and unwatched, in turn."""

import statistics
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jaxtrain import data
from jaxtrain.data import Dataset
from jaxtrain.run.config import (
    Config,
    LoopConfig,
    ModelConfig,
    OptimizerConfig,
    RecordsConfig,
)
from jaxtrain.run.loop import run
from jaxtrain.store.events import Epoch, Event
from jaxtrain.store.run_folder import RunFolder
from jaxtrain.watch.monitor import watching


@dataclass(frozen=True)
class Timing:
    """Seconds of one way to run, a value for each round."""

    name: str
    seconds: tuple[float, ...]


def time_plain(config: Config, dataset: Dataset) -> float:
    """Seconds of training with nothing looked at."""
    return _train(config, dataset, RecordsConfig(monitor=0))


def time_monitor(config: Config, dataset: Dataset) -> float:
    """Seconds with samples, warnings and the search for what is not finite."""
    return _train(config, dataset, RecordsConfig())


def time_records(config: Config, dataset: Dataset) -> float:
    """The same, with every figure on disk, and a checkpoint at each epoch's end."""
    with tempfile.TemporaryDirectory() as parent:
        records = RecordsConfig(out=Path(parent, "run"))
        return _train(config, dataset, records)


WAYS: Mapping[str, Callable[[Config, Dataset], float]] = {
    "nothing watched": time_plain,
    "monitor": time_monitor,
    "monitor and --out": time_records,
}


def measure(
    optimizer: str = "sgd",
    model: str = "mlp",
    epochs: int = 3,
    rounds: int = 7,
    on_progress: Callable[[str], None] = lambda text: None,
) -> list[Timing]:
    """Run every way once a round, in an order that turns."""
    dataset = data.load()
    config = Config(
        model=ModelConfig(model),
        optimizer=OptimizerConfig(optimizer),
        # The first epoch compiles, and is not counted.
        loop=LoopConfig(epochs=1 + epochs),
    )
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for turn in range(rounds):
        for name in list(WAYS)[:: 1 if turn % 2 else -1]:
            on_progress(f"round {turn + 1} of {rounds}: {name}")
            times[name].append(WAYS[name](config, dataset))
    return [Timing(name, tuple(values)) for name, values in times.items()]


def _train(config: Config, dataset: Dataset, records: RecordsConfig) -> float:
    config = Config(**{**vars(config), "records": records})
    events = watching(run(config, dataset), config)
    if records.out is None:
        return _seconds(list(events))
    about = {"name": dataset.name, "source": dataset.source, "sha256": dataset.sha256}
    log: list[Event] = []
    with RunFolder.open(records.out, config.to_dict(), about, dataset) as folder:
        for event in events:
            folder.add(event)
            log.append(event)
    return _seconds(log)


def _seconds(events: Iterable[Event]) -> float:
    return sum(e.train_seconds for e in events if isinstance(e, Epoch) and e.epoch > 1)


def table(timings: list[Timing]) -> str:
    """Medians, and each way's time over the first one's, round by round."""
    bare = timings[0]
    lines = [f"{'way':<20}{'seconds':>9}{'ratio':>8}  from to"]
    for timing in timings:
        pairs = zip(timing.seconds, bare.seconds, strict=True)
        ratios = sorted(mine / least for mine, least in pairs)
        lines.append(
            f"{timing.name:<20}{statistics.median(timing.seconds):>9.2f}"
            f"{statistics.median(ratios):>8.3f}  {ratios[0]:.3f} to {ratios[-1]:.3f}"
        )
    return "\n".join(lines)
