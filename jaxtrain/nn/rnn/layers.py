"""Recurrent layers over whole sequences."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jaxtrain import rng
from jaxtrain.nn.activation.smooth import gru_step, lstm_step, plain_step
from jaxtrain.nn.rnn.base import Recurrent
from jaxtrain.nn.rnn.packed import PackedSequence


class _OneState(Recurrent):
    """Layers whose state is h alone."""

    def __call__(
        self, input: jax.Array | PackedSequence, hx: jax.Array | None = None
    ) -> tuple[Any, jax.Array]:
        outputs, (last,) = self._run(input, None if hx is None else (hx,))
        return outputs, last


class RNN(_OneState):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), layer upon layer.

    Parameters are `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0` and so on,
    `…_reverse` for the other direction, all drawn from U(-b, b), b = hidden_size^-½.
    Both biases are learnt: under plain SGD their sum moves twice as fast as one would.

    A call takes the sequence (L, N, input_size) or (L, input_size), and a first state
    (layers · directions, N, hidden_size), zeros if not given. It returns the last
    layer's states at every step, and each layer's last state. A `PackedSequence` gives
    one back. If its lengths are data of a compiled function, dropout draws for the
    padding too, so that its masks are not PyTorch's.

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

    PyTorch: `torch.nn.RNN`.

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


class GRU(_OneState):
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

    PyTorch: `torch.nn.GRU`.
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


class LSTM(Recurrent):
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

    PyTorch: `torch.nn.LSTM`. (Flax's cell has one bias.)
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
        self,
        input: jax.Array | PackedSequence,
        hx: tuple[jax.Array, jax.Array] | None = None,
    ) -> tuple[Any, Any]:
        return self._run(input, hx)
