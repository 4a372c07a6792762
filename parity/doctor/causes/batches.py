"""Batches: scaled, normalised, in another order, cut short."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from parity.doctor.evidence import Evidence, relative
from parity.doctor.trial import Trial
from parity.port.layouts import activation_layouts

KINDS = ("batch",)


def trials(evidence: Evidence) -> Iterator[Trial]:
    """Causes of other sizes first, then of other values."""
    if not np.isfinite(evidence.first.error) and evidence.first.note:
        yield from _sizes(evidence)
        return
    place = 1 if evidence.first.name == "target" else 0
    pairs = [(a.batch[place], b.batch[place]) for a, b in evidence.steps()]
    layouts = [_lay_out(a, b) for a, b in pairs]
    if any(one is None for one in layouts):
        return
    theirs = [one for one in layouts if one is not None]
    ours = [b for _, b in pairs]
    yield from _orders(theirs, ours)
    if place == 0:
        yield from _values(theirs, ours)
    else:
        for shift in (-1, 1):
            yield Trial(
                "labels shifted",
                f"the port's labels are PyTorch's {shift:+d}",
                "Count classes from the same number.",
                relative(ours, [a + shift for a in theirs]),
            )


def _lay_out(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """PyTorch's, in the layout that is nearest as a set of numbers and in place."""
    candidates = [x for x in activation_layouts(a) if x.shape == b.shape]
    if not candidates:
        return None
    return max(candidates, key=lambda x: abs(_correlation(x, b)))


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    x, y = (v.astype(np.float64).ravel() for v in (a, b))
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size else 0.0


def _sizes(evidence: Evidence) -> Iterator[Trial]:
    """From how many examples each side has at every step."""
    case = evidence.recording.case
    if case.torch.batches is None and case.jax.batches is None:
        return
    sizes = [
        [_length(batch) for batch in (case.batches if s.batches is None else s.batches)]
        for s in (case.torch, case.jax)
    ]
    theirs, ours = sizes
    full = max(theirs, default=0)
    whole = [size for size in theirs if size == full]
    yield Trial(
        "last batch dropped",
        f"the port has {len(ours)} batches of {full}, without the shorter last one of "
        f"PyTorch's {len(theirs)}",
        "PyTorch's DataLoader keeps the last batch: drop_remainder=False.",
        0.0 if whole == ours and whole != theirs else np.inf,
    )
    yield Trial(
        "last batch kept",
        f"the port keeps a last batch of {ours[-1] if ours else 0}, PyTorch does not",
        "Leave it out, as drop_last=True does.",
        0.0 if ours[: len(theirs)] == theirs and len(ours) > len(theirs) else np.inf,
    )
    padded = len(ours) == len(theirs) and ours[:-1] == theirs[:-1]
    yield Trial(
        "last batch filled up",
        "the port's last batch is filled up to the size of the others",
        "Take the last batch as it is; it is one more compilation.",
        0.0 if padded and ours and ours[-1] == full != theirs[-1] else np.inf,
    )
    yield Trial(
        "batch size",
        f"the port's batches have {ours[:1]} examples, PyTorch's {theirs[:1]}",
        "Give both the same batch size.",
        0.0 if ours and ours[0] != theirs[0] else np.inf,
    )


def _length(batch: Any) -> int:
    return len(batch[0][0] if isinstance(batch[0], tuple) else batch[0])


def _orders(theirs: list[np.ndarray], ours: list[np.ndarray]) -> Iterator[Trial]:
    """The same examples elsewhere."""
    yield Trial(
        "shuffled",
        "the port sees the same examples in another order",
        "jaxtrain.data.order.epoch_order gives the DataLoader's order for a seed.",
        relative([_rows(ours)], [_rows(theirs)]),
    )
    for axis, name in ((1, "second"), (-1, "last")):
        mirror = [np.flip(a, axis) if a.ndim > 1 else a for a in theirs]
        yield Trial(
            "flipped",
            f"the port's inputs are flipped along the {name} axis",
            "Look at the order of channels (RGB or BGR) and at augmentation.",
            relative(ours, mirror),
        )
    raw = [a for a in theirs if a.ndim == 4]
    if raw and len(raw) == len(ours):
        # An array (N, C, H, W) taken for (N, H, W, C) without moving its numbers.
        channels_last = [np.moveaxis(a, -1, 1).reshape(a.shape) for a in raw]
        yield Trial(
            "reshaped for transposed",
            "the port reshapes images to channels last, which shuffles their pixels",
            "Use transpose(0, 2, 3, 1).",
            relative(ours, channels_last),
        )


def _rows(batches: list[np.ndarray]) -> np.ndarray:
    """All examples of all batches, sorted."""
    flat = np.concatenate([b.reshape(len(b), -1) for b in batches]).astype(np.float64)
    return flat[np.lexsort(flat.T[::-1])]


def _values(theirs: list[np.ndarray], ours: list[np.ndarray]) -> Iterator[Trial]:
    for factor, says in (
        (255.0, "times 255"),
        (1 / 255, "over 255"),
        (1 / 256, "over 256"),
    ):
        yield Trial(
            "division by 255",
            f"the port's inputs are PyTorch's {says}",
            "torchvision's ToTensor divides whole numbers by 255: do so on both sides.",
            relative(ours, [a * factor for a in theirs]),
        )
    for axis in (None, 1, -1):
        fit, says = _fit(theirs, ours, axis)
        each = "" if axis is None else " for each channel"
        yield Trial(
            "normalisation",
            f"the port's inputs are a·x + b of PyTorch's{each}: {says}",
            "Subtract the same mean and divide by the same deviation.",
            relative(ours, fit),
        )
    for name in ("float32", "float16"):
        narrow = [a.astype(name).astype(np.float64) for a in theirs]
        yield Trial(
            "rounded inputs",
            f"the port's inputs were rounded to {name}",
            "Prepare them in the type of the comparison.",
            relative(ours, narrow),
        )


def _fit(
    theirs: list[np.ndarray], ours: list[np.ndarray], axis: int | None
) -> tuple[list[np.ndarray], str]:
    """The best a·x + b, over everything or for each channel."""
    if axis is not None and theirs[0].ndim < 3:
        return [np.full(a.shape, np.nan) for a in theirs], ""
    a, b = (np.concatenate(x).astype(np.float64) for x in (theirs, ours))
    dims = (
        None if axis is None else tuple(d for d in range(a.ndim) if d != axis % a.ndim)
    )
    means = a.mean(dims, keepdims=True), b.mean(dims, keepdims=True)
    x, y = a - means[0], b - means[1]
    size = np.square(x).sum(dims, keepdims=True)
    slope = (x * y).sum(dims, keepdims=True) / np.where(size, size, 1)
    shift = means[1] - slope * means[0]
    says = f"a = {np.round(slope.ravel(), 4)}, b = {np.round(shift.ravel(), 4)}"
    return [slope * one + shift for one in theirs], says
