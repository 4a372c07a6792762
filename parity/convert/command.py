"""`python -m parity convert IN OUT`."""

from typing import Any

import numpy as np

from jaxtrain.errors import ConfigError
from parity.convert.files import CheckpointError, read, write


def run(source: str, destination: str) -> int:
    """Convert a file and say what was in it; 0.

    Raises:
        ConfigError: it cannot be read or written.
    """
    try:
        tree = read(source)
        write(destination, tree)
    except CheckpointError as error:
        raise ConfigError(str(error)) from error
    arrays = list(_arrays(tree))
    size = sum(array.size for array in arrays)
    print(f"{destination}: {len(arrays)} tensors with {size:,} values")
    return 0


def _arrays(tree: Any) -> list[np.ndarray]:
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        return [array for item in tree for array in _arrays(item)]
    return [tree] if isinstance(tree, np.ndarray) else []
