"""Schedulers by name, those that are made of others included, for any backend."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from jaxtrain.run import by_name

RESUMING = ("last_epoch",)
"""Arguments that resume a schedule, which the program does by itself."""


class Constructor(NamedTuple):
    """What makes a scheduler, and what the program passes to it itself."""

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()


def build_by_name(
    name: str, arguments: Mapping[str, Any], constructor: Callable[[str], Constructor]
) -> Any:
    """A scheduler with `key=value` arguments.

    Args:
        name: of the scheduler.
        arguments: the user's; `schedulers` is text, such as
            `"linear_lr(total_iters=5),step_lr(step_size=9)"`, and built in its turn.
        constructor: what makes the scheduler of a name.

    Raises:
        ConfigError: there is no such scheduler, or the arguments do not fit.

    Example:
        >>> from jaxtrain import lr_scheduler
        >>> def of(name):
        ...     return Constructor(getattr(lr_scheduler, name), (0.1,))
        >>> build_by_name("step_lr", {"step_size": 2, "gamma": 0.5}, of)(2)
        0.05
    """
    function, args = constructor(name)
    arguments = by_name.with_list(arguments, "milestones")
    if "schedulers" in arguments:
        arguments["schedulers"] = [
            build_by_name(call.name, call.arguments, constructor)
            for call in by_name.parse_calls(arguments["schedulers"])
        ]
    return by_name.build(
        function,
        *args,
        kind="scheduler",
        name=name,
        arguments=arguments,
        hidden=RESUMING,
    )
