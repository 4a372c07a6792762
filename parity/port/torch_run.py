"""PyTorch's side, step by step, on copies of what the user gave."""

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from parity.port.case import Batch, TorchSide, check_batch
from parity.port.masks import Mask, torch_masks
from parity.port.outline import outline_of
from parity.port.step import Arrays, Step
from parity.port.taps import as_arrays, torch_taps


@contextmanager
def default_dtype(dtype: str) -> Iterator[None]:
    """PyTorch keeps some of its optimisers' scalars in the default type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        with warnings.catch_warnings():
            # A copied scheduler does not know the step of the copied optimiser.
            warnings.filterwarnings("ignore", "Seems like `optimizer.step", UserWarning)
            warnings.filterwarnings("ignore", "Detected call of `lr_sch", UserWarning)
            yield
    finally:
        torch.set_default_dtype(before)


class TorchRun:
    """A copy of the model, the optimiser and the scheduler that takes steps.

    Args:
        side: the original, which is left as it is.
        dtype: of the parameters, inputs and state.
    """

    def __init__(self, side: TorchSide, dtype: str):
        self.side, self.dtype = side, dtype
        kind = getattr(torch, dtype)
        # Together, so that they keep referring to each other.
        loss = side.loss if isinstance(side.loss, torch.nn.Module) else None
        self.model, self.optimizer, self.scheduler, self._loss = copy.deepcopy(
            (side.model, side.optimizer, side.scheduler, loss)
        )
        self.model.to("cpu", kind)
        if self._loss is not None:
            # Its weights are of the type of the model, as a user sees to.
            self._loss.to("cpu", kind)
        cast_state(self.optimizer, kind)
        self._sums: dict[str, torch.Tensor] = {}
        self._steps = self._updates = 0

    def prepare(self, batch: Batch) -> Batch:
        """The batch as tensors, after the side's preparation."""
        result = as_tensors(check_batch(batch), getattr(torch, self.dtype))
        if self.side.prepare is None:
            return result
        return check_batch(self.side.prepare(*result), "what TorchSide.prepare returns")

    def forward(self, batch: Batch) -> tuple[Any, torch.Tensor]:
        """Output and loss of a prepared batch."""
        inputs = batch[0] if isinstance(batch[0], tuple | list) else (batch[0],)
        call: Callable[..., Any] = self.side.forward or (lambda model, *xs: model(*xs))
        output = call(self.model, *inputs)
        loss = (self._loss or self.side.loss)(output, *batch[1:])
        if self.side.penalty:
            loss = loss + self.side.penalty(self.model)
        return output, loss

    def step(self, batch: Batch, masks: Sequence[Mask] | None = None) -> Step:
        """Take one step.

        Args:
            batch: as the user gave it.
            masks: for dropout, in place of drawing them.
        """
        with default_dtype(self.dtype):
            return self._step(batch, masks)

    def _step(self, batch: Batch, masks: Sequence[Mask] | None) -> Step:
        before, buffers_before = self.parameters(), self.buffers()
        inputs = self.prepare(batch)
        self.model.zero_grad(set_to_none=True)
        with torch_masks(masks) as draws, torch_taps(self.model) as layers:
            output, loss = self.forward(inputs)
        loss.backward()
        gradients = self.gradients()
        lr = np.array([float(g["lr"]) for g in self.optimizer.param_groups])
        clipped, updated = self._update()
        return Step(
            batch=as_arrays(inputs),
            layers=layers,
            output=as_arrays(output),
            loss=float(loss.detach()),
            before=before,
            gradients=gradients,
            clipped=clipped,
            lr=lr,
            updates={n: x - before[n] for n, x in self.parameters().items()},
            buffers_before=buffers_before,
            buffers=self.buffers(),
            masks=draws,
            updated=updated,
        )

    def replay(self, step: Step, batch: Batch, backward: bool = True) -> Step:
        """The same forward and backward pass, with what has been changed since.

        Args:
            step: whose parameters, buffers and masks are used; its updates are kept.
            batch: as the user gave it.
            backward: whether the gradients are computed anew.
        """
        with default_dtype(self.dtype):
            self.restore(step)
            inputs = self.prepare(batch)
            self.model.zero_grad(set_to_none=True)
            with torch_masks(step.masks), torch_taps(self.model) as layers:
                output, loss = self.forward(inputs)
            if backward:
                loss.backward()
            return replace(
                step,
                batch=as_arrays(inputs),
                layers=layers,
                output=as_arrays(output),
                loss=float(loss.detach()),
                gradients=self.gradients() if backward else step.gradients,
                buffers=self.buffers(),
            )

    def restore(self, step: Step) -> None:
        """Go back to the parameters and buffers that a step started from."""
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                p.copy_(torch.as_tensor(step.before[name]))
            for name, b in self.model.named_buffers():
                b.copy_(torch.as_tensor(step.buffers_before[name]))

    def _update(self) -> tuple[dict[str, Any], bool]:
        """Clip and step, where enough batches are summed."""
        self._steps += 1
        parameters = dict(self.model.named_parameters())
        for name, p in parameters.items():
            if p.grad is not None and self.side.accumulate > 1:
                before = self._sums.get(name)
                self._sums[name] = p.grad if before is None else before + p.grad
        if self._steps % self.side.accumulate:
            return self.gradients(), False
        for name, grad in self._sums.items():
            parameters[name].grad = grad
        self._sums = {}
        if self.side.clip:
            self.side.clip(self.model.parameters())
        clipped = self.gradients()
        self.optimizer.step()
        self._updates += 1
        if self.scheduler is not None and self._updates % self.side.tick == 0:
            self.scheduler.step()
        return clipped, True

    def parameters(self) -> Arrays:
        """A copy of every parameter."""
        return {n: p.detach().numpy().copy() for n, p in self.model.named_parameters()}

    def buffers(self) -> Arrays:
        """A copy of every buffer."""
        return {n: b.numpy().copy() for n, b in self.model.named_buffers()}

    def gradients(self) -> dict[str, Any]:
        """A copy of every gradient, None where there is none."""
        return {
            n: None if p.grad is None else p.grad.detach().to_dense().numpy().copy()
            for n, p in self.model.named_parameters()
        }

    def widen(self) -> "TorchRun":
        """The same state in float64, to take the next step exactly."""
        other = copy.deepcopy(self)
        other.dtype = "float64"
        other.model.to(torch.float64)
        if other._loss is not None:
            other._loss.to(torch.float64)
        cast_state(other.optimizer, torch.float64)
        other._sums = {n: g.to(torch.float64) for n, g in other._sums.items()}
        return other


