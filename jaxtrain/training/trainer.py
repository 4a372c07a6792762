"""A model in training: its weights, its optimiser, the compiled functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.typing import ArrayLike

from jaxtrain.optim._average import WeightAverage
from jaxtrain.training.numerics import Numerics
from jaxtrain.training.step import (
    Augment,
    Chunk,
    LossFunction,
    Penalty,
    Placed,
    Recipe,
    TrainState,
    take_step,
)


class Trainer:
    """A model in training: its weights, its optimiser, and the compiled functions.

    Each chunk length and batch size is compiled once. The model that is passed in is
    left as it was; `model` gives a trained copy.

    Args:
        model: any NNX module that maps a batch of inputs to outputs.
        optimizer: an Optax transformation. Its update is given the batch's `value` and
            `value_and_grad_fn`, for `optim.lbfgs`, and the hyper-parameters of a chunk.
        loss: maps (outputs, targets) of a batch to a scalar.
        prepare: applied on the device to the raw inputs of each batch.
        numerics: types and device; the model's own parameters should match it.
        penalty: maps the parameters to what is added to the loss while training.
        average: `optim.ema` or `optim.swa`, to keep an average of the parameters.
        augment: (raw inputs, drawn) -> inputs, in place of `prepare` while training.
        average_steps: whether it takes them in after every step, or only when
            `take_average` is called.
    """

    def __init__(
        self,
        model: nnx.Module,
        optimizer: optax.GradientTransformation,
        loss: LossFunction,
        prepare: Callable[[jax.Array], jax.Array] = lambda inputs: inputs,
        numerics: Numerics | None = None,
        penalty: Penalty | None = None,
        average: WeightAverage | None = None,
        average_steps: bool = True,
        augment: Augment | None = None,
    ):
        self.numerics = Numerics() if numerics is None else numerics
        _check_types(model, self.numerics)
        tx = optax.with_extra_args_support(optimizer)
        with self.numerics.active():
            graph, self._eval_graph, params, buffers = _parts(model)
            average_state = None if average is None else average.init(params)
            self.state = TrainState(params, buffers, tx.init(params), average_state)
        transform = augment or (lambda inputs, drawn: prepare(inputs))
        step_average = average if average_steps else None
        self.recipe = Recipe(graph, tx, loss, transform, penalty, step_average)
        train = partial(_train_chunk, self.recipe)
        test = partial(_test_chunk, self._eval_graph, loss, prepare)
        # The new state takes the old one's memory.
        self._train = jax.jit(train, donate_argnums=0)
        self._evaluate = jax.jit(test)
        self._outputs = jax.jit(partial(_outputs, self._eval_graph, prepare))
        self._copy = jax.jit(partial(jax.tree.map, jnp.copy))
        self._average = average

    def place(self, inputs: ArrayLike, targets: ArrayLike) -> Placed:
        """Move a data set to the device, where batches are gathered from it.

        Raises:
            ValueError: there is not one target for each input.
        """
        counts = np.shape(inputs)[0], np.shape(targets)[0]
        if counts[0] != counts[1]:
            raise ValueError(f"{counts[0]} inputs, but {counts[1]} targets")
        with self.numerics.active():
            return Placed(jnp.asarray(inputs), jnp.asarray(targets))

    def train(self, data: Placed, chunk: Chunk) -> jax.Array:
        """Take one step for each batch of the chunk.

        Returns:
            (steps,) losses, each before its update. They may still be in the making:
            reading them waits.

        Raises:
            IndexError: a row number lies outside the data.
        """
        rows = _row_numbers(chunk.rows, len(data.targets))
        # A mapping of another type than `dict` would be one leaf to JAX.
        chunk = chunk._replace(rows=rows, hyperparameters=dict(chunk.hyperparameters))
        with self.numerics.active():
            self.state, losses = self._train(self.state, data, chunk)
        return losses

    def take_average(self) -> None:
        """Take the parameters of this moment into their average."""
        state = self.state.average
        assert self._average is not None and state is not None  # noqa: PT018
        with self.numerics.active():
            average = self._average.update(self.state.params, state)
        self.state = self.state._replace(average=average)

    def evaluate(
        self, data: Placed, rows: np.ndarray, averaged: bool = False
    ) -> tuple[jax.Array, jax.Array]:
        """Test batches of row numbers (steps, batch), without training.

        Args:
            data: what is tested on.
            rows: their numbers.
            averaged: test the average of the parameters instead of the last.

        Returns:
            (steps,) losses, and (steps,) numbers of inputs whose largest output is that
            of their target.

        Raises:
            IndexError: a row number lies outside the data.
        """
        rows = _row_numbers(rows, len(data.targets))
        with self.numerics.active():
            return self._evaluate(self._test_weights(averaged), data, rows)

    def outputs(
        self, data: Placed, rows: np.ndarray, averaged: bool = False
    ) -> jax.Array:
        """What the model gives for one batch of row numbers (batch,).

        Raises:
            IndexError: a row number lies outside the data.
        """
        rows = _row_numbers(rows, len(data.targets))
        with self.numerics.active():
            return self._outputs(self._test_weights(averaged), data, rows)

    def _test_weights(self, averaged: bool) -> tuple[nnx.State, nnx.State]:
        params, buffers, _, average = self.state
        if averaged:
            assert average is not None
            params = average.average
        return params, buffers

    def copy_state(self) -> TrainState:
        """The state of this moment, which the next step would otherwise write over."""
        with self.numerics.active():
            return self._copy(self.state)

    @property
    def model(self) -> nnx.Module:
        """The model with the weights of this moment, in evaluation mode."""
        with self.numerics.active():
            state = jax.tree.map(jnp.copy, self.state)
            return nnx.merge(self._eval_graph, state.params, state.buffers)


def _parts(
    model: nnx.Module,
) -> tuple[nnx.GraphDef, nnx.GraphDef, nnx.State, nnx.State]:
    """A copy's graphs, in training and in evaluation, its parameters and buffers."""
    model = nnx.clone(model)
    model.train()
    graph, *parts = nnx.split(model, nnx.Param, ...)
    # Steps donate their state: the caller's arrays must not be among it.
    params, buffers = jax.tree.map(jnp.copy, parts)
    model.eval()
    return graph, nnx.graphdef(model), params, buffers


