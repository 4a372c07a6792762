"""Whether a golden file still says what PyTorch says."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from parity.golden.content import Golden
from parity.port.case import Batch, TorchSide
from parity.port.judge import Judge, judge_step
from parity.port.layouts import Leaf, same
from parity.port.mapping import WeightMap
from parity.port.outline import Outline
from parity.port.step import Arrays, Step
from parity.port.torch_run import LiveRun, TorchRun


def first_change(golden: Golden, side: TorchSide, batches: Iterable[Batch]) -> str:
    """The first thing that PyTorch now says otherwise, in words; empty if nothing is.

    PyTorch is held to its former self as a port is held to it: every step starts from
    the golden parameters and buffers, with the golden masks and gradients, and may be
    as far away. So another version or processor, whose sums round otherwise, is no
    change, and another seed, argument or layer is one.

    Args:
        golden: what it said.
        side: the original as it is now.
        batches: as they are now.
    """
    live = LiveRun(side, golden.dtype)
    for change in (_of_model(golden, live), _of_start(golden, live)):
        if change:
            return change
    run = GoldenRun(side, golden.dtype)
    current = list(batches)
    for number, batch in enumerate(current[: len(golden.steps)]):
        now, then = run.repeat(batch, golden.steps[number]), golden.steps[number]
        rows = judge_step(
            number, True, _itself(golden.outline), then, now, golden.exact[number]
        )
        departure = next((row for row in rows if not row.passed), None)
        if departure:
            return str(departure)
    if len(current) != len(golden.steps):
        return f"{len(current)} batches where the file has {len(golden.steps)}"
    return ""


def _of_model(golden: Golden, live: LiveRun) -> str:
    then, now = golden.outline, live.outline
    for what in ("parameters", "buffers"):
        a, b = getattr(then, what), getattr(now, what)
        if a != b:
            name = next(n for n in {**a, **b} if a.get(n) != b.get(n))
            return f"{what.removesuffix('s')} {name!r} is another"
    return "" if golden.clips == live.clips else "it clips where it did not, or not now"


def _of_start(golden: Golden, live: LiveRun) -> str:
    # Some of PyTorch's initialisers round in float32 as the processor has it.
    judge, now = Judge(0, "float32"), live.start()
    for name, then in golden.start.items():
        row = judge.row("weights", name, then, now[name], then)
        if not row.passed:
            return f"{row}: is there a torch.manual_seed before the model is made?"
    return ""


class GoldenRun(TorchRun):
    """PyTorch's side, with every step as the golden one began."""

    def __init__(self, side: TorchSide, dtype: str):
        super().__init__(side, dtype)
        self._former: dict[str, Any] = {}

    def repeat(self, batch: Batch, then: Step) -> Step:
        """Take a step from the golden state.

        Args:
            batch: as it is now.
            then: the golden step.
        """
        self.restore(then)
        self._former = then.gradients
        now = self.step(batch, then.masks)
        return replace(
            now,
            gradients=_present(now.gradients),
            clipped=_present(now.clipped),
            asked=[(mask.elements.shape, mask.keep) for mask in now.masks],
        )

    def _update(self) -> tuple[dict[str, Any], bool]:
        # A gradient that is nothing but rounding decides where Adam goes.
        for name, p in self.model.named_parameters():
            own, former = p.grad, self._former[name]
            if former is not None:
                p.grad = torch.as_tensor(np.array(former)).to(p.dtype)
                if own is not None and own.is_sparse:
                    p.grad = p.grad.to_sparse(own.sparse_dim())
        return super()._update()


def _present(tensors: dict[str, Any]) -> Arrays:
    return {name: x for name, x in tensors.items() if x is not None}


def _itself(outline: Outline) -> WeightMap:
    names = [*outline.parameters, *outline.buffers]
    leaves = (Leaf(name, (name,), same, "as it is") for name in names)
    layers = ((module.path, module.path) for module in outline.modules)
    return WeightMap(tuple(leaves), tuple(layers))
