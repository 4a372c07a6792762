"""What recurrent layers share: parameters, directions, layers in a stack."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn import init
from jaxtrain.nn.activation.smooth import GATES, CellState, CellStep, lstm_step
from jaxtrain.nn.dropout import Dropout
from jaxtrain.nn.module import Module, draw_parameter
from jaxtrain.nn.rnn.packed import PackedSequence, places, sequence_mask
from jaxtrain.nn.shapes import check_ndim, check_size

Lengths = jax.Array | np.ndarray | None


class Recurrent(Module):
    """What the recurrent layers share: cells, each layer over the whole sequence."""

    def _begin(
        self,
        step: CellStep,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        proj_size: int,
        generator: rng.Generator | None,
        dtype: DTypeLike,
    ) -> None:
        _check_sizes(
            type(self).__name__, input_size, hidden_size, num_layers, proj_size
        )
        self.step = step
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = Dropout(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        bound = 1 / math.sqrt(hidden_size)
        source = rng.default_generator if generator is None else generator
        for key, shape in self._shapes():
            weight = draw_parameter(
                init.uniform, shape, -bound, bound, dtype=dtype, generator=source
            )
            setattr(self, key, weight)

    @property
    def _suffixes(self) -> tuple[str, ...]:
        """Endings of the parameters' names, in both directions of each layer."""
        ways = ("", "_reverse") if self.bidirectional else ("",)
        return tuple(f"_l{i}{way}" for i in range(self.num_layers) for way in ways)

    def _shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Names and shapes of the parameters, in PyTorch's order."""
        rows, out = GATES[self.step] * self.hidden_size, self._out_size
        ways = 1 + self.bidirectional
        for place, suffix in enumerate(self._suffixes):
            columns = self.input_size if place < ways else out * ways
            # Also the order in which they are drawn.
            yield f"weight_ih{suffix}", (rows, columns)
            yield f"weight_hh{suffix}", (rows, out)
            if self.bias:
                yield f"bias_ih{suffix}", (rows,)
                yield f"bias_hh{suffix}", (rows,)
            if self.proj_size:
                yield f"weight_hr{suffix}", (out, self.hidden_size)

    @property
    def _out_size(self) -> int:
        return self.proj_size or self.hidden_size

    def _run(
        self, input: jax.Array | PackedSequence, state: CellState | None
    ) -> tuple[Any, CellState]:
        """Outputs, and last states (layers · directions, N, size)."""
        lengths = None
        if isinstance(input, PackedSequence):
            input, lengths = input
        name = f"{type(self).__name__}({self.input_size}, {self.hidden_size})"
        check_ndim(name, input, (2, 3) if lengths is None else (3,))
        check_size(name, input, -1, self.input_size)
        batched = input.ndim == 3
        batch_first = batched and self.batch_first and lengths is None
        x = jnp.asarray(input if batched else input[:, None])
        # Time first: `scan` goes along the first dimension.
        x = x.swapaxes(0, 1) if batch_first else x
        state = self._first_state(x, state, batched)
        outputs, last = self._layers(x, state, lengths)
        if lengths is not None:
            return PackedSequence(outputs, lengths), last
        if not batched:
            return outputs[:, 0], tuple(part[:, 0] for part in last)
        return outputs.swapaxes(0, 1) if batch_first else outputs, last

    def _first_state(
        self, x: jax.Array, initial: CellState | None, batched: bool
    ) -> CellState:
        sizes = [self._out_size]
        sizes += [self.hidden_size] if self.step is lstm_step else []
        lead = (len(self._suffixes), x.shape[1])
        shapes = [(*lead, size) for size in sizes]
        if initial is None:
            return tuple(jnp.zeros(shape, x.dtype) for shape in shapes)
        state = tuple(
            jnp.asarray(part if batched else part[:, None]) for part in initial
        )
        if [part.shape for part in state] != shapes:
            raise ValueError(
                f"{type(self).__name__} got a state of shapes "
                f"{[part.shape for part in state]}: it must have {shapes}"
            )
        return state

    def _layers(
        self, x: jax.Array, state: CellState, lengths: Lengths
    ) -> tuple[jax.Array, CellState]:
        valid = None if lengths is None else sequence_mask(x, lengths)
        ways = 1 + self.bidirectional
        last = []
        for layer in range(self.num_layers):
            if layer:
                x = self._drop(x, lengths)
            outputs = []
            for way in range(ways):
                # PyTorch's order of states: layer by layer, its two ways together.
                place = layer * ways + way
                first = tuple(part[place] for part in state)
                end, sequence = self._sweep(place, x, first, valid, way == 1)
                outputs.append(sequence)
                last.append(end)
            x = jnp.concatenate(outputs, -1) if ways > 1 else outputs[0]
        return x, tuple(jnp.stack(parts) for parts in zip(*last, strict=True))

    def _drop(self, x: jax.Array, lengths: Lengths) -> jax.Array:
        if lengths is None or isinstance(lengths, jax.core.Tracer):
            return self.dropout(x)
        # PyTorch draws for what is no padding alone, in the order of its packed data.
        index = places(np.asarray(lengths))
        return jnp.zeros_like(x).at[index].set(self.dropout(x[index]))

    def _sweep(
        self,
        place: int,
        x: jax.Array,
        first: CellState,
        valid: jax.Array | None,
        backwards: bool,
    ) -> tuple[CellState, jax.Array]:
        """One direction of one layer over the sequence (L, N, size)."""
        suffix = self._suffixes[place]
        w_ih, w_hh = (self._value(f"weight_{x}{suffix}") for x in ("ih", "hh"))
        b_ih, b_hh = (self._value(f"bias_{x}{suffix}") for x in ("ih", "hh"))
        w_hr = self._value(f"weight_hr{suffix}")

        def cell(state: CellState, pair: Any) -> tuple[CellState, jax.Array]:
            x, valid = pair
            new = self.step(x, linear(state[0], w_hh, b_hh), state)
            if w_hr is not None:
                # h alone is projected: Sak et al. 2014, arxiv.org/abs/1402.1128.
                new = (new[0] @ w_hr.T, *new[1:])
            if valid is None:
                return new, new[0]
            # Padding leaves the state as it is, before and behind the sequence.
            pairs = zip(new, state, strict=True)
            return (
                tuple(jnp.where(valid, n, s) for n, s in pairs),
                jnp.where(valid, new[0], 0),
            )

        # What the inputs contribute is one product for the whole sequence.
        inputs = (linear(x, w_ih, b_ih), valid)
        return jax.lax.scan(cell, first, inputs, reverse=backwards)

    def _value(self, name: str) -> Any:
        parameter = getattr(self, name, None)
        return None if parameter is None else parameter[...]


def _check_sizes(
    name: str, input_size: int, hidden_size: int, num_layers: int, proj_size: int
) -> None:
    if min(input_size, hidden_size, num_layers) < 1:
        raise ValueError(
            f"{name}({input_size}, {hidden_size}, num_layers={num_layers}): "
            "sizes must be greater than zero"
        )
    if not 0 <= proj_size < hidden_size:
        raise ValueError(f"{name} needs 0 <= proj_size < hidden_size, got {proj_size}")


def linear(x: jax.Array, weight: jax.Array, bias: jax.Array | None) -> jax.Array:
    """x Wᵀ + b.

    Example:
        >>> linear(jnp.ones(2), jnp.ones((1, 2)), None)
        Array([2.], dtype=float32)
    """
    product = x @ weight.T
    return product if bias is None else product + bias
