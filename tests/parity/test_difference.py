"""The judge is judged: what it must notice, and what it must let pass."""

import math

import numpy as np
import pytest

from jaxtrain.run.history import History
from jaxtrain.store.events import Epoch
from parity.difference import difference, first_departure, ulps
from parity.proof.runs.histories import compare_histories


def run(losses: list[float], accuracy: float = 50.0, lr: float = 0.1) -> History:
    epoch = Epoch(1, 2.0, accuracy, 2.0, 1.0, 1.0)
    return History({}, {}, losses=losses, lrs=[lr] * len(losses), epochs=[epoch])


def test_not_a_number_equals_only_itself() -> None:
    nan, inf = math.nan, math.inf
    apart = difference([nan, inf, -inf, nan, 1.0, inf], [nan, inf, inf, 1.0, nan, 1.0])
    assert apart.tolist() == [0, 0, inf, inf, inf, inf]


def test_a_shorter_run_is_not_a_prefix_that_agrees() -> None:
    with pytest.raises(ValueError, match="shapes"):
        difference([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="shapes"):
        compare_histories(run([1.0, 2.0]), run([1.0]), 0.1)
    with pytest.raises(ValueError, match="no steps"):
        compare_histories(run([]), run([]), 0.1)


@pytest.mark.parametrize("step", [0, 3, 9])
@pytest.mark.parametrize("value", [1.0 + 2e-6, math.nan, -1.0])
def test_one_step_is_enough_wherever_it_is(step: int, value: float) -> None:
    reference, candidate = [1.0] * 10, [1.0] * 10
    candidate[step] = value
    found = first_departure(reference, candidate, 1e-6)
    assert found is not None
    assert found.step == step
    assert compare_histories(run(reference), run(candidate), 1e-6).departure == found


def test_the_first_of_several_is_reported() -> None:
    found = first_departure([1.0, 1.0, 1.0], [1.0, 1.5, 9.0], 0.1)
    assert found is not None
    assert (found.step, found.reference, found.candidate) == (1, 1.0, 1.5)


def test_what_lies_within_the_bound_passes() -> None:
    assert first_departure([1.0, 2.0], [1.5, 2.0], 0.5) is None


def test_every_figure_of_two_runs_is_compared() -> None:
    seen = compare_histories(run([1.0]), run([1.25], accuracy=51.0, lr=0.2), 1.0)
    assert (seen.losses, seen.accuracy, seen.avg_loss) == (0.25, 1.0, 0.0)
    assert seen.train_loss == 0
    assert seen.lrs == pytest.approx(0.1)


def test_ulps_are_those_of_the_type_and_of_the_larger_term() -> None:
    one, next_one = np.float32(1), np.nextafter(np.float32(1), np.float32(2))
    assert ulps(one, next_one, np.float32) == 1
    assert ulps(one, next_one, np.float32, scale=4.0) == 0.25
    assert ulps(one, next_one, np.float64) == 2**29
    tiny = np.nextafter(np.float32(0), np.float32(1))
    assert ulps(0.0, tiny, np.float32) == 1
