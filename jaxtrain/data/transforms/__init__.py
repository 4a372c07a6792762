"""torchvision's random transforms: drawn on the host, applied in compiled code.

Names, arguments and meaning are torchvision's, names in lower case with underscores.
Each transform has two halves. `draw` takes a batch's parameters from a NumPy generator,
distributed as torchvision draws them; `apply` is a pure function of images (N, C, H, W)
and those parameters, in float32, float64 or bfloat16, for `jax.jit`. An `Augmentation`
chains transforms; what it draws depends on nothing but the seed and the step.
"""

from typing import TYPE_CHECKING

from jaxtrain._lazy import attach

if TYPE_CHECKING:
    from jaxtrain.data.transforms._chain import Augmentation, Drawn, Transform
    from jaxtrain.data.transforms._random_crop import RandomCrop, random_crop
    from jaxtrain.data.transforms._random_erasing import RandomErasing, random_erasing
    from jaxtrain.data.transforms._random_flip import (
        RandomHorizontalFlip,
        RandomVerticalFlip,
        random_horizontal_flip,
        random_vertical_flip,
    )
    from jaxtrain.data.transforms._random_rotation import (
        RandomRotation,
        random_rotation,
    )

TRANSFORMS = (
    "random_crop",
    "random_erasing",
    "random_horizontal_flip",
    "random_rotation",
    "random_vertical_flip",
)
"""Those to choose by name: `function(**arguments)`, with plain arguments."""

__all__ = [
    "TRANSFORMS",
    "Augmentation",
    "Drawn",
    "RandomCrop",
    "RandomErasing",
    "RandomHorizontalFlip",
    "RandomRotation",
    "RandomVerticalFlip",
    "Transform",
    "random_crop",
    "random_erasing",
    "random_horizontal_flip",
    "random_rotation",
    "random_vertical_flip",
]

__getattr__ = attach(
    __name__,
    {
        "Augmentation": "_chain",
        "Drawn": "_chain",
        "RandomCrop": "_random_crop",
        "RandomErasing": "_random_erasing",
        "RandomHorizontalFlip": "_random_flip",
        "RandomRotation": "_random_rotation",
        "RandomVerticalFlip": "_random_flip",
        "Transform": "_chain",
        "random_crop": "_random_crop",
        "random_erasing": "_random_erasing",
        "random_horizontal_flip": "_random_flip",
        "random_rotation": "_random_rotation",
        "random_vertical_flip": "_random_flip",
    },
)
