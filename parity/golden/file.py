"""Golden files: arrays in the format of safetensors, and the rest of the tree as JSON.

Written by hand, so that a place without PyTorch needs no other package either. Equal
contents are equal bytes: a file that is written anew is no change where nothing is.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from jaxtrain import files
from jaxtrain.store import codec
from parity.golden.content import Golden
from parity.port.comparison import DTYPES
from parity.port.masks import Mask
from parity.port.outline import Module, Outline, Tensor
from parity.port.step import Step

SCHEMA, VERSION, TAGGED = "parity golden", "2", "1"
"""Of files, of those written here, and of earlier ones: each value had its kind."""
# fmt: off
KINDS = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "F16": "<f2",
    "U32": "<u4", "I32": "<i4", "F32": "<f4", "U64": "<u8", "I64": "<i8", "F64": "<f8",
}
# fmt: on
"""Safetensors' names of the types that a golden file may hold."""


class GoldenError(ValueError):
    """A golden file that cannot be used: one line that says why."""


def write(path: str | os.PathLike[str], golden: Golden) -> bool:
    """Write a golden file, atomically; whether it is another than before.

    Raises:
        GoldenError: it cannot be written.
    """
    path = Path(path)
    arrays: dict[str, np.ndarray] = {}
    try:
        text = codec.encode(_plain(golden), arrays).decode()
        data = _pack(arrays, text)
        if path.is_file() and path.read_bytes() == data:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_bytes(path, data)
    except OSError as error:
        raise GoldenError(f"{path}: {error.strerror or error}") from error
    except (TypeError, ValueError) as error:
        raise GoldenError(f"{path}: {error}") from error
    return True


def read(path: str | os.PathLike[str]) -> Golden:
    """Read a golden file.

    Raises:
        GoldenError: it is missing, damaged, or no golden file.
    """
    try:
        return _golden(_unpack(Path(path).read_bytes()))
    except OSError as error:
        raise GoldenError(f"{path}: {error.strerror or error}") from error
    except GoldenError as error:
        raise GoldenError(f"{path} {error}") from error
    except (
        *(ValueError, KeyError, TypeError, AttributeError, IndexError),
        *(OverflowError, RecursionError),
    ) as error:
        raise GoldenError(
            f"{path} is no golden file of this version of parity ({_line(error)})"
        ) from error


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0][:100]


# Bytes.


def _pack(arrays: Mapping[str, np.ndarray], text: str) -> bytes:
    header: dict[str, Any] = {}
    parts: list[bytes] = []
    at = 0
    for name, array in arrays.items():
        parts.append(array.astype(KINDS[_kind(name, array)]).tobytes())
        header[name] = {
            "dtype": _kind(name, array),
            "shape": list(array.shape),
            "data_offsets": [at, at + len(parts[-1])],
        }
        at += len(parts[-1])
    data = b"".join(parts)
    about = {"schema": SCHEMA, "version": VERSION, "tree": text}
    about["sha256"] = _digest(header, about, data)
    first = json.dumps({"__metadata__": about, **header}).encode()
    first += b" " * (-len(first) % 8)
    return len(first).to_bytes(8, "little") + first + data


def _kind(name: str, array: np.ndarray) -> str:
    for kind, dtype in KINDS.items():
        if array.dtype == np.dtype(dtype):
            return kind
    raise TypeError(f"a golden file cannot hold {name}, which is {array.dtype}")


def _digest(header: Mapping[str, Any], about: Mapping[str, str], data: bytes) -> str:
    text = json.dumps([header, {k: about[k] for k in ("schema", "version", "tree")}])
    return hashlib.sha256(text.encode() + data).hexdigest()


def _unpack(content: bytes) -> Any:
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size].decode())
    about = header.pop("__metadata__")
    if about["schema"] != SCHEMA:
        raise GoldenError("is no golden file")
    data = content[8 + size :]
    if about["sha256"] != _digest(header, about, data):
        raise GoldenError("is damaged: its contents are not those of its SHA-256")
    arrays = _arrays(header, data)
    if about["version"] == TAGGED:
        return _untagged(codec.decode(about["tree"]), arrays)
    if about["version"] != VERSION:
        raise GoldenError(f"is of version {about['version']!r}, not {VERSION!r}")
    return codec.decode(about["tree"], arrays)


