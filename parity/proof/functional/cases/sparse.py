"""Calls of the functions that look rows up, and of those that drop values."""

from parity.proof.functional.cases.case import (
    INF,
    Recipe,
    case,
    index,
    real,
    values,
)

WORDS = values([[1, 4, 1], [0, 4, 4]], "int64")
"""Some words come twice and thrice, two never."""
FLAT = values([1, 4, 1, 0, 4, 2], "int64")
BAGS = values([0, 2, 2, 5], "int64")
"""The second bag is empty."""
TABLE = Recipe((6, 3), "real")
PARTS = real(6)

# fmt: off
EMBEDDING = (
    case("embedding", input=WORDS, weight=TABLE),
    case("embedding", input=WORDS, weight=TABLE, padding_idx=4),
    case("embedding", input=WORDS, weight=TABLE, padding_idx=-2),
    case("embedding", input=WORDS, weight=TABLE, padding_idx=0,
         scale_grad_by_freq=True),
    case("embedding", input=WORDS, weight=TABLE, scale_grad_by_freq=True),
    case("embedding", input=WORDS, weight=TABLE, max_norm=1.0, changes=("weight",),
         gradients=("weight",), note="rows in use alone are shortened"),
    case("embedding", input=WORDS, weight=TABLE, max_norm=0.5, norm_type=1.0,
         changes=("weight",), gradients=("weight",)),
    case("embedding", input=WORDS, weight=TABLE, max_norm=0.5, norm_type=INF,
         changes=("weight",), gradients=("weight",)),
    case("embedding", input=values(3, "int64"), weight=TABLE),
    case("embedding", input=values([0, 5], "int32"), weight=TABLE),
    case("embedding", input=index(0, 2, size=6), weight=TABLE),
    case("embedding", input=index(2, 2, 2, size=1), weight=real(1, 2)),
    case("embedding", input=WORDS, weight=TABLE, sparse=True, gradients=(),
         note="gradients are sparse tensors, which are not judged"),
)

BAG = (
    case("embedding_bag", input=WORDS, weight=TABLE),
    case("embedding_bag", input=WORDS, weight=TABLE, mode="sum"),
    case("embedding_bag", input=WORDS, weight=TABLE, mode="max"),
    case("embedding_bag", input=FLAT, weight=TABLE, offsets=BAGS),
    case("embedding_bag", input=FLAT, weight=TABLE, offsets=BAGS, mode="sum"),
    case("embedding_bag", input=FLAT, weight=TABLE, offsets=BAGS, mode="max"),
    case("embedding_bag", input=FLAT, weight=TABLE, mode="sum",
         per_sample_weights=PARTS,
         offsets=BAGS),
    case("embedding_bag", input=WORDS, weight=TABLE, mode="sum",
         per_sample_weights=real(2, 3)),
    case("embedding_bag", input=FLAT, weight=TABLE, include_last_offset=True,
         offsets=values([0, 2, 2, 6], "int64")),
    case("embedding_bag", input=FLAT, weight=TABLE, include_last_offset=True,
         mode="max",
         offsets=values([0, 2, 2, 6], "int64")),
    case("embedding_bag", input=WORDS, weight=TABLE, padding_idx=1,
         note="padding is not counted in the mean"),
    case("embedding_bag", input=values([[4, 4], [1, 4]], "int64"), weight=TABLE,
         padding_idx=-2, note="a bag of padding alone"),
    case("embedding_bag", input=values([[4, 4], [1, 4]], "int64"), weight=TABLE,
         padding_idx=4, mode="max"),
    case("embedding_bag", input=values([[4, 4], [1, 4]], "int64"), weight=TABLE,
         padding_idx=4, mode="sum"),
    case("embedding_bag", input=FLAT, weight=TABLE, offsets=BAGS,
         scale_grad_by_freq=True),
    case("embedding_bag", input=WORDS, weight=TABLE, max_norm=1.0, changes=("weight",),
         gradients=("weight",)),
    case("embedding_bag", input=WORDS, weight=TABLE, max_norm=0.5, norm_type=1.0,
         mode="sum", changes=("weight",), gradients=("weight",)),
    case("embedding_bag", input=values([[0, 1]], "int64"), mode="max",
         weight=values([[1, 2], [1, 0]]), note="tied maxima"),
    case("embedding_bag", input=index(0, size=6), weight=TABLE,
         offsets=values([0, 0], "int64")),
    case("embedding_bag", input=values([0, 5, 1], "int32"), weight=TABLE, mode="sum",
         offsets=values([0, 1], "int32")),
)

