"""torchvision's random transforms: drawn on the host, applied in compiled code.

Names, arguments and meaning are torchvision's, names in lower case with underscores.
Each transform has two halves. `draw` takes a batch's parameters from a NumPy generator,
distributed as torchvision draws them; `apply` is a pure function of images (N, C, H, W)
and those parameters, in float32, float64 or bfloat16, for `jax.jit`. An `Augmentation`
chains transforms; what it draws depends on nothing but the seed and the step.
"""

from jaxtrain._lazy import face

TRANSFORMS = (
    "random_crop",
    "random_erasing",
    "random_horizontal_flip",
    "random_rotation",
    "random_vertical_flip",
)
"""Those to choose by name: `function(**arguments)`, with plain arguments."""

__getattr__, __dir__, __all__ = face(__name__, __file__, constants=("TRANSFORMS",))
