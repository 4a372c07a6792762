"""Two sides' steps, tensor by tensor.

A difference is taken relative to PyTorch's largest element of the tensor: in float64
the rest is rounding, whose size the sums set, not the single elements.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from parity.difference import difference
from parity.port.case import Case
from parity.port.layouts import activation_layouts
from parity.port.mapping import WeightMap
from parity.port.masks import KEEP_BOUND, mask_distance
from parity.port.report import Row
from parity.port.step import Step

FLOAT64_BOUND = 1e-10
"""Relative. The worst seen in 24 correct ports is 5e-13, in the gradient of a bias
before a batch normalisation, and 4e-14 elsewhere. The least defect known, a schedule
rounded to float32, shows as 1e-8 to 6e-8: the bound is a hundred times from either."""
FLOAT32_ROUNDINGS = 32.0
"""Units in the last place of the largest element: the worst seen in the same ports, of
what PyTorch itself has exactly, is 14."""
NOISE = 2.0
"""In float32: how many times PyTorch's own distance from float64 is allowed."""
SMALL = 1e-3
"""A gradient is judged relative to this share of the largest gradient of the model at
least. That of a bias before a batch normalisation is zero but for rounding."""


def compare_step(
    number: int,
    case: Case,
    layout: WeightMap,
    theirs: Step,
    ours: Step,
    exact: Step | None = None,
) -> Iterator[Row]:
    """`judge_step` of a case whose original can be asked."""
    clips = case.torch.clip is not None and case.jax.clip is not None
    return judge_step(number, clips, layout, theirs, ours, exact)


def judge_step(
    number: int,
    clips: bool,
    layout: WeightMap,
    theirs: Step,
    ours: Step,
    exact: Step | None = None,
) -> Iterator[Row]:
    """Rows of one step, in the order in which a step computes them.

    Args:
        number: of the step, from 0.
        clips: whether both sides say how they clip.
        layout: where PyTorch's tensors are on the JAX side.
        theirs: PyTorch's step.
        ours: the port's.
        exact: PyTorch's step in float64 from the same state, where that is narrower.
    """
    judge = Judge(number, "float64" if exact is None else "float32")
    truth = exact or theirs
    yield from _batch(judge, theirs, ours)
    yield from _outputs(judge, layout, theirs, ours, truth)
    if theirs.masks or ours.asked:
        far, note = mask_distance(theirs.masks, ours.asked)
        yield Row(number, "dropout", "", far, KEEP_BOUND, far / judge.eps, 1.0, note)
    a, b, c = (np.asarray(step.loss) for step in (theirs, ours, truth))
    yield judge.row("loss", "", a, b, c)
    yield from _gradients(judge, "gradient", layout, theirs, ours, truth)
    if clips:
        yield from _gradients(judge, "clipped", layout, theirs, ours, truth)
    if theirs.updated and theirs.lr is not None and ours.lr is not None:
        lr = theirs.lr if len(ours.lr) == len(theirs.lr) else theirs.lr[:1]
        # A schedule is the host's arithmetic in either type.
        yield judge.row("lr", "", lr, ours.lr, lr)
    yield from _updates(judge, layout, theirs, ours, truth)
    yield from _buffers(judge, layout, theirs, ours, truth)


class Judge:
    """What may be apart in one type, at one step."""

    def __init__(self, step: int, dtype: str):
        self.step, self.dtype = step, dtype
        self.eps = float(np.finfo(dtype).eps)

    def row(
        self,
        kind: str,
        name: str,
        theirs: np.ndarray,
        ours: np.ndarray,
        exact: np.ndarray,
        least: float = 0.0,
        slack: float = 0.0,
    ) -> Row:
        """One tensor.

        Args:
            kind: of quantity.
            name: of the tensor.
            theirs: PyTorch's.
            ours: the port's, in any layout that an activation may have.
            exact: PyTorch's in float64.
            least: of the scale.
            slack: rounding that is allowed, absolutely.
        """
        if theirs.shape != ours.shape:
            note = f"shape {ours.shape} where PyTorch has {theirs.shape}"
            return Row(self.step, kind, name, np.inf, 0.0, np.inf, 0.0, note)
        if theirs.dtype.kind in "iub" and ours.dtype.kind in "iub":
            wrong = float((theirs.astype(np.int64) != ours.astype(np.int64)).sum())
            note = f"{wrong:.0f} of {theirs.size} elements differ" if wrong else ""
            return Row(self.step, kind, name, wrong, 0.0, wrong, 1.0, note)
        finite = np.abs(theirs[np.isfinite(theirs)].astype(np.float64))
        scale = max(float(finite.max(initial=0.0)), least)
        apart = float(difference(theirs, ours).max(initial=0.0))
        error, bound = self._relative(apart, scale), self._bound(theirs, exact, scale)
        unit = max(float(np.spacing(np.asarray(scale, self.dtype))), 1e-300)
        bound += slack / scale if scale else 0.0
        return Row(self.step, kind, name, error, bound, apart / unit, scale)

    def _relative(self, apart: float, scale: float) -> float:
        return apart / scale if scale else (np.inf if apart else 0.0)

    def _bound(self, theirs: np.ndarray, exact: np.ndarray, scale: float) -> float:
        if self.dtype == "float64":
            return FLOAT64_BOUND
        apart = difference(exact, theirs)
        own = float(apart[np.isfinite(apart)].max(initial=0.0))
        return max(FLOAT32_ROUNDINGS * self.eps, NOISE * self._relative(own, scale))


