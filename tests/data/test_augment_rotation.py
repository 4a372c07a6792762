"""Rotations: the positions read, rounded as PyTorch's; the pixels, torchvision's."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")

from jaxtrain.data.transforms import RandomRotation, random_rotation
from jaxtrain.data.transforms._arguments import source_positions
from parity.pytorch.transforms import apply_draws

SIZES = [(28, 28), (9, 14), (33, 20)]
SQUARE = [0.0, 90.0, 180.0, 270.0, -90.0]
BATCH = 200
DTYPES = ["float32", "float64"]


def drawn_of(angles: list[float]) -> dict[str, np.ndarray]:
    """What `draw` gives where the angles are these, in degrees."""
    unit = random_rotation((0, 1)).parameters(np.array(angles)[:, None], 1, 1)
    np.testing.assert_array_equal(unit["angle"], angles)
    return unit


def written_out(
    angle: float, height: int, width: int, dtype: str, reciprocal: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """torchvision's `_gen_affine_grid` and `grid_sample`'s positions, in NumPy."""
    kind = np.dtype(dtype).type
    cos, sin = kind(math.cos(math.radians(angle))), kind(math.sin(math.radians(angle)))
    x = np.arange(width, dtype=kind) - kind((width - 1) / 2)
    y = (np.arange(height, dtype=kind) - kind((height - 1) / 2))[:, None]

    def over(number: np.floating, length: int) -> np.floating:
        if reciprocal:
            return number * (kind(1) / kind(length / 2))
        return number / kind(length / 2)

    def position(coordinate: np.ndarray, length: int) -> np.ndarray:
        # Fused: the product is exact in the wider type, and rounded with the sum.
        wide = np.longdouble(coordinate + kind(1)) * np.longdouble(length / 2)
        return (wide - np.longdouble(0.5)).astype(kind)

    u = x * over(cos, width) + y * over(-sin, width)
    v = x * over(sin, height) + y * over(cos, height)
    return position(v, height), position(u, width)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_positions_are_rounded_as_pytorch_s(
    size: tuple[int, int], dtype: str, compiled: bool
) -> None:
    """Bit for bit, on every CPU; a factor in place of the divisor is found out."""
    angles = np.array([*np.random.default_rng(0).uniform(-180, 180, 50), *SQUARE])
    drawn = drawn_of(angles.tolist())
    function = jax.vmap(lambda cos, sin: source_positions(cos, sin, *size))
    with jax.enable_x64(dtype == "float64"):
        given = (jnp.asarray(drawn[name], dtype) for name in ("cos", "sin"))
        ours = (jax.jit(function) if compiled else function)(*given)
    exact = [written_out(angle, *size, dtype) for angle in angles]
    twin = [written_out(angle, *size, dtype, reciprocal=True) for angle in angles]
    for ours_of_axis, exact_of_axis, twin_of_axis in zip(
        ours, zip(*exact, strict=True), zip(*twin, strict=True), strict=True
    ):
        np.testing.assert_array_equal(ours_of_axis, exact_of_axis)
        assert (np.array(twin_of_axis) != exact_of_axis).sum() > 100


def allowance(size: tuple[int, int], dtype: str) -> float:
    """How far apart, in pixels, two right computations of a position may be.

    A CPU's matrix product may contract or reorder x·a + y·b, and its `grid_sample` may
    round (u + 1) L/2 before the difference. Each computation is off the exact position,
    in units of L/2, by roundings of the cosine, the quotient, the product and the sum,
    each below √2, and of u + 1, below 2.5; and by one of L.
    """
    rounding = np.finfo(dtype).eps / 2
    return 2 * (4 * math.sqrt(2) / 2 + 2.5 / 2 + 1) * max(size) * rounding


def torch_images(size: tuple[int, int], dtype: str, count: int) -> torch.Tensor:
    numbers = np.random.default_rng(1).random((count, 2, *size))
    return torch.tensor(numbers, dtype=getattr(torch, dtype))


def rotated(
    rotation: RandomRotation, images: torch.Tensor, drawn: dict[str, np.ndarray]
) -> np.ndarray:
    dtype = str(images.dtype).removeprefix("torch.")
    with jax.enable_x64(dtype == "float64"):
        given = jnp.asarray(images.double().numpy()).astype(dtype)
        return np.asarray(jax.jit(rotation.apply)(given, drawn))


def near_ties(angles: list[float], size: tuple[int, int], dtype: str) -> np.ndarray:
    """Pixels that read at the border of two, within the allowance: (N, H, W)."""
    every = []
    for angle in angles:
        off = [
            np.abs(place - np.floor(place) - 0.5) <= allowance(size, dtype)
            for place in written_out(angle, *size, "longdouble")
        ]
        every.append(off[0] | off[1])
    return np.array(every)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_nearest_pixel_is_torchvision_s(size: tuple[int, int], dtype: str) -> None:
    """Bit for bit, but for pixels that read at the border of two to within rounding.

    On a CPU whose matrix product rounds every product (seen: AMD EPYC), for these too.
    """
    angles = np.random.default_rng(2).uniform(-180, 180, BATCH).tolist()
    rotation, drawn = random_rotation(180, fill=(0.25, 2)), drawn_of(angles)
    images = torch_images(size, dtype, BATCH)
    ours = rotated(rotation, images, drawn)
    theirs = apply_draws(images, rotation, drawn).numpy()
    ties = near_ties(angles, size, dtype)
    differ = (ours != theirs).any(axis=1)
    assert not (differ & ~ties).any()
    # What the exception lets through is next to nothing.
    assert ties.mean() < 1e-3


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_quarter_turns_are_exact(dtype: str, interpolation: str) -> None:
    """Nothing reads between pixels: to rounding of positions, those of `np.rot90`."""
    images = torch_images((28, 28), dtype, len(SQUARE))
    rotation = random_rotation(180, interpolation)
    ours = rotated(rotation, images, drawn_of(SQUARE))
    within = 0.0 if interpolation == "nearest" else 2 * allowance((28, 28), dtype)
    for image, turned, angle in zip(images.numpy(), ours, SQUARE, strict=True):
        expected = np.rot90(image, round(angle / 90), axes=(1, 2))
        np.testing.assert_allclose(turned, expected, rtol=0, atol=within)
        assert (turned != np.rot90(expected, 1, axes=(1, 2))).any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_blend_of_four_is_torchvision_s(size: tuple[int, int], dtype: str) -> None:
    """Within what rounding can do: positions apart by the allowance in both directions
    change a blend of pixels and fill, at most 1 apart, by that much; and by as much
    again once it is blended with the fill, by a share just as far apart. The blends
    themselves round 16 numbers of at most 1 on each side.
    """
    angles = [*np.random.default_rng(3).uniform(-180, 180, BATCH - 5).tolist(), *SQUARE]
    rotation, drawn = random_rotation(180, "bilinear", fill=0.25), drawn_of(angles)
    images = torch_images(size, dtype, BATCH)
    ours = rotated(rotation, images, drawn)
    theirs = apply_draws(images, rotation, drawn).numpy()
    rounding = np.finfo(dtype).eps / 2
    within = 4 * allowance(size, dtype) + 32 * rounding
    assert np.abs(ours - theirs).max() <= within
    a_bit_off = [angle + 1e3 * within for angle in angles]
    twin = rotated(rotation, images, drawn_of(a_bit_off))
    assert np.abs(twin - theirs).max() > within


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_bfloat16_is_rotated_in_float32_and_rounded_once(interpolation: str) -> None:
    angles = np.random.default_rng(4).uniform(-180, 180, 20).tolist()
    rotation, drawn = random_rotation(180, interpolation), drawn_of(angles)
    images = torch_images((28, 28), "bfloat16", 20)
    ours = rotated(rotation, images, drawn)
    precise = rotated(rotation, images.float(), drawn)
    np.testing.assert_array_equal(ours, precise.astype(ours.dtype))
    theirs = apply_draws(images, rotation, drawn).double().numpy()
    # Roundings of what float32 allows: apart by one at most, 2^-8 of it twice.
    np.testing.assert_allclose(
        ours.astype(np.float64),
        theirs,
        rtol=2**-7,
        atol=4 * allowance((28, 28), "float32"),
    )


def test_the_direction_is_torchvision_s() -> None:
    """Counter-clockwise; the other way round is found out."""
    images = torch_images((28, 28), "float64", 1)
    there, back = drawn_of([30.0]), drawn_of([-30.0])
    rotation = random_rotation(30)
    theirs = apply_draws(images, rotation, there).numpy()
    np.testing.assert_array_equal(rotated(rotation, images, there), theirs)
    assert (rotated(rotation, images, back) != theirs).mean() > 0.5


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_border_of_two_pixels_goes_to_the_even_one(dtype: str) -> None:
    """As PyTorch has it, and not up: at 45 degrees a diagonal reads row or column 14.5.

    On any CPU: what a contracted product leaves of x cos - x sin is lost beside 1.
    """
    angles, size = [45.0, -45.0], (30, 30)
    ties = [[place == 14.5 for place in written_out(a, *size, dtype)] for a in angles]
    images, rotation = torch_images(size, dtype, 2), random_rotation(45)
    ours = rotated(rotation, images, drawn_of(angles))
    theirs = apply_draws(images, rotation, drawn_of(angles)).numpy()
    for n, (rows, columns) in enumerate(ties):
        either = rows | columns
        assert either.sum() >= 30
        np.testing.assert_array_equal(ours[n][:, either], theirs[n][:, either])
        position = np.stack(written_out(angles[n], *size, dtype))
        row, column = np.floor(position + 0.5).clip(0, 29).astype(int)
        up = images.numpy()[n][:, row, column]
        assert (up[:, either] != theirs[n][:, either]).any(axis=0).sum() >= 20
