"""Draws against PyTorch's generator on the CPU: the same bits, and the same state."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from jaxtrain.errors import ConfigError
from jaxtrain.rng import Generator
from parity.proof.verdict import OnProgress, Task, Verdict

NAMES = ("uniform", "normal", "randperm", "bernoulli", "random_")
SEEDS = (0, 1, 42, -1, 2**63 - 1, 2**64 - 1)
SIZES = (1, 15, 16, 17, 624, 625, 40_000)
FLOATS = ("uniform", "normal")
REASON = "integers decide: one wrong bit and every later draw is another"


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """How many values, or bytes of the state that is left, are not PyTorch's."""
    _check_processor(task)
    for name in task.names:
        for dtype in task.dtypes() if name in FLOATS else ["integers"]:
            for seed in task.chosen(SEEDS):
                on_progress(f"{name} from seed {seed}")
                yield _verdict(name, dtype, seed, seed)


def control() -> Verdict:
    """Draws that begin one seed further."""
    return _verdict("uniform", "float32", 1, 2)


def _verdict(name: str, dtype: str, seed: int, our_seed: int) -> Verdict:
    ours, theirs = Generator(our_seed), torch.Generator().manual_seed(seed)
    wrong = 0
    for size in SIZES:
        found = _our_draw(ours, name, dtype, size)
        wanted = _torch_draw(theirs, name, dtype, size)
        wrong += unequal(wanted.numpy(), found)
    wrong += unequal(theirs.get_state().numpy(), ours.get_state())
    config = f"seed {seed}, {sum(SIZES):,} values in {len(SIZES)} draws"
    measure = "values that differ"
    return Verdict(
        "rng", name, config, dtype, "same bits", measure, float(wrong), 0.0, REASON
    )


def unequal(wanted: np.ndarray, found: np.ndarray) -> int:
    """Elements of which a bit differs; all, where types or shapes do.

    Example:
        >>> zeros = np.array([0.0, 0.0])
        >>> unequal(zeros, np.array([0.0, -0.0])), unequal(zeros, zeros[:1])
        (1, 2)
    """
    if wanted.dtype != found.dtype or wanted.shape != found.shape:
        return max(wanted.size, 1)
    pair = (
        np.ascontiguousarray(x).reshape(-1, 1).view(np.uint8) for x in (wanted, found)
    )
    left, right = pair
    return int((left != right).any(axis=1).sum())


def _our_draw(generator: Generator, name: str, dtype: str, size: int) -> np.ndarray:
    if name in FLOATS:
        return getattr(generator, name)(size, dtype=np.dtype(dtype).type)
    if name == "bernoulli":
        return generator.bernoulli(size, p=0.3)
    return getattr(generator, name)(size)


def _torch_draw(generator: Any, name: str, dtype: str, size: int) -> Any:
    if name == "randperm":
        return torch.randperm(size, generator=generator)
    if name in FLOATS:
        tensor = torch.empty(size, dtype=getattr(torch, dtype))
        return getattr(tensor, f"{name}_")(generator=generator)
    if name == "bernoulli":
        return torch.empty(size, dtype=torch.bool).bernoulli_(0.3, generator=generator)
    return torch.empty(size, dtype=torch.int64).random_(generator=generator)


def _check_processor(task: Task) -> None:
    path = torch.backends.cpu.get_cpu_capability()
    if path not in ("AVX2", "AVX512") and set(task.names) & set(FLOATS):
        others = " ".join(name for name in NAMES if name not in FLOATS)
        raise ConfigError(
            f"PyTorch's {path} path rounds floats otherwise: rng --names {others}"
        )