def _check_types(model: nnx.Module, numerics: Numerics) -> None:
    for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)):
        if (leaf.dtype == np.float64) != (numerics.dtype == "float64"):
            raise ValueError(
                f"the model has {leaf.dtype} parameters, but trains in "
                f"{numerics.dtype}: build it inside numerics.active()"
            )


def _row_numbers(rows: ArrayLike, length: int) -> np.ndarray:
    # On the host, since compiled code would take the nearest row without a word.
    rows = np.asarray(rows)
    if not np.issubdtype(rows.dtype, np.integer):
        raise IndexError(f"row numbers must be integers, not {rows.dtype}")
    if rows.size and not 0 <= rows.min() <= rows.max() < length:
        raise IndexError(
            f"row numbers from {rows.min()} to {rows.max()} of {length} rows"
        )
    # One type whatever NumPy's default is, so that one shape means one compilation.
    return rows.astype(np.int32)


def _train_chunk(
    recipe: Recipe, state: TrainState, data: Placed, chunk: Chunk
) -> tuple[TrainState, jax.Array]:
    def step(state: TrainState, batch: Chunk) -> tuple[TrainState, jax.Array]:
        result = take_step(recipe, data, state, batch)
        return result.state, result.loss

    return jax.lax.scan(step, state, chunk)


def _test_chunk(
    graph: nnx.GraphDef,
    loss: LossFunction,
    prepare: Callable[[jax.Array], jax.Array],
    weights: tuple[nnx.State, nnx.State],
    data: Placed,
    rows: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    def test(batch: jax.Array) -> tuple[jax.Array, jax.Array]:
        outputs = _outputs(graph, prepare, weights, data, batch)
        targets = data.targets[batch]
        right = outputs.argmax(1) == targets.astype(jnp.int32)
        return loss(outputs, targets), right.sum()

    # One batch after another: `vmap` would hold the activations of all of them.
    return jax.lax.map(test, rows)


def _outputs(
    graph: nnx.GraphDef,
    prepare: Callable[[jax.Array], jax.Array],
    weights: tuple[nnx.State, nnx.State],
    data: Placed,
    rows: jax.Array,
) -> jax.Array:
    return nnx.merge(graph, *weights)(prepare(data.inputs[rows]))