def nearest_layout(theirs: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """PyTorch's activation in the layout in which it is nearest to the port's.

    Example:
        >>> x = np.arange(6.0).reshape(1, 2, 3)
        >>> nearest_layout(x, np.moveaxis(x, 1, -1)).shape
        (1, 3, 2)
    """
    candidates = [x for x in activation_layouts(theirs) if x.shape == ours.shape]
    if theirs.dtype.kind in "iu" and ours.shape == (*theirs.shape, ours.shape[-1:]):
        return theirs
    return min(
        candidates,
        key=lambda x: float(difference(x, ours).max(initial=0.0)),
        default=theirs,
    )


def _activation(
    judge: Judge, kind: str, name: str, arrays: Sequence[np.ndarray]
) -> Row:
    theirs, ours, exact = arrays
    layout = nearest_layout(theirs, ours)
    # The same layout for the exact one.
    same = [
        x
        for x, y in zip(
            activation_layouts(exact), activation_layouts(theirs), strict=True
        )
        if y.shape == layout.shape and np.array_equal(y, layout, equal_nan=True)
    ]
    return judge.row(kind, name, layout, ours, same[0] if same else layout)


def _batch(judge: Judge, theirs: Step, ours: Step) -> Iterator[Row]:
    names = ["input", "target"] if len(theirs.batch) == 2 else None
    for place, (a, b) in enumerate(zip(theirs.batch, ours.batch, strict=False)):
        name = names[place] if names else f"array {place}"
        if a.dtype.kind in "iu" and b.ndim == a.ndim + 1 and (b.sum(-1) == 1).all():
            b = b.argmax(-1)
        yield _activation(judge, "batch", name, (a, b, a))


def _outputs(
    judge: Judge, layout: WeightMap, theirs: Step, ours: Step, exact: Step
) -> Iterator[Row]:
    """Layers, then the model's output, which alone decides whether any departs."""
    whole = list(_all(judge, "output", "", theirs.output, ours.output, exact.output))
    departs = any(not row.passed for row in whole)
    layers = dict(layout.layers)
    for path, outputs in theirs.layers.items():
        own = ours.layers.get(layers.get(path, "-"), [])
        if not path or len(own) != len(outputs):
            continue
        for row in _all(judge, "output", path, outputs, own, exact.layers[path]):
            # A layer of a port may hold its activation as well.
            if departs or row.passed:
                yield row
    yield from whole


def _all(
    judge: Judge,
    kind: str,
    name: str,
    theirs: Sequence[np.ndarray],
    ours: Sequence[np.ndarray],
    exact: Sequence[np.ndarray],
) -> Iterator[Row]:
    for arrays in zip(theirs, ours, exact, strict=False):
        yield _activation(judge, kind, name, arrays)


def _gradients(
    judge: Judge, kind: str, layout: WeightMap, theirs: Step, ours: Step, exact: Step
) -> Iterator[Row]:
    field = "gradients" if kind == "gradient" else kind
    a, b, c = (getattr(step, field) for step in (theirs, ours, exact))
    a, c = layout.gradients_to_jax(a), layout.gradients_to_jax(c)
    least = SMALL * largest(a)
    # In float32, what the largest sums leave: in a bias before a normalisation all of
    # it cancels but the rounding, and its few elements are too few to tell how much.
    own = largest({path: difference(c[path], a[path]) for path in a})
    # What the port does not train has no gradient there, and is judged by its update.
    for path in (path for path in _in_order(layout, a) if path in b):
        arrays = a[path], b[path], c[path]
        yield judge.row(kind, layout.name(path), *arrays, least, NOISE * own)


def _updates(
    judge: Judge, layout: WeightMap, theirs: Step, ours: Step, exact: Step
) -> Iterator[Row]:
    a, c = layout.to_jax(theirs.updates), layout.to_jax(exact.updates)
    weights = layout.to_jax(theirs.before)
    for path in _in_order(layout, a):
        if path in ours.updates:
            # p + u is rounded to a unit of p, on both sides.
            slack = 4 * judge.eps * largest({path: weights[path]})
            name = layout.name(path)
            slack = slack if a[path].any() else 0.0
            yield judge.row(
                "update", name, a[path], ours.updates[path], c[path], slack=slack
            )
        elif a[path].any():
            note = "the port does not train it"
            name = layout.name(path)
            yield Row(judge.step, "update", name, np.inf, 0.0, np.inf, 0.0, note)


def _buffers(
    judge: Judge, layout: WeightMap, theirs: Step, ours: Step, exact: Step
) -> Iterator[Row]:
    a, c = layout.to_jax(theirs.buffers), layout.to_jax(exact.buffers)
    for path in _in_order(layout, a):
        if path in ours.buffers:
            name = layout.name(path)
            arrays = a[path], ours.buffers[path], c[path]
            yield judge.row("buffer", name, *arrays, _spread(name, theirs.buffers))


def _spread(name: str, buffers: Mapping[str, Any]) -> float:
    """Of what a running mean is of: a mean that is zero is nothing but rounding."""
    layer, _, last = name.rpartition("running_mean")
    var = buffers.get(f"{layer}running_var") if not last else None
    return 0.0 if var is None else largest({name: np.sqrt(np.abs(var))})


def _in_order(layout: WeightMap, tensors: Mapping[str, Any]) -> list[str]:
    return [leaf.path for leaf in layout.leaves if leaf.path in tensors]


def largest(tensors: Mapping[str, Any]) -> float:
    """The largest finite element of several tensors."""
    sizes = [np.abs(x[np.isfinite(x)]).max(initial=0.0) for x in tensors.values()]
    return float(max(sizes, default=0.0))
