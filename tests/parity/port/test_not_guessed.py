"""Defects that no known cause explains: none of them may be named."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

torch = pytest.importorskip("torch")

from port_parts import channels_last, flax_mlp, images, pair, torch_mlp, vectors

from jaxtrain import nn
from parity.doctor import diagnose
from parity.doctor.trial import Trial
from parity.port import Case


class TorchPooled(torch.nn.Module):
    """A convolution whose size nothing after it depends on."""

    def __init__(self, **options: Any):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.fc = torch.nn.Conv2d(2, 4, 3, **options), torch.nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        return self.fc(torch.tanh(self.conv(x)).mean((2, 3)))


class FlaxPooled(nnx.Module):
    def __init__(self, **options: Any):
        r = nnx.Rngs(0)
        self.conv = nnx.Conv(2, 4, (3, 3), rngs=r, **options)
        self.fc = nnx.Linear(4, 3, rngs=r)

    def __call__(self, x: Any) -> Any:
        return self.fc(jnp.tanh(self.conv(x)).mean((1, 2)))


def pooled(theirs: dict[str, Any], ours: dict[str, Any]) -> Case:
    return pair(
        TorchPooled(**theirs),
        FlaxPooled(**ours),
        images(),
        jax_options={"prepare": channels_last},
    )


def other_dilation() -> Case:
    return pooled({"padding": "same", "dilation": 2}, {"padding": "SAME"})


def other_stride() -> Case:
    return pooled({"padding": 1, "stride": 2}, {"padding": 1})


def more_padding() -> Case:
    return pooled({"padding": 1}, {"padding": 3})


def not_a_number() -> Case:
    port = lambda m, x: m(x) / jnp.where(x[:, :1] > 0, 1.0, 0.0)  # noqa: E731
    return pair(torch_mlp(), flax_mlp(), vectors(), jax_options={"forward": port})


def a_thousandth_too_much() -> Case:
    """As small as a rounding of TF32, which it is not."""
    port = lambda m, x: 1.001 * m(x)  # noqa: E731
    return pair(torch_mlp(), flax_mlp(), vectors(), jax_options={"forward": port})


@pytest.mark.parametrize(
    "make",
    [other_dilation, other_stride, more_padding, not_a_number, a_thousandth_too_much],
    ids=lambda make: make.__name__,
)
def test_it_departs_and_is_not_named(make: Callable[[], Case]) -> None:
    found = diagnose(make())
    assert found.report is not None
    assert found.report.first is not None
    assert found.report.first.kind == "output"
    assert found.cause is None, str(found)


@pytest.mark.parametrize("error", [np.inf, np.nan])
def test_what_is_not_finite_explains_nothing(error: float) -> None:
    trial = Trial("a", "b", "c", error, enough=np.inf)
    assert not trial.explains
    assert replace(trial, error=1.0).explains


def test_a_map_error_lists_what_is_left() -> None:
    r = nnx.Rngs(0)
    port = nnx.Sequential(nnx.Linear(5, 6, rngs=r), jnp.tanh, nnx.Linear(6, 3, rngs=r))
    text = str(diagnose(pair(torch_mlp(), port, vectors())))
    assert "PyTorch: 0.weight (4, 5)" in text
    assert "layers.0.kernel (5, 6)" in text
    assert "cause: other shapes" in text


def test_the_momentum_that_is_told_is_pytorchs_own() -> None:
    torch.manual_seed(0)
    theirs = torch.nn.Sequential(
        torch.nn.Linear(5, 4),
        torch.nn.BatchNorm1d(4, momentum=0.3),
        torch.nn.Linear(4, 3),
    )
    ours = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    text = " ".join(str(diagnose(pair(theirs, ours, vectors()))).split())
    assert "the running statistics move by 0.1" in text
    assert "PyTorch moves them by 0.3, which is Flax's momentum=0.7" in text


class Dense(nnx.Module):
    """Unknown to the map, and square: its layout does not show."""

    def __init__(self) -> None:
        self.w = nnx.Param(jnp.ones((5, 5)))

    def __call__(self, x: Any) -> Any:
        return x @ self.w[...]


def test_the_map_entry_that_is_proposed_is_right() -> None:
    torch.manual_seed(0)
    case = pair(torch.nn.Linear(5, 5, bias=False), Dense(), vectors())
    assert "{'weight': ('w', lambda w: w.T)}" in " ".join(str(diagnose(case)).split())
    mended = replace(case, map={"weight": ("w", lambda w: w.T)})
    found = diagnose(mended).report
    assert found is not None
    assert found.passed
    transposed = diagnose(replace(case, map={"weight": "w"})).report
    assert transposed is not None
    assert not transposed.passed
