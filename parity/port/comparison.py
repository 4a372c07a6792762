"""The comparison of a port with its original."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from parity.port.case import Batch, Case, JaxSide, TorchSide
from parity.port.jax_run import JaxRun
from parity.port.judge import Judge, judge_step, largest
from parity.port.layouts import activation_layouts
from parity.port.mapping import WeightMap, weight_map
from parity.port.report import Report, Row
from parity.port.step import Original, Step
from parity.port.taps import as_arrays

DTYPES = ("float64", "float32")

Pair = tuple[Batch | None, Batch | None]
"""PyTorch's batch and the port's; None where a side has no more."""


@dataclass(frozen=True)
class Recording:
    """A comparison with all that it is based on."""

    case: Case
    report: Report
    theirs: tuple[Step, ...]
    ours: tuple[Step, ...]
    batches: tuple[tuple[Batch, Batch], ...]
    """PyTorch's and the port's, of each step, before preparation."""
    initial: dict[str, np.ndarray]
    """The port's own weights, by path."""


def compare(
    torch_side: TorchSide | Case,
    jax_side: JaxSide | None = None,
    batches: Sequence[Batch] = (),
    *,
    steps: int | None = None,
    dtype: str = "float64",
    stop: bool = True,
    **options: Any,
) -> Report:
    """Train both sides step by step and report the first quantity that departs.

    PyTorch's side runs freely. The JAX side starts every step from PyTorch's parameters
    and buffers, its optimiser is given PyTorch's gradients and its dropout PyTorch's
    masks; the state of its optimiser is its own. So each quantity is judged by itself.

    Args:
        torch_side: the original; or a `Case`, which holds all of it.
        jax_side: the port.
        batches: (input, target) pairs, one a step.
        steps: how many; as many as there are batches if not given.
        dtype: `"float64"` proves that both compute the same, to 1e-10 of the largest
            element; `"float32"` allows twice PyTorch's own distance from float64.
        stop: at the first step that departs.
        options: other fields of `Case`.

    Raises:
        MapError: a parameter or buffer has no counterpart.
        ValueError: the case or the arguments do not make sense.

    Example:
        >>> import torch, optax
        >>> from flax import nnx
        >>> model = torch.nn.Linear(3, 1)
        >>> draw = np.random.default_rng(0)
        >>> batches = [(draw.normal(size=(4, 3)), draw.normal(size=(4, 1)))] * 3
        >>> sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> report = compare(
        ...     TorchSide(model, torch.nn.MSELoss(), sgd),
        ...     JaxSide(
        ...         nnx.Linear(3, 1, rngs=nnx.Rngs(0)),
        ...         lambda y, target: optax.l2_loss(y, target).mean(),
        ...         optax.sgd(0.1),
        ...     ),
        ...     batches,
        ... )
        >>> first = report.first
        >>> first.step, first.kind, first.error
        (0, 'loss', 0.5)
    """
    if isinstance(torch_side, Case):
        case = torch_side
    elif jax_side is None:
        raise TypeError("compare needs a JAX side beside the PyTorch side, or a Case")
    else:
        case = Case(torch_side, jax_side, batches, **options)
    return record(case, steps=steps, dtype=dtype, stop=stop).report


def record(
    case: Case, *, steps: int | None = None, dtype: str = "float64", stop: bool = True
) -> Recording:
    """`compare`, with every tensor kept."""
    import torch

    from parity.port.torch_run import LiveRun

    check_arguments(steps, dtype)
    # Dropout draws from the generator that the caller's own training goes on with.
    with torch.random.fork_rng(devices=[]):
        original = LiveRun(case.torch, dtype)
        return record_from(original, case, batch_pairs(case, steps), dtype, stop=stop)


