from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.typing import ArrayLike

from jaxtrain.nn import GivenMasks, KeyMasks, dropout_source
from jaxtrain.training._numerics import Numerics

LossFunction = Callable[[jax.Array, jax.Array], jax.Array]
Penalty = Callable[[nnx.State], jax.Array]


class TrainState(NamedTuple):
    """All that a training step changes."""

    params: nnx.State
    buffers: nnx.State
    opt_state: optax.OptState


class Placed(NamedTuple):
    """A data set on the device."""

    inputs: jax.Array
    targets: jax.Array


class Chunk(NamedTuple):
    """Consecutive batches of one size; every array's first axis counts steps."""

    rows: ArrayLike
    """(steps, batch) row numbers into the data."""
    hyperparameters: Mapping[str, ArrayLike] = MappingProxyType({})
    """(steps,) values that the optimiser's update is given, such as `lr`.

    As everywhere in Optax, a name that the optimiser does not know goes unnoticed.
    """
    masks: Sequence[ArrayLike] | jax.Array = ()
    """Dropout masks (steps, …) in drawing order, or (steps,) `jax.random` keys."""


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
    """

    def __init__(
        self,
        model: nnx.Module,
        optimizer: optax.GradientTransformation,
        loss: LossFunction,
        prepare: Callable[[jax.Array], jax.Array] = lambda inputs: inputs,
        numerics: Numerics | None = None,
        penalty: Penalty | None = None,
    ):
        self.numerics = Numerics() if numerics is None else numerics
        _check_types(model, self.numerics)
        tx = optax.with_extra_args_support(optimizer)
        with self.numerics.active():
            model = nnx.clone(model)
            model.train()
            graph, *parts = nnx.split(model, nnx.Param, ...)
            # Steps donate their state: the caller's arrays must not be among it.
            params, buffers = jax.tree.map(jnp.copy, parts)
            self.state = TrainState(params, buffers, tx.init(params))
            model.eval()
            self._eval_graph = nnx.graphdef(model)
        train = partial(_train_chunk, graph, tx, loss, prepare, penalty)
        test = partial(_test_chunk, self._eval_graph, loss, prepare)
        self._train = jax.jit(train, donate_argnums=0)
        self._evaluate = jax.jit(test)

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
        rows, hyperparameters, masks = chunk
        rows = _row_numbers(rows, len(data.targets))
        chunk = Chunk(rows, dict(hyperparameters), masks)
        with self.numerics.active():
            self.state, losses = self._train(self.state, data, chunk)
        return losses

    def evaluate(self, data: Placed, rows: np.ndarray) -> tuple[jax.Array, jax.Array]:
        """Test batches of row numbers (steps, batch), without training.

        Returns:
            (steps,) losses, and (steps,) numbers of inputs whose largest output is that
            of their target.

        Raises:
            IndexError: a row number lies outside the data.
        """
        rows = _row_numbers(rows, len(data.targets))
        with self.numerics.active():
            return self._evaluate(self.state, data, rows)

    @property
    def model(self) -> nnx.Module:
        """The model with the weights of this moment, in evaluation mode."""
        with self.numerics.active():
            state = jax.tree.map(jnp.copy, self.state)
            return nnx.merge(self._eval_graph, state.params, state.buffers)


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


def _mask_source(masks: Sequence[Any] | jax.Array) -> GivenMasks | KeyMasks:
    return KeyMasks(masks) if isinstance(masks, jax.Array) else GivenMasks(masks)


def _train_chunk(
    graph: nnx.GraphDef,
    tx: optax.GradientTransformationExtraArgs,
    loss: LossFunction,
    prepare: Callable[[jax.Array], jax.Array],
    penalty: Penalty | None,
    state: TrainState,
    data: Placed,
    chunk: Chunk,
) -> tuple[TrainState, jax.Array]:
    def batch_loss(
        params: nnx.State, buffers: nnx.State, batch: Chunk
    ) -> tuple[jax.Array, tuple[nnx.State, nnx.State]]:
        # Copied: a module may update its buffers only at the trace that made them.
        model = nnx.merge(graph, params, buffers, copy=True)
        source = _mask_source(batch.masks)
        with dropout_source(source):
            outputs = model(prepare(data.inputs[batch.rows]))
        if isinstance(source, GivenMasks):
            source.check_used_up()
        # A forward pass moves buffers, and weights where `max_norm` shortens them.
        _, *moved = nnx.split(model, nnx.Param, ...)
        value = loss(outputs, data.targets[batch.rows])
        return value if penalty is None else value + penalty(moved[0]), tuple(moved)

    def step(state: TrainState, batch: Chunk) -> tuple[TrainState, jax.Array]:
        params, buffers, opt_state = state
        differentiate = jax.value_and_grad(batch_loss, has_aux=True)
        (value, (params, updated)), grads = differentiate(params, buffers, batch)

        def value_and_grad(params: nnx.State) -> tuple[jax.Array, nnx.State]:
            (value, _), grads = differentiate(params, buffers, batch)
            return value, grads

        updates, opt_state = tx.update(
            grads,
            opt_state,
            params,
            value=value,
            value_and_grad_fn=value_and_grad,
            **batch.hyperparameters,
        )
        params = optax.apply_updates(params, updates)
        return TrainState(params, updated, opt_state), value

    return jax.lax.scan(step, state, chunk)


def _test_chunk(
    graph: nnx.GraphDef,
    loss: LossFunction,
    prepare: Callable[[jax.Array], jax.Array],
    state: TrainState,
    data: Placed,
    rows: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    model = nnx.merge(graph, state.params, state.buffers)

    def test(batch: jax.Array) -> tuple[jax.Array, jax.Array]:
        outputs, targets = model(prepare(data.inputs[batch])), data.targets[batch]
        right = outputs.argmax(1) == targets.astype(jnp.int32)
        return loss(outputs, targets), right.sum()

    return jax.lax.map(test, rows)
