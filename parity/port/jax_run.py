"""The port, step by step, each from parameters and buffers that it is given."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from parity.port.case import Batch, JaxSide, check_batch
from parity.port.masks import Mask, Request, SharedMasks
from parity.port.step import Arrays, Step
from parity.port.taps import as_arrays, jax_taps
from parity.port.units import jax_modules

QUICK = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
}
"""Compiling is most of a comparison's time, and takes half as long so. What a port
computes is the same but for rounding, of which float64 leaves nothing to see. In
float32 the port is compiled as it is."""


class JaxRun:
    """The port with the state of its optimiser.

    Call it with `jax.enable_x64(True)` in force for float64.

    Args:
        side: the port, which is left as it is.
        dtype: of the parameters and inputs.
    """

    def __init__(self, side: JaxSide, dtype: str):
        self.side, self.dtype = side, dtype
        graph, params, rest = nnx.split(widen(side.model, dtype), side.wrt, ...)
        self._graph = graph
        self._params, self._rest = (cast(state, dtype) for state in (params, rest))
        self._tx = optax.with_extra_args_support(side.transformation)
        self._state = self._tx.init(self._params)
        self._clip_state = side.clip.init(self._params) if side.clip else None
        self._updates = 0
        self.layers: dict[str, list[Any]] = {}
        """What the forward pass that was traced last had come to."""
        self._gradient_template: Any = None
        # What a traced step asked for, by the shapes that it was traced with.
        self._requests: dict[Any, list[Request]] = {}
        self._trace_key: Any = None
        options = QUICK if dtype == "float64" else {}
        self._gradient = jax.jit(
            jax.value_and_grad(self._loss, has_aux=True),
            static_argnums=4,
            compiler_options=options,
        )
        self._update = jax.jit(self._apply, compiler_options=options)

    def weights(self) -> Arrays:
        """Parameters and buffers as they are, by path."""
        return {**arrays(self._params), **arrays(self._rest)}

    def prepare(self, batch: Batch) -> Batch:
        """The batch as arrays, after the side's preparation."""
        result = as_jax(check_batch(batch), self.dtype)
        if self.side.prepare is None:
            return result
        return check_batch(self.side.prepare(*result), "what JaxSide.prepare returns")

    def forward(
        self, values: Arrays, batch: Batch, masks: Sequence[Mask]
    ) -> tuple[float, Arrays, dict[str, Any]]:
        """Loss, gradients by path, and what else there is to see."""
        params, rest = fill_state(self._params, values), fill_state(self._rest, values)
        elements = [jnp.asarray(mask.elements) for mask in masks]
        keeps = tuple(mask.keep for mask in masks)
        shapes = [(np.shape(x), x.dtype) for x in as_arrays(list(batch)) + elements]
        self._trace_key = (*shapes, keeps)
        (loss, extra), grads = self._gradient(params, rest, batch, elements, keeps)
        self._gradient_template = grads
        return float(loss), arrays(grads), extra

    def _loss(
        self, params: Any, rest: Any, batch: Batch, elements: list[Any], keeps: Any
    ) -> tuple[jax.Array, dict[str, Any]]:
        model = nnx.merge(self._graph, params, rest, copy=True)
        source = SharedMasks(list(zip(elements, keeps, strict=True)))
        inputs = batch[0] if isinstance(batch[0], tuple | list) else (batch[0],)
        with source.lend(), jax_taps(model) as layers:
            self.layers = layers
            if self.side.forward:
                output = self.side.forward(model, *inputs)
            else:
                output = model(*inputs)
            loss = self.side.loss(output, *batch[1:])
        if self.side.penalty:
            loss = loss + self.side.penalty(model)
        self._requests[self._trace_key] = source.requests
        after = nnx.state(model, nnx.Not(self.side.wrt))
        extra = {"layers": dict(layers), "output": output, "after": after}
        return loss, extra

    def step(
        self, batch: Batch, values: Arrays, targets: Mapping[str, Any], theirs: Step
    ) -> Step:
        """Take one step.

        Args:
            batch: as the user gave it.
            values: parameters and buffers to start from, by path.
            targets: PyTorch's gradients by path, before clipping (`"raw"`) and after it
                (`"clipped"`): every part is judged on what PyTorch's part was given.
            theirs: PyTorch's step, for its masks.
        """
        inputs = self.prepare(batch)
        loss, grads, extra = self.forward(values, inputs, theirs.masks)
        start = fill_state(self._params, values)
        clips = self._clip(grads, targets)
        grads_in = targets["clipped"] if self.side.clip else targets["raw"]
        grads_in = {**clips, **grads_in}
        params, self._state = self._update(
            fill_state(self._gradient_template, grads_in),
            self._state,
            start,
            self._extra(),
        )
        before, after = arrays(start), arrays(params)
        lr = self._lr()
        self._updates += theirs.updated
        return Step(
            batch=as_arrays(inputs),
            layers={n: as_arrays(list(xs)) for n, xs in extra["layers"].items()},
            output=as_arrays(jax.tree.leaves(extra["output"])),
            loss=loss,
            before=before,
            gradients=grads,
            clipped=clips,
            lr=lr,
            updates={n: x - before[n] for n, x in after.items()},
            buffers_before={n: v for n, v in values.items() if n not in before},
            buffers=arrays(extra["after"]),
            asked=list(self._requests[self._trace_key]),
        )

    def free_losses(
        self, batches: Sequence[Batch], values: Arrays, steps: Sequence[Step]
    ) -> list[float]:
        """The losses of a run that only begins with given parameters and buffers.

        Args:
            batches: as the user gave them.
            values: at the start.
            steps: PyTorch's, for their masks.
        """
        state, clip = self._tx.init(self._params), self._clip_state
        losses, self._updates = [], 0
        for batch, theirs in zip(batches, steps, strict=False):
            inputs = self.prepare(batch)
            loss, _, extra = self.forward(values, inputs, theirs.masks)
            grads = self._gradient_template
            if self.side.clip is not None:
                grads, clip = self.side.clip.update(grads, clip)
            params = fill_state(self._params, values)
            params, state = self._update(grads, state, params, self._extra())
            self._updates += theirs.updated
            values = {**values, **arrays(params), **arrays(extra["after"])}
            losses.append(loss)
        return losses

    def _clip(self, grads: Arrays, targets: Mapping[str, Any]) -> Arrays:
        if self.side.clip is None:
            return grads
        raw = fill_state(self._gradient_template, {**grads, **targets["raw"]})
        clips, self._clip_state = self.side.clip.update(raw, self._clip_state)
        return arrays(clips)

    def _lr(self) -> np.ndarray | None:
        """The rate of the update just made, where it is declared or injected."""
        lr = self.side.rate(self._updates)
        if lr is None:
            lr = rate_in_state(self._state)
        return None if lr is None else np.atleast_1d(np.asarray(lr, np.float64))

    def _extra(self) -> dict[str, Any]:
        lr = self.side.rate(self._updates)
        if lr is None or np.ndim(lr):
            return {}
        return {"lr": jnp.asarray(lr, self.dtype)}

    def _apply(
        self, grads: Any, state: Any, params: Any, extra: dict[str, Any]
    ) -> tuple[Any, Any]:
        updates, state = self._tx.update(grads, state, params, **extra)
        return optax.apply_updates(params, updates), state