def check_arguments(steps: int | None, dtype: str) -> None:
    """Those of `compare` that are no part of a case.

    Raises:
        ValueError: one of them does not make sense.

    Example:
        >>> check_arguments(0, "float64")
        Traceback (most recent call last):
        ...
        ValueError: steps must be 1 or more, not 0
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be 'float64' or 'float32', not {dtype!r}")
    if steps is not None and steps < 1:
        raise ValueError(f"steps must be 1 or more, not {steps}")


def record_from(
    original: Original,
    case: Case,
    pairs: Iterable[Pair],
    dtype: str,
    *,
    stop: bool = True,
) -> Recording:
    """`record` with an original that runs now, or did so once; `case.torch` is not
    asked for.

    Args:
        original: PyTorch's side.
        case: with the port.
        pairs: batches, one pair a step.
        dtype: in which the original computes.
        stop: at the first step that departs.
    """
    with _types(dtype):
        return _record(original, case, pairs, dtype, stop)


def _types(dtype: str) -> AbstractContextManager[Any]:
    return jax.enable_x64(True) if dtype == "float64" else nullcontext()


def _record(
    original: Original, case: Case, pairs: Iterable[Pair], dtype: str, stop: bool
) -> Recording:
    layout = weight_map(original.outline, case.jax.model, case.map, case.jax_only)
    ours_run = JaxRun(case.jax, dtype)
    clips = original.clips and case.jax.clip is not None
    rows = list(_narrow(original, case, layout))
    if case.weights == "compare":
        rows += _weights(original, layout, ours_run)
    theirs: list[Step] = []
    ours: list[Step] = []
    batches: list[tuple[Batch, Batch]] = []
    initial = ours_run.weights()
    for number, (a, b) in enumerate(pairs):
        if a is None or b is None:
            rows.append(_missing_batch(number, a is None))
            break
        step, exact = original.step(a)
        theirs.append(step)
        failure = _other_shape(number, step, ours_run, b)
        if failure:
            rows.append(failure)
            break
        try:
            ours.append(_our_step(ours_run, layout, step, b))
        except (TypeError, ValueError) as error:
            rows.append(_failure(number, layout, step, ours_run, error))
            break
        rows += judge_step(number, clips, layout, step, ours[-1], exact)
        batches.append((a, b))
        if stop and any(not row.passed for row in rows):
            break
    if not theirs and not rows:
        raise ValueError("there are no batches: is it a generator that was used up?")
    losses = _free(ours_run, layout, theirs, [b for _, b in batches], rows)
    report = Report(
        dtype=dtype,
        steps=len(ours),
        rows=tuple(rows),
        map=layout,
        empty=tuple(_empty(theirs)),
        warnings=tuple(_gaps(original, case, theirs, ours)),
        losses=tuple(losses),
    )
    return Recording(case, report, tuple(theirs), tuple(ours), tuple(batches), initial)


def _our_step(run: JaxRun, layout: WeightMap, theirs: Step, batch: Batch) -> Step:
    values = layout.to_jax({**theirs.before, **theirs.buffers_before})
    targets = {
        "raw": layout.gradients_to_jax(theirs.gradients),
        "clipped": layout.gradients_to_jax(theirs.clipped),
    }
    return run.step(batch, values, targets, theirs)


def batch_pairs(case: Case, steps: int | None) -> Iterator[Pair]:
    """The batches of both sides, as far as the longer of the two goes.

    Args:
        case: which is asked for its original.
        steps: how many at most.
    """
    if case.torch.batches is None and case.jax.batches is None:
        # Once: a loader that shuffles gives another order each time.
        return itertools.islice(((batch, batch) for batch in case.batches), steps)
    theirs, ours = (
        case.batches if side.batches is None else side.batches
        for side in (case.torch, case.jax)
    )
    return itertools.islice(itertools.zip_longest(theirs, ours), steps)


def _missing_batch(step: int, on_torch: bool) -> Row:
    side = "PyTorch's" if on_torch else "the JAX"
    note = f"there is no batch {step} on {side} side"
    return Row(step, "batch", "", np.inf, 0.0, np.inf, 0.0, note)


def _other_shape(number: int, theirs: Step, ours: JaxRun, batch: Batch) -> Row | None:
    """Batches of other sizes: what follows could not be compared, nor always run."""
    own = as_arrays(ours.prepare(batch))
    sizes = [np.shape(arrays[0])[:1] for arrays in (theirs.batch, own)]
    if sizes[0] == sizes[1]:
        return None
    note = f"{sizes[1][0]} examples where PyTorch has {sizes[0][0]}"
    return Row(number, "batch", "input", np.inf, 0.0, np.inf, 0.0, note)


def _failure(
    number: int, layout: WeightMap, theirs: Step, run: JaxRun, error: Exception
) -> Row:
    """A port that cannot go on: the layer whose output has another shape.

    Raises:
        Exception: the error itself, where all layers before it have PyTorch's shapes.
    """
    layers = dict(layout.layers)
    for path, outputs in theirs.layers.items():
        own = run.layers.get(layers.get(path, "-"), [])
        for a, b in zip(outputs, own, strict=False):
            if tuple(b.shape) not in {x.shape for x in activation_layouts(a)}:
                note = (
                    f"shape {tuple(b.shape)} where PyTorch has {a.shape}; the port "
                    f"then fails: {str(error).splitlines()[0]}"
                )
                return Row(number, "output", path, np.inf, 0.0, np.inf, 0.0, note)
    raise error


def _narrow(original: Original, case: Case, layout: WeightMap) -> Iterator[Row]:
    """Parameters of fewer bits than PyTorch's, which casting both would hide."""
    theirs = original.outline.parameters
    own = {
        ".".join(map(str, path)): jnp.dtype(variable.dtype)
        for path, variable in nnx.to_flat_state(nnx.state(case.jax.model, nnx.Param))
    }
    for leaf in layout.leaves:
        kind, tensor = own.get(leaf.path), theirs.get(leaf.sources[0])
        if kind is None or tensor is None or not jnp.issubdtype(kind, jnp.floating):
            continue
        # JAX has no float64 unless told so: float32 is not held against it.
        if kind.itemsize < min(jnp.dtype(tensor.dtype).itemsize, 4):
            note = f"{kind} where PyTorch has {tensor.dtype}"
            path = layout.name(leaf.path)
            yield Row(0, "weights", path, np.inf, 0.0, np.inf, 0.0, note)


