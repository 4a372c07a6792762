"""A model in training: its weights, its optimiser, the compiled functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.typing import ArrayLike

from jaxtrain.errors import suggestion
from jaxtrain.nn import dropout_draws
from jaxtrain.optim._average import WeightAverage
from jaxtrain.training.metrics import Measurement, Metric, add_up
from jaxtrain.training.numerics import Numerics
from jaxtrain.training.step import (
    Augment,
    Chunk,
    Figures,
    LossFunction,
    Objective,
    Penalty,
    Placed,
    Recipe,
    TrainState,
    apply_model,
    check_scalars,
    gather,
    no_look,
    pair_of,
    supervised,
    take_step,
)

HYPERPARAMETERS = ("lr", "momentum", "betas", "last")
"""What the updates of `jaxtrain.optim` take."""


class Engine:
    """A model in training: its weights, its optimiser, and the compiled functions.

    Each chunk length and batch size is compiled once. The model that is passed in is
    left as it was; `model` gives a trained copy. `jaxtrain.Trainer` is this with a run
    around it.

    Args:
        model: any NNX module that maps a batch of inputs to outputs.
        optimizer: an Optax transformation. Its update is given the batch's `value` and
            `value_and_grad_fn`, for `optim.lbfgs`, and the hyper-parameters of a chunk.
        loss: maps (outputs, targets) of a batch to a scalar; None with an `objective`.
        prepare: applied on the device to the raw inputs of each batch.
        numerics: types and device; the model's own parameters should match it.
        penalty: maps the parameters to what is added to the loss while training.
        average: `optim.ema` or `optim.swa`, to keep an average of the parameters.
        augment: (raw inputs, drawn) -> inputs, in place of `prepare` while training.
        average_steps: whether it takes them in after every step, or only when
            `take_average` is called.
        objective: what a batch is to be judged by, in place of the loss.
        metrics: what `measure` reduces of outputs and targets, by name.
    """

    def __init__(
        self,
        model: nnx.Module,
        optimizer: optax.GradientTransformation,
        loss: LossFunction | None,
        prepare: Callable[[Any], Any] = lambda inputs: inputs,
        numerics: Numerics | None = None,
        penalty: Penalty | None = None,
        average: WeightAverage | None = None,
        average_steps: bool = True,
        augment: Augment | None = None,
        objective: Objective | None = None,
        metrics: Mapping[str, Metric] = MappingProxyType({}),
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
        if objective is None:
            assert loss is not None
            objective = supervised(loss, transform)
            measure = partial(_measure_outputs, loss, prepare, dict(metrics))
        else:
            measure = partial(_measure_objective, objective)
        self.recipe = Recipe(graph, tx, objective, penalty, step_average)
        # The new state takes the old one's memory.
        self._train = jax.jit(partial(_train_chunk, self.recipe), donate_argnums=0)
        self._train_one = jax.jit(partial(_train_one, self.recipe), donate_argnums=0)
        test = partial(_test_chunk, self._eval_graph, loss, prepare)
        self._evaluate = jax.jit(test)
        self._measure = jax.jit(partial(_measure_chunk, self._eval_graph, measure))
        self._outputs = jax.jit(partial(_outputs, self._eval_graph, prepare))
        self._copy = jax.jit(partial(jax.tree.map, jnp.copy))
        self._average = average
        self._known = {*HYPERPARAMETERS}

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

    def put(self, tree: Any) -> Any:
        """Move a tree of arrays to the device."""
        with self.numerics.active():
            return jax.tree.map(jnp.asarray, tree)

    def train(self, data: Any, chunk: Chunk) -> jax.Array:
        """Take one step for each batch of the chunk.

        Returns:
            (steps,) losses, each before its update. They may still be in the making:
            reading them waits.

        Raises:
            IndexError: a row number lies outside the data.
            ValueError: rows or values have no axis that counts steps, or the optimiser
                takes no hyper-parameter of that name.
        """
        return self.advance(data, chunk)[0]

    def advance(self, data: Any, chunk: Chunk) -> tuple[jax.Array, Figures]:
        """As `train`; gives the losses, and the figures beside them."""
        # A mapping of another type than `dict` would be one leaf to JAX.
        chunk = chunk._replace(hyperparameters=dict(chunk.hyperparameters))
        self._check_hyperparameters(chunk.hyperparameters)
        train = self._train_one
        if chunk.rows is not None:
            chunk = chunk._replace(rows=row_numbers(chunk.rows, count_rows(data)))
            check_steps(chunk)
            train = self._train
        with self.numerics.active():
            self.state, losses, figures = train(self.state, data, chunk)
        return losses, figures

    def _check_hyperparameters(self, values: Mapping[str, Any]) -> None:
        for name in values:
            if name not in self._known and not self.takes(name):
                raise ValueError(
                    f"the optimiser takes no hyper-parameter {name!r}: "
                    f"{suggestion(name, HYPERPARAMETERS)}"
                )
            self._known.add(name)

    def takes(self, name: str) -> bool:
        """Whether the optimiser's update looks at a hyper-parameter of that name."""
        with self.numerics.active():
            return takes(self.recipe.tx, self.state.params, name, self.numerics.scalar)

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
        rows = row_numbers(rows, count_rows(data))
        with self.numerics.active():
            return self._evaluate(self._test_weights(averaged), data, rows)

    def measure(
        self, data: Any, rows: np.ndarray | None = None, averaged: bool = False
    ) -> Measurement:
        """Losses, figures and parts of the metrics of batches, without training.

        Args:
            data: what is tested on, or one batch of it where there are no rows.
            rows: (steps, batch) row numbers.
            averaged: test the average of the parameters instead of the last.
        """
        if rows is not None:
            rows = row_numbers(rows, count_rows(data))
        with self.numerics.active():
            return self._measure(self._test_weights(averaged), data, rows)

    def outputs(
        self, data: Placed, rows: np.ndarray, averaged: bool = False
    ) -> jax.Array:
        """What the model gives for one batch of row numbers (batch,).

        Raises:
            IndexError: a row number lies outside the data.
        """
        rows = row_numbers(rows, count_rows(data), axes=1)
        with self.numerics.active():
            return self._outputs(self._test_weights(averaged), data.inputs, rows)

    def answer(
        self, inputs: Any, rows: np.ndarray | None = None, averaged: bool = False
    ) -> Any:
        """What the model gives for inputs, or for so numbered rows of them."""
        if rows is not None:
            rows = row_numbers(rows, count_rows(inputs), axes=1)
        with self.numerics.active():
            return self._outputs(self._test_weights(averaged), inputs, rows)

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
    def training_model(self) -> nnx.Module:
        """The same in training mode."""
        with self.numerics.active():
            state = jax.tree.map(jnp.copy, self.state)
            return nnx.merge(self.recipe.graph, state.params, state.buffers)

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
    half = numerics.dtype == "bfloat16"
    for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)):
        wide = leaf.dtype == np.float64
        fits = wide == (numerics.dtype == "float64")
        if not fits or (half and leaf.dtype == np.float32):
            raise ValueError(
                f"the model has {leaf.dtype} parameters, but trains in "
                f"{numerics.dtype}: build it inside numerics.active()"
                + (" with dtype='bfloat16'" if half else "")
            )


