"""Things made by name: names known, arguments read and judged once, the thing built.

A name and its arguments come from a flag, a JSON file or a program; all are judged
here. A new scheduler or loss is on the command line as soon as its package lists it.
"""

import ast
import inspect
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NamedTuple

from jaxtrain import lr_scheduler, optim
from jaxtrain.data import transforms
from jaxtrain.errors import ConfigError, check_name, excerpt, suggestion
from jaxtrain.losses._fits import CLASSIFICATION

GREATEST_NUMBER = 1e38
"""Just within float32, beyond which PyTorch raises and JAX goes on with infinity."""


@dataclass(frozen=True)
class Kind:
    """One kind of thing that has a name, as one backend makes it."""

    noun: str
    """What messages call it."""
    names: Collection[str]
    find: Callable[[str], Callable[..., Any]]
    """The function that makes the thing of a known name."""
    bare: Collection[str] = ()
    """Names whose functions take nothing of what the program passes by position."""
    hidden: Collection[str] = ()
    """Parameters that are not the user's."""
    lists: Collection[str] = ()
    """Arguments that are lists; the command line may give one number."""
    nested: Collection[str] = ()
    """Arguments that are such things themselves, as text."""
    form: str = "FIRST(KEY=VALUE),SECOND(KEY=VALUE)"
    """Of a text that names several."""

    def check(self, name: str) -> None:
        """Raise `ConfigError`, with the nearest name, unless there is that one."""
        check_name(self.noun, name, self.names)


def _public(module: str) -> Callable[[str], Callable[..., Any]]:
    # Imported on use: the help, and what is refused, do without JAX.
    return lambda name: getattr(import_module(module), name)


_MODELS = {
    "mlp": "MLP",
    "cnn": "CNN",
    "resnet_small": "ResNetSmall",
    "transformer": "VisionTransformer",
}


def model_in(module: str) -> Callable[[str], Callable[..., Any]]:
    """Where the networks' classes are, which have one name in either backend."""
    return lambda name: _public(module)(_MODELS[name])


OPTIMIZER = Kind("optimizer", optim.OPTIMIZERS, _public("jaxtrain.optim"))
SCHEDULER = Kind(
    "scheduler",
    sorted(
        (*lr_scheduler.SCHEDULERS, *lr_scheduler.SETTING_LR, *lr_scheduler.COMPOSED)
    ),
    _public("jaxtrain.lr_scheduler"),
    bare=(*lr_scheduler.SETTING_LR, *lr_scheduler.COMPOSED),
    hidden=("last_epoch",),  # resumes a schedule, which the program does by itself
    lists=("milestones",),
    nested=("schedulers",),
)
LOSS = Kind("loss", sorted(CLASSIFICATION), _public("jaxtrain.losses"))
TRANSFORM = Kind(
    "transform",
    transforms.TRANSFORMS,
    _public("jaxtrain.data.transforms"),
    form="NAME or NAME(KEY=VALUE), as random_crop(padding=4) is",
)
MODEL = Kind("--model", tuple(_MODELS), model_in("jaxtrain.models"))


class Call(NamedTuple):
    """A name with its arguments."""

    name: str
    arguments: Mapping[str, Any]


def build(
    kind: Kind,
    name: str,
    arguments: Mapping[str, Any],
    *positional: Any,
    **keywords: Any,
) -> Any:
    """The thing of that name; what its function refuses becomes one line.

    Args:
        kind: what is built, and how.
        name: its name.
        arguments: the user's; the function's signature says which there are, and its
            annotations and defaults say of which type.
        positional: what the program passes itself, by position.
        keywords: what it passes by name; the user may not.

    Raises:
        ConfigError: there is none of that name; an argument is unknown, missing or of
            the wrong type; or the function raised a `ValueError`, `TypeError` or
            `ArithmeticError`.

    Example:
        >>> build(SCHEDULER, "step_lr", {"step_size": 2, "gamma": 0.5}, 0.1)(2)
        0.05
        >>> build(SCHEDULER, "step_lr", {"stepsize": 2}, 0.1)
        Traceback (most recent call last):
            ...
        jaxtrain.errors.ConfigError: scheduler step_lr takes no argument 'stepsize': \
did you mean 'step_size'?
    """
    kind.check(name)
    function, own = kind.find(name), () if name in kind.bare else positional
    what, values = f"{kind.noun} {name}", dict(arguments)
    for key in values.keys() & set(kind.lists):
        several = isinstance(values[key], tuple | list)
        values[key] = list(values[key]) if several else [values[key]]
    try:
        for key in values.keys() & set(kind.nested):
            parts = parse_calls(values[key], kind.form)
            values[key] = [
                build(kind, *part, *positional, **keywords) for part in parts
            ]
        _check_arguments(
            what, _user_parameters(function, len(own), kind, keywords), values
        )
        return function(*own, **keywords, **values)
    except ConfigError:
        raise
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise ConfigError(f"{what}: {_complaint(error, arguments)}") from error


def build_all(kind: Kind, specs: Iterable[str | Call]) -> tuple[Any, ...]:
    """The things of texts or calls, in their order; a text may name several.

    Example:
        >>> build_all(TRANSFORM, ["random_vertical_flip, random_horizontal_flip(p=1)"])
        (RandomVerticalFlip(p=0.5), RandomHorizontalFlip(p=1.0))
    """
    calls = ([s] if isinstance(s, Call) else parse_calls(s, kind.form) for s in specs)
    return tuple(build(kind, *call) for several in calls for call in several)


