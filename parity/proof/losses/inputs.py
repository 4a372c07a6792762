"""The tensors that the losses' cases are tried on: NumPy arrays in float64."""

from collections.abc import Callable

import numpy as np

from parity.proof.losses.cases import Content, LossCase

Shape = tuple[int, ...]
TensorDraw = Callable[[np.random.Generator, Shape, str], np.ndarray]


def tensors(case: LossCase) -> dict[str, np.ndarray]:
    """Every tensor argument of a case, the same at each call.

    Example:
        >>> case = LossCase("mse_loss", {"input": Content("real")}, ("input",), (2, 3))
        >>> tensors(case)["input"].shape
        (2, 3)
    """
    specs = {
        key: value for key, value in case.args.items() if isinstance(value, Content)
    }
    result = {}
    for seed, (key, value) in enumerate(specs.items()):
        generator = np.random.default_rng([seed, *case.shape])
        result[key] = KINDS[value.kind](generator, case.shape, case.variety)
    if "ignore_index" not in case.args and "target" in result:
        _ignore_one(case, result["target"])
    if "targets" in result and case.name == "ctc_loss":
        blank = case.args.get("blank", 0)
        result["targets"] = _without(blank, result["targets"], case.shape[-1])
    return result


def _ignore_one(case: LossCase, target: np.ndarray) -> None:
    """Give one of several labels the default `ignore_index`."""
    if case.args["target"] in (Content("labels"), Content("wide_labels")):
        target.flat[1 : min(2, target.size - 1)] = -100


def _without(blank: int, targets: np.ndarray, classes: int) -> np.ndarray:
    """No label is the blank: PyTorch says so, takes it, and has its gradient wrong."""
    return np.where(targets == blank, (blank + 1) % classes, targets)


def real(generator: np.random.Generator, shape: Shape, variety: str) -> np.ndarray:
    """Numbers of both signs."""
    if variety == "random":
        return generator.standard_normal(shape)
    grid = [-1e4, -100, -1, -1e-3, 0, 1e-3, 0.25, 1, 100, 1e4]
    if variety == "tied":
        grid = [-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0]
    return generator.choice(np.array(grid), shape)


def moderate(generator: np.random.Generator, shape: Shape, variety: str) -> np.ndarray:
    """Numbers whose exponential a float32 holds, or one that overflows in float64."""
    values = real(generator, shape, variety)
    return np.where(values == 100, 50.0, values) if variety == "extreme" else values


def count(generator: np.random.Generator, shape: Shape, variety: str) -> np.ndarray:
    """Whole numbers from 0; large ones where extreme."""
    rate = {"random": 3.0, "extreme": 1e4, "tied": 1.0}[variety]
    return generator.poisson(rate, shape).astype(np.float64)


def large_count(
    generator: np.random.Generator, shape: Shape, variety: str
) -> np.ndarray:
    """Whole numbers from 1, where Stirling's formula has a gradient."""
    return count(generator, shape, variety) + 1


def weight(generator: np.random.Generator, shape: Shape, variety: str) -> np.ndarray:
    """Factors, a few of them 0 except where random."""
    values = generator.exponential(size=shape)
    return values if variety == "random" else np.where(values < 0.3, 0.0, values)


def variance(generator: np.random.Generator, shape: Shape, variety: str) -> np.ndarray:
    """Numbers from 0 up, some below and at the usual ε."""
    if variety == "random":
        return generator.exponential(size=shape) + 0.01
    grid = [0.0, 1e-8, 1e-6, 1.0, 1e4] if variety == "extreme" else [0.5, 1.0, 2.0]
    return generator.choice(np.array(grid), shape)


def probability(
    generator: np.random.Generator, shape: Shape, variety: str
) -> np.ndarray:
    """Numbers in [0, 1]."""
    if variety == "random":
        return generator.uniform(0.01, 0.99, shape)
    grid = [0.0, 1e-30, 1e-6, 0.5, 1 - 2.0**-20, 1.0]
    return generator.choice(
        np.array(grid if variety == "extreme" else [0, 0.5, 1]), shape
    )


