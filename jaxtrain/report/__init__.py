"""One run, or several compared, as a page that needs nothing else.

`python -m jaxtrain.report RUN` writes it; `page` and `Drawn` make it.
"""

from jaxtrain.report._drawn import Drawn, draw
from jaxtrain.report._page import page

__all__ = ["Drawn", "draw", "page"]
