"""Checkpoints between PyTorch's files and safetensors, whatever they hold.

A checkpoint is a tree of dictionaries, lists and tuples with NumPy arrays, numbers,
text and None at its leaves: what `jaxtrain.nn.load_state_dict`,
`jaxtrain.optim.from_torch_state_dict` and a schedule's `host().load_state_dict` take.

Example:
    >>> import tempfile, numpy as np
    >>> from jaxtrain import nn, optim
    >>> model = nn.Linear(2, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(f"{folder}/a.pt", {"model": nn.state_dict(model), "epoch": 3})
    ...     convert(f"{folder}/a.pt", f"{folder}/a.safetensors")
    ...     found = read(f"{folder}/a.safetensors")
    >>> found["epoch"], list(found["model"])
    (3, ['weight', 'bias'])
"""

from parity.convert.files import CheckpointError, convert, read, write

__all__ = ["CheckpointError", "convert", "read", "write"]
