"""The inputs: whether they are numbers, of the right size, and each its own."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from jaxtrain.checks._finding import Finding, skipped

LEAST_RMS, GREATEST_RMS = 0.01, 10.0
"""Of what the network sees. Pixels from 0 to 1 have 0.3 to 0.6, standardised ones 1;
left at 0 to 255 they have 100, and divided by 255 twice 0.002."""
LOOKED_AT = 2000
"""Inputs that are prepared to see what the network sees."""


def finite(inputs: np.ndarray) -> Finding:
    """Whether every input is made of numbers that are finite."""
    name = "inputs are finite"
    if not np.issubdtype(inputs.dtype, np.inexact):
        return Finding(name, True, f"{_described(inputs)}, which cannot but be finite")
    bad = ~np.isfinite(inputs.reshape(len(inputs), -1)).all(axis=1)
    if not bad.any():
        return Finding(name, True, f"{_described(inputs)}, all of them finite")
    return Finding(
        name,
        False,
        f"{bad.sum()} of {len(inputs)} inputs hold NaN or infinity, the first is "
        f"number {bad.argmax()}; one of them makes every weight NaN: mend or remove "
        "them",
    )


def _described(inputs: np.ndarray) -> str:
    shape = " x ".join(map(str, inputs.shape[1:])) or "single numbers"
    return f"{len(inputs)} inputs of {shape}, {inputs.dtype}"


def scale(inputs: np.ndarray, prepare: Callable[[Any], Any]) -> Finding:
    """Whether the values that the network sees are of a size that it can learn from."""
    name = "inputs are scaled"
    seen = np.asarray(prepare(inputs[:LOOKED_AT])).astype(np.float64)
    seen = seen[np.isfinite(seen)]
    if not seen.size:
        return skipped(name, "no finite input")
    size = float(np.sqrt(np.mean(seen**2)))
    what = (
        f"the network sees {seen.min():.3g} to {seen.max():.3g}, mean "
        f"{seen.mean():.3g}, standard deviation {seen.std():.3g}"
    )
    return Finding(name, LEAST_RMS <= size <= GREATEST_RMS, what + _advice(seen, size))


def _advice(seen: np.ndarray, size: float) -> str:
    if size > GREATEST_RMS and seen.min() >= 0 and 128 < seen.max() <= 256:
        return ": pixels are not scaled, divide by 255"
    if size > GREATEST_RMS:
        return ": far too large, subtract the mean and divide by the deviation"
    if size < LEAST_RMS and not seen.any():
        return ": nothing but zeros"
    if size < LEAST_RMS:
        return ": far too small; are they divided by 255 twice?"
    return ""


def constant(inputs: np.ndarray) -> Finding:
    """Whether every input has values that differ."""
    name = "no blank images"
    flat = inputs.reshape(len(inputs), -1)
    if flat.shape[1] < 2:
        return skipped(name, "an input is a single number")
    blank = flat.min(axis=1) == flat.max(axis=1)
    if not blank.any():
        return Finding(name, True, f"none of {len(inputs)} inputs has one value alone")
    return Finding(
        name,
        False,
        f"{blank.sum()} of {len(inputs)} inputs have the same value everywhere, the "
        f"first is number {blank.argmax()}: were these files read?",
    )


def check_inputs(
    inputs: np.ndarray, prepare: Callable[[Any], Any]
) -> Iterator[Finding]:
    yield finite(inputs)
    yield scale(inputs, prepare)
    yield constant(inputs)
