"""Convolutions, in both directions."""

from parity.proof.layers.cases.case import (
    Arguments,
    LayerCase,
    Shape,
    cases_of,
    inputs_of,
)

CONV_ARGUMENTS: tuple[Arguments, ...] = (
    {},
    {"stride": 2, "padding": 1},
    {"dilation": 2, "padding": 2, "bias": False},
    {"groups": 2, "out_channels": 6},
    {"groups": 4, "out_channels": 8, "padding": "same", "kernel_size": 2},
    {"padding": 1, "padding_mode": "reflect"},
    {"padding": 2, "padding_mode": "circular", "stride": 3},
    {"padding": 2, "padding_mode": "replicate", "dilation": 2},
    {"padding": "same", "dilation": 3},
    {"kernel_size": 1, "padding": "valid", "stride": 2},
)
CONV_SIZES: dict[int, tuple[Shape, ...]] = {
    1: ((9,), (8,), (7,)),
    2: ((5, 6), (7, 5), (6, 6)),
    3: ((5, 4, 4), (4, 5, 4), (4, 4, 5)),
}


def _shapes(n: int, channels: int) -> tuple[Shape, ...]:
    """Ragged sizes behind channels; the last shape has no batch."""
    a, b, c = CONV_SIZES[n]
    return ((2, channels, *a), (1, channels, *b), (channels, *c))


def _convolutions(name: str, n: int, *more: Arguments) -> tuple[LayerCase, ...]:
    base = {"in_channels": 4, "out_channels": 3, "kernel_size": 3}
    return cases_of(
        f"{name}{n}d",
        *(
            ({**base, **arguments}, _shapes(n, 4)[i % 3])
            for i, arguments in enumerate(more)
        ),
    )


CONV = (
    *_convolutions("Conv", 1, *CONV_ARGUMENTS, {"kernel_size": (4,), "padding": (2,)}),
    *_convolutions(
        "Conv",
        2,
        *CONV_ARGUMENTS,
        {"kernel_size": (2, 3), "stride": (1, 2), "padding": (0, 1)},
        {"kernel_size": (1, 4), "padding": "same", "padding_mode": "circular"},
    ),
    *_convolutions(
        "Conv",
        3,
        *CONV_ARGUMENTS[:5],
        *CONV_ARGUMENTS[8:],
        {"padding": 1, "padding_mode": "replicate", "kernel_size": 2},
        {"padding": (1, 0, 2), "padding_mode": "circular", "kernel_size": 2},
        {"kernel_size": (1, 2, 3), "dilation": (2, 1, 1), "padding": (0, 1, 0)},
    ),
)

TRANSPOSED_ARGUMENTS: tuple[Arguments, ...] = (
    {},
    {"stride": 2, "padding": 1},
    {"stride": 2, "output_padding": 1, "bias": False},
    {"groups": 2, "out_channels": 6},
    {"groups": 4, "out_channels": 8, "stride": 3, "kernel_size": 2},
    {"dilation": 2, "padding": 1},
    {"dilation": 3, "output_padding": 2, "stride": 2, "padding": 2},
    {"kernel_size": 1, "stride": 2},
    {"kernel_size": 2, "stride": 2},
    {"padding": 2, "kernel_size": 4},
)
CONV_TRANSPOSE = (
    *_convolutions("ConvTranspose", 1, *TRANSPOSED_ARGUMENTS),
    *_convolutions(
        "ConvTranspose",
        2,
        *TRANSPOSED_ARGUMENTS,
        {"kernel_size": (2, 3), "stride": (1, 2), "output_padding": (0, 1)},
    ),
    *_convolutions("ConvTranspose", 3, *TRANSPOSED_ARGUMENTS),
    LayerCase(
        "ConvTranspose2d",
        {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "stride": (2, 3)},
        inputs_of("real", (2, 2, 4, 3)),
        call={"output_size": [10, 11]},
    ),
)
