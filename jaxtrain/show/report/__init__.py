"""One run, or several compared, as a page that needs nothing else.

`python -m jaxtrain.report RUN` writes it; `page` and `Drawn` make it.
"""

from jaxtrain.show.report.figures import Drawn, draw
from jaxtrain.show.report.page import page

__all__ = ["Drawn", "draw", "page"]
