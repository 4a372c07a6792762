"""`python -m jaxtrain.fashion`: train on Fashion-MNIST as the tutorial does."""

import sys

from jaxtrain.commands.fashion import main, train
from jaxtrain.data import load

__all__ = ["load", "main", "train"]

if __name__ == "__main__":
    sys.exit(main())
