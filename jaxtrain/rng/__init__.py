"""PyTorch's CPU random numbers from NumPy alone: the same seed, the same numbers.

A `Generator` draws what a `torch.Generator` with the same seed draws: uniforms,
normals, exponentials, permutations, integers, weighted categories and dropout masks;
and its state is PyTorch's own bytes, so that a stream may begin in one library and go
on in the other. NumPy's MT19937 is PyTorch's engine; what is ours is how its words
become numbers.

Equal bit for bit to PyTorch 2.13 and 2.15 on Linux, x86-64 with AVX2 or AVX-512;
other systems and processors are untested. What PyTorch does without fused
multiply-adds, under `ATEN_CPU_CAPABILITY=default`, is not followed: there `uniform` and
`normal` differ in the last bits (their docstrings say by how much), while integers,
permutations, masks and the state are still the same.

Example:
    >>> generator = Generator(0)
    >>> generator.uniform(3)  # torch.manual_seed(0); torch.rand(3)
    array([0.4962566 , 0.7682218 , 0.08847743], dtype=float32)
    >>> generator.randperm(4)  # torch.randperm(4)
    array([0, 2, 3, 1])
"""

from jaxtrain._lazy import listing
from jaxtrain.rng._default import DefaultGenerator
from jaxtrain.rng._generator import Generator

__all__ = ["Generator", "default_generator", "manual_seed"]
__getattr__, __dir__ = listing(__name__, __all__)

default_generator = DefaultGenerator()
"""What everything draws from that is given no generator of its own.

PyTorch seeds its `torch.default_generator` anew in each process; this one begins with
the fixed seed that a bare `torch.Generator()` has.
"""


def manual_seed(seed: int) -> Generator:
    """Reseed `default_generator`, and return it.

    Args:
        seed: -2**63 ... 2**64 - 1; a negative one counts from 2**64, as in PyTorch.

    Raises:
        TypeError: the seed is no integer.
        ValueError: the seed is outside that range.

    PyTorch: `torch.manual_seed`.

    Example:
        >>> manual_seed(0).uniform(2)
        array([0.4962566, 0.7682218], dtype=float32)
    """
    return default_generator.manual_seed(seed)
