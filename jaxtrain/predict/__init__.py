"""What a trained network makes of image files: `python -m jaxtrain.predict RUN IMAGE`.

`read_image` opens a file of any size and mode, `bring` makes of it what
Fashion-MNIST's makers would have. Pillow is of the extra `images`.
"""

from jaxtrain.predict._bring import POLARITIES, Brought, bring
from jaxtrain.predict._read import read_image

__all__ = ["POLARITIES", "Brought", "bring", "read_image"]
