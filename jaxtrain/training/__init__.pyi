from .numerics import Numerics as Numerics
from .pixels import to_tensor as to_tensor
from .step import Chunk as Chunk
from .step import Placed as Placed
from .step import TrainState as TrainState
from .trainer import Trainer as Trainer

DTYPES: tuple[str, ...]
