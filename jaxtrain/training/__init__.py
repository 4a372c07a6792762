"""The engine: a compiled training step, scanned over chunks of batches.

`Engine` holds weights and optimiser state on the device and runs chunks of batches. It
knows nothing of files, of configurations or of what is printed.
"""

from jaxtrain._lazy import face

DTYPES = ("float32", "float64", "bfloat16")
"""In which a network may train."""

__getattr__, __dir__, __all__ = face(__name__, __file__, constants=("DTYPES",))
