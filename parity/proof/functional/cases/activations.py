"""Calls of the functions that act on each element, and of those along one dimension."""

from parity.proof.functional.cases.case import (
    INF,
    NAN,
    DType,
    FunctionCase,
    case,
    extreme,
    grid,
    index,
    kinks,
    positive,
    real,
    values,
)

PLAIN = (
    "relu",
    "relu6",
    "hardswish",
    "hardsigmoid",
    "hardtanh",
    "hardshrink",
    "softshrink",
    "elu",
    "selu",
    "celu",
    "leaky_relu",
    "silu",
    "mish",
    "gelu",
    "softplus",
    "softsign",
    "logsigmoid",
    "tanhshrink",
    "tanh",
    "sigmoid",
)
"""Functions that need no argument but their input."""

DEFAULTS = (
    *(case(name, input=kinks()) for name in PLAIN),
    *(
        case(name, input=extreme(), note="gradients may be NaN where inf - inf is met")
        for name in PLAIN
    ),
    *(case(name, input=values([NAN, INF])) for name in PLAIN[::3]),
    *(case(name, input=real(0, 3)) for name in PLAIN[::4]),
    *(case(name, input=real()) for name in PLAIN[1::4]),
    *(case(name, input=real(3, 5, 2)) for name in PLAIN[2::4]),
)

# fmt: off
PIECEWISE = (
    case("hardtanh", input=kinks(), min_val=-3.0, max_val=0.5),
    case("hardtanh", input=kinks(), min_val=0.0),
    case("hardtanh", input=kinks(), max_val=6.0),
    case("hardtanh", input=kinks(), min_val=-0.5, max_val=-0.5, note="equal bounds"),
    case("hardtanh", input=grid(4, 3), min_val=-INF, max_val=3),
    case("threshold", input=kinks(), threshold=0.5, value=-7.0,
         note="an input on the threshold is replaced"),
    case("threshold", input=kinks(), threshold=0, value=0),
    case("threshold", input=extreme(), threshold=-1e4, value=INF),
    case("threshold", input=grid(3, 4), threshold=-3.0, value=20.0),
    case("threshold", input=values([NAN, 1.0]), threshold=0.0, value=5.0,
         note="what is not above the threshold, or what is below it?"),
    case("hardshrink", input=kinks(), lambd=1.0),
    case("hardshrink", input=kinks(), lambd=0.0),
    case("hardshrink", input=kinks(), lambd=-0.5, note="a negative bound"),
    case("softshrink", input=kinks(), lambd=3.0),
    case("softshrink", input=kinks(), lambd=0.0),
    case("leaky_relu", input=kinks(), negative_slope=0.2),
    case("leaky_relu", input=kinks(), negative_slope=0.0),
    case("leaky_relu", input=kinks(), negative_slope=-0.5),
    case("leaky_relu", input=extreme(), negative_slope=1),
    case("prelu", input=kinks(), weight=values([0.25])),
    case("prelu", input=kinks(), weight=values(0.25),
         note="a weight without dimension"),
    case("prelu", input=grid(4, 3), weight=real(3)),
    case("prelu", input=grid(2, 3, 2, 2), weight=real(3)),
    case("prelu", input=grid(2, 3, 2), weight=real(1)),
    case("prelu", input=real(), weight=real(1)),
    case("prelu", input=real(0, 3), weight=real(3)),
    case("prelu", input=extreme(), weight=values([0.0])),
)

SMOOTH = (
    case("elu", input=kinks(), alpha=0.5),
    case("elu", input=kinks(), alpha=-2.0),
    case("elu", input=extreme(), alpha=3.0),
    case("elu", input=kinks(), alpha=0.0),
    case("celu", input=kinks(), alpha=0.5),
    case("celu", input=kinks(), alpha=-2.0),
    case("celu", input=extreme(), alpha=1e-3),
    case("gelu", input=kinks(), approximate="tanh"),
    case("gelu", input=extreme(), approximate="tanh"),
    case("gelu", input=real(3, 5), approximate="none"),
    case("softplus", input=kinks(), beta=2.0),
    case("softplus", input=kinks(), beta=0.5, threshold=3.0),
    case("softplus", input=kinks(), threshold=1, note="an input on the threshold"),
    case("softplus", input=kinks(), beta=-1.0, threshold=6),
    case("softplus", input=extreme(), beta=10, threshold=50),
    case("glu", input=real(3, 4)),
    case("glu", input=real(4, 3), dim=0),
    case("glu", input=real(2, 6, 3), dim=1),
    case("glu", input=real(2, 6, 3), dim=-2),
    case("glu", input=real(2)),
    case("glu", input=real(3, 0)),
    case("glu", input=values([[1, -2, INF, -INF], [0, -1e4, 1e4, -0.0]])),
)

