"""What the spread of a weight is scaled by: its fans, and the gain of what follows."""

import math

_GAINS = {
    "linear": 1.0,
    "sigmoid": 1.0,
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4,
}
_GAINS |= {f"conv{kind}{n}d": 1.0 for kind in ("", "_transpose") for n in (1, 2, 3)}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a nonlinearity asks the initial spread to grow.

    Args:
        nonlinearity: PyTorch's name of it, such as `"relu"` or `"leaky_relu"`.
        param: negative slope of `"leaky_relu"`; 0.01 if not given.

    Raises:
        ValueError: the name is not one that `torch.nn.init` knows, or the slope is not
            a number.

    PyTorch: `torch.nn.init.calculate_gain`.

    Example:
        >>> calculate_gain("leaky_relu", 5**0.5)
        0.5773502691896257
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            raise ValueError(f"negative_slope {param!r} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity!r}")
    return _GAINS[nonlinearity]


def fan_in_and_fan_out(shape: tuple[int, ...]) -> tuple[int, int]:
    """Inputs to and outputs of one unit of a weight laid out (out, in, *kernel).

    Raises:
        ValueError: the shape has fewer than two dimensions.

    Example:
        >>> fan_in_and_fan_out((512, 784)), fan_in_and_fan_out((8, 3, 5, 5))
        ((784, 512), (75, 200))
    """
    if len(shape) < 2:
        raise ValueError(
            f"a weight of shape {shape} has no fan in and fan out: "
            "at least two dimensions (out, in) are needed"
        )
    receptive_field = math.prod(shape[2:])
    return shape[1] * receptive_field, shape[0] * receptive_field
