"""Argument sets of every loss, on inputs that are random, extreme, tied or empty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Arguments = Mapping[str, Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Content:
    """A tensor argument, by the name of what is in it; see `losses.inputs`."""

    kind: str

    def __str__(self) -> str:
        return self.kind


@dataclass(frozen=True)
class LossCase:
    """One loss with one set of arguments on one set of inputs."""

    name: str
    args: Arguments
    """Those that are `Content` are tensors."""
    gradients: tuple[str, ...]
    """Tensors that PyTorch differentiates by."""
    shape: Shape = (6, 5)
    variety: str = "random"
    """`"random"`; `"extreme"`: ±1e4, exact 0 and 1; `"tied"`: a grid with all kinks."""
    term: float = 0.0
    """The constant that the formula of loss and slope adds or subtracts, if any.

    What is left when it cancels is only as good as its last digit.
    """
    slope: float | None = None
    """The same for the gradients, where it is not that of the loss."""

    def __str__(self) -> str:
        arguments = ", ".join(f"{key}={value}" for key, value in self.args.items())
        return f"{self.name}({arguments}) of {self.shape}, {self.variety}"


VARIETIES = ("random", "extreme", "tied")
SHAPES: tuple[Shape, ...] = ((6, 5), (7,), (2, 3, 4))
REDUCTIONS = ("mean", "none", "sum")


def _spread(
    name: str,
    tensors: Mapping[str, str],
    gradients: tuple[str, ...],
    argument_sets: Sequence[Arguments],
    *,
    shapes: Sequence[Shape] = SHAPES,
    varieties: Sequence[str] = VARIETIES,
    term: float = 0.0,
    slope: float | None = None,
    empty: Shape | None = None,
) -> tuple[LossCase, ...]:
    """Each argument set under each variety, reductions and shapes in turn.

    The first set is there with the default reduction too.
    """
    specs = {key: Content(kind) for key, kind in tensors.items()}
    rows = [LossCase(name, {**specs, **argument_sets[0]}, gradients, shapes[0])]
    rows[0] = replace(rows[0], variety=varieties[0], term=term, slope=slope)
    for turn, args in enumerate(argument_sets):
        for index, variety in enumerate(varieties):
            reduction = REDUCTIONS[(turn + index) % 3]
            # Not in step with the reductions, so that each meets each.
            shape = shapes[(turn // 3 + 2 * turn + index) % len(shapes)]
            arguments = {**specs, "reduction": reduction, **args}
            rows.append(
                LossCase(name, arguments, gradients, shape, variety, term, slope)
            )
    if empty is not None:
        rows += [
            LossCase(name, {**specs, "reduction": reduction}, gradients, empty)
            for reduction in REDUCTIONS
        ]
    return tuple(rows)


REAL = {"input": "real", "target": "real"}
BOTH = ("input", "target")
WEIGHT = {"weight": Content("weight")}
CLASS_WEIGHT = {"weight": Content("class_weight")}
CLASS_SHAPES: tuple[Shape, ...] = ((6, 5), (5,), (3, 5, 2), (2, 5, 3, 2))

REGRESSION = (
    *_spread("l1_loss", REAL, BOTH, [{}, {"reduction": "none"}, {}, {}], empty=(0, 5)),
    *_spread("l1_loss", REAL, (*BOTH, "weight"), [WEIGHT, WEIGHT]),
    *_spread("mse_loss", REAL, BOTH, [{}, {"reduction": "none"}, {}, {}], empty=(0, 5)),
    *_spread("mse_loss", REAL, (*BOTH, "weight"), [WEIGHT, WEIGHT]),
    *_spread("mse_loss", {**REAL, "target": "count"}, ("input",), [{}]),
    *_spread(
        "huber_loss",
        REAL,
        BOTH,
        [{}, {"reduction": "none"}, {"delta": 0.5}, {"delta": 2.0}, {"delta": 1e3}],
        empty=(0, 5),
    ),
    *_spread("huber_loss", REAL, (*BOTH, "weight"), [{**WEIGHT, "delta": 0.5}]),
    *_spread(
        "smooth_l1_loss",
        REAL,
        BOTH,
        [{}, {"reduction": "none"}, {"beta": 0.5}, {"beta": 2.0}, {"beta": 0.0}],
        empty=(0, 5),
    ),
)

LIKELIHOODS = (
    *_spread(
        "poisson_nll_loss",
        {"input": "moderate", "target": "count"},
        BOTH,
        [{}, {"reduction": "none"}],
        empty=(0, 5),
    ),
    *_spread(
        "poisson_nll_loss",
        {"input": "moderate", "target": "large_count"},
        BOTH,
        [{"full": True}, {"full": True, "reduction": "none"}],
        term=10.0,  # the logarithm of a large count
    ),
    *_spread(
        "poisson_nll_loss",
        {"input": "variance", "target": "count"},
        BOTH,
        [{"log_input": False}, {"log_input": False, "eps": 0.1, "full": True}],
        term=10.0,
    ),
    *_spread(
        "gaussian_nll_loss",
        {**REAL, "var": "variance"},
        (*BOTH, "var"),
        [{}, {"full": True}, {"eps": 0.5}, {"reduction": "none"}],
        empty=(0, 5),
    ),
    *_spread(
        "gaussian_nll_loss",
        REAL,
        (*BOTH, "var"),
        [{"var": Content("row_variance")}, {"var": Content("narrow_variance")}],
        shapes=[(6, 5), (2, 3, 4)],
        varieties=("random", "extreme"),
    ),
    *_spread("gaussian_nll_loss", REAL, BOTH, [{"var": 2.5}], varieties=("random",)),
    *_spread(
        "kl_div",
        {"input": "log_distribution", "target": "distribution"},
        ("input",),
        [{}, {"reduction": "none"}, {"reduction": "batchmean"}],
        empty=(0, 5),
    ),
    *_spread(
        "kl_div",
        {"input": "log_distribution", "target": "log_distribution"},
        BOTH,
        [{"log_target": True}, {"log_target": True, "reduction": "batchmean"}],
        varieties=("random", "extreme"),
    ),
    *_spread(
        "kl_div",
        {"input": "log_distribution", "target": "distribution"},
        BOTH,
        [{}, {"reduction": "none"}, {"reduction": "batchmean"}],
        varieties=("random",),
    ),
)


def _linear(variety: str, term: float) -> tuple[LossCase, ...]:
    layer = {"input": "real", "linear_weight": "matrix"}
    with_bias = {**layer, "linear_bias": "bias"}
    wide = {
        "input": "real",
        "linear_weight": "wide_matrix",
        "linear_bias": "wide_bias",
        "target": "wide_labels",
    }
    name, labels = "linear_cross_entropy", {"target": Content("labels")}
    shapes: list[Shape] = [(6, 5), (5,)]
    sets: list[Arguments] = [
        labels,
        {**labels, **CLASS_WEIGHT},
        {**labels, "label_smoothing": 0.1},
        {**labels, "ignore_index": 1},
    ]
    more: list[Arguments] = [
        {**labels, **CLASS_WEIGHT},
        {"target": Content("distribution"), "label_smoothing": 0.2},
    ]
    place: dict[str, Any] = {"varieties": (variety,), "term": term}
    return (
        *_spread(name, layer, tuple(layer), sets, shapes=shapes, **place),
        *_spread(name, with_bias, tuple(with_bias), more, shapes=shapes, **place),
        *_spread(name, wide, tuple(with_bias), [{}], shapes=[(6, 5)], **place),
    )


CLASSES = (
    *_spread(
        "cross_entropy",
        {"input": "real", "target": "labels"},
        ("input",),
        [
            {},
            {"reduction": "none"},
            CLASS_WEIGHT,
            {"label_smoothing": 0.1},
            {**CLASS_WEIGHT, "label_smoothing": 0.3},
            {**CLASS_WEIGHT, "ignore_index": 1},
            {"ignore_index": 1, "label_smoothing": 1.0, **CLASS_WEIGHT},
        ],
        shapes=CLASS_SHAPES,
        varieties=("random", "extreme"),
        term=1.0,
        empty=(0, 5),
    ),
    *_spread(
        "cross_entropy",
        {"input": "real", "target": "distribution"},
        BOTH,
        [{}, {"label_smoothing": 0.1}],
        shapes=CLASS_SHAPES,
        varieties=("random", "extreme"),
        term=1.0,
    ),
    *_spread(
        "cross_entropy",
        {"input": "real", "target": "distribution", "weight": "class_weight"},
        (*BOTH, "weight"),
        [{}, {"label_smoothing": 0.1}],
        shapes=CLASS_SHAPES,
        varieties=("random", "extreme"),
        term=1.0,
    ),
    *(
        row
        # Inputs of 1e4 multiply a slope that may have cancelled to nothing.
        for variety, term in (("random", 1.0), ("tied", 1.0), ("extreme", 1e4))
        for row in _linear(variety, term)
    ),
    *_spread(
        "nll_loss",
        {"input": "log_distribution", "target": "labels"},
        ("input",),
        [
            {},
            {"reduction": "none"},
            CLASS_WEIGHT,
            {**CLASS_WEIGHT, "reduction": "sum"},
            {"ignore_index": 1},
            {**CLASS_WEIGHT, "ignore_index": 1},
        ],
        shapes=CLASS_SHAPES,
        empty=(0, 5),
    ),
    *_spread(
        "multi_margin_loss",
        {"input": "real", "target": "plain_labels"},
        ("input",),
        [
            {},
            {"p": 2},
            {"margin": 0.5},
            CLASS_WEIGHT,
            {"p": 2, "margin": 2.0, **CLASS_WEIGHT},
        ],
        shapes=[(6, 5), (5,)],
    ),
    *_spread(
        "multilabel_margin_loss",
        {"input": "real", "target": "label_set"},
        ("input",),
        [{}] * 6,
        shapes=[(6, 5), (5,), (4, 7)],
        term=1.0,
    ),
    *_spread(
        "zero_one_loss",
        {"input": "real", "target": "plain_labels"},
        (),
        [{}] * 6,
        shapes=CLASS_SHAPES,
    ),
)

BINARY = (
    *_spread(
        "binary_cross_entropy",
        {"input": "probability", "target": "bit"},
        ("input",),
        [{}, {"reduction": "none"}, WEIGHT, {"weight": Content("last_weight")}],
        term=1.0,
        empty=(0, 5),
    ),
    *_spread(
        "binary_cross_entropy",
        {"input": "probability", "target": "probability"},
        BOTH,
        [{}, {"reduction": "none"}, WEIGHT],
        term=1.0,
    ),
    *_spread(
        "binary_cross_entropy_with_logits",
        {"input": "real", "target": "probability"},
        BOTH,
        [
            {},
            {"reduction": "none"},
            WEIGHT,
            {"weight": Content("last_weight")},
            {"pos_weight": Content("last_weight")},
            {**WEIGHT, "pos_weight": Content("weight")},
        ],
        term=1.0,
        empty=(0, 5),
    ),
    *_spread(
        "sigmoid_focal_loss",
        {"inputs": "real", "targets": "probability"},
        ("inputs", "targets"),
        [{}, {"alpha": -1}, {"alpha": 0.9}, {"gamma": 0.0}, {"gamma": 3.5}],
        term=1.0,
        empty=(0, 5),
    ),
    *_spread(
        "soft_margin_loss",
        {"input": "real", "target": "sign"},
        ("input",),
        [{}, {"reduction": "none"}, {}, {"reduction": "sum"}, {"reduction": "mean"}],
        term=1.0,
        empty=(0, 5),
    ),
    *_spread(
        "multilabel_soft_margin_loss",
        {"input": "real", "target": "probability"},
        BOTH,
        [{}, {"reduction": "none"}, {"reduction": "sum"}],
        term=1.0,
    ),
    *_spread(
        "multilabel_soft_margin_loss",
        {"input": "real", "target": "bit", "weight": "last_weight"},
        ("input", "weight"),
        [{}, {"reduction": "none"}],
        term=1.0,
    ),
    *_spread(
        "hinge_loss",
        {"input": "real", "target": "sign"},
        BOTH,
        [{}, {"margin": 0.5}, {"margin": 0.0}, {"reduction": "none"}, {"margin": 3}],
        term=1.0,
        empty=(0, 5),
    ),
)


def _triplets(variety: str, term: float) -> tuple[LossCase, ...]:
    tensors = {
        "anchor": "vectors",
        "positive": "other_vectors",
        "negative": "vectors2",
    }
    norms: list[Arguments] = [
        {},
        {"p": 1, "margin": 0.5},
        {"swap": True},
        {"p": 3.0, "swap": True},
        {"p": 1.5, "eps": 0.0},
        {"eps": 0.0},
        {"p": float("inf"), "eps": 0.0},
        {"p": 0.5, "eps": 1e-3},
    ]
    euclidean: list[Arguments] = [{}, {"swap": True, "margin": 0.5}]
    own: list[Arguments] = [
        {"distance_function": "squared", "margin": 1e-3},
        {"distance_function": "one minus the cosine", "swap": True},
        {"distance_function": "squared", "margin": 3.0},
    ]
    place: dict[str, Any] = {
        "shapes": [(6, 5), (5,), (2, 3, 4)],
        "varieties": (variety,),
        "term": term,
        "slope": 1.0,
        "empty": (0, 5) if variety == "tied" else None,
    }
    # Squares of 1e4 are subtracted, and so are their slopes.
    squares = {**place, "term": 1e9, "slope": 1e5} if variety == "extreme" else place
    name, names = "triplet_margin_with_distance_loss", tuple(tensors)
    return (
        *_spread("triplet_margin_loss", tensors, names, norms, **place),
        *_spread(name, tensors, names, euclidean, **place),
        *_spread(name, tensors, names, own, **squares),
    )


DISTANCES = (
    *_spread(
        "margin_ranking_loss",
        {"input1": "real", "input2": "real", "target": "sign"},
        ("input1", "input2", "target"),
        [{}, {"margin": 0.5}, {"margin": -1.0}, {"reduction": "none"}, {"margin": 2}],
        empty=(0, 5),
    ),
    *_spread(
        "hinge_embedding_loss",
        {"input": "real", "target": "sign"},
        ("input",),
        [{}, {"margin": 0.5}, {"margin": 2}, {"reduction": "none"}, {"margin": 0.0}],
        term=1.0,
        empty=(0, 5),
    ),
    *_spread(
        "cosine_embedding_loss",
        {"input1": "vectors", "input2": "other_vectors", "target": "row_sign"},
        ("input1", "input2"),
        [{}, {"margin": 0.5}, {"margin": -0.5}, {"reduction": "none"}, {"margin": 0}],
        shapes=[(6, 5), (5,), (8, 3)],
        term=1.0,
    ),
    *(
        row
        # Distances of ±1e4 are subtracted, their slopes of 1 too.
        for variety, term in (("random", 1.0), ("tied", 1.0), ("extreme", 3e4))
        for row in _triplets(variety, term)
    ),
)

BOXES = tuple(
    case
    for name in (
        "generalized_box_iou_loss",
        "distance_box_iou_loss",
        "complete_box_iou_loss",
    )
    for case in _spread(
        name,
        {"boxes1": "boxes", "boxes2": "other_boxes"},
        ("boxes1", "boxes2"),
        [{}, {"eps": 1e-3}, {"reduction": "none"}, {"eps": 0.1}],
        shapes=[(6, 4), (4,), (9, 4)],
        term=1.0,
        empty=(0, 4),
    )
)

CTC_TENSORS = {
    "log_probs": "frames",
    "targets": "padded_targets",
    "input_lengths": "input_lengths",
    "target_lengths": "target_lengths",
}
CTC = (
    *(
        row
        # What is added up are logarithms of alignments: of nine frames, so large.
        for variety, term in (("random", 16.0), ("tied", 16.0), ("extreme", 1e3))
        for row in _spread(
            "ctc_loss",
            CTC_TENSORS,
            ("log_probs",),
            [
                {},
                {"blank": 3},
                {"zero_infinity": True},
                {"targets": Content("joined_targets")},
                {"reduction": "none"},
                {"targets": Content("joined_targets"), "reduction": "none", "blank": 2},
            ],
            shapes=[(9, 3, 4), (6, 3, 5)],
            varieties=(variety,),
            term=term,
        )
    ),
    *_spread(
        "ctc_loss",
        {**CTC_TENSORS, "targets": "joined_targets"},
        ("log_probs",),
        [{}, {"blank": 1}],
        shapes=[(7, 4)],
        varieties=("random",),
        term=16.0,
    ),
)

PENALTIES = tuple(
    LossCase(name, {"params": Content("real")}, ("params",), shape, variety)
    for name in ("l1_penalty", "l2_penalty")
    for shape in (*SHAPES, (31,), (0, 5))
    for variety in VARIETIES
)

_ROWS = (
    *REGRESSION,
    *LIKELIHOODS,
    *CLASSES,
    *BINARY,
    *DISTANCES,
    *BOXES,
    *CTC,
    *PENALTIES,
)
CASES = tuple({str(case): case for case in _ROWS}.values())
"""Each once: the turns of shapes and reductions may meet again."""
NAMES = tuple(dict.fromkeys(case.name for case in CASES))
