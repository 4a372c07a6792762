"""Recurrent layers and their cells."""

from parity.proof.layers.cases.case import Arguments, LayerCase, Shape, inputs_of

RECURRENT_ARGUMENTS: tuple[Arguments, ...] = (
    {},
    {"num_layers": 2},
    {"bias": False, "batch_first": True},
    {"bidirectional": True},
    {"num_layers": 2, "bidirectional": True, "dropout": 0.4},
    {"num_layers": 3, "dropout": 0.5, "batch_first": True},
    {"hidden_size": 1, "input_size": 1},
    {"bidirectional": True, "bias": False},
)


def _recurrent(
    name: str, *more: Arguments, train: bool = True, state: bool = False
) -> tuple[LayerCase, ...]:
    """Sequences of six steps with a batch, of five without; `state`, with a state."""
    cases = []
    for i, arguments in enumerate(more):
        args = {"input_size": 3, "hidden_size": 4, **arguments}
        batched = i % 3 != 2
        lead = (5,) if not batched else (2, 6) if args.get("batch_first") else (6, 2)
        shapes = [(*lead, args["input_size"])]
        if state:
            ways = 2 if args.get("bidirectional") else 1
            rows = (args.get("num_layers", 1) * ways, *((2,) if batched else ()))
            shapes.append((*rows, args.get("proj_size") or args["hidden_size"]))
            shapes += [(*rows, args["hidden_size"])] * (name == "LSTM")
        cases.append(
            LayerCase(
                name, args, inputs_of("real", *shapes), train, nested=name == "LSTM"
            )
        )
    return tuple(cases)


RECURRENT = (
    *_recurrent("RNN", *RECURRENT_ARGUMENTS, {"nonlinearity": "relu"}),
    *_recurrent("RNN", *RECURRENT_ARGUMENTS[3:5], {}, state=True),
    *_recurrent("GRU", *RECURRENT_ARGUMENTS),
    *_recurrent("GRU", *RECURRENT_ARGUMENTS[3:5], {}, state=True),
    *_recurrent("LSTM", *RECURRENT_ARGUMENTS, {"proj_size": 2}),
    *_recurrent("LSTM", *RECURRENT_ARGUMENTS[3:5], {"proj_size": 3}, state=True),
    *_recurrent("RNN", RECURRENT_ARGUMENTS[4], train=False),
    *_recurrent("GRU", RECURRENT_ARGUMENTS[4], train=False),
    *_recurrent("LSTM", RECURRENT_ARGUMENTS[4], train=False),
    *_recurrent("LSTM", {"proj_size": 1, "num_layers": 2}),
)


def _pack(
    name: str, arguments: Arguments, lengths: tuple[int, ...], state: bool = False
) -> LayerCase:
    """Sequences of several lengths in an array of six steps."""
    args = {"input_size": 3, "hidden_size": 4, **arguments}
    n = len(lengths)
    shapes: list[Shape] = [(n, 6, 3) if args.get("batch_first") else (6, n, 3)]
    if state:
        ways = 2 if args.get("bidirectional") else 1
        rows = (args.get("num_layers", 1) * ways, n)
        shapes.append((*rows, args.get("proj_size") or 4))
        shapes += [(*rows, 4)] * (name == "LSTM")
    inputs = inputs_of("real", *shapes)
    return LayerCase(name, args, inputs, nested=name == "LSTM", lengths=lengths)


# Two ways through two layers, and dropout between them, which PyTorch draws for what
# is no padding, from the longest sequence to the shortest.
DEEP: Arguments = {"num_layers": 2, "bidirectional": True, "dropout": 0.4}
PACKED = (
    *(_pack(name, {}, (6, 4, 1)) for name in ("RNN", "GRU", "LSTM")),
    *(
        _pack(name, {"bidirectional": True}, (2, 5, 3), state=True)
        for name in ("RNN", "GRU", "LSTM")
    ),
    *(
        _pack(name, {**DEEP, "batch_first": True}, (3, 5, 3, 1))
        for name in ("RNN", "GRU", "LSTM")
    ),
    _pack("LSTM", {"proj_size": 2, **DEEP}, (1, 6), state=True),
)


def _cells(name: str, *more: Arguments) -> tuple[LayerCase, ...]:
    """With and without a batch, with and without a state."""
    parts = 2 if name == "LSTMCell" else 1
    return tuple(
        LayerCase(
            name,
            {"input_size": 3, "hidden_size": 4, **arguments},
            inputs_of(
                "real", (*lead, 3), *(((*lead, 4),) * parts if with_state else ())
            ),
            nested=parts == 2,
        )
        for arguments in more
        for lead in ((2,), ())
        for with_state in (False, True)
    )


CELLS = (
    *_cells("RNNCell", {}, {"bias": False}, {"nonlinearity": "relu"}),
    *_cells("GRUCell", {}, {"bias": False}, {"bias": True}),
    *_cells("LSTMCell", {}, {"bias": False}, {"bias": True}),
)
