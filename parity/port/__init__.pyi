from .case import (
    Case as Case,
)
from .case import (
    JaxSide as JaxSide,
)
from .case import (
    TorchSide as TorchSide,
)
from .comparison import (
    compare as compare,
)
from .mapping import (
    MapError as MapError,
)
from .report import (
    Report as Report,
)
from .report import (
    Row as Row,
)
