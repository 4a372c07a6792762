"""`python -m jaxtrain.lr_range`: the learning-rate range test."""

import sys

from jaxtrain.commands.lr_range import main

if __name__ == "__main__":
    sys.exit(main())
