"""The user's own step in training: any state, any number of optimisers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxtrain.training.engine import check_steps, count_rows, row_numbers
from jaxtrain.training.fault import Counts, count_all
from jaxtrain.training.metrics import Measurement, add_up
from jaxtrain.training.numerics import Numerics
from jaxtrain.training.step import Chunk, Figures, check_scalars, gather

StepFunction = Callable[[Any, Any], tuple[Any, Any]]
"""(state, batch) -> (state, figures)"""


class StepEngine:
    """What `Engine` is, of a step that the user wrote.

    Args:
        step: (state, batch) -> (state, figures), jitted or not; it is compiled here.
            The figures are a scalar, the loss, or a dictionary of scalars with a
            `"loss"`.
        state: any tree of arrays before the first step; it is copied.
        numerics: types and device.
        evaluate: (state, batch) -> figures, without training.
        predict: (state, batch) -> outputs.
    """

    def __init__(
        self,
        step: StepFunction,
        state: Any,
        numerics: Numerics,
        evaluate: Callable[[Any, Any], Any] | None = None,
        predict: Callable[[Any, Any], Any] | None = None,
    ):
        self.numerics, self.step = numerics, step
        with numerics.active():
            # Steps donate their state: the caller's arrays must not be among it.
            self.state = jax.tree.map(lambda x: jnp.array(x, copy=True), state)
        self._train = jax.jit(partial(_train_chunk, step), donate_argnums=0)
        self._train_one = jax.jit(partial(_train_one, step), donate_argnums=0)
        self._copy = jax.jit(partial(jax.tree.map, jnp.copy))
        self._measure = evaluate and jax.jit(partial(_measure_chunk, evaluate))
        self._predict = predict and jax.jit(predict)

    def advance(self, data: Any, chunk: Chunk) -> tuple[jax.Array, Figures]:
        """Take a step for each batch of the chunk; gives losses and figures.

        Raises:
            IndexError: a row number lies outside the data.
            TypeError, ValueError: the step gives something else than it must.
        """
        train = self._train_one
        if chunk.rows is not None:
            chunk = chunk._replace(rows=row_numbers(chunk.rows, count_rows(data)))
            check_steps(chunk)
            train = self._train
        with self.numerics.active():
            self.state, losses, figures = train(self.state, data, chunk.rows)
        return losses, figures

    def put(self, tree: Any) -> Any:
        """Move a tree of arrays to the device."""
        with self.numerics.active():
            return jax.tree.map(jnp.asarray, tree)

    def copy_state(self) -> Any:
        """The state of this moment, which the next step would otherwise write over."""
        with self.numerics.active():
            return self._copy(self.state)

    def measure(
        self, data: Any, rows: np.ndarray | None = None, averaged: bool = False
    ) -> Measurement:
        """What `evaluate` gives for batches; see `Engine.measure`."""
        del averaged
        assert self._measure is not None
        with self.numerics.active():
            return self._measure(self.state, data, rows)

    def answer(
        self, inputs: Any, rows: np.ndarray | None = None, averaged: bool = False
    ) -> Any:
        """What `predict` gives for a batch."""
        del averaged
        assert self._predict is not None
        with self.numerics.active():
            return self._predict(self.state, gather(inputs, rows))

    def make_inspect(self) -> Any:
        """A compiled step that also counts what is not finite in all that it makes."""
        return jax.jit(partial(_inspect, self.step))


def _take(step: StepFunction, state: Any, batch: Any) -> tuple[Any, Any, Figures]:
    """A step of the user's, judged; gives the state, the loss and the other figures."""
    result = step(state, batch)
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            "step(state, batch) must give (state, figures), but gave "
            f"{type(result).__name__}"
        )
    after, figures = result
    _check_state(state, after)
    loss, rest = split_loss(figures, "step(state, batch)")
    return after, loss, rest


def _check_state(before: Any, after: Any) -> None:
    trees = [jax.tree_util.tree_flatten_with_path(tree)[0] for tree in (before, after)]
    kinds = [
        {jax.tree_util.keystr(path) or "it": _kind(leaf) for path, leaf in tree}
        for tree in trees
    ]
    for name in [*kinds[0], *kinds[1]]:
        was, is_ = (kind.get(name, "not there") for kind in kinds)
        if was != is_:
            raise TypeError(
                f"the state that step(state, batch) gives is of another form: {name} "
                f"was {was}, and is {is_}"
            )


def _kind(leaf: Any) -> str:
    return f"{jnp.result_type(leaf)} {jnp.shape(leaf)}"


def split_loss(figures: Any, what: str) -> tuple[Any, dict[str, Any]]:
    """The loss and the other figures of what a function of the user's gives.

    Raises:
        TypeError: it is neither a scalar nor a dictionary.
        ValueError: there is no loss, or a figure is no scalar.
    """
    if not isinstance(figures, Mapping):
        if not hasattr(figures, "dtype") and not isinstance(figures, int | float):
            raise TypeError(
                f"{what} must give a scalar or a dictionary of scalars as figures, but "
                f"gave {type(figures).__name__}"
            )
        figures = {"loss": figures}
    if "loss" not in figures:
        raise ValueError(
            f"{what} gives {', '.join(map(repr, figures)) or 'no figures'}, but no "
            "'loss', which is what a run shows and watches"
        )
    check_scalars({f"the figure {name!r}": value for name, value in figures.items()})
    # In order of their names, as JAX gives dictionaries back.
    rest = {name: figures[name] for name in sorted(figures) if name != "loss"}
    return figures["loss"], rest


def _train_chunk(
    step: StepFunction, state: Any, data: Any, rows: jax.Array
) -> tuple[Any, jax.Array, Figures]:
    def one(state: Any, rows: jax.Array) -> Any:
        state, loss, figures = _take(step, state, gather(data, rows))
        return state, (loss, figures)

    state, (losses, figures) = jax.lax.scan(one, state, rows)
    return state, losses, figures


def _train_one(
    step: StepFunction, state: Any, batch: Any, rows: None
) -> tuple[Any, jax.Array, Figures]:
    del rows
    state, loss, figures = _take(step, state, batch)
    return state, *jax.tree.map(lambda x: jnp.asarray(x)[None], (loss, figures))


def _measure_chunk(
    evaluate: Callable[[Any, Any], Any], state: Any, data: Any, rows: Any
) -> Measurement:
    def one(rows: Any) -> Measurement:
        figures = evaluate(state, gather(data, rows))
        if isinstance(figures, Mapping) and "loss" not in figures:
            figures = {"loss": jnp.nan, **figures}
        loss, rest = split_loss(figures, "evaluate(state, batch)")
        return Measurement(jnp.asarray(loss), rest, {})

    return add_up(one, rows)


def _inspect(
    step: StepFunction, state: Any, data: Any, chunk: Chunk
) -> tuple[Any, jax.Array, Counts]:
    batch = gather(data, chunk.rows)
    counts: dict[str, jax.Array] = OrderedDict()
    counts |= _of_tree("{} of the state before the step", state)
    counts["the batch"] = count_all(batch)
    after, loss, figures = _take(step, state, batch)
    counts["the loss"] = count_all(loss)
    counts |= {f"the figure {name}": count_all(x) for name, x in figures.items()}
    counts |= _of_tree("{} of the state after the step", after)
    return after, jnp.asarray(loss), counts


def _of_tree(text: str, tree: Any) -> Counts:
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return OrderedDict(
        (text.format(jax.tree_util.keystr(path)), count_all(leaf))
        for path, leaf in leaves
    )