SOFTMAX = tuple(
    call
    for name in ("softmax", "log_softmax", "softmin")
    for call in (
        case(name, input=real(3, 5), dim=1),
        case(name, input=real(2, 3, 4), dim=-2),
        case(name, input=real(), dim=0),
        case(name, input=real(0, 3), dim=1),
        case(name, input=values([[1e4, 0, -1e4], [1e30, 1e30, 0], [-1e30, -1e30, -1e30],
                                 [90, 1e-30, -104]]), dim=1),
        case(name, input=values([[-INF, 0, 1], [INF, 0, 1], [-INF, -INF, -INF],
                                 [INF, -INF, 2], [NAN, 0, 1]]), dim=1),
        case(name, input=real(3, 4), dim=1, dtype=DType("float32")),
        case(name, input=index(3, 4, size=5), dim=1, dtype=DType("float32")),
        case(name, input=real(3, 4, 2), warns=True, note="dim is guessed: 0"),
    )
)
SOFTMAX += (
    case("softmax", input=real(3, 5), dim=0),
    case("softmax", input=real(7), dim=0),
    case("softmax", input=real(), dim=-1),
    case("softmax", input=real(3, 0), dim=1),
    case("softmax", input=real(4, 1), dim=1),
    case("softmax", input=real(3, 4), dim=1, dtype=DType("float64")),
    case("softmax", input=real(4), warns=True, note="dim is guessed: 0"),
    case("softmax", input=real(3, 4), warns=True, note="dim is guessed: 1"),
    case("softmax", input=real(2, 3, 4, 2), warns=True, note="dim is guessed: 1"),
    case("log_softmax", input=real(3, 0), dim=1),
    case("log_softmax", input=real(3, 4), warns=True, note="dim is guessed: 1"),
)

DRAWS: tuple[FunctionCase, ...] = (
    case("rrelu", input=kinks(), note="the mean of the bounds"),
    case("rrelu", input=kinks(), lower=0.1, upper=0.1),
    case("rrelu", input=extreme(), lower=-0.5, upper=0.5),
    case("rrelu", input=kinks(), training=True, draws=True),
    case("rrelu", input=real(4, 5), lower=0.2, upper=0.9, training=True, draws=True),
    case("rrelu", input=grid(3, 2, 2), lower=0.5, upper=0.5, training=True, draws=True),
    case("rrelu", input=positive(5), training=True, note="draws for negatives alone"),
    case("rrelu", input=real(0, 3), training=True),
    case("rrelu", input=values(-2.0), training=True, draws=True),
    case("gumbel_softmax", logits=real(3, 5), draws=True),
    case("gumbel_softmax", logits=real(3, 5), tau=0.1, draws=True),
    case("gumbel_softmax", logits=real(3, 5), tau=5, dim=0, draws=True),
    case("gumbel_softmax", logits=real(2, 3, 4), hard=True, draws=True),
    case("gumbel_softmax", logits=real(4, 6), hard=True, dim=0, tau=0.5, draws=True),
    case("gumbel_softmax", logits=real(7), hard=True, draws=True),
    case("gumbel_softmax", logits=real(4, 5), eps=0.1, draws=True, warns=True,
         note="eps counts for nothing"),
    case("gumbel_softmax", logits=values([[-INF, 0, 1], [1e4, -1e4, 0]]), draws=True),
    case("gumbel_softmax", logits=real(5, 1), draws=True),
    case("gumbel_softmax", logits=real(0, 3)),
    case("gumbel_softmax", logits=real(17, 3), draws=True, note="over 16 draws"),
)

INTEGERS = (
    case("relu", input=values([-2, 0, 3], "int64")),
    case("relu", input=values([-2, 0, 3], "int32")),
    case("relu6", input=values([-2, 0, 3, 6, 9], "int64")),
    case("hardtanh", input=values([-2, 0, 3], "int64"), min_val=-1, max_val=1),
    case("threshold", input=values([-2, 0, 3], "int64"), threshold=0, value=-7),
    case("softsign", input=values([-2, 0, 3], "int64")),
    case("tanh", input=values([-2, 0, 3], "int64")),
    case("sigmoid", input=values([-2, 0, 3], "int32")),
    case("tanhshrink", input=values([-2, 0, 3], "int64")),
    case("tanh", input=values([0, 1], "bool")),
    case("sigmoid", input=values([0, 1], "bool")),
)
# fmt: on

IN_PLACE = (
    *(
        case(name, input=kinks(), inplace=True)
        for name in (
            "relu",
            "relu6",
            "hardswish",
            "hardsigmoid",
            "hardtanh",
            "elu",
            "selu",
            "celu",
            "leaky_relu",
            "silu",
            "mish",
        )
    ),
    case("threshold", input=kinks(), threshold=0.5, value=-7.0, inplace=True),
    case("rrelu", input=kinks(), training=True, inplace=True, draws=True),
    *(
        case(name, input=kinks())
        for name in ("relu_", "elu_", "selu_", "celu_", "leaky_relu_", "hardtanh_")
    ),
    case("rrelu_", input=kinks(), training=True, draws=True),
    case("threshold_", input=kinks(), threshold=0.5, value=-7.0),
    case("elu_", input=kinks(), alpha=0.5),
    case("celu_", input=kinks(), alpha=2.0),
    case("leaky_relu_", input=kinks(), negative_slope=0.2),
    case("hardtanh_", input=kinks(), min_val=-3.0, max_val=0.5),
)
"""Judged by what they return. Give PyTorch a copy: a leaf may not change in place."""

CASES = (
    *DEFAULTS,
    *PIECEWISE,
    *SMOOTH,
    *SOFTMAX,
    *DRAWS,
    *INTEGERS,
    *IN_PLACE,
)