def count_rows(data: Any) -> int:
    """How many rows the arrays of a tree have."""
    return len(jax.tree.leaves(data)[-1])


def mask_draws(recipe: Recipe, state: TrainState, batch: Any) -> Any:
    """(shape, keep probability) of each dropout mask of a step, in order.

    Args:
        recipe: of the training.
        state: of it.
        batch: its arrays, or what stands for them.

    Raises:
        ValueError: a layer draws what is no mask.
    """

    def objective(params: nnx.State, buffers: nnx.State, batch: Any) -> Any:
        model = nnx.merge(recipe.graph, params, buffers, copy=True)
        return recipe.objective(model, batch, (), no_look)[:2]

    return dropout_draws(objective, state.params, state.buffers, batch)


def row_numbers(rows: ArrayLike, length: int, axes: int = 2) -> np.ndarray:
    """Row numbers, checked: compiled code would take the nearest without a word."""
    rows = np.asarray(rows)
    if not np.issubdtype(rows.dtype, np.integer):
        raise IndexError(f"row numbers must be integers, not {rows.dtype}")
    if rows.ndim != axes:
        shape = "(steps, batch)" if axes == 2 else "(batch,)"
        hint = ": rows[None] is one step" if rows.ndim == 1 else ""
        raise ValueError(
            f"row numbers must be of shape {shape}, but are of shape {rows.shape}{hint}"
        )
    if rows.size and not 0 <= rows.min() <= rows.max() < length:
        raise IndexError(
            f"row numbers from {rows.min()} to {rows.max()} of {length} rows"
        )
    # One type whatever NumPy's default is, so that one shape means one compilation.
    return rows.astype(np.int32)


