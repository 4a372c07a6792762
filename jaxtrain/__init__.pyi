from . import data as data
from . import events as events
from . import init as init
from . import losses as losses
from . import lr_scheduler as lr_scheduler
from . import models as models
from . import nn as nn
from . import optim as optim
from . import rng as rng
from .training.trainer import Trainer as Trainer

__version__: str
