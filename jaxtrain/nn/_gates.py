"""One step of a recurrent layer, from the gates' inputs to the next state.

`x` and `h` are what the input and the state contribute, each with a bias of its own:
(N, gates · hidden_size). A state is a tuple, whose first part is the hidden state.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

State = tuple[jax.Array, ...]
Step = Callable[[jax.Array, jax.Array, State], State]


def tanh_step(x: jax.Array, h: jax.Array, state: State) -> State:
    """h' = tanh(x + h).

    Example:
        >>> tanh_step(jnp.ones(1), -jnp.ones(1), (jnp.ones(1),))
        (Array([0.], dtype=float32),)
    """
    return (jnp.tanh(x + h),)


def relu_step(x: jax.Array, h: jax.Array, state: State) -> State:
    """h' = max(x + h, 0).

    Example:
        >>> relu_step(jnp.ones(1), jnp.ones(1), (jnp.ones(1),))
        (Array([2.], dtype=float32),)
    """
    return (jax.nn.relu(x + h),)


def lstm_step(x: jax.Array, h: jax.Array, state: State) -> State:
    """c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c').

    The gates come in the order i, f, g, o.

    Example:
        >>> h, c = lstm_step(jnp.zeros(4), jnp.zeros(4), (jnp.ones(1), jnp.ones(1)))
        >>> c
        Array([0.5], dtype=float32)
    """
    i, f, g, o = jnp.split(x + h, 4, -1)
    c = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def gru_step(x: jax.Array, h: jax.Array, state: State) -> State:
    """n = tanh(x_n + sigmoid(r) h_n), h' = n + sigmoid(z) (h - n).

    The gates come in the order r, z, n.

    Example:
        >>> gru_step(jnp.zeros(3), jnp.zeros(3), (jnp.ones(1),))
        (Array([0.5], dtype=float32),)
    """
    (x_r, x_z, x_n), (h_r, h_z, h_n) = jnp.split(x, 3, -1), jnp.split(h, 3, -1)
    n = jnp.tanh(x_n + jax.nn.sigmoid(x_r + h_r) * h_n)
    return (n + jax.nn.sigmoid(x_z + h_z) * (state[0] - n),)


GATES: dict[Step, int] = {tanh_step: 1, relu_step: 1, lstm_step: 4, gru_step: 3}


def plain_step(nonlinearity: str) -> Step:
    """The step of a recurrent layer without gates.

    Raises:
        ValueError: another nonlinearity than `"tanh"` and `"relu"`.

    Example:
        >>> plain_step("relu") is relu_step
        True
    """
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
    return tanh_step if nonlinearity == "tanh" else relu_step
