"""`python -m jaxtrain.report`: one run, or several compared, as a page."""

import sys

from jaxtrain.commands.report import main

if __name__ == "__main__":
    sys.exit(main())
