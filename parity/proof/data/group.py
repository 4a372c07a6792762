"""Samplers, data sets, batches, loaders and draws against torch.utils.data's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jaxtrain import data, rng
from parity.proof.data import ours, pytorch
from parity.proof.data.cases import (
    COLLATE,
    DATASETS,
    DRAWS,
    LOADERS,
    SAMPLERS,
    LoaderCase,
)
from parity.proof.data.judge import departures
from parity.proof.data.sides import Case, Raised, Side
from parity.proof.verdict import OnProgress, Task, Verdict

RESUMED = "resumed"
SETS = "datasets"
SEEDS = range(20)
"""Added to those of the cases."""
REASON = "integers decide: one wrong bit and every later row is another"


def _by_name(cases: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for case in cases:
        found.setdefault(case.name, []).append(case)
    return found


CASES: Mapping[str, Sequence[Case]] = {
    **_by_name(SAMPLERS),
    **_by_name(DRAWS),
    SETS: DATASETS,
    "default_collate": COLLATE,
    "DataLoader": LOADERS,
    RESUMED: [case for case in LOADERS if not case.raises],
}
NAMES = tuple(CASES)


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """How many of the things seen of each case are not PyTorch's."""
    for name in task.names:
        offsets = task.choose(SEEDS)
        if name != RESUMED:
            _see(name, offsets)
        for offset in offsets:
            on_progress(f"{name}, seeds + {offset}")
            yield _verdict(name, offset)


_SEEN: dict[tuple[str, int, int], list[Any]] = {}
"""What PyTorch's side saw: name, place of the case, offset of its seed."""


def _see(name: str, offsets: Sequence[int], workers: bool = True) -> None:
    cases = CASES[name]
    keys = [(name, place, offset) for offset in offsets for place in range(len(cases))]
    keys = [key for key in keys if key not in _SEEN]
    elsewhere = [key for key in keys if _has_workers(cases[key[1]])]
    if elsewhere and workers:
        there = [(cases[place], offset) for _, place, offset in elsewhere]
        _SEEN.update(zip(elsewhere, pytorch.seen_elsewhere(there), strict=True))
    for key in set(keys).difference(elsewhere):
        _SEEN[key] = pytorch.seen(cases[key[1]], key[2])


def _has_workers(case: Case) -> bool:
    return isinstance(case, LoaderCase) and case.args.get("num_workers", 0) > 0


def _verdict(name: str, offset: int, side: Side = ours.SIDE) -> Verdict:
    counts = {}
    for place, case in enumerate(CASES[name]):
        if name == RESUMED:
            assert isinstance(case, LoaderCase)
            counts[place] = departures(*ours.resumed(case, offset))
        elif (key := (name, place, offset)) in _SEEN:
            counts[place] = _departures(case, _SEEN[key], ours.seen(case, offset, side))
    wrong = [str(place) for place, count in counts.items() if count]
    which = f"; cases {', '.join(wrong)}" if wrong else ""
    config = f"{len(counts)} cases, their seeds + {offset}{which}"
    measure, total = "things seen that differ", float(sum(counts.values()))
    return Verdict(
        "data", name, config, "any", "same bits", measure, total, 0.0, REASON
    )


def _departures(case: Case, theirs: list[Any], own: list[Any]) -> int:
    # A case that raises must be one that PyTorch refuses, as the table says.
    kinds = [each.kind for each in theirs if isinstance(each, Raised)]
    wanted = [kind for kind in (getattr(case, "raises", ""),) if kind]
    return departures(theirs, own) + (kinds != wanted)


class _NoBaseSeed(data.DataLoader):
    def draw_base_seed(self) -> int:
        return 0


class _SeedFirst(data.WeightedRandomSampler):
    """As `RandomSampler` does it."""

    def __iter__(self) -> Iterator[int]:
        seed = int((self.generator or rng.default_generator).random_())
        rows = rng.Generator(seed).multinomial(
            self.weights, self.num_samples, self.replacement
        )
        return iter(rows.tolist())


class _SameEpoch(data.DistributedSampler):
    def set_epoch(self, epoch: int) -> None:
        del epoch


class _NoLastDraw(data.RandomSampler):
    """One that draws no permutation of which it takes nothing."""

    def __iter__(self) -> Iterator[int]:
        if self.generator is None or self.replacement:
            yield from super().__iter__()
            return
        order: list[int] = []
        while len(order) < self.num_samples:
            order += self.generator.randperm(len(self.data_source)).tolist()
        yield from order[: self.num_samples]


class _KeepsShort(data.BatchSampler):
    def __init__(self, sampler: Any, batch_size: int, drop_last: bool) -> None:
        super().__init__(sampler, batch_size, drop_last)
        self.drop_last = False


def _tuples(batch: Sequence[Any]) -> Any:
    found = data.default_collate(batch)
    return tuple(found) if isinstance(batch[0], tuple) else found


def _rest_last(dataset: Any, lengths: Sequence[float], generator: Any = None) -> Any:
    """Rows that no fraction has go to the last part."""
    if sum(lengths) <= 1:
        lengths = [int(len(dataset) * share) for share in lengths]
        lengths[-1] += len(dataset) - sum(lengths)
    return data.random_split(dataset, lengths, generator)


def _twin(name: str, **parts: Any) -> Callable[[], Verdict]:
    def judged() -> Verdict:
        _see(name, [0], workers=False)
        return _verdict(name, 0, ours.side(**parts))

    return judged


TWINS: Mapping[str, Callable[[], Verdict]] = {
    "a loader that draws no base seed": _twin("DataLoader", DataLoader=_NoBaseSeed),
    "weights drawn from a seed": _twin(
        "WeightedRandomSampler", WeightedRandomSampler=_SeedFirst
    ),
    "one order for all epochs": _twin(
        "DistributedSampler", DistributedSampler=_SameEpoch
    ),
    "no draw after the last row": _twin("RandomSampler", RandomSampler=_NoLastDraw),
    "a short batch that is kept": _twin("BatchSampler", BatchSampler=_KeepsShort),
    "tuples that stay tuples": _twin("default_collate", default_collate=_tuples),
    "the rest in the last part": _twin(SETS, random_split=_rest_last),
}
