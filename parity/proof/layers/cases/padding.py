"""Padding, by constants and by the input's own elements."""

from parity.proof.layers.cases.case import Arguments, LayerCase, Shape, inputs_of

SIZES: dict[int, Shape] = {1: (7,), 2: (5, 6), 3: (4, 5, 3)}

# One number; others at each end; nothing at one end; something cut off.
WIDE = {
    1: (2, (1, 0), (0, 3), (3, 2), (-1, 2), (2, -3), (-1, -2), 0, (4, 4), (6, 1)),
    2: (
        *(2, (1, 0, 2, 3), (0, 3, 0, 0), (-1, 2, 1, 1), (2, -2, -1, 3)),
        *((-1, -2, -1, 0), 0, (4, 4, 4, 4), (5, 1, 0, 2), (1, 1, -2, -1)),
    ),
    3: (
        *(1, (1, 0, 2, 1, 0, 3), (0, 2, 0, 0, 0, 0), (-1, 2, 1, 1, 0, 1)),
        *((2, -1, -1, 3, 2, -2), (-1, -1, -2, -1, 0, -1), 0, 2, (0, 1, 2, 0, 1, 1)),
        (2, 2, 4, 4, 3, 3),
    ),
}


def _pads(kind: str, *more: Arguments) -> tuple[LayerCase, ...]:
    """With and without a batch."""
    return tuple(
        LayerCase(
            f"{kind}Pad{n}d",
            {"padding": padding, **more[i % len(more)]},
            inputs_of("real", ((2, 3), (3,))[i % 2] + SIZES[n]),
        )
        for n in (1, 2, 3)
        for i, padding in enumerate(WIDE[n])
    )


PADDING = (
    *_pads("Constant", {"value": 0.5}, {"value": 0.0}, {"value": -3}),
    *_pads("Zero", {}),
    *_pads("Reflection", {}),
    *_pads("Replication", {}),
    *_pads("Circular", {}),
)
