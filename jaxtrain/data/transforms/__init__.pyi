from ._chain import (
    Augmentation as Augmentation,
)
from ._chain import (
    Drawn as Drawn,
)
from ._chain import (
    Transform as Transform,
)
from ._random_crop import (
    RandomCrop as RandomCrop,
)
from ._random_crop import (
    random_crop as random_crop,
)
from ._random_erasing import (
    RandomErasing as RandomErasing,
)
from ._random_erasing import (
    random_erasing as random_erasing,
)
from ._random_flip import (
    RandomHorizontalFlip as RandomHorizontalFlip,
)
from ._random_flip import (
    RandomVerticalFlip as RandomVerticalFlip,
)
from ._random_flip import (
    random_horizontal_flip as random_horizontal_flip,
)
from ._random_flip import (
    random_vertical_flip as random_vertical_flip,
)
from ._random_rotation import (
    RandomRotation as RandomRotation,
)
from ._random_rotation import (
    random_rotation as random_rotation,
)

TRANSFORMS: tuple[str, ...]
