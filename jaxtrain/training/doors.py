"""Which of its forms a user's loss has: (outputs, targets), or (model, batch)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax.numpy as jnp

from jaxtrain.training.step import Figures, Look, Objective

OUTPUTS, MODEL, STEP = "outputs", "model", "step"
"""The three doors: loss(outputs, targets), loss(model, batch), step(state, batch)."""


def door_of(loss: Any) -> str:
    """Whether a loss is one of (outputs, targets), or of (model, batch).

    Raises:
        TypeError: it is neither, or could be either.

    Example:
        >>> door_of(lambda outputs, targets: 0.0), door_of(lambda model, batch: 0.0)
        ('outputs', 'model')
    """
    if not callable(loss):
        raise TypeError(f"loss must be a function, but got {loss!r:.80}")
    try:
        names = _positional(loss)
    except (TypeError, ValueError):
        names = None
    if names is not None and len(names) >= 2:
        if names[:2] == ["model", "batch"]:
            return MODEL
        if "model" not in names[:2] and "batch" not in names[:2]:
            return OUTPUTS
    shown = "?" if names is None else ", ".join(names)
    raise TypeError(
        f"loss {name_of(loss)}({shown}) could mean two things: give "
        "`lambda outputs, targets: …` for a loss of the model's outputs, or "
        "`lambda model, batch: …` for one that calls the model itself"
    )


def _positional(function: Any) -> list[str]:
    kinds = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    own = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in own if parameter.kind in kinds]


def name_of(function: Any) -> str:
    """A function in words, with the arguments that are bound to it.

    Example:
        >>> name_of(partial(max, key=len))
        'max(key=len)'
    """
    if isinstance(function, partial):
        bound = [repr(value) for value in function.args]
        bound += [f"{k}={_plain(v)}" for k, v in function.keywords.items()]
        return f"{name_of(function.func)}({', '.join(bound)})"
    name = getattr(function, "__name__", None)
    return name if isinstance(name, str) else type(function).__name__


def _plain(value: Any) -> str:
    # Of objects without a text of their own the address would be all there is.
    return name_of(value) if callable(value) else f"{value!r:.60}"


def objective_of(loss: Callable[[Any, Any], Any]) -> Objective:
    """What loss(model, batch) -> scalar or (scalar, figures) makes of a batch."""

    def objective(
        model: Any, batch: Any, drawn: Any, look: Look
    ) -> tuple[Any, Figures, Any]:
        del drawn
        result, extra = look(model, batch, lambda: loss(model, batch))
        if not isinstance(result, tuple):
            return jnp.asarray(result), {}, extra
        if len(result) != 2 or not isinstance(result[1], Mapping):
            raise TypeError(
                "loss(model, batch) must give a scalar or (scalar, dictionary of "
                f"scalars), but gave {_form(result)}"
            )
        value, figures = result
        # In order of their names, as JAX gives dictionaries back.
        return jnp.asarray(value), {k: figures[k] for k in sorted(figures)}, extra

    return objective


def _form(values: tuple[Any, ...]) -> str:
    return f"({', '.join(type(value).__name__ for value in values)})"
