"""Both frameworks' runs of one configuration, and what is to be said of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from jaxtrain.data import DataError, Dataset, load
from jaxtrain.run.config import Config
from parity.proof.runs.histories import compare_histories, history
from parity.proof.verdict import Twins, Verdict


@cache
def fashion_mnist() -> Dataset:
    """The real data set.

    Raises:
        DataError: it is neither here nor to be fetched.
    """
    return load()


@cache
def images() -> Dataset:
    """The real data set, or drawn images where it cannot be had.

    Two frameworks can be compared on either; `Dataset.synthetic` says which it is.
    """
    try:
        return fashion_mnist()
    except DataError:
        return load("synthetic")


LOSSES = "max |Δloss|"
SAME = "computed on the host in float64, by the same operations"
LEARNS = "runs that stand still are equal whatever the update is"


@dataclass(frozen=True)
class RunCase:
    """One configuration, and how near its two runs must be."""

    group: str
    name: str
    config: Config
    level: str
    bound: float
    reason: str
    accuracy_bound: float | None = None
    """In points; None where there are too few test images to speak of points."""


def twins(run: RunCase, dataset: Dataset, candidate: Config | None = None) -> Twins:
    """PyTorch's run and ours; ours of another configuration makes a broken twin."""
    reference = history(run.config, dataset, "torch")
    ours = history(candidate or run.config, dataset, "jax")
    return Twins(run.name, reference, ours, run.bound)


def verdicts(run: RunCase, pair: Twins, config: str) -> Iterator[Verdict]:
    """Every loss, rate and momentum, each epoch's figures, and whether it learns."""
    comparison = compare_histories(pair.reference, pair.candidate, run.bound)
    momenta = float(pair.reference.momenta != pair.candidate.momenta)
    rows = [
        (LOSSES, comparison.losses, run.bound, run.reason),
        ("max |Δmean loss|", comparison.train_loss, run.bound, run.reason),
        ("max |Δtest loss|", comparison.avg_loss, run.bound, run.reason),
        ("max |Δrate|", comparison.lrs, 0.0, SAME),
        ("momenta differ", momenta, 0.0, SAME),
        ("learns nothing", float(not learns(pair)), 0.0, LEARNS),
    ]
    if run.accuracy_bound is not None:
        few = "a few images lie on the border between two classes"
        none = "rounding is too small here to change the class of an image"
        bound = run.accuracy_bound
        why = few if bound else none
        rows.append(("max |Δaccuracy|, points", comparison.accuracy, bound, why))
    blank = Verdict(
        run.group, run.name, config, run.config.loop.dtype, run.level, "", 0.0, 0.0, ""
    )
    for measure, value, bound, reason in rows:
        verdict = replace(
            blank, measure=measure, value=value, bound=bound, reason=reason
        )
        if measure == LOSSES:
            first = f"; first {comparison.departure}" if comparison.departure else ""
            verdict = replace(verdict, config=config + first, twins=pair)
        yield verdict


def learns(pair: Twins) -> bool:
    """Whether PyTorch's loss ever falls below where it began."""
    losses = pair.reference.losses
    return min(losses) < losses[0]