def _user_parameters(
    function: Callable[..., Any], first: int, kind: Kind, keywords: Collection[str]
) -> dict[str, inspect.Parameter]:
    """The parameters that are left to the user."""
    function = inspect.unwrap(function)
    if inspect.isclass(function):
        # Of itself, a class of NNX says that it takes anything.
        function, first = function.__init__, first + 1
    parameters = list(inspect.signature(function).parameters.values())[first:]
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    names = {*kind.hidden, *keywords}
    return {p.name: p for p in parameters if p.kind in by_name and p.name not in names}


def _check_arguments(
    what: str, usable: Mapping[str, inspect.Parameter], arguments: Mapping[str, Any]
) -> None:
    for key, value in arguments.items():
        if key not in usable:
            hint = suggestion(key, usable) if usable else "it takes none"
            raise ConfigError(f"{what} takes no argument {excerpt(key)}: {hint}")
        _check_argument(f"{what}: {key}", usable[key], value)
    for key, parameter in usable.items():
        if parameter.default is parameter.empty and key not in arguments:
            raise ConfigError(f"{what} needs an argument {key!r}: {key}=VALUE")


def _check_argument(what: str, parameter: inspect.Parameter, value: Any) -> None:
    kind, default = _kind_of(parameter), parameter.default
    if kind is tuple:
        if not isinstance(value, tuple | list) or len(value) != len(default):
            right = f"{len(default)} values, such as {','.join(map(str, default))}"
            raise ConfigError(f"{what} must be {right}, but got {excerpt(value)}")
    elif kind is not None:
        check_type(what, kind, value)
    finite = kind is float and value not in (math.inf, -math.inf)
    if finite and not abs(value) <= GREATEST_NUMBER:
        raise ConfigError(
            f"{what} must be within {GREATEST_NUMBER:g}, but got {excerpt(value)}"
        )


def _kind_of(parameter: inspect.Parameter) -> type | None:
    """The type that an annotation names or, failing that, a default shows."""
    for kind in _WORDS:
        if parameter.annotation in (kind, kind.__name__):
            return kind
    # Text, where a file postpones its annotations.
    annotated = str(parameter.annotation).partition("[")[0]
    if annotated.rpartition(".")[2] == "Sequence":
        return None  # of any length, whatever the default's is
    type_of = type(parameter.default)
    if type_of is int:
        return float  # PyTorch writes 0 where it means 0.0
    return type_of if type_of in (*_WORDS, tuple) else None


def _complaint(error: Exception, arguments: Mapping[str, Any]) -> str:
    """An error's first line, and the values where they are not known to be in it."""
    first = str(error).partition("\n")[0]
    if isinstance(error, ValueError) or not arguments:
        return first
    call = ", ".join(f"{key}={excerpt(value)}" for key, value in arguments.items())
    return f"{first} (given {call})"


_WORDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a word",
    Path: "a path",
}
_TYPES_OF: dict[type, Any] = {int: Integral, float: Real, Path: str | Path}


def check_type(what: str, kind: type, value: Any) -> None:
    """Raise `ConfigError` unless a value is of the type, or passes for it."""
    # To Python True is a number, to the user it is not.
    fits = isinstance(value, _TYPES_OF.get(kind, kind))
    if not fits or (kind is bool) != (type(value) is bool):
        raise ConfigError(f"{what} must be {_WORDS[kind]}, but got {excerpt(value)}")


def check_range(what: str, value: float, least: float, greatest: float) -> None:
    """Raise `ConfigError` for a number out of bounds, NaN among them."""
    if not least <= value <= greatest:
        bounds = f"at least {least}"
        if greatest != math.inf:
            bounds = f"from {least} to {greatest}"
        raise ConfigError(f"{what} must be {bounds}, but got {excerpt(value)}")


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


def parse_arguments(texts: Iterable[str], flag: str) -> dict[str, Any]:
    """Read what a flag is given, `key=value` each, no key twice.

    Raises:
        ConfigError: one is of another form, or a key comes twice.
    """
    arguments: dict[str, Any] = {}
    for text in texts:
        try:
            key, value = parse_argument(text)
        except ConfigError as error:
            raise ConfigError(f"{flag}: {error}") from None
        if key in arguments:
            twice = f"as {excerpt(arguments[key])} and {excerpt(value)}"
            raise ConfigError(f"{flag}: {key} is given twice, {twice}")
        arguments[key] = value
    return arguments


def parse_calls(text: Any, form: str = Kind.form) -> list[Call]:
    """Read `first(key=value),second`, where a value may be such a list too.

    Raises:
        ConfigError: it is not of that form.

    Example:
        >>> parse_calls("step_lr(step_size=3),constant")[0]
        Call(name='step_lr', arguments={'step_size': 3})
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
        return [_call(item) for item in _items(node)]
    except (ValueError, SyntaxError, AttributeError, MemoryError, RecursionError):
        raise ConfigError(f"{excerpt(text)} is not of the form {form}") from None


def _items(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple | ast.List) else [node]


def _call(node: ast.expr) -> Call:
    if isinstance(node, ast.Name):
        return Call(node.id, {})
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        raise ValueError(node)
    if node.args or any(keyword.arg is None for keyword in node.keywords):
        raise ValueError(node)
    values = {str(keyword.arg): keyword.value for keyword in node.keywords}
    return Call(node.func.id, {key: _value(value) for key, value in values.items()})


def _value(node: ast.expr) -> Any:
    text = ast.unparse(node)
    if any(isinstance(item, ast.Call) for item in _items(node)):
        return text
    return parse_argument(f"value={text}")[1]


_SPELLINGS = {"true": "True", "false": "False", "inf": "1e999", "-inf": "-1e999"}


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)
