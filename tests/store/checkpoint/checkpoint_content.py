"""Checkpoints whose content is a function of their step; NumPy only, to start fast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from jaxtrain.store.checkpoint import Checkpoint, Store

FILES = ("manifest.json", "state.json", "state.safetensors")


def arrays_of(step: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(step)
    return {
        "params/linear.weight": generator.standard_normal((7, 5), np.float32),
        "opt_state/0/exp_avg/linear.weight": generator.standard_normal((7, 5)),
        "opt_state/0/count": np.array(step),
        "mask": generator.random(11) < 0.5,
    }


def meta_of(step: int) -> dict[str, Any]:
    return {"epoch": step // 10, "losses": [step / 3, float("inf")], "seed": -step}


def save(store: Store, *steps: int, score: float | None = None) -> None:
    for step in steps:
        store.save(step, arrays_of(step), meta_of(step), score)


def is_right(found: Checkpoint | None, step: int | None = None) -> bool:
    """Whether it is the content of its step, and of `step` where that is given."""
    return (
        found is not None
        and found.step == (found.step if step is None else step)
        and found.meta == meta_of(found.step)
        and same(found.arrays, arrays_of(found.step))
    )


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    """Equal in names, types, shapes and bits."""
    return set(one) == set(other) and all(
        one[name].dtype == other[name].dtype
        and one[name].shape == other[name].shape
        and one[name].tobytes() == other[name].tobytes()
        for name in one
    )


def folder(root: Path, step: int) -> Path:
    return root / f"step-{step:08d}"


def names(root: Path) -> list[str]:
    """Everything in a store but its lock."""
    return sorted(path.name for path in root.iterdir() if path.name != ".lock")


def steps(root: Path) -> list[int]:
    return [int(name.removeprefix("step-")) for name in names(root)]
