from . import metrics as metrics
from .engine import Engine as Engine
from .numerics import Numerics as Numerics
from .pixels import to_tensor as to_tensor
from .step import Chunk as Chunk
from .step import Placed as Placed
from .step import TrainState as TrainState

DTYPES: tuple[str, ...]
