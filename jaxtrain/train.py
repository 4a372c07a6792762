"""`python -m jaxtrain.train FILE`: train what a file's `recipe()` gives."""

import sys

from jaxtrain.commands.train import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
