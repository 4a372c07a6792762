"""`torch.nn.functional`'s losses: same names, arguments, defaults and reductions.

Some of `torchvision.ops` and two textbook ones are with them. The deprecated arguments
`size_average` and `reduce` do not exist; arguments after them move up accordingly.

Shapes, types and arguments that do not fit raise. What PyTorch refuses because of a
*value* in a tensor (a label that is no class, a probability above 1, a negative
variance) makes that loss NaN instead, compiled or not: compiled code cannot raise.
Floating-point types of 16 bits are computed in float32 and rounded once.
"""

from jaxtrain._lazy import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
