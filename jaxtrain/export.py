"""`python -m jaxtrain.export`: a trained network for other programs."""

import sys

from jaxtrain.commands.export import main

if __name__ == "__main__":
    sys.exit(main())
