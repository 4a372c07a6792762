"""Draws against PyTorch's generator on the CPU: the same bits, and the same state.

But for one: PyTorch fills 16 float32 normals and more by polynomials where it has AVX2,
and by the C library's functions elsewhere. We have the former; on other processors each
distance is judged, by what either way may round.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from jaxtrain.rng import Generator
from parity.difference import difference
from parity.proof.verdict import OnProgress, Task, Verdict

NAMES = ("uniform", "normal", "randperm", "bernoulli", "random_")
SEEDS = (0, 1, 42, -1, 2**63 - 1, 2**64 - 1)
SIZES = (1, 15, 16, 17, 624, 625, 40_000)
FLOATS = ("uniform", "normal")
REASON = "integers decide: one wrong bit and every later draw is another"
BLOCK = 16
VECTOR_PATHS = ("AVX2", "AVX512")
LONGEST = math.sqrt(-2 * math.log(2.0**-24))
"""Radius of the normal of the smallest uniform."""
ANGLE = abs(2 * math.pi - float(np.float32(2 * math.pi))) + 2.0**-21
"""How far two angles may be apart: one takes 2π in float32, and each is
rounded by half a unit of numbers from 4 to 8."""
FUNCTIONS = 10 * 2.0**-24
"""How far two radii times a sine or cosine may be, in proportion to the radius: on each
side the root halves a unit of the logarithm, the root and the product round once, and
the sine is off by a unit."""
NORMAL_REASON = (
    "PyTorch's {path} path takes other logarithms, sines and cosines: a normal may be "
    "off by its radius times what an angle and those may round, 1.2e-6"
)


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """How many values, or bytes of the state that is left, are not PyTorch's."""
    for name in task.names:
        for dtype in task.dtypes() if name in FLOATS else ["integers"]:
            for seed in task.choose(SEEDS):
                on_progress(f"{name} from seed {seed}")
                yield _verdict(name, dtype, seed, seed)


def control() -> Verdict:
    """Draws that begin one seed further."""
    return _verdict("uniform", "float32", 1, 2)


def _verdict(name: str, dtype: str, seed: int, our_seed: int) -> Verdict:
    path = torch.backends.cpu.get_cpu_capability()
    near = (name, dtype) == ("normal", "float32") and path not in VECTOR_PATHS
    apart = share if near else unequal
    ours, theirs = Generator(our_seed), torch.Generator().manual_seed(seed)
    draw = []
    for size in SIZES:
        drawn = _our_draw(ours, name, dtype, size)
        draw.append(apart(_torch_draw(theirs, name, dtype, size).numpy(), drawn))
    left = unequal(theirs.get_state().numpy(), ours.get_state())
    config = f"seed {seed}, {sum(SIZES):,} values in {len(SIZES)} draws"
    blank = Verdict("rng", name, config, dtype, "same bits", "", 0.0, 0.0, REASON)
    if not near:
        wrong = float(sum(draw) + left)
        return replace(blank, measure="values that differ", value=wrong)
    return replace(
        blank,
        level="rounded",
        measure=f"of what {path} may round",
        value=math.inf if left else float(max(draw)),
        bound=1.0,
        reason=NORMAL_REASON.format(path=path),
    )


def share(theirs: np.ndarray, ours: np.ndarray) -> float:
    """The largest distance of two normals, in units of what either may round.

    Infinite where types or shapes differ, or where one of fewer than 16 values does.

    Example:
        >>> drawn = Generator(0).normal(16)
        >>> share(drawn, drawn), 1 < share(drawn, drawn * np.float32(1 + 1e-4)) < 100
        (0.0, True)
    """
    if theirs.dtype != ours.dtype or theirs.shape != ours.shape:
        return math.inf
    apart = difference(theirs, ours)
    if theirs.size < BLOCK:
        return math.inf if apart.any() else 0.0
    return float((apart / ((ANGLE + FUNCTIONS) * _radii(theirs))).max())


def _radii(values: np.ndarray) -> np.ndarray:
    """Of each normal; the longest where the other of its pair was drawn over."""
    radii = np.full(values.size, LONGEST)
    end = values.size - values.size % BLOCK
    radii[:end] = _of_pairs(values[:end])
    if end < values.size:
        radii[end - BLOCK : -BLOCK] = LONGEST
        radii[-BLOCK:] = _of_pairs(values[-BLOCK:])
    return radii


def _of_pairs(values: np.ndarray) -> np.ndarray:
    cosines, sines = np.moveaxis(values.reshape(-1, 2, BLOCK // 2), 1, 0)
    radii = np.hypot(cosines.astype(np.float64), sines)
    return np.stack([radii, radii], axis=1).reshape(-1)


def unequal(theirs: np.ndarray, ours: np.ndarray) -> int:
    """Elements of which a bit differs; all, where types or shapes do.

    Example:
        >>> zeros = np.array([0.0, 0.0])
        >>> unequal(zeros, np.array([0.0, -0.0])), unequal(zeros, zeros[:1])
        (1, 2)
    """
    if theirs.dtype != ours.dtype or theirs.shape != ours.shape:
        return max(theirs.size, 1)
    pair = (
        np.ascontiguousarray(x).reshape(-1, 1).view(np.uint8) for x in (theirs, ours)
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
