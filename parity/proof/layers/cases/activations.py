"""Functions of single elements, and along one dimension."""

from parity.proof.layers.cases.case import Arguments, LayerCase, cases_of, inputs_of


def elementwise(name: str, *argument_sets: Arguments) -> tuple[LayerCase, ...]:
    """Ten inputs or more: ordinary, far out, on the kinks; of 0 to 5 dimensions."""
    inputs = (
        *inputs_of("real", (7,), (5, 3)),
        *inputs_of("wide", (4, 31)),
        *inputs_of("grid", (200,)),
    )
    shapes = ((), (1,), (2, 3, 4), (2, 1, 3, 2), (0, 3), (1, 2, 3, 2, 2))
    cases = [
        LayerCase(name, arguments, (one,))
        for arguments in argument_sets or ({},)
        for one in inputs
    ]
    cases += [
        LayerCase(name, argument_sets[-1] if argument_sets else {}, (one,), False)
        for one in inputs_of("real", *shapes)
    ]
    return tuple(cases)


ACTIVATIONS = (
    *elementwise("ReLU"),
    *elementwise("LeakyReLU", {}, {"negative_slope": 0.3}),
    *elementwise("ELU", {}, {"alpha": 0.4}),
    *elementwise("CELU", {}, {"alpha": 0.4}, {"alpha": -1.5}),
    *elementwise("SELU"),
    *elementwise("Threshold", {"threshold": 0.5, "value": -3.0}),
    *elementwise("Hardtanh", {}, {"min_val": -0.5, "max_val": 3.0}),
    *elementwise("ReLU6"),
    *elementwise("Hardsigmoid"),
    *elementwise("Hardswish"),
    *elementwise("Hardshrink", {}, {"lambd": 1.5}),
    *elementwise("Softshrink", {}, {"lambd": 1.5}, {"lambd": 0.0}),
    *elementwise("Tanhshrink"),
    *elementwise("Sigmoid"),
    *elementwise("LogSigmoid"),
    *elementwise("Tanh"),
    *elementwise("Softsign"),
    *elementwise("SiLU"),
    *elementwise("Mish"),
    *elementwise("GELU", {}, {"approximate": "tanh"}),
    *elementwise("Softplus", {}, {"beta": 2.0}, {"beta": 0.5, "threshold": 1.0}),
    *elementwise("Identity"),
    *elementwise("PReLU", {}, {"init": -0.5}),
)


PRELU = cases_of(
    "PReLU",
    ({"num_parameters": 3}, (5, 3)),
    ({"num_parameters": 3, "init": 0.9}, (5, 3, 2)),
    ({"num_parameters": 1}, (3,)),
    ({"num_parameters": 2}, (1, 2, 3, 2)),
)

DIMS = ((), (1,), (6,), (3, 4), (2, 5, 3), (2, 3, 4, 2))
SOFTMAX = tuple(
    case
    for name in ("Softmax", "LogSoftmax", "Softmin")
    for case in (
        *cases_of(name, *(({}, shape) for shape in DIMS)),
        *cases_of(name, *(({"dim": d}, (2, 5, 3)) for d in (0, 1, -1))),
        LayerCase(name, {"dim": -1}, inputs_of("wide", (4, 7))),
    )
)
SOFTMAX += cases_of(
    "Softmax2d",
    *(({}, shape) for shape in ((3, 2, 2), (2, 3, 1, 4), (1, 1, 1), (2, 1, 3, 3))),
    *(({}, shape) for shape in ((5, 3, 2), (1, 6, 2, 2), (4, 1, 2), (3, 4, 4, 1))),
    *(({}, shape) for shape in ((7, 1, 1), (2, 9, 1, 1))),
)
SOFTMAX += cases_of(
    "GLU",
    *(({}, shape) for shape in ((2,), (3, 4), (2, 3, 6), (1, 8), (0, 4))),
    *(({"dim": 0}, shape) for shape in ((4, 3), (2,), (6, 1, 2))),
    *(({"dim": d}, (2, 6, 3)) for d in (1, -2)),
)
