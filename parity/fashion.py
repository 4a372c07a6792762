"""The twin runs on Fashion-MNIST: every step compared."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from jaxtrain.config import Config
from jaxtrain.data import Dataset, Split, load
from jaxtrain.fashion import load_backend
from jaxtrain.history import History
from parity.cases.fashion import CASES, FashionCase
from parity.histories import Comparison, compare_histories


@dataclass(frozen=True)
class Verdict:
    """What came of a case."""

    case: FashionCase
    steps: int
    comparison: Comparison

    @property
    def passed(self) -> bool:
        """Whether every step and every epoch lies within the case's bounds."""
        seen = self.comparison
        return (
            seen.departure is None
            and seen.lrs == 0
            and max(seen.train_loss, seen.avg_loss) <= self.case.bound
            and seen.accuracy <= self.case.accuracy_bound
        )

    def __str__(self) -> str:
        seen, case = self.comparison, self.case
        text = (
            f"{case.name:<12} {case.config.loop.dtype:<8} {self.steps:>5} steps  "
            f"max |Δloss| {seen.losses:.2g}, of the tests {seen.avg_loss:.2g} "
            f"(allowed {case.bound:g})  "
            f"accuracy {seen.accuracy:.2f} points apart "
            f"(allowed {case.accuracy_bound:g})  {'ok' if self.passed else 'DEPARTS'}"
        )
        return f"{text}\n  {seen.departure}" if seen.departure else text


def history(config: Config, dataset: Dataset, backend: str) -> History:
    """The run of a configuration by one backend.

    Raises:
        ConfigError: the backend is not there.
    """
    return History(config.to_dict(), {}).extend(load_backend(backend)(config, dataset))


def part_of(dataset: Dataset, train: int, test: int = 100) -> Dataset:
    """The first images of each split: less to train on in both frameworks."""
    splits = [
        Split(split.images[:count], split.labels[:count])
        for split, count in ((dataset.train, train), (dataset.test, test))
    ]
    return replace(dataset, train=splits[0], test=splits[1], folder=None)


def judge(case: FashionCase, dataset: Dataset) -> Verdict:
    """Run a case in both frameworks and compare them."""
    reference = history(case.config, dataset, "torch")
    candidate = history(case.config, dataset, "jax")
    comparison = compare_histories(reference, candidate, case.bound)
    return Verdict(case, len(reference.losses), comparison)


def verdicts(epochs: int | None = None) -> Iterator[Verdict]:
    """Judge every case, for its own number of epochs or the one that is given."""
    dataset = load()
    for case in CASES:
        yield judge(case if epochs is None else case.for_epochs(epochs), dataset)