def rate_in_state(state: Any) -> Any:
    """The learning rate that `optax.inject_hyperparams` used last, or None."""
    for part in jax.tree.leaves(state, is_leaf=lambda s: hasattr(s, "hyperparams")):
        if hasattr(part, "hyperparams"):
            return part.hyperparams.get("learning_rate")
    return None


def arrays(state: Any) -> Arrays:
    """Every variable of a state on the host, by its dotted path; no random keys."""
    return {
        ".".join(map(str, path)): np.asarray(variable[...])
        for path, variable in nnx.to_flat_state(state)
        if not isinstance(variable, nnx.RngState) and _is_array(variable[...])
    }


def _is_array(value: Any) -> bool:
    return hasattr(value, "dtype") and not jnp.issubdtype(
        value.dtype, jax.dtypes.prng_key
    )


def fill_state(state: Any, values: Mapping[str, Any]) -> Any:
    """A copy of a state with the values that are given by path, in its own types."""
    flat = [
        (path, _fill_one(variable, values.get(".".join(map(str, path)))))
        for path, variable in nnx.to_flat_state(state)
    ]
    return nnx.from_flat_state(flat)


def _fill_one(variable: Any, value: Any) -> Any:
    if value is None:
        return variable
    return variable.replace(jnp.asarray(value, variable[...].dtype))


def cast(state: Any, dtype: str) -> Any:
    """A state with its floating-point arrays in another type."""

    def one(variable: Any) -> Any:
        value = variable[...]
        if _is_array(value) and jnp.issubdtype(value.dtype, jnp.floating):
            return variable.replace(jnp.asarray(value, dtype))
        return variable

    flat = [(path, one(variable)) for path, variable in nnx.to_flat_state(state)]
    return nnx.from_flat_state(flat)


def widen(model: nnx.Module, dtype: str) -> nnx.Module:
    """A copy whose layers compute in `dtype` where they were told float32.

    `nnx.Embed` notes the type of its table when it is made, and a cell that of its
    parameters, in which it starts its carry. Narrower types stay.
    """
    result = nnx.merge(*nnx.split(model), copy=True)
    for _, module in jax_modules(result):
        for name in ("dtype", "param_dtype"):
            if getattr(module, name, None) in (jnp.float32, np.dtype("float32")):
                setattr(module, name, jnp.dtype(dtype))
    return result


def as_jax(tree: Any, dtype: str) -> Any:
    """A batch as arrays, numbers in floating point in the type `dtype`."""
    if isinstance(tree, tuple | list):
        return tuple(as_jax(part, dtype) for part in tree)
    if isinstance(tree, Mapping):
        return {key: as_jax(part, dtype) for key, part in tree.items()}
    (array,) = as_arrays(tree)
    return jnp.asarray(array, dtype if array.dtype.kind == "f" else None)
