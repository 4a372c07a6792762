"""The dropout family."""

from parity.proof.layers.cases.case import cases_of

DROP_SHAPES = {
    "Dropout": ((), (50,), (4, 6), (2, 3, 4)),
    "Dropout1d": ((6, 3), (2, 5, 3), (1, 8, 1), (4, 4, 2)),
    "Dropout2d": ((3, 5, 2), (2, 5, 2, 3), (1, 8, 1, 1), (3, 3, 2, 2)),
    "Dropout3d": ((6, 2, 2, 1), (2, 5, 1, 2, 3), (1, 8, 1, 1, 1), (3, 3, 2, 2, 2)),
    "AlphaDropout": ((), (50,), (4, 6), (2, 3, 4)),
    "FeatureAlphaDropout": ((3, 4), (2, 5, 3), (2, 3, 2, 2), (1, 6, 1, 2, 2)),
}
DROPOUT = tuple(
    case
    for name, shapes in DROP_SHAPES.items()
    for case in (
        *cases_of(name, *(({}, shape) for shape in shapes), both=True),
        *cases_of(name, *(({"p": p}, shapes[1]) for p in (0.0, 0.2, 0.9, 1.0))),
    )
)
