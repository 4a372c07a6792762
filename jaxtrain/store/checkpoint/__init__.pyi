from .folder import (
    Checkpoint as Checkpoint,
)
from .folder import (
    load as load,
)
from .store import (
    Found as Found,
)
from .store import (
    Store as Store,
)
from .store import (
    read as read,
)
from .tree import (
    flatten as flatten,
)
from .tree import (
    restore as restore,
)
