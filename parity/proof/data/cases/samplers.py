"""Samplers: odd sizes, none and one, more samples than there are, ranks and epochs."""

from typing import Any

from parity.proof.data.cases.case import Arguments, SamplerCase


def _samplers(name: str, size: int, *sets: Arguments, **more: Any) -> list[SamplerCase]:
    return [SamplerCase(name, size, args, **more) for args in sets]


# fmt: off
SEQUENTIAL = (
    SamplerCase("SequentialSampler", 5), SamplerCase("SequentialSampler", 0),
)
RANDOM = (
    *(SamplerCase("RandomSampler", size) for size in (1, 2, 7, 33)),
    SamplerCase("RandomSampler", 0, raises="ValueError"),
    *_samplers("RandomSampler", 7, {"num_samples": 3}, {"num_samples": 7},
               {"num_samples": 10}, {"num_samples": 21}, {"num_samples": 1}),
    *_samplers("RandomSampler", 7, {"replacement": True},
               {"replacement": True, "num_samples": 3},
               {"replacement": True, "num_samples": 31},
               {"replacement": True, "num_samples": 32},
               {"replacement": True, "num_samples": 33},
               {"replacement": True, "num_samples": 70}),
    SamplerCase("RandomSampler", 1, {"replacement": True, "num_samples": 4}),
    SamplerCase("RandomSampler", 7, {}, generator=11, passes=3),
    SamplerCase("RandomSampler", 7, {"replacement": True, "num_samples": 40},
                generator=11),
    SamplerCase("RandomSampler", 7, {"num_samples": 17}, generator=2**40 + 3),
    SamplerCase("RandomSampler", 9, between=3, passes=3, seed=5),
    SamplerCase("RandomSampler", 9, generator=11, between=1, seed=5),
    SamplerCase("RandomSampler", 50, stop=2, passes=3, seed=7),
    SamplerCase("RandomSampler", 50, {"replacement": True}, stop=2, passes=3,
                generator=7),
    SamplerCase("RandomSampler", 7, {"num_samples": 0}, raises="ValueError"),
    SamplerCase("RandomSampler", 7, {"num_samples": -1}, raises="ValueError"),
    SamplerCase("RandomSampler", 7, {"num_samples": 2.5}, raises="ValueError"),
    SamplerCase("RandomSampler", 7, {"replacement": 1}, raises="TypeError"),
)
SUBSET_RANDOM = (
    *_samplers("SubsetRandomSampler", 0, {"indices": [4, 2, 9]}, {"indices": [3]},
               {"indices": []}, {"indices": [1, 1, 5, 0]},
               {"indices": list(range(30))}),
    SamplerCase("SubsetRandomSampler", 0, {"indices": [4, 2, 9, 7]}, generator=3),
    SamplerCase("SubsetRandomSampler", 0, {"indices": range(8)}, between=2),
)
WEIGHTED = (
    *_samplers("WeightedRandomSampler", 0,
               {"weights": [0.1, 0.9, 0.4, 0.7, 3.0, 0.6], "num_samples": 5},
               {"weights": [0.9, 0.4, 0.05, 0.2, 0.3, 0.1], "num_samples": 5,
                "replacement": False},
               {"weights": [1, 2, 3], "num_samples": 20},
               {"weights": [0, 1, 0, 2], "num_samples": 8},
               {"weights": [0, 1, 0, 2], "num_samples": 2, "replacement": False},
               {"weights": [5.0], "num_samples": 3},
               {"weights": [1e-30, 1.0, 1e30], "num_samples": 4},
               {"weights": [1.0] * 40, "num_samples": 40, "replacement": False}),
    SamplerCase("WeightedRandomSampler", 0, {"weights": [0.2, 0.5, 0.3],
                                             "num_samples": 9},
                generator=4, passes=3),
    SamplerCase("WeightedRandomSampler", 0, {"weights": [0.2, 0.5, 0.3],
                                             "num_samples": 3,
                "replacement": False}, between=1),
    SamplerCase("WeightedRandomSampler", 0, {"weights": [1.0, 2.0], "num_samples": 0},
                raises="ValueError"),
    SamplerCase("WeightedRandomSampler", 0, {"weights": [[1.0, 2.0]], "num_samples": 1},
                raises="ValueError"),
    SamplerCase("WeightedRandomSampler", 0, {"weights": [1.0], "num_samples": True},
                raises="ValueError"),
    SamplerCase("WeightedRandomSampler", 0, {"weights": [1.0], "num_samples": 1,
                "replacement": 1}, raises="ValueError"),
)
BATCH = (
    *(
        SamplerCase("BatchSampler", 0, {"batch_size": size, "drop_last": drop},
                    SamplerCase("SequentialSampler", 10))
        for size in (1, 3, 5, 11) for drop in (True, False)
    ),
    SamplerCase("BatchSampler", 0, {"batch_size": 3, "drop_last": False},
                SamplerCase("SequentialSampler", 0)),
    SamplerCase("BatchSampler", 0, {"batch_size": 4, "drop_last": False},
                SamplerCase("RandomSampler", 10), passes=3, between=1),
    SamplerCase("BatchSampler", 0, {"batch_size": 4, "drop_last": True},
                SamplerCase("RandomSampler", 10, {"replacement": True}, generator=2)),
    SamplerCase("BatchSampler", 0, {"batch_size": 2, "drop_last": True},
                SamplerCase("SubsetRandomSampler", 0, {"indices": [9, 7, 5, 3, 1]})),
    SamplerCase("BatchSampler", 0, {"batch_size": 0, "drop_last": True},
                SamplerCase("SequentialSampler", 3), raises="ValueError"),
    SamplerCase("BatchSampler", 0, {"batch_size": 2.0, "drop_last": True},
                SamplerCase("SequentialSampler", 3), raises="ValueError"),
    SamplerCase("BatchSampler", 0, {"batch_size": True, "drop_last": True},
                SamplerCase("SequentialSampler", 3), raises="ValueError"),
    SamplerCase("BatchSampler", 0, {"batch_size": 2, "drop_last": 1},
                SamplerCase("SequentialSampler", 3), raises="ValueError"),
)
DISTRIBUTED = (
    *(
        SamplerCase("DistributedSampler", size, {"num_replicas": ranks, "rank": rank,
                    "shuffle": shuffle, "drop_last": drop}, epochs=(0, 1, 5))
        for size, ranks in ((10, 3), (11, 4), (2, 5), (12, 4), (1, 2), (7, 1))
        for rank in sorted({0, ranks - 1})
        for shuffle in (True, False)
        for drop in (False, True)
    ),
    SamplerCase("DistributedSampler", 9, {"num_replicas": 2, "rank": 1}, passes=2),
    SamplerCase("DistributedSampler", 9, {"num_replicas": 2, "rank": 1, "seed": 12},
                epochs=(0, 3, 0)),
    SamplerCase("DistributedSampler", 9, {"num_replicas": 2, "rank": 0, "seed": 3},
                epochs=(9,)),
    SamplerCase("DistributedSampler", 9, {"num_replicas": 2, "rank": 2},
                raises="ValueError"),
    SamplerCase("DistributedSampler", 9, {"num_replicas": 2, "rank": -1},
                raises="ValueError"),
)
# fmt: on

SAMPLERS: tuple[SamplerCase, ...] = (
    *SEQUENTIAL,
    *RANDOM,
    *SUBSET_RANDOM,
    *WEIGHTED,
    *BATCH,
    *DISTRIBUTED,
)
