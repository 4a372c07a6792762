"""`python -m jaxtrain.predict`: what a trained network makes of image files."""

import sys

from jaxtrain.commands.predict import main

if __name__ == "__main__":
    sys.exit(main())