def distribution(
    generator: np.random.Generator, shape: Shape, variety: str
) -> np.ndarray:
    """Probabilities that add up to 1 over the classes; one-hot where extreme."""
    size = 400.0 if variety == "extreme" else 1.0
    powers = np.exp(_log_distribution(generator, shape, size))
    return np.where(powers < 1e-30, 0.0, powers)


def log_distribution(
    generator: np.random.Generator, shape: Shape, variety: str
) -> np.ndarray:
    """Logarithms of such, down to -1e4 where extreme."""
    return _log_distribution(generator, shape, 1e4 if variety == "extreme" else 1.0)


def _log_distribution(
    generator: np.random.Generator, shape: Shape, size: float, axis: int | None = None
) -> np.ndarray:
    axis = min(1, len(shape) - 1) if axis is None else axis
    logits = size * generator.standard_normal(shape)
    offset = logits - logits.max(axis, keepdims=True, initial=-np.inf)
    return offset - np.log(np.exp(offset).sum(axis, keepdims=True))


def _classes(shape: Shape) -> int:
    return shape[min(1, len(shape) - 1)]


def labels(generator: np.random.Generator, shape: Shape, variety: str) -> np.ndarray:
    """Class indices, in the shape without that of the classes."""
    outer = shape[:1] + shape[2:] if len(shape) > 1 else ()
    return np.asarray(generator.integers(0, _classes(shape), outer))


def label_set(generator: np.random.Generator, shape: Shape, variety: str) -> np.ndarray:
    """Rows of labels that end at a -1: none, some (one twice) or all of the classes."""
    classes = shape[-1]
    rows = [generator.permutation(classes) for _ in range(int(np.prod(shape[:-1])))]
    for index, row in enumerate(rows):
        row[(index * 2) % (classes + 2) :][:1] = -1
        if variety == "tied" and row[0] >= 0:
            row[1] = row[0]
    return np.array(rows).reshape(shape)


def sign(generator: np.random.Generator, shape: Shape, variety: str) -> np.ndarray:
    """1 or -1, and where tied sometimes 0."""
    return generator.choice(
        np.array([-1.0, 1.0, 0.0][: 2 + (variety == "tied")]), shape
    )


def vectors(generator: np.random.Generator, shape: Shape, variety: str) -> np.ndarray:
    """Rows of features; where tied, the first is zero."""
    values = real(generator, shape, variety)
    if variety == "tied":
        values.reshape(-1, shape[-1])[:1] = 0
    return values


def other_vectors(
    generator: np.random.Generator, shape: Shape, variety: str
) -> np.ndarray:
    """Rows of features, every other one equal to that of `vectors`, unless random."""
    values = real(generator, shape, variety)
    if variety == "random":
        return values
    first = vectors(np.random.default_rng([0, *shape]), shape, variety)
    equal = (np.arange(shape[0]) % 2 == 0) if len(shape) > 1 else np.array([True])
    return np.where(equal.reshape(-1, *[1] * (len(shape) - 1)), first, values)


def boxes(generator: np.random.Generator, shape: Shape, variety: str) -> np.ndarray:
    """Corners of boxes; on a grid, so that edges meet, where tied."""
    corner = generator.uniform(0, 3, (*shape[:-1], 2))
    size = generator.uniform(0.5, 3, (*shape[:-1], 2))
    if variety == "tied":
        corner, size = np.floor(corner), np.ceil(size)
    stretch = 1e4 if variety == "extreme" else 1.0
    return np.concatenate([corner, corner + size], -1) * stretch


