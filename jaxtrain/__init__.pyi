from . import data as data
from . import losses as losses
from . import lr_scheduler as lr_scheduler
from . import models as models
from . import nn as nn
from . import optim as optim
from . import rng as rng
from .nn import init as init
from .store import events as events
from .trainer import Recipe as Recipe
from .trainer import Trainer as Trainer
from .training import metrics as metrics

__version__: str