def _untagged(tagged: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    kind, value = tagged
    if kind == "dict":
        return {key: _untagged(item, arrays) for key, item in value}
    if kind in ("list", "tuple"):
        items = [_untagged(item, arrays) for item in value]
        return items if kind == "list" else tuple(items)
    if kind == "value":
        return value
    return {"array": arrays, "float": codec.SPELLED}[kind][value]


def _arrays(header: Mapping[str, Any], data: bytes) -> dict[str, np.ndarray]:
    arrays = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        flat = np.frombuffer(data[start:end], KINDS[entry["dtype"]])
        arrays[name] = flat.reshape(entry["shape"]).copy()
    return arrays


# The tree.


def _plain(golden: Golden) -> dict[str, Any]:
    return {
        **{f.name: getattr(golden, f.name) for f in fields(Golden)},
        "outline": asdict(golden.outline),
        "steps": [vars(step) for step in golden.steps],
        "exact": [None if step is None else vars(step) for step in golden.exact],
    }


def _golden(tree: Any) -> Golden:
    outline = tree.pop("outline")
    steps = tuple(_step(step) for step in tree.pop("steps"))
    exact = [None if step is None else _step(step) for step in tree.pop("exact")]
    tensors = {
        part: {name: _tensor(tensor) for name, tensor in outline[part].items()}
        for part in ("parameters", "buffers")
    }
    modules = (_module(module) for module in outline["modules"])
    golden = Golden(
        **tree,
        outline=Outline(tuple(modules), **tensors),
        steps=steps,
        exact=tuple(exact),
    )
    _check(golden)
    return golden


def _step(tree: Mapping[str, Any]) -> Step:
    masks = [Mask(*mask) for mask in tree["masks"]]
    return Step(**{**tree, "masks": masks})


def _tensor(tree: Mapping[str, Any]) -> Tensor:
    return Tensor(**{**tree, "shape": tuple(tree["shape"])})


def _module(tree: Mapping[str, Any]) -> Module:
    return Module(**{**tree, "kinds": tuple(tree["kinds"])})


def _check(golden: Golden) -> None:
    """What a comparison relies on.

    Raises:
        GoldenError: it does not hold together, whoever wrote it.
    """
    counts = {len(golden.steps), len(golden.exact), len(golden.batches)}
    narrow = [step is not None for step in golden.exact]
    sound: list[Callable[[], bool]] = [
        lambda: golden.dtype in DTYPES,
        lambda: len(counts) == 1 and counts != {0},
        lambda: narrow == [golden.dtype == "float32"] * len(narrow),
        lambda: all(_fits(golden.outline, step) for step in golden.steps),
        lambda: all(_fits(golden.outline, step) for step in golden.exact if step),
    ]
    if not all(holds() for holds in sound):
        raise GoldenError("does not hold together: its tensors are not its model's")


def _fits(outline: Outline, step: Step) -> bool:
    """Whether a step has the tensors of the model, in their shapes."""
    of_model = {
        "before": outline.parameters,
        "updates": outline.parameters,
        "gradients": outline.parameters,
        "clipped": outline.parameters,
        "buffers_before": outline.buffers,
        "buffers": outline.buffers,
    }
    for name, tensors in of_model.items():
        shapes = {n: _shape(x) for n, x in getattr(step, name).items()}
        targets = {n: t.shape for n, t in tensors.items()}
        optional = name in ("gradients", "clipped")
        if shapes.keys() != targets.keys() or any(
            shape != targets[n] and not (optional and shape is None)
            for n, shape in shapes.items()
        ):
            return False
    plain = isinstance(step.loss, float) and isinstance(step.updated, bool)
    lists = [step.batch, step.output, *step.layers.values()]
    lists += [[mask.elements for mask in step.masks]]
    lists += [[] if step.lr is None else [step.lr]]
    return plain and all(isinstance(x, np.ndarray) for part in lists for x in part)


def _shape(array: Any) -> tuple[int, ...] | None:
    return None if array is None else array.shape
