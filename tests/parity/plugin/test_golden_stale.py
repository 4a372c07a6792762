"""A golden file is stale where PyTorch says something else, and only there."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ported import batches, case, original

import parity
from parity.golden import Golden, make_golden, write
from parity.golden.stale import GoldenRun, first_change
from parity.golden.verdict import GoldenTask, with_torch
from parity.port.torch_run import TorchRun


@pytest.fixture(scope="module")
def golden() -> Golden:
    return make_golden(original(), batches(), "float64")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("defect", ["none", "momentum"])
def test_what_has_not_changed_is_not_stale(dtype: str, defect: str) -> None:
    whole = make_golden(original(defect), batches(), dtype)
    torch.manual_seed(99)  # Other masks would be drawn.
    assert first_change(whole, original(defect), batches()) == ""


def test_rounding_is_no_change(golden: Golden) -> None:
    """Another processor sums in another order."""

    def shaken(arrays: dict[str, Any]) -> dict[str, Any]:
        return {n: np.nextafter(x, np.inf) for n, x in arrays.items()}

    steps = tuple(
        replace(
            step,
            updates=shaken(step.updates),
            gradients=shaken(step.gradients),
            buffers={
                n: np.nextafter(x, np.inf) if x.dtype.kind == "f" else x
                for n, x in step.buffers.items()
            },
        )
        for step in golden.steps
    )
    assert first_change(replace(golden, steps=steps), original(), batches()) == ""


def deeper() -> parity.TorchSide:
    side = original()
    side.model.append(torch.nn.Linear(3, 3))
    return side


def other_loss() -> parity.TorchSide:
    return replace(original(), loss=torch.nn.CrossEntropyLoss(label_smoothing=0.1))


def other_rate() -> parity.TorchSide:
    side = original()
    side.model[3].p = 0.5
    return side


def no_dropout() -> parity.TorchSide:
    side = original()
    side.model[3].eval()
    return side


CHANGED: dict[str, tuple[Callable[[], parity.TorchSide], str]] = {
    "seed": (lambda: original(seed=1), "weights '0.weight'.*torch.manual_seed"),
    "lr": (lambda: original(lr=0.11), "step 0, lr"),
    "eps": (lambda: original(eps=1e-7), "step 0, update '0.weight'"),
    "optimiser": (lambda: original("momentum"), "step 0, update '0.weight'"),
    "loss": (other_loss, "step 0, loss"),
    "model": (deeper, "parameter '5.weight' is another"),
    "rate": (other_rate, "step 0, "),
    "no dropout": (no_dropout, "step 0, "),
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_has_changed_is_named(golden: Golden, name: str) -> None:
    make, words = CHANGED[name]
    assert re.search(words, first_change(golden, make(), batches()))


def test_other_batches(golden: Golden) -> None:
    other = batches()
    other[2] = (other[2][0] + 1e-6, other[2][1])
    assert "step 2, batch 'input'" in first_change(golden, original(), other)
    fewer = first_change(golden, original(), batches()[:2])
    assert fewer == "2 batches where the file has 3"


def test_the_rounding_of_a_gradient_is_no_change(
    golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bias before a normalisation has no gradient but that, and Adam enlarges it."""
    first = golden.steps[0]
    assert 0 < np.abs(first.gradients["0.bias"]).max() < 1e-15
    turned = {**first.gradients, "0.bias": -first.gradients["0.bias"]}
    updates = {**first.updates, "0.bias": -first.updates["0.bias"]}
    rounded = replace(first, gradients=turned, clipped=turned, updates=updates)
    other = replace(golden, steps=(rounded,))
    assert first_change(other, original(), batches()[:1]) == ""
    # Were it not given the golden gradients, it would move the other way.
    monkeypatch.setattr(GoldenRun, "_update", TorchRun._update)
    change = first_change(other, original(), batches()[:1])
    assert change.startswith("step 0, update '0.bias'")


def test_the_test_of_a_stale_file_fails_though_the_port_is_right(
    tmp_path: Path,
) -> None:
    task = GoldenTask(tmp_path / "a", "pytest --write-golden x", None, "float64")
    assert with_torch(case(), task) == ""
    write(task.path, make_golden(original(), batches(), "float64"))
    assert with_torch(case(), task) == ""
    write(task.path, make_golden(original(eps=1e-7), batches(), "float64"))
    said = with_torch(case(), task)
    assert said.startswith(f"stale: {task.path} does not say what PyTorch says now")
    assert said.endswith("renew it by pytest --write-golden x")
    assert "\n" not in said


def test_a_file_of_another_type_or_damaged(tmp_path: Path) -> None:
    from parity.golden import GoldenError

    task = GoldenTask(tmp_path / "a", "pytest --write-golden x", None, "float64")
    write(task.path, make_golden(original(), batches(), "float32"))
    with pytest.raises(GoldenError, match="is in float32, not float64; write it anew"):
        with_torch(case(), task)
    task.path.write_bytes(b"no golden file")
    with pytest.raises(GoldenError, match="write it anew by pytest --write-golden x"):
        with_torch(case(), task)