# Its documentation calls the argument `tensor`, PyTorch 2.14 itself `input`.
ONE_HOT = (
    case("one_hot", input=values([0, 2, 1, 2], "int64")),
    case("one_hot", input=values([0, 2, 1], "int64"), num_classes=5),
    case("one_hot", input=index(2, 3, size=4), num_classes=4),
    case("one_hot", input=values(2, "int64")),
    case("one_hot", input=values([0], "int64"), num_classes=-1),
    case("one_hot", input=index(0, 2, size=4), num_classes=3),
)

DROPOUT = (
    *(
        call
        for name in ("dropout", "alpha_dropout", "feature_alpha_dropout")
        for call in (
            case(name, input=real(4, 5), training=True, draws=True),
            case(name, input=real(3, 4, 2), p=0.2, training=True, draws=True),
            case(name, input=real(4, 5), p=0.9, training=False),
            case(name, input=real(4, 5), p=0.0, training=True),
            case(name, input=real(4, 5), p=1.0, training=True),
            case(name, input=real(0, 5), training=True),
            case(name, input=Recipe((3, 3), "one"), training=True, inplace=True,
                 draws=True, note="give PyTorch a copy"),
        )
    ),
    case("dropout", input=real(4, 5), draws=True,
         note="training unless told otherwise"),
    case("alpha_dropout", input=real(4, 5), note="not training unless told otherwise"),
    case("feature_alpha_dropout", input=real(4, 5),
         note="not training unless told otherwise"),
    case("dropout", input=real(), draws=True),
    case("alpha_dropout", input=real(), training=True, draws=True),
    case("dropout", input=values([INF, -INF, 1e30, 1e-30, 0]), draws=True,
         note="inf that is dropped"),
    case("feature_alpha_dropout", input=real(2, 3, 2, 2), training=True, draws=True),
    case("dropout1d", input=real(4, 6, 3), draws=True),
    case("dropout1d", input=real(6, 3), p=0.3, draws=True, note="channels alone"),
    case("dropout1d", input=real(4, 6, 3), training=False),
    case("dropout1d", input=real(4, 6, 3), p=1.0, inplace=True),
    case("dropout2d", input=real(3, 4, 2, 2), draws=True),
    case("dropout2d", input=real(3, 4, 2, 2), p=0.2, draws=True),
    case("dropout2d", input=real(3, 4, 5), warns=True, draws=True,
         note="three dimensions: a batch of channels of one dimension"),
    case("dropout2d", input=real(3, 4), warns=True, draws=True,
         note="two dimensions: each element is a channel"),
    case("dropout2d", input=real(3, 4, 2, 2), training=False),
    case("dropout2d", input=real(3, 4, 2, 2), p=0.7, inplace=True, draws=True),
    case("dropout3d", input=real(3, 4, 2, 1, 2), draws=True),
    case("dropout3d", input=real(4, 2, 2, 2), p=0.2, draws=True, note="channels alone"),
    case("dropout3d", input=real(3, 4, 2, 1, 2), training=False),
    case("dropout3d", input=real(3, 4, 2, 1, 2), p=0.7, inplace=True, draws=True),
)
# fmt: on

CASES = (*EMBEDDING, *BAG, *ONE_HOT, *DROPOUT)
