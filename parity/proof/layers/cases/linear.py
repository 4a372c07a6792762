"""Linear layers, and those that only move or pick elements."""

from parity.proof.layers.cases.case import Arguments, Input, LayerCase, Shape, cases_of

LINEAR = cases_of(
    "Linear",
    ({"in_features": 3, "out_features": 2}, (5, 3)),
    ({"in_features": 3, "out_features": 2, "bias": False}, (5, 3)),
    ({"in_features": 30, "out_features": 7}, (30,)),
    ({"in_features": 1, "out_features": 1}, (1, 1)),
    ({"in_features": 4, "out_features": 9}, (2, 3, 4)),
    ({"in_features": 4, "out_features": 9, "bias": False}, (2, 1, 3, 4)),
    ({"in_features": 100, "out_features": 20}, (8, 100)),
    ({"in_features": 0, "out_features": 2}, (3, 0)),
    ({"in_features": 6, "out_features": 5}, (0, 6)),
    ({"in_features": 17, "out_features": 1}, (9, 17)),
)

FLATTEN = cases_of(
    "Flatten",
    *(({}, shape) for shape in ((5, 1), (2, 3), (2, 3, 4), (1, 2, 3, 4), (0, 3, 2))),
    ({"start_dim": 0}, (2, 3, 4)),
    ({"start_dim": -2}, (2, 3, 4)),
    ({"start_dim": 1, "end_dim": 2}, (2, 3, 4, 5)),
    ({"start_dim": 0, "end_dim": -2}, (2, 3, 4)),
    ({"start_dim": 2, "end_dim": 2}, (2, 3, 4)),
)


def _lookups(*pairs: tuple[Arguments, Shape]) -> tuple[LayerCase, ...]:
    return tuple(
        LayerCase(
            "Embedding",
            {"num_embeddings": 7, "embedding_dim": 3, **arguments},
            (Input(shape, "index", arguments.get("num_embeddings", 7)),),
        )
        for arguments, shape in pairs
    )


EMBEDDING = _lookups(
    ({}, (4,)),
    ({}, ()),
    ({}, (2, 5)),
    ({"padding_idx": 0}, (20,)),
    ({"padding_idx": -1}, (3, 10)),
    ({"padding_idx": 3, "scale_grad_by_freq": True}, (2, 20)),
    ({"scale_grad_by_freq": True}, (30,)),
    ({"num_embeddings": 1, "embedding_dim": 1}, (2,)),
    ({"num_embeddings": 100, "embedding_dim": 17}, (3, 2, 4)),
    ({"num_embeddings": 2, "embedding_dim": 40, "padding_idx": 1}, (6,)),
    ({"max_norm": 1.0}, (20,)),
    ({"max_norm": 0.8, "norm_type": 1.0}, (2, 9)),
    ({"max_norm": 1.1, "norm_type": float("inf"), "padding_idx": 2}, (30,)),
    ({"max_norm": 1.5, "norm_type": 3.0, "scale_grad_by_freq": True}, (20,)),
)
