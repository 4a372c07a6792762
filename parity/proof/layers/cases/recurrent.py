"""Recurrent layers and their cells."""

from parity.proof.layers.cases.case import Arguments, LayerCase, Shape, on

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
    name: str, *more: Arguments, train: bool = True, given: bool = False
) -> tuple[LayerCase, ...]:
    """Sequences of six steps with a batch, of five without; `given`, with a state."""
    found = []
    for i, arguments in enumerate(more):
        args = {"input_size": 3, "hidden_size": 4, **arguments}
        batched = i % 3 != 2
        lead = (5,) if not batched else (2, 6) if args.get("batch_first") else (6, 2)
        shapes = [(*lead, args["input_size"])]
        if given:
            ways = 2 if args.get("bidirectional") else 1
            rows = (args.get("num_layers", 1) * ways, *((2,) if batched else ()))
            shapes.append((*rows, args.get("proj_size") or args["hidden_size"]))
            shapes += [(*rows, args["hidden_size"])] * (name == "LSTM")
        found.append(
            LayerCase(name, args, on("real", *shapes), train, nested=name == "LSTM")
        )
    return tuple(found)


RECURRENT = (
    *_recurrent("RNN", *RECURRENT_ARGUMENTS, {"nonlinearity": "relu"}),
    *_recurrent("RNN", *RECURRENT_ARGUMENTS[3:5], {}, given=True),
    *_recurrent("GRU", *RECURRENT_ARGUMENTS),
    *_recurrent("GRU", *RECURRENT_ARGUMENTS[3:5], {}, given=True),
    *_recurrent("LSTM", *RECURRENT_ARGUMENTS, {"proj_size": 2}),
    *_recurrent("LSTM", *RECURRENT_ARGUMENTS[3:5], {"proj_size": 3}, given=True),
    *_recurrent("RNN", RECURRENT_ARGUMENTS[4], train=False),
    *_recurrent("GRU", RECURRENT_ARGUMENTS[4], train=False),
    *_recurrent("LSTM", RECURRENT_ARGUMENTS[4], train=False),
    *_recurrent("LSTM", {"proj_size": 1, "num_layers": 2}),
)


def _packed(
    name: str, arguments: Arguments, lengths: tuple[int, ...], given: bool = False
) -> LayerCase:
    """Sequences of several lengths in an array of six steps."""
    args = {"input_size": 3, "hidden_size": 4, **arguments}
    n = len(lengths)
    shapes: list[Shape] = [(n, 6, 3) if args.get("batch_first") else (6, n, 3)]
    if given:
        ways = 2 if args.get("bidirectional") else 1
        rows = (args.get("num_layers", 1) * ways, n)
        shapes.append((*rows, args.get("proj_size") or 4))
        shapes += [(*rows, 4)] * (name == "LSTM")
    inputs = on("real", *shapes)
    return LayerCase(name, args, inputs, nested=name == "LSTM", lengths=lengths)


# Two ways through two layers, and dropout between them, which PyTorch draws for what
# is no padding, from the longest sequence to the shortest.
DEEP: Arguments = {"num_layers": 2, "bidirectional": True, "dropout": 0.4}
PACKED = (
    *(_packed(name, {}, (6, 4, 1)) for name in ("RNN", "GRU", "LSTM")),
    *(
        _packed(name, {"bidirectional": True}, (2, 5, 3), given=True)
        for name in ("RNN", "GRU", "LSTM")
    ),
    *(
        _packed(name, {**DEEP, "batch_first": True}, (3, 5, 3, 1))
        for name in ("RNN", "GRU", "LSTM")
    ),
    _packed("LSTM", {"proj_size": 2, **DEEP}, (1, 6), given=True),
)


def _cells(name: str, *more: Arguments) -> tuple[LayerCase, ...]:
    """With and without a batch, with and without a state."""
    parts = 2 if name == "LSTMCell" else 1
    return tuple(
        LayerCase(
            name,
            {"input_size": 3, "hidden_size": 4, **arguments},
            on("real", (*lead, 3), *(((*lead, 4),) * parts if given else ())),
            nested=parts == 2,
        )
        for arguments in more
        for lead in ((2,), ())
        for given in (False, True)
    )


CELLS = (
    *_cells("RNNCell", {}, {"bias": False}, {"nonlinearity": "relu"}),
    *_cells("GRUCell", {}, {"bias": False}, {"bias": True}),
    *_cells("LSTMCell", {}, {"bias": False}, {"bias": True}),
)
