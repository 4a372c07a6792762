"""Functions chosen by name with `key=value` arguments.

A new scheduler or loss is on the command line as soon as its module's `__all__` has it;
of optimisers, those that `optim.OPTIMIZERS` lists.
"""

import ast
import inspect
import math
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple

from jaxtrain.errors import ConfigError, check_name, suggestion

GREATEST_NUMBER = 1e38
"""Just within float32, beyond which PyTorch raises and JAX goes on with infinity."""


def lookup(kind: str, name: str, module: ModuleType) -> Callable[..., Any]:
    """The public function `name` of `module`.

    Raises:
        ConfigError: there is none of that name; the message suggests the nearest.
    """
    check_name(kind, name, module.__all__)
    return getattr(module, name)


def build(
    function: Callable[..., Any],
    *args: Any,
    kind: str,
    name: str,
    arguments: Mapping[str, Any],
    fixed: Mapping[str, Any] = MappingProxyType({}),
    hidden: Collection[str] = (),
) -> Any:
    """Call `function(*args, **fixed, **arguments)`; what it refuses becomes one line.

    Args:
        function: what was chosen; its signature says which arguments it takes, and its
            annotations and defaults say of which type.
        args: what the program passes itself, positionally.
        kind: what is being built, for the message.
        name: the name by which it was chosen, for the message.
        arguments: what the user passes.
        fixed: what the program passes itself, by name; the user may not.
        hidden: parameters of `function` that the user may not pass.

    Raises:
        ConfigError: an argument is unknown, missing or of the wrong type, or the
            function raised a `ValueError`, `TypeError` or `ArithmeticError`.

    Example:
        >>> build(round, 2.5, kind="function", name="round", arguments={"digits": 1})
        Traceback (most recent call last):
            ...
        jaxtrain.errors.ConfigError: function round takes no argument 'digits': did \
you mean 'ndigits'?
    """
    usable = _usable(function, len(args), {*fixed, *hidden})
    what = f"{kind} {name}"
    for key, value in arguments.items():
        if key not in usable:
            hint = suggestion(key, usable) if usable else "it takes none"
            raise ConfigError(f"{what} takes no argument {key!r}: {hint}")
        _check_type(what, usable[key], value)
    for key, parameter in usable.items():
        if parameter.default is parameter.empty and key not in arguments:
            raise ConfigError(f"{what} needs an argument {key!r}: {key}=VALUE")
    try:
        return function(*args, **fixed, **arguments)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise ConfigError(f"{what}: {_complaint(error, arguments)}") from error


def _usable(
    function: Callable[..., Any], passed: int, taken: Collection[str]
) -> dict[str, inspect.Parameter]:
    """The parameters that are left to the user."""
    parameters = list(inspect.signature(function).parameters.values())[passed:]
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {p.name: p for p in parameters if p.kind in by_name and p.name not in taken}


_INFINITE = (math.inf, -math.inf)

_TYPES: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a word",
}


def _check_type(what: str, parameter: inspect.Parameter, value: Any) -> None:
    kind, default = _declared(parameter), parameter.default
    if kind is tuple:
        fits = isinstance(value, tuple | list) and len(value) == len(default)
        right = f"{len(default)} values, such as {','.join(map(str, default))}"
    elif kind is not None:
        # To Python True is a number, to the user it is not.
        accepted = (int, float) if kind is float else kind
        fits = isinstance(value, accepted) and (kind is bool) == (type(value) is bool)
        right = _TYPES[kind]
    else:
        return
    if not fits:
        raise ConfigError(
            f"{what}: {parameter.name} must be {right}, but got {value!r}"
        )
    if kind is float and abs(value) > GREATEST_NUMBER and value not in _INFINITE:
        raise ConfigError(
            f"{what}: {parameter.name} must be within {GREATEST_NUMBER:g}, "
            f"but got {value!r:.50}"
        )


def _declared(parameter: inspect.Parameter) -> type | None:
    """The type that an annotation names or, failing that, a default shows."""
    for kind in _TYPES:
        if parameter.annotation in (kind, kind.__name__):
            return kind
    shown = type(parameter.default)
    if shown is int:
        return float  # PyTorch writes 0 where it means 0.0
    return shown if shown in (*_TYPES, tuple) else None


def _complaint(error: Exception, arguments: Mapping[str, Any]) -> str:
    """An error's first line, and the values where they are not known to be in it."""
    first = str(error).partition("\n")[0]
    if isinstance(error, ValueError) or not arguments:
        return first
    given = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    return f"{first} (given {given})"


def parse_argument(text: str) -> tuple[str, Any]:
    """Read `key=value`, the value as a Python literal where it is one.

    Only literals that JSON can hold are read as such; anything else is a word.

    Raises:
        ConfigError: there is no `=`, no name before it, or nothing after it.

    Example:
        >>> [parse_argument(t) for t in ("momentum=0.9", "betas=0.9,0.99", "mode=min")]
        [('momentum', 0.9), ('betas', (0.9, 0.99)), ('mode', 'min')]
    """
    key, _, value = text.partition("=")
    if not key.isidentifier() or not value.strip():
        raise ConfigError(f"{text!r} is not of the form KEY=VALUE, as momentum=0.9 is")
    try:
        literal = ast.literal_eval(_SPELLINGS.get(value, value.strip()))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return key, value
    return key, literal if _is_plain(literal) else value


def with_list(arguments: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The arguments with a list for what the command line may give as one number.

    Example:
        >>> with_list({"milestones": 5, "gamma": 0.5}, "milestones")
        {'milestones': [5], 'gamma': 0.5}
    """
    if name not in arguments:
        return dict(arguments)
    value = arguments[name]
    several = isinstance(value, tuple | list)
    return {**arguments, name: list(value) if several else [value]}


class Call(NamedTuple):
    """A function by name with its arguments."""

    name: str
    arguments: Mapping[str, Any]


def parse_calls(text: Any) -> list[Call]:
    """Read `first(key=value),second(key=value)`, where a value may be such a list too.

    Raises:
        ConfigError: it is not of that form.

    Example:
        >>> parse_calls("step_lr(step_size=3),constant_lr()")[0]
        Call(name='step_lr', arguments={'step_size': 3})
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
        return [_call(item) for item in _items(node)]
    except (ValueError, SyntaxError, AttributeError, RecursionError):
        raise ConfigError(
            f"{text!r} is not of the form FIRST(KEY=VALUE),SECOND(KEY=VALUE)"
        ) from None


def _items(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple | ast.List) else [node]


def _call(node: ast.expr) -> Call:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        raise ValueError(node)
    if node.args or any(keyword.arg is None for keyword in node.keywords):
        raise ValueError(node)
    values = {str(keyword.arg): keyword.value for keyword in node.keywords}
    return Call(node.func.id, {key: _value(value) for key, value in values.items()})


def _value(node: ast.expr) -> Any:
    if isinstance(_items(node)[0], ast.Call):
        return ast.unparse(node)
    return parse_argument(f"value={ast.unparse(node)}")[1]


_SPELLINGS = {"true": "True", "false": "False", "inf": "1e999", "-inf": "-1e999"}


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)