class LiveRun:
    """An `Original` that runs now.

    Args:
        side: the original, which is left as it is.
        dtype: of the parameters, inputs and state.
    """

    def __init__(self, side: TorchSide, dtype: str):
        self.outline = outline_of(side.model)
        self.clips = side.clip is not None
        self._run = TorchRun(side, dtype)

    def start(self) -> Arrays:
        """Parameters and buffers as they are."""
        return {**self._run.parameters(), **self._run.buffers()}

    def step(self, batch: Batch) -> tuple[Step, Step | None]:
        """Take one step, and where it is narrower also in float64."""
        exact_run = self._run.widen() if self._run.dtype == "float32" else None
        result = self._run.step(batch)
        return result, exact_run.step(batch, result.masks) if exact_run else None


def cast_state(optimizer: torch.optim.Optimizer, kind: torch.dtype) -> None:
    """Cast an optimiser's state, in place."""
    for state in optimizer.state.values():
        for name, item in state.items():
            if torch.is_tensor(item) and item.is_floating_point():
                state[name] = item.to(kind)


def as_tensors(tree: Any, kind: torch.dtype) -> Any:
    """A batch as tensors, numbers in floating point in the type `kind`."""
    if isinstance(tree, tuple | list):
        return tuple(as_tensors(part, kind) for part in tree)
    if isinstance(tree, Mapping):
        return {key: as_tensors(part, kind) for key, part in tree.items()}
    (array,) = as_arrays(tree)
    tensor = torch.as_tensor(np.array(array))
    return tensor.to(kind) if tensor.is_floating_point() else tensor
