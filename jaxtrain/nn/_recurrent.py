import math
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import init, rng
from jaxtrain.nn._dropout import Dropout
from jaxtrain.nn._gates import GATES, State, Step, gru_step, lstm_step, plain_step
from jaxtrain.nn._input import check_ndim, check_size
from jaxtrain.nn._parameter import drawn


class _Recurrent(nnx.Module):
    """Layers of cells, each over the whole sequence before the next one."""

    def _begin(
        self,
        step: Step,
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
        name = type(self).__name__
        if min(input_size, hidden_size, num_layers) < 1:
            raise ValueError(
                f"{name}({input_size}, {hidden_size}, num_layers={num_layers}): "
                "sizes must be greater than zero"
            )
        if not 0 <= proj_size < hidden_size:
            raise ValueError(
                f"{name} needs 0 <= proj_size < hidden_size, got {proj_size}"
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
            weight = drawn(
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

    def _run(self, input: jax.Array, state: State | None) -> tuple[jax.Array, State]:
        """Outputs, and last states (layers · directions, N, size)."""
        name = f"{type(self).__name__}({self.input_size}, {self.hidden_size})"
        check_ndim(name, input, (2, 3))
        check_size(name, input, -1, self.input_size)
        batched = input.ndim == 3
        x = jnp.asarray(input if batched else input[:, None])
        x = x.swapaxes(0, 1) if batched and self.batch_first else x
        state = self._first_state(x, state, batched)
        outputs, last = self._layers(x, state)
        if not batched:
            return outputs[:, 0], tuple(part[:, 0] for part in last)
        return outputs.swapaxes(0, 1) if self.batch_first else outputs, last

    def _first_state(self, x: jax.Array, given: State | None, batched: bool) -> State:
        sizes = [self._out_size]
        sizes += [self.hidden_size] if self.step is lstm_step else []
        lead = (len(self._suffixes), x.shape[1])
        shapes = [(*lead, size) for size in sizes]
        if given is None:
            return tuple(jnp.zeros(shape, x.dtype) for shape in shapes)
        state = tuple(jnp.asarray(part if batched else part[:, None]) for part in given)
        if [part.shape for part in state] != shapes:
            raise ValueError(
                f"{type(self).__name__} got a state of shapes "
                f"{[part.shape for part in state]}: it must have {shapes}"
            )
        return state

    def _layers(self, x: jax.Array, state: State) -> tuple[jax.Array, State]:
        ways = 1 + self.bidirectional
        last = []
        for layer in range(self.num_layers):
            if layer:
                x = self.dropout(x)
            outputs = []
            for way in range(ways):
                place = layer * ways + way
                first = tuple(part[place] for part in state)
                end, sequence = self._sweep(place, x, first, backwards=way == 1)
                outputs.append(sequence)
                last.append(end)
            x = jnp.concatenate(outputs, -1) if ways > 1 else outputs[0]
        return x, tuple(jnp.stack(parts) for parts in zip(*last, strict=True))

    def _sweep(
        self, place: int, x: jax.Array, first: State, backwards: bool
    ) -> tuple[State, jax.Array]:
        """One direction of one layer over the sequence (L, N, size)."""
        suffix = self._suffixes[place]
        w_ih, w_hh = (self._value(f"weight_{x}{suffix}") for x in ("ih", "hh"))
        b_ih, b_hh = (self._value(f"bias_{x}{suffix}") for x in ("ih", "hh"))
        w_hr = self._value(f"weight_hr{suffix}")

        def cell(state: State, x: jax.Array) -> tuple[State, jax.Array]:
            state = self.step(x, linear(state[0], w_hh, b_hh), state)
            if w_hr is not None:
                state = (state[0] @ w_hr.T, *state[1:])
            return state, state[0]

        # What the inputs contribute is one product for the whole sequence.
        return jax.lax.scan(cell, first, linear(x, w_ih, b_ih), reverse=backwards)

    def _value(self, name: str) -> Any:
        parameter = getattr(self, name, None)
        return None if parameter is None else parameter[...]


def linear(x: jax.Array, weight: jax.Array, bias: jax.Array | None) -> jax.Array:
    """x Wᵀ + b.

    Example:
        >>> linear(jnp.ones(2), jnp.ones((1, 2)), None)
        Array([2.], dtype=float32)
    """
    product = x @ weight.T
    return product if bias is None else product + bias


class RNN(_Recurrent):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), layer upon layer.

    Parameters are `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0` and so on,
    `…_reverse` for the other direction, all drawn from U(-b, b), b = hidden_size^-½.
    Both biases are learnt: under plain SGD their sum moves twice as fast as one would.

    A call takes the sequence (L, N, input_size) or (L, input_size), and a first state
    (layers · directions, N, hidden_size), zeros if not given. It returns the last
    layer's states at every step, and each layer's last state.

    Args:
        input_size: size of x_t.
        hidden_size: size of h_t.
        num_layers: number of layers.
        nonlinearity: `"tanh"` or `"relu"`.
        bias: whether there are biases.
        batch_first: whether sequences are (N, L, …); states are not.
        dropout: probability of zeroing an element of what one layer hands to the next.
        bidirectional: whether a second set of cells runs from the end; outputs of both
            are joined.
        generator: where the initial values come from; `rng.default_generator` if not
            given.
        dtype: of the parameters; see `Linear`.

    Raises:
        ValueError: a size is not positive, `dropout` lies outside [0, 1], another
            nonlinearity, an input or state that does not fit.

    PyTorch: `torch.nn.RNN`, without packed sequences.

    Example:
        >>> outputs, last = RNN(3, 5, num_layers=2)(jnp.ones((7, 4, 3)))
        >>> outputs.shape, last.shape
        ((7, 4, 5), (2, 4, 5))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        self._begin(
            plain_step(nonlinearity),
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            generator,
            dtype,
        )

    def __call__(
        self, input: jax.Array, hx: jax.Array | None = None
    ) -> tuple[jax.Array, jax.Array]:
        outputs, (last,) = self._run(input, None if hx is None else (hx,))
        return outputs, last


class GRU(_Recurrent):
    """Gated recurrent units, layer upon layer; r, z, n are the order of the gates.

    r = sigmoid(W_ir x + b_ir + W_hr h + b_hr), z likewise, n = tanh(W_in x + b_in +
    r (W_hn h + b_hn)), h' = (1 - z) n + z h. The call is that of `RNN`.

    Args:
        input_size: size of x_t.
        hidden_size: size of h_t.
        num_layers: number of layers.
        bias: whether there are biases, two of each.
        batch_first: whether sequences are (N, L, …).
        dropout: of what one layer hands to the next.
        bidirectional: whether a second set of cells runs from the end.
        generator: where the initial values come from; `rng.default_generator` if not
            given.
        dtype: of the parameters; see `Linear`.

    Raises:
        ValueError: as for `RNN`.

    PyTorch: `torch.nn.GRU`, without packed sequences.
    Reference: Cho et al. 2014, https://arxiv.org/abs/1406.1078

    Example:
        >>> GRU(3, 5, batch_first=True)(jnp.ones((4, 7, 3)))[0].shape
        (4, 7, 5)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        self._begin(
            gru_step,
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            generator,
            dtype,
        )

    def __call__(
        self, input: jax.Array, hx: jax.Array | None = None
    ) -> tuple[jax.Array, jax.Array]:
        outputs, (last,) = self._run(input, None if hx is None else (hx,))
        return outputs, last


class LSTM(_Recurrent):
    """Long short-term memory, layer upon layer; i, f, g, o are the order of the gates.

    c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c'), each gate of the
    form W_i x + b_i + W_h h + b_h. The call is that of `RNN`, states are pairs (h, c).

    Args:
        input_size: size of x_t.
        hidden_size: size of c_t, and of h_t without a projection.
        num_layers: number of layers.
        bias: whether there are biases, two of each.
        batch_first: whether sequences are (N, L, …).
        dropout: of what one layer hands to the next.
        bidirectional: whether a second set of cells runs from the end.
        proj_size: size of h_t, projected by `weight_hr_l0` …; 0 for no projection.
        generator: where the initial values come from; `rng.default_generator` if not
            given.
        dtype: of the parameters; see `Linear`.

    Raises:
        ValueError: as for `RNN`; `proj_size` is not below `hidden_size`.

    PyTorch: `torch.nn.LSTM`, without packed sequences. (Flax's cell has one bias.)
    Reference: Hochreiter and Schmidhuber 1997, doi.org/10.1162/neco.1997.9.8.1735

    Example:
        >>> outputs, (h, c) = LSTM(3, 5, proj_size=2)(jnp.ones((7, 4, 3)))
        >>> outputs.shape, h.shape, c.shape
        ((7, 4, 2), (1, 4, 2), (1, 4, 5))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        self._begin(
            lstm_step,
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            generator,
            dtype,
        )

    def __call__(
        self, input: jax.Array, hx: tuple[jax.Array, jax.Array] | None = None
    ) -> tuple[jax.Array, Any]:
        return self._run(input, hx)