def _weights(original: Original, layout: WeightMap, ours: JaxRun) -> Iterator[Row]:
    judge = Judge(0, ours.dtype)
    own = ours.weights()
    weights = layout.to_jax(original.start())
    for leaf in layout.leaves:
        value = weights[leaf.path]
        name = layout.name(leaf.path)
        yield judge.row("weights", name, value, own[leaf.path], value)


def _free(
    run: JaxRun,
    layout: WeightMap,
    theirs: Sequence[Step],
    batches: Sequence[Batch],
    rows: Sequence[Row],
) -> list[tuple[float, float]]:
    """The losses of both sides, each running by itself."""
    if not batches or any(row.kind == "batch" and not row.passed for row in rows):
        return []
    first = theirs[0]
    values = layout.to_jax({**first.before, **first.buffers_before})
    free = run.free_losses(batches, values, theirs)
    return [(step.loss, loss) for step, loss in zip(theirs, free, strict=False)]


Check = tuple[str, Callable[[Sequence[Step]], bool]]

CHECKS: tuple[Check, ...] = (
    ("fewer than two steps were compared", lambda steps: len(steps) < 2),
    (
        "no parameter ever moved",
        lambda steps: not any(largest(s.updates) for s in steps),
    ),
    ("every input is constant", lambda steps: all(_constant(s) for s in steps)),
    (
        "the loss is not finite",
        lambda steps: not all(np.isfinite(s.loss) for s in steps),
    ),
    ("the gradients are the same at every step", lambda steps: _is_constant(steps)),
)
"""What makes a comparison prove nothing, whatever it finds."""


def _empty(steps: Sequence[Step]) -> Iterator[str]:
    for reason, holds in CHECKS:
        if holds(steps):
            yield reason


def _constant(step: Step) -> bool:
    # One of several may be, as a mask; the target is last.
    inputs = [x for x in step.batch[:-1] or step.batch if x.size]
    return bool(inputs) and all((x == x.flat[0]).all() for x in inputs)


def _is_constant(steps: Sequence[Step]) -> bool:
    if len(steps) < 2:
        return False
    first, *others = (
        {n: g for n, g in s.gradients.items() if g is not None} for s in steps
    )
    return all(
        other.keys() == first.keys()
        and all(np.array_equal(g, other[n]) for n, g in first.items())
        for other in others
    )


def _gaps(
    original: Original, case: Case, theirs: Sequence[Step], ours: Sequence[Step]
) -> Iterator[str]:
    trainable = {n for n, p in original.outline.parameters.items() if p.trained}
    for name in sorted(trainable):
        if not any(
            g is not None and g.any() for g in (s.gradients[name] for s in theirs)
        ):
            yield f"{name} never had a gradient"
    if any(step.lr is None for step in ours):
        yield "the learning rate, which JaxSide(lr=...) would show"
    if original.clips and case.jax.clip is None:
        yield "clipping by itself: it is judged by the updates"
