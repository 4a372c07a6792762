"""Weight averages against `torch.optim.swa_utils.AveragedModel`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxtrain.optim import ema, swa
from jaxtrain.optim._average import WeightAverage

torch = pytest.importorskip("torch")
swa_utils = pytest.importorskip("torch.optim.swa_utils")

STEPS = 100


def weights() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((STEPS, 4, 3))


def torch_averages(points: np.ndarray, **arguments: object) -> np.ndarray:
    model = torch.nn.Linear(3, 4, bias=False, dtype=torch.float64)
    averaged = swa_utils.AveragedModel(model, **arguments)
    seen = []
    for point in points:
        with torch.no_grad():
            model.weight.copy_(torch.tensor(point))
        averaged.update_parameters(model)
        seen.append(averaged.module.weight.detach().numpy().copy())
    return np.array(seen)


def our_averages(average: WeightAverage, points: np.ndarray) -> np.ndarray:
    def step(state, point):
        state = average.update(point, state)
        return state, state.average

    with jax.enable_x64(True):
        # What the average starts from must not matter: the first weights replace it.
        state = average.init(jnp.full(points.shape[1:], 7.0))
        return np.asarray(jax.lax.scan(step, state, jnp.asarray(points))[1])


BOUND = 1e-14
"""A hundred averagings of two roundings each, relative to weights of about 1."""


def apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).max())


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.5, 0.9, 0.999, 1.0])
def test_ema(decay: float) -> None:
    points = weights()
    multi = swa_utils.get_ema_multi_avg_fn(decay)
    theirs = torch_averages(points, multi_avg_fn=multi)
    assert apart(our_averages(ema(decay), points), theirs) <= BOUND
    if 0 < decay < 1:
        assert apart(our_averages(ema(decay - 1e-9), points), theirs) > BOUND


def test_swa() -> None:
    points = weights()
    theirs = torch_averages(points)
    assert apart(our_averages(swa(), points), theirs) <= BOUND
    # Counting the weights it starts from, as a mean of n + 2 would, is noticed.
    late = np.concatenate([np.full((1, 4, 3), 7.0), points])
    assert apart(our_averages(swa(), late)[1:], theirs) > BOUND


@pytest.mark.parametrize("decay", [-0.1, 1.5])
def test_a_decay_out_of_range_is_refused_as_in_pytorch(decay: float) -> None:
    with pytest.raises(ValueError, match=str(decay)):
        ema(decay)
    with pytest.raises(ValueError, match=str(decay)):
        swa_utils.get_ema_multi_avg_fn(decay)