def other_boxes(
    generator: np.random.Generator, shape: Shape, variety: str
) -> np.ndarray:
    """Corners of boxes, some far away, and the first equal to that of `boxes`."""
    values = boxes(generator, shape, variety)
    far = (np.arange(values.size // 4) % 3 == 2) & (variety == "extreme")
    values = values + 1e5 * far.reshape(*shape[:-1], 1)
    first = boxes(np.random.default_rng([0, *shape]), shape, variety)
    values.reshape(-1, 4)[:1] = first.reshape(-1, 4)[:1]
    return values


# A batch for CTC: T frames of N sequences. The first sequence is as long as it can be,
# the last has no target, and where extreme one target is too long for its input.


def frames(generator: np.random.Generator, shape: Shape, variety: str) -> np.ndarray:
    """Log-probabilities over the last dimension."""
    size = {"random": 1.0, "extreme": 100.0, "tied": 0.0}[variety]
    return _log_distribution(generator, shape, size, -1)


def input_lengths(
    generator: np.random.Generator, shape: Shape, variety: str
) -> np.ndarray:
    """Frames in use."""
    if len(shape) == 2:
        return np.array(shape[0] - 1)
    return np.array([shape[0], 2 if variety == "extreme" else shape[0] - 2, 4])


def target_lengths(
    generator: np.random.Generator, shape: Shape, variety: str
) -> np.ndarray:
    """Labels in use."""
    return np.array(2) if len(shape) == 2 else np.array([3, 2, 0])


def padded_targets(
    generator: np.random.Generator, shape: Shape, variety: str
) -> np.ndarray:
    """(batch, 3) labels, a repeated one among them."""
    targets = generator.integers(0, shape[-1], (shape[1], 3))
    targets[:, 1] = targets[:, 0]
    return targets


def flat_targets(
    generator: np.random.Generator, shape: Shape, variety: str
) -> np.ndarray:
    """The labels in use, one target after the other."""
    lengths = np.atleast_1d(target_lengths(generator, shape, variety))
    return generator.integers(0, shape[-1], int(lengths.sum()))


def _of(shape_of: Callable[[Shape], Shape], draw: TensorDraw) -> TensorDraw:
    """The same numbers in a shape derived from the case's."""
    return lambda generator, shape, variety: draw(generator, shape_of(shape), variety)


def _small(generator: np.random.Generator, shape: Shape, variety: str) -> np.ndarray:
    """Numbers of both signs, of size 2 at most where extreme."""
    return real(generator, shape, "tied" if variety == "extreme" else variety)


FEATURES, POSITIONS = 5, 3

KINDS: dict[str, TensorDraw] = {
    "real": real,
    "moderate": moderate,
    "count": count,
    "large_count": large_count,
    "weight": weight,
    "last_weight": _of(lambda shape: shape[-1:], weight),
    "class_weight": _of(lambda shape: (_classes(shape),), weight),
    "variance": variance,
    "row_variance": _of(lambda shape: shape[:-1], variance),
    "narrow_variance": _of(lambda shape: (shape[0], 1, *shape[2:]), variance),
    "probability": probability,
    "bit": lambda generator, shape, variety: generator.integers(0, 2, shape) * 1.0,
    "distribution": distribution,
    "log_distribution": log_distribution,
    "labels": labels,
    "plain_labels": labels,
    "label_set": label_set,
    "matrix": _of(lambda shape: (5, FEATURES), _small),
    "bias": _of(lambda shape: (5,), real),
    "wide_matrix": _of(lambda shape: (5, POSITIONS, FEATURES), _small),
    "wide_bias": _of(lambda shape: (5, POSITIONS), real),
    "wide_labels": _of(lambda shape: (shape[0], 5, POSITIONS), labels),
    "sign": sign,
    "row_sign": _of(lambda shape: shape[:-1], sign),
    "vectors": vectors,
    "vectors2": vectors,
    "other_vectors": other_vectors,
    "boxes": boxes,
    "other_boxes": other_boxes,
    "frames": frames,
    "input_lengths": input_lengths,
    "target_lengths": target_lengths,
    "padded_targets": padded_targets,
    "joined_targets": flat_targets,
}
