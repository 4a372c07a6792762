"""The one codec: trees of plain values, with arrays or without, as JSON and back.

What JSON has no notation for is an object with one key:

    {"$float": "nan"}      a number that is not finite; also "inf" and "-inf"
    {"$array": "a/b"}      an array, held elsewhere by that name
    {"$tuple": [...]}      a tuple
    {"$dict": [[k, v]]}    a dictionary with keys that are no text, or read like these

The last three are for trees with arrays, which come back as they were; without arrays,
tuples become lists. Reading trusts nothing: size, depth and numbers have bounds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

FLOAT, ARRAY, TUPLE, DICT = "$float", "$array", "$tuple", "$dict"
SPELLED = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
LARGEST = 2**31
"""Characters of a text that is read."""
DEEPEST = 128
"""Lists and dictionaries within one another."""
MOST_DIGITS = 300
"""Of a whole number: each can become a float."""
TOO_LARGE = 10**MOST_DIGITS

Arrays = dict[str, np.ndarray]
Pairs = list[tuple[Any, Any]]
Path = tuple[Any, ...]


class Damage(ValueError):
    """It is not as it was written; the message is the reason, in a line."""


def encode(tree: Any, arrays: Arrays | None = None) -> bytes:
    """The tree as one line of ASCII.

    Args:
        tree: of dictionaries, lists, tuples and plain values.
        arrays: to which the tree's arrays are added, by their paths; without it the
            tree may hold none.

    Raises:
        ValueError: as for `jsonable`.

    Example:
        >>> encode({"loss": [0.5, float("inf")]})
        b'{"loss": [0.5, {"$float": "inf"}]}\\n'
        >>> arrays = {}
        >>> encode({"w": np.ones(2), "at": (3,)}, arrays)
        b'{"w": {"$array": "w"}, "at": {"$tuple": [3]}}\\n'
        >>> arrays
        {'w': array([1., 1.])}
    """
    return json.dumps(jsonable(tree, arrays), allow_nan=False).encode("ascii") + b"\n"


def decode(data: bytes | str, arrays: Mapping[str, np.ndarray] | None = None) -> Any:
    """What `encode` was given.

    Args:
        data: the JSON; bytes are ASCII.
        arrays: what `encode` added to its own, all of them.

    Raises:
        Damage: it is no JSON, beyond a bound, has a key twice or other arrays.

    Example:
        >>> decode(b'{"a": {"$float": "inf"}, "b": -0.0}')
        {'a': inf, 'b': -0.0}
        >>> decode('{"w": {"$array": "w"}}', {"w": np.ones(2)})
        {'w': array([1., 1.])}
    """
    rest = None if arrays is None else dict(arrays)
    try:
        text = data if isinstance(data, str) else data.decode("ascii")
    except UnicodeDecodeError as error:
        raise Damage(f"is no JSON ({error})") from None
    tree = parse(text, _unmarking(rest))
    if rest:
        raise Damage(f"leaves out {', '.join(sorted(rest))}")
    return tree


def jsonable(tree: Any, arrays: Arrays | None = None, figures: bool = False) -> Any:
    """The tree as the `json` module takes it.

    Args:
        tree: as for `encode`.
        arrays: likewise.
        figures: whether what is not finite is null, and numbers may be NumPy's or
            JAX's. For histories, metrics and reports: a data frame or a spreadsheet
            takes null for a missing number, and an object for none.

    Raises:
        ValueError: something in it is not plain, a number too large or a key not
            possible, or it is too deep; the message says where.

    Example:
        >>> jsonable({"losses": (np.float32(2.5), float("inf"))}, figures=True)
        {'losses': [2.5, None]}
    """
    return _Marking(arrays, figures).of(tree, ())


class _Marking(NamedTuple):
    arrays: Arrays | None
    figures: bool

    def of(self, value: Any, path: Path) -> Any:
        if self.arrays is not None and isinstance(value, np.ndarray | np.generic):
            return {ARRAY: _put_aside(value, path, self.arrays)}
        if value is None or isinstance(value, str | bool):
            return value
        if isinstance(value, int):
            if abs(value) >= TOO_LARGE:
                raise ValueError(f"{_at(path)} has more than {MOST_DIGITS} digits")
            return value
        if isinstance(value, Mapping | list | tuple):
            return self._of_container(value, path)
        if isinstance(value, float) or self.figures:
            number = float(value)
            if math.isfinite(number):
                return number
            return None if self.figures else {FLOAT: str(number)}
        kind = type(value).__name__
        raise ValueError(f"{_at(path)} is of type {kind}, which JSON does not know")

    def _of_container(self, value: Any, path: Path) -> Any:
        if len(path) >= DEEPEST:
            raise ValueError("the JSON is nested too deeply, or holds itself")
        if isinstance(value, Mapping):
            return self._of_mapping(value, path)
        items = [self.of(item, (*path, i)) for i, item in enumerate(value)]
        exact = self.arrays is not None and isinstance(value, tuple)
        return {TUPLE: items} if exact else items

    def _of_mapping(self, value: Mapping[Any, Any], path: Path) -> Any:
        marks = {FLOAT} if self.arrays is None else {FLOAT, ARRAY, TUPLE, DICT}
        odd = [k for k in value if not isinstance(k, str) or k in marks]
        if odd and self.arrays is None:
            # json.dumps would turn the number 1 into the string "1" and say nothing.
            raise ValueError(
                f"{_at(path)} has the key {odd[0]!r}; keys must be strings other than "
                f"{FLOAT!r}"
            )
        items = {key: self.of(value[key], (*path, key)) for key in value}
        if not odd:
            return items
        return {DICT: [[_key(key, path), item] for key, item in items.items()]}


def _key(key: Any, path: Path) -> Any:
    aside: Arrays = {}
    encoded = _Marking(aside, False).of(key, path)
    if aside:
        raise ValueError(f"{_at(path)} has the key {key!r}, which is no plain value")
    return encoded


def _put_aside(value: Any, path: Path, arrays: Arrays) -> str:
    name = "/".join(map(str, path)) or "array"
    while name in arrays:
        name += "'"
    arrays[name] = np.asarray(value)
    return name


def _at(path: Path) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).lstrip(".") or "the whole"


def parse(text: str, make_object: Callable[[Pairs], Any]) -> Any:
    """JSON of which every object goes through `make_object`.

    Raises:
        Damage: it is no JSON, beyond a bound, or holds a bare NaN or Infinity.
    """
    if len(text) > LARGEST:
        raise Damage(f"has a size of {len(text)} characters, more than {LARGEST}")
    try:
        tree = json.loads(
            text,
            object_pairs_hook=make_object,
            parse_constant=_refuse,
            parse_float=_finite,
            parse_int=_whole,
        )
    except Damage:
        raise
    except (ValueError, RecursionError) as error:
        raise Damage(f"is no JSON ({error})") from None
    if text.count("[") + text.count("{") > DEEPEST:
        _check_depth(tree)
    return tree


def unique(pairs: Pairs) -> dict[Any, Any]:
    """The pairs as a dictionary.

    Raises:
        Damage: a key occurs twice.
    """
    content = dict(pairs)
    if len(content) < len(pairs):
        raise Damage("has a key twice")
    return content


def _unmarking(arrays: Arrays | None) -> Callable[[Pairs], Any]:
    """What makes an object of its pairs; arrays are taken out of theirs."""
    makers: dict[str, Callable[[Any], Any]] = {FLOAT: SPELLED.__getitem__}
    if arrays is not None:
        makers |= {ARRAY: arrays.pop, TUPLE: _tuple, DICT: _dict}

    def make(pairs: Pairs) -> Any:
        content = unique(pairs)
        mark = next((key for key in content if key in makers), None)
        if mark is None:
            return content
        if len(content) > 1:
            raise Damage(f"has a {mark!r} beside other keys")
        try:
            return makers[mark](content[mark])
        except (ValueError, TypeError, KeyError):
            raise Damage(f"has a {mark!r} of {content[mark]!r:.50}") from None

    return make


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(_list(value))


def _dict(value: Any) -> dict[Any, Any]:
    return unique([(key, item) for key, item in map(_list, _list(value))])


def _check_depth(tree: Any) -> None:
    layer = [tree]
    for _ in range(DEEPEST):
        layer = [item for value in layer for item in _items(value)]
    if any(isinstance(value, dict | list | tuple) for value in layer):
        raise Damage(f"has a depth of more than {DEEPEST}")


def _items(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _refuse(word: str) -> None:
    raise Damage(f"has a bare {word}")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise Damage(f"has a number {text:.50} that no float holds")
    return number


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS + 1:
        raise Damage(f"has a number of {len(text)} digits, more than {MOST_DIGITS}")
    return int(text)
