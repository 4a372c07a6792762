"""What PyTorch computed, kept in a file: a port is compared where PyTorch is not.

A golden file holds nothing but PyTorch's numbers, step by step: parameters, buffers,
batches, masks, outputs, loss, gradients, learning rate and updates. It is in the format
of safetensors, with a SHA-256 of all that it holds, and reading it runs nothing.
"""

from parity.golden.content import Golden, Playback, golden_pairs, make_golden
from parity.golden.file import GoldenError, read, write

__all__ = [
    "Golden",
    "GoldenError",
    "Playback",
    "golden_pairs",
    "make_golden",
    "read",
    "write",
]
