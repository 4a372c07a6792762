from typing import Any

import jax.numpy as jnp
import numpy as np


def host_array(value: Any) -> np.ndarray:
    """A tensor of PyTorch's, wherever it lies, or an array, as one of NumPy's.

    NumPy has no bfloat16 of its own and PyTorch refuses to hand one over; through
    float32 it arrives bit for bit. PyTorch itself is not needed.

    Example:
        >>> host_array(jnp.ones(2, jnp.bfloat16))
        array([1, 1], dtype=bfloat16)
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":
            return value.float().numpy().astype(jnp.bfloat16)
    return np.asarray(value)
