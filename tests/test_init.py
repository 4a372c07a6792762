"""Initialisers draw PyTorch's very numbers."""

import numpy as np
import pytest

from jaxtrain import init
from jaxtrain.rng import Generator

torch = pytest.importorskip("torch")

SHAPES = [(512, 784), (10, 512), (1, 1), (8, 3, 5, 5), (4, 6, 3)]
NONLINEARITIES = [
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "selu",
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
def test_kaiming_uniform(dtype: str, shape: tuple[int, ...], mode: str) -> None:
    torch.manual_seed(3)
    theirs = torch.empty(shape, dtype=getattr(torch, dtype))
    torch.nn.init.kaiming_uniform_(theirs, a=5**0.5, mode=mode)
    ours = init.kaiming_uniform(
        shape, 5**0.5, mode, generator=Generator(3), dtype=dtype
    )
    np.testing.assert_array_equal(ours, theirs.numpy(), strict=True)


def test_kaiming_uniform_with_the_other_fan_is_noticed() -> None:
    right, wrong = (
        init.kaiming_uniform((8, 3), mode=mode, generator=Generator(0))
        for mode in ("fan_in", "fan_out")
    )
    assert (right != wrong).all()


def test_calculate_gain() -> None:
    for name in NONLINEARITIES:
        assert init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    theirs = torch.nn.init.calculate_gain("leaky_relu", 0.3)
    assert init.calculate_gain("leaky_relu", 0.3) == theirs


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="'fan_off'"):
        init.kaiming_uniform((2, 2), mode="fan_off")
    with pytest.raises(ValueError, match="'gelu'"):
        init.calculate_gain("gelu")
    with pytest.raises(ValueError, match=r"\(3,\)"):
        init.kaiming_uniform((3,))
