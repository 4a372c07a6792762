"""JSON of a checkpoint, read with care."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any


class Damaged(ValueError):
    """A checkpoint is not as it was written; the message is the reason, in a line."""


MARK = "$float"
_SPELLED = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def encode(tree: Any) -> bytes:
    """The tree as one line of ASCII; tuples become lists.

    Raises:
        ValueError: something in it is no JSON, or a key is `"$float"`; the message says
            where.

    Example:
        >>> encode({"loss": [0.5, float("inf")]})
        b'{"loss": [0.5, {"$float": "inf"}]}\\n'
    """
    try:
        return json.dumps(_marked(tree, ""), allow_nan=False).encode("ascii") + b"\n"
    except RecursionError:
        raise ValueError("the JSON is nested too deeply, or holds itself") from None


def decode(data: bytes) -> Any:
    """What `encode` was given.

    Raises:
        Damaged: it is no JSON, or a key occurs twice.

    Example:
        >>> decode(b'{"a": {"$float": "inf"}, "b": -0.0}')
        {'a': inf, 'b': -0.0}
    """
    try:
        return parse(data.decode("ascii"), _object)
    except UnicodeDecodeError as error:
        raise Damaged(f"is no JSON ({error})") from None


Pairs = list[tuple[str, Any]]


def parse(text: str, make_object: Callable[[Pairs], Any]) -> Any:
    """JSON of which every object goes through `make_object`.

    Raises:
        Damaged: it is no JSON, or holds a bare NaN or Infinity.
    """
    try:
        return json.loads(text, object_pairs_hook=make_object, parse_constant=_refuse)
    except Damaged:
        raise
    except (ValueError, RecursionError) as error:
        raise Damaged(f"is no JSON ({error})") from None


def unique(pairs: Pairs) -> dict[str, Any]:
    """The pairs as a dictionary.

    Raises:
        Damaged: a key occurs twice.
    """
    content = dict(pairs)
    if len(content) < len(pairs):
        raise Damaged("has a key twice")
    return content


def _marked(value: Any, where: str) -> Any:
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {MARK: str(float(value))}
    if isinstance(value, list | tuple):
        return [_marked(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {
            _key(key, where): _marked(value[key], f"{where}.{key}") for key in value
        }
    raise ValueError(
        f"{where.lstrip('.') or 'the whole'} is of type {type(value).__name__}, which "
        "JSON does not know"
    )


def _key(key: Any, where: str) -> str:
    # json.dumps would turn the number 1 into the string "1" and say nothing.
    if not isinstance(key, str) or key == MARK:
        raise ValueError(
            f"{where.lstrip('.') or 'the whole'} has the key {key!r}; keys must be "
            f"strings other than {MARK!r}"
        )
    return key


def _object(pairs: Pairs) -> Any:
    content = unique(pairs)
    if MARK not in content:
        return content
    spelled = content[MARK]
    if len(content) > 1 or not isinstance(spelled, str) or spelled not in _SPELLED:
        raise Damaged(f"has a {MARK!r} that is no number")
    return _SPELLED[spelled]


def _refuse(word: str) -> None:
    raise Damaged(f"has a bare {word}")
