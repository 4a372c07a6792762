from .port.case import (
    Case as Case,
)
from .port.case import (
    JaxSide as JaxSide,
)
from .port.case import (
    TorchSide as TorchSide,
)
from .port.comparison import (
    compare as compare,
)
from .port.report import (
    Report as Report,
)