def check_steps(chunk: Chunk) -> None:
    """Raise `ValueError` for values of a chunk that have no axis that counts steps."""
    steps = len(np.asarray(chunk.rows))
    parts = {**chunk.hyperparameters, "masks": chunk.masks, "drawn": chunk.drawn}
    for name, part in parts.items():
        for leaf in jax.tree.leaves(part):
            if np.ndim(leaf) == 0 or len(leaf) != steps:
                raise ValueError(
                    f"{name} must have one value for each of the {steps} steps, but is "
                    f"of shape {np.shape(leaf)}: np.full({steps}, value) is the same "
                    "at each"
                )


def takes(
    tx: optax.GradientTransformationExtraArgs, params: Any, name: str, dtype: np.dtype
) -> bool:
    """Whether an optimiser's update makes use of a hyper-parameter of that name."""
    shapes = jax.eval_shape(lambda: params)
    value = jax.ShapeDtypeStruct((), dtype)

    def update(params: Any, value: Any) -> Any:
        extra = {"value": jnp.zeros(()), "value_and_grad_fn": lambda p: (0.0 * 1.0, p)}
        return tx.update(params, tx.init(params), params, **extra, **{name: value})

    try:
        jaxpr = jax.make_jaxpr(update)(shapes, value).jaxpr
    except ValueError as error:
        if f"was given {name}" in str(error):
            return False
        raise
    except (TypeError, IndexError):
        return True  # Of groups it takes a list, which nothing is said against.
    # What a function is given and leaves alone stands nowhere in its trace.
    own = jaxpr.invars[-1]
    used = {id(v) for equation in jaxpr.eqns for v in equation.invars}
    return id(own) in used or any(own is v for v in jaxpr.outvars)


def _train_chunk(
    recipe: Recipe, state: TrainState, data: Any, chunk: Chunk
) -> tuple[TrainState, jax.Array, Figures]:
    def step(
        state: TrainState, batch: Chunk
    ) -> tuple[TrainState, tuple[jax.Array, Figures]]:
        result = take_step(recipe, data, state, batch)
        return result.state, (result.loss, result.figures)

    state, (losses, figures) = jax.lax.scan(step, state, chunk)
    return state, losses, figures


def _train_one(
    recipe: Recipe, state: TrainState, data: Any, batch: Chunk
) -> tuple[TrainState, jax.Array, Figures]:
    result = take_step(recipe, data, state, batch)
    return result.state, result.loss[None], jax.tree.map(_row, dict(result.figures))


def _row(value: jax.Array) -> jax.Array:
    return jnp.asarray(value)[None]


def _test_chunk(
    graph: nnx.GraphDef,
    loss: LossFunction | None,
    prepare: Callable[[Any], Any],
    weights: tuple[nnx.State, nnx.State],
    data: Placed,
    rows: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    assert loss is not None

    def test(batch: jax.Array) -> tuple[jax.Array, jax.Array]:
        outputs = _outputs(graph, prepare, weights, data.inputs, batch)
        targets = data.targets[batch]
        right = outputs.argmax(1) == targets.astype(jnp.int32)
        return loss(outputs, targets), right.sum()

    # One batch after another: `vmap` would hold the activations of all of them.
    return jax.lax.map(test, rows)


def _outputs(
    graph: nnx.GraphDef,
    prepare: Callable[[Any], Any],
    weights: tuple[nnx.State, nnx.State],
    inputs: Any,
    rows: jax.Array | None,
) -> Any:
    model = nnx.merge(graph, *weights, copy=True)
    return apply_model(model, prepare(gather(inputs, rows)))


Measure = Callable[[Any, Any], Measurement]
"""(model, batch) -> what is measured of it."""


def _measure_outputs(
    loss: LossFunction,
    prepare: Callable[[Any], Any],
    metrics: Mapping[str, Metric],
    model: Any,
    batch: Any,
) -> Measurement:
    inputs, targets = pair_of(batch)
    outputs = apply_model(model, prepare(inputs))
    value = loss(outputs, targets)
    check_scalars({"the loss": value})
    parts = {name: each.part(outputs, targets) for name, each in metrics.items()}
    return Measurement(value, {}, parts)


def _measure_objective(objective: Objective, model: Any, batch: Any) -> Measurement:
    value, figures, _ = objective(model, batch, (), no_look)
    check_scalars({"the loss": value, **figures})
    return Measurement(value, dict(figures), {})


def _measure_chunk(
    graph: nnx.GraphDef,
    measure: Measure,
    weights: tuple[nnx.State, nnx.State],
    data: Any,
    rows: jax.Array | None,
) -> Measurement:
    def one(rows: jax.Array | None) -> Measurement:
        model = nnx.merge(graph, *weights, copy=True)
        return measure(model, gather(data, rows))

    return add_up(one, rows)
