"""`python -m jaxtrain.lr_scheduler`: the values of a schedule, drawn or printed."""

import sys

from jaxtrain.commands.lr_scheduler import main

if __name__ == "__main__":
    sys.exit(main())
