"""Checkpoint files by their endings: `.pt` and `.pth` are PyTorch's, or `.safetensors`.

PyTorch's are read with `weights_only=True` and never otherwise: a file that holds more
than tensors and plain values is refused, and nothing in it runs.
"""

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import ml_dtypes
import numpy as np
import safetensors.numpy
import torch
from safetensors import SafetensorError, safe_open

from jaxtrain import files
from jaxtrain.store import codec

DESCRIPTION = "checkpoint"
"""The key of the metadata that holds what is no tensor."""
TORCH, SAFETENSORS = (".pt", ".pth"), (".safetensors",)


class CheckpointError(ValueError):
    """A file that is no checkpoint, or cannot be written: one line for the user."""


def read(path: str | os.PathLike[str]) -> Any:
    """The tree that a file holds, with NumPy arrays for its tensors.

    Raises:
        CheckpointError: the file is missing, damaged, of another kind, or holds what
            could run.
    """
    path = Path(path)
    by_torch = _is_torchs(path)
    try:
        return _read_torch(path) if by_torch else _read_safetensors(path)
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror or error}") from error
    except codec.Damage as error:
        raise CheckpointError(f"{path}: its description {error}") from error
    except SafetensorError as error:
        raise CheckpointError(f"{path}: {error}") from error


def write(path: str | os.PathLike[str], tree: Any) -> None:
    """Write a tree, atomically.

    Raises:
        CheckpointError: the tree has a leaf that is no plain value, or the file cannot
            be written.
    """
    path = Path(path)
    by_torch = _is_torchs(path)
    try:
        arrays: dict[str, np.ndarray] = {}
        text = codec.encode(tree, arrays).decode()
        with files.open_atomic(path) as file:
            if by_torch:
                torch.save(_map(tree, _as_tensor), file)
            else:
                whole = {name: np.asarray(x, order="C") for name, x in arrays.items()}
                file.write(safetensors.numpy.save(whole, {DESCRIPTION: text}))
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror or error}") from error
    except (ValueError, SafetensorError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: {error}") from error


def convert(
    source: str | os.PathLike[str], destination: str | os.PathLike[str]
) -> None:
    """Read one file, write the other.

    Raises:
        CheckpointError: as `read` and `write` do, before anything is written.
    """
    _is_torchs(Path(destination))
    write(destination, read(source))


def _is_torchs(path: Path) -> bool:
    if path.suffix in TORCH:
        return True
    if path.suffix in SAFETENSORS:
        return False
    suffixes = ", ".join((*TORCH, *SAFETENSORS))
    raise CheckpointError(f"{path} must end in one of {suffixes}, to say what it is")


def _read_torch(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            # Of a protocol that is not its own: the refusal says more.
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than tensors and plain values, or is no checkpoint of "
            "PyTorch's; nothing in it was run"
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise CheckpointError(f"{path} is damaged: {reason}") from error
    try:
        return _map(content, _as_array)
    except (TypeError, RuntimeError) as error:
        raise CheckpointError(f"{path}: a tensor NumPy cannot hold: {error}") from error


def _read_safetensors(path: Path) -> Any:
    with safe_open(path, framework="numpy") as file:
        text = (file.metadata() or {}).get(DESCRIPTION)
    arrays = safetensors.numpy.load_file(path)
    return arrays if text is None else codec.decode(text, arrays)


def _map(tree: Any, leaf: Any) -> Any:
    if isinstance(tree, Mapping):
        return {key: _map(value, leaf) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        items = [_map(value, leaf) for value in tree]
        return items if isinstance(tree, list) else tuple(items)
    return leaf(tree)


def _as_array(value: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        return value
    value = value.detach().contiguous()
    if value.dtype == torch.bfloat16:
        return value.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return value.numpy()


def _as_tensor(value: Any) -> Any:
    if not isinstance(value, np.ndarray | np.generic):
        return value
    value = np.asarray(value)
    if value.dtype.name == "bfloat16":
        bits = torch.from_numpy(value.view(np.int16).copy())
        return bits.view(torch.bfloat16)
    return torch.from_numpy(value.copy())
