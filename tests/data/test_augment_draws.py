"""What is drawn: distributed as torchvision's, and a function of seed and step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")

from torchvision import transforms

from jaxtrain.data.transforms import (
    Augmentation,
    Drawn,
    RandomErasing,
    Transform,
    random_crop,
    random_erasing,
    random_horizontal_flip,
    random_rotation,
    random_vertical_flip,
)

COUNT = 4000
"""Images drawn on each side."""

UNLIKELY = 1e-4
"""Equal distributions fall below this p-value once in 10⁴ pairs of seeds; these seeds
are fixed. Every twin, told apart by the same test on as many images, must."""

NARROW = (28, 12)
"""Height and width: one rectangle in six does not fit and is drawn again."""


def p_value(ours: np.ndarray, theirs: np.ndarray) -> float:
    """That two samples of integers have one distribution; rare values are pooled."""
    values, which = np.unique(np.concatenate([ours, theirs]), return_inverse=True)
    table = np.stack(
        [np.bincount(side, minlength=len(values)) for side in np.split(which, 2)]
    )
    rare = table.sum(axis=0) < 20
    pooled = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])
    return stats.chi2_contingency(pooled[:, pooled.sum(axis=0) > 0]).pvalue


def drawn(transform: Transform, size: tuple[int, int], count: int = COUNT) -> Drawn:
    return transform.draw(np.random.default_rng(5), count, *size)


def torchvision_crops(size: int, padded: int) -> np.ndarray:
    torch.manual_seed(0)
    image = torch.empty(1, padded, padded)
    crop = transforms.RandomCrop.get_params
    return np.array([crop(image, (size, size))[:2] for _ in range(COUNT)])


def test_crops_start_anywhere() -> None:
    theirs = torchvision_crops(28, 36)
    ours = drawn(random_crop(padding=4), (28, 28))
    never_last = drawn(random_crop(29, padding=4), (28, 28))
    for name, column in zip(("top", "left"), theirs.T, strict=True):
        assert p_value(ours[name], column) > UNLIKELY
        assert p_value(never_last[name], column) < UNLIKELY
    # Rows and columns are drawn apart: no pair of the 81 is rarer than chance has it.
    pairs, their_pairs = ours["top"] * 9 + ours["left"], theirs @ [9, 1]
    assert p_value(pairs, their_pairs) > UNLIKELY
    assert p_value(ours["top"] * 10, their_pairs) < UNLIKELY


@pytest.mark.parametrize("function", [random_horizontal_flip, random_vertical_flip])
def test_flips_are_as_frequent(function: Callable[[float], Transform]) -> None:
    torch.manual_seed(1)
    flip = transforms.RandomHorizontalFlip(0.3)
    image = torch.tensor([[[0.0, 1.0]]])
    theirs = np.array([bool(flip(image)[0, 0, 0]) for _ in range(COUNT)])
    ours = drawn(function(0.3), (1, 2))["flip"]
    assert p_value(ours, theirs) > UNLIKELY
    twin = drawn(function(0.35), (1, 2))["flip"]
    assert p_value(twin, theirs) < UNLIKELY


def test_angles_are_uniform() -> None:
    torch.manual_seed(2)
    angle = transforms.RandomRotation.get_params
    theirs = np.array([angle([-10.0, 30.0]) for _ in range(COUNT)])
    ours = drawn(random_rotation((-10, 30)), (28, 28))["angle"]
    assert stats.ks_2samp(ours, theirs).pvalue > UNLIKELY
    twin = drawn(random_rotation((-14, 30)), (28, 28))["angle"]
    assert stats.ks_2samp(twin, theirs).pvalue < UNLIKELY
    assert (np.abs(drawn(random_rotation(5), (28, 28))["angle"]) <= 5).all()


def torchvision_erasings(size: tuple[int, int], **ranges: tuple[float, float]) -> Drawn:
    """With p = 1; an image left as it is has h = w = 0, as ours."""
    torch.manual_seed(3)
    erasing = transforms.RandomErasing(p=1, **ranges)
    image, rows = torch.empty(1, *size), []
    for _ in range(COUNT):
        *row, value = erasing.get_params(image, erasing.scale, erasing.ratio, [0.0])
        rows.append([0, 0, 0, 0] if value is image else row)
    return dict(zip("ijhw", np.array(rows).T, strict=True))


WIDE = {"scale": (0.02, 0.9), "ratio": (0.3, 3.3)}


@pytest.mark.parametrize("ranges", [{}, WIDE], ids=["default", "wide"])
def test_rectangles_are_torchvision_s(ranges: dict[str, tuple[float, float]]) -> None:
    theirs = torchvision_erasings(NARROW, **ranges)
    ours = drawn(random_erasing(1, **ranges), NARROW)
    for name in "ijhw":
        assert p_value(ours[name], theirs[name]) > UNLIKELY, name
    area, their_area = ours["h"] * ours["w"], theirs["h"] * theirs["w"]
    assert p_value(area, their_area) > UNLIKELY
    for start, extent, length in (("i", "h", NARROW[0]), ("j", "w", NARROW[1])):
        left = length - theirs[start] - theirs[extent]
        assert p_value(length - ours[start] - ours[extent], left) > UNLIKELY
        never_last = np.maximum(length - ours[start] - ours[extent], 1)
        assert p_value(never_last, left) < UNLIKELY


class OneAttempt(RandomErasing):
    """Leaves an image as it is where the first rectangle does not fit."""

    def parameters(self, uniform: np.ndarray, height: int, width: int) -> Drawn:
        repeated = uniform.copy()
        repeated[..., 3::2], repeated[..., 4::2] = uniform[..., 3:4], uniform[..., 4:5]
        return super().parameters(repeated, height, width)


class LinearRatio(RandomErasing):
    """Draws the aspect ratio, and not its logarithm, uniformly."""

    def parameters(self, uniform: np.ndarray, height: int, width: int) -> Drawn:
        low, high = self.ratio
        bent = uniform.copy()
        ratio = low + (high - low) * uniform[..., 4::2]
        bent[..., 4::2] = np.log(ratio / low) / np.log(high / low)
        return super().parameters(bent, height, width)


@pytest.mark.parametrize("twin", [OneAttempt, LinearRatio])
def test_other_rectangles_are_found_out(twin: type[RandomErasing]) -> None:
    theirs = torchvision_erasings(NARROW)
    right = random_erasing(1)
    wrong = drawn(twin(right.p, right.scale, right.ratio, right.value), NARROW)
    assert p_value(wrong["h"], theirs["h"]) < UNLIKELY


def test_an_image_may_be_left_as_it_is_ten_times_in_vain() -> None:
    """A rectangle of the whole image never fits."""
    ours = drawn(random_erasing(1, (1, 1), (1, 1)), (28, 28), 100)
    assert not any(ours[name].any() for name in "hw")
    assert (drawn(random_erasing(1), (28, 28), 100)["h"] > 0).all()


CHAIN = (
    random_crop(padding=4),
    random_horizontal_flip(),
    random_rotation(15),
    random_erasing(),
)


def draw(seed: int, first_step: int, steps: int, batch: int = 64) -> np.ndarray:
    """All parameters of a chain in one table, (steps, batch, parameters)."""
    chain = Augmentation(CHAIN, seed)
    drawn = chain.draw(first_step, (steps, batch), (28, 28))
    columns = [values for parameters in drawn for values in parameters.values()]
    assert all(values.shape == (steps, batch) for values in columns)
    return np.stack(columns, axis=-1).astype(np.float64)


@pytest.mark.parametrize("seed", [0, 7, -1, -(2**63), 2**64 - 1])
def test_a_step_depends_on_the_seed_and_itself_alone(seed: int) -> None:
    """However the steps are cut into chunks, and however large the batch."""
    whole = draw(seed, 100, 12)
    for first, steps in ((100, 5), (105, 6), (111, 1)):
        part = whole[first - 100 : first - 100 + steps]
        np.testing.assert_array_equal(draw(seed, first, steps), part)
        np.testing.assert_array_equal(draw(seed, first, steps, 5), part[:, :5])


def test_every_step_image_seed_and_place_draws_its_own() -> None:
    angle = 3
    several = np.concatenate([draw(seed, 0, 50)[..., angle] for seed in (0, 1, -1)])
    assert len(np.unique(several)) == several.size
    two = Augmentation((random_rotation(1), random_rotation(1)), seed=0)
    first, second = two.draw(0, (50, 64), (28, 28))
    assert not np.isin(first["angle"], second["angle"]).any()


def test_seeds_are_pytorch_s_64_bits() -> None:
    np.testing.assert_array_equal(draw(-1, 3, 1), draw(2**64 - 1, 3, 1))
    assert (draw(0, 3, 1) != draw(2**32, 3, 1)).any()


def test_a_later_transform_does_not_change_an_earlier_one() -> None:
    longer = Augmentation((*CHAIN, random_vertical_flip()), 0)
    drawn = longer.draw(9, (2, 64), (28, 28))[: len(CHAIN)]
    columns = [values for parameters in drawn for values in parameters.values()]
    np.testing.assert_array_equal(np.stack(columns, axis=-1), draw(0, 9, 2))


def test_the_streams_are_philox_s_of_seed_and_step() -> None:
    """Written out, so that a run of today can be drawn again with a later version."""
    for place, transform in enumerate(CHAIN):
        words = np.random.Philox(
            key=np.array([11, place], np.uint64), counter=[0, 6, 0, 0]
        ).random_raw(3 * transform.uniforms)
        uniform = (words >> np.uint64(11)) * 2.0**-53
        expected = transform.parameters(uniform.reshape(3, -1), 28, 28)
        ours = Augmentation(CHAIN, 11).draw(4, (3, 3), (28, 28))[place]
        for name, values in expected.items():
            np.testing.assert_array_equal(ours[name][2], values)
            assert ours[name].dtype == values.dtype
    drawn = Augmentation(CHAIN, 11).draw(6, (1, 4), (28, 28))
    assert drawn[0]["top"].tolist() == [[2, 0, 7, 4]]
