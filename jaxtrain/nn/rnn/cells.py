"""One step of a recurrent layer."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn import init
from jaxtrain.nn.activation.smooth import (
    GATES,
    CellState,
    CellStep,
    gru_step,
    lstm_step,
    plain_step,
)
from jaxtrain.nn.module import Module, draw_parameter
from jaxtrain.nn.rnn.base import linear
from jaxtrain.nn.shapes import check_ndim, check_size


class _Cell(Module):
    def _begin(
        self,
        step: CellStep,
        input_size: int,
        hidden_size: int,
        bias: bool,
        generator: rng.Generator | None,
        dtype: DTypeLike,
    ) -> None:
        self.step = step
        self.input_size = input_size
        self.hidden_size = hidden_size
        rows = GATES[step] * hidden_size
        bound = 1 / math.sqrt(hidden_size) if hidden_size > 0 else 0
        source = rng.default_generator if generator is None else generator

        def draw(*shape: int) -> nnx.Param:
            return draw_parameter(
                init.uniform, shape, -bound, bound, dtype=dtype, generator=source
            )

        # In the order in which PyTorch draws.
        self.weight_ih = draw(rows, input_size)
        self.weight_hh = draw(rows, hidden_size)
        self.bias_ih = draw(rows) if bias else None
        self.bias_hh = draw(rows) if bias else None

    def _next_state(self, input: jax.Array, state: CellState | None) -> CellState:
        name = f"{type(self).__name__}({self.input_size}, {self.hidden_size})"
        check_ndim(name, input, (1, 2))
        check_size(name, input, -1, self.input_size)
        input = jnp.asarray(input)
        shape = (*input.shape[:-1], self.hidden_size)
        if state is None:
            parts = 2 if self.step is lstm_step else 1
            state = (jnp.zeros(shape, input.dtype),) * parts
        if any(part.shape != shape for part in state):
            shapes = [part.shape for part in state]
            raise ValueError(f"{name} got a state of shapes {shapes}, not {shape}")
        b_ih, b_hh = (b if b is None else b[...] for b in (self.bias_ih, self.bias_hh))
        return self.step(
            linear(input, self.weight_ih[...], b_ih),
            linear(state[0], self.weight_hh[...], b_hh),
            state,
        )


class _OneStateCell(_Cell):
    """Cells whose state is h alone."""

    def __call__(self, input: jax.Array, hx: jax.Array | None = None) -> jax.Array:
        return self._next_state(input, None if hx is None else (hx,))[0]


class RNNCell(_OneStateCell):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh).

    A call takes x, (N, input_size) or (input_size,), and h, zeros if not given.

    Args:
        input_size: size of x.
        hidden_size: size of h.
        bias: whether there are biases.
        nonlinearity: `"tanh"` or `"relu"`.
        generator: where the initial values come from; `rng.default_generator` if not
            given.
        dtype: of the parameters; see `Linear`.

    Raises:
        ValueError: another nonlinearity; an input or state that does not fit.

    PyTorch: `torch.nn.RNNCell`.

    Example:
        >>> RNNCell(3, 5)(jnp.ones((4, 3))).shape
        (4, 5)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        step = plain_step(nonlinearity)
        self._begin(step, input_size, hidden_size, bias, generator, dtype)


class GRUCell(_OneStateCell):
    """One step of `GRU`; the call is that of `RNNCell`.

    Args:
        input_size: size of x.
        hidden_size: size of h.
        bias: whether there are biases.
        generator: where the initial values come from; `rng.default_generator` if not
            given.
        dtype: of the parameters; see `Linear`.

    Raises:
        ValueError: an input or state does not fit.

    PyTorch: `torch.nn.GRUCell`.

    Example:
        >>> GRUCell(3, 5)(jnp.ones(3)).shape
        (5,)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        self._begin(gru_step, input_size, hidden_size, bias, generator, dtype)


class LSTMCell(_Cell):
    """One step of `LSTM`; takes and returns pairs (h, c).

    Args:
        input_size: size of x.
        hidden_size: size of h and c.
        bias: whether there are biases.
        generator: where the initial values come from; `rng.default_generator` if not
            given.
        dtype: of the parameters; see `Linear`.

    Raises:
        ValueError: an input or state does not fit.

    PyTorch: `torch.nn.LSTMCell`.

    Example:
        >>> h, c = LSTMCell(3, 5)(jnp.ones((4, 3)))
        >>> h.shape, c.shape
        ((4, 5), (4, 5))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        generator: rng.Generator | None = None,
        dtype: DTypeLike = jnp.float32,
    ):
        self._begin(lstm_step, input_size, hidden_size, bias, generator, dtype)

    def __call__(
        self, input: jax.Array, hx: tuple[jax.Array, jax.Array] | None = None
    ) -> Any:
        return self._next_state(input, hx)
