"""Any image file becomes what the data set's makers would have made of it."""

import io
from pathlib import Path

import numpy as np
import pytest
from trained_runs import Run

pytest.importorskip("PIL")

from PIL import Image

from jaxtrain.data import Dataset
from jaxtrain.data import photo as steps
from jaxtrain.data.photo import bring, read_image
from jaxtrain.errors import ConfigError
from jaxtrain.run.trained import load

NEAREST, BICUBIC = Image.Resampling.NEAREST, Image.Resampling.BICUBIC
SAMPLE = np.random.default_rng(0).integers(0, 100, (28, 28), dtype=np.uint8)
"""Dark, like the border of a garment's image, and with no structure that could help."""


def saved(path: Path, image: Image.Image) -> Image.Image:
    image.save(path)
    return read_image(path)


def enlarged(pixels: np.ndarray, size: int, how: Image.Resampling) -> Image.Image:
    return Image.fromarray(pixels).resize((size, size), how)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "I;16", "I", "CMYK"])
@pytest.mark.parametrize("times", [1, 2, 10])
def test_28x28_grey_pixels_stay_as_they_are(
    tmp_path: Path, mode: str, times: int
) -> None:
    image = enlarged(SAMPLE, 28 * times, NEAREST)
    if mode in ("I;16", "I"):
        wide = np.asarray(image).astype("uint16" if mode == "I;16" else "int32") * 257
        image = Image.fromarray(wide)
    else:
        image = image.convert("RGB").convert(mode)
    assert image.mode == mode
    ending = "tiff" if mode in ("CMYK", "I") else "png"
    brought = bring(saved(tmp_path / f"a.{ending}", image))
    np.testing.assert_array_equal(brought.pixels, SAMPLE)
    assert brought.pixels.dtype == np.uint8
    assert brought.description == "light on dark: as it is"


@pytest.mark.parametrize("ending", ["png", "bmp", "gif", "tiff", "webp", "pgm", "ppm"])
def test_every_format_without_loss(tmp_path: Path, ending: str) -> None:
    image = Image.fromarray(SAMPLE)
    path = tmp_path / f"a.{ending}"
    image.convert("RGB" if ending in ("ppm", "webp") else "L").save(path, lossless=True)
    np.testing.assert_array_equal(bring(read_image(path)).pixels, SAMPLE)


def test_jpeg_is_read(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(28), np.arange(28)).astype(np.uint8)
    found = bring(saved(tmp_path / "a.jpg", Image.fromarray(smooth))).pixels
    # The quantisation of a smooth ramp at Pillow's quality of 75.
    assert np.abs(found.astype(int) - smooth).max() <= 4


@pytest.mark.parametrize("times", [1, 10])
def test_light_grounds_are_negated(times: int) -> None:
    image = enlarged(255 - SAMPLE, 28 * times, NEAREST).convert("RGBA")
    brought = bring(image)
    np.testing.assert_array_equal(brought.pixels, SAMPLE)
    assert brought.description == "dark on light: negated"
    forced = bring(image, "light-on-dark")
    np.testing.assert_array_equal(forced.pixels, 255 - SAMPLE)
    other = bring(Image.fromarray(SAMPLE).convert("RGBA"), "dark-on-light")
    np.testing.assert_array_equal(other.pixels, 255 - SAMPLE)


def test_one_other_pixel_makes_it_a_photograph() -> None:
    image = enlarged(SAMPLE, 280, NEAREST).convert("RGBA")
    assert bring(image).as_it_was
    red, green, blue, alpha = image.getpixel((141, 95))
    for changed in ((red ^ 1, green ^ 1, blue ^ 1, alpha), (red, green ^ 1, blue, 255)):
        image.putpixel((141, 95), changed)
        assert not bring(image).as_it_was
    image.putpixel((141, 95), (red, green, blue, 254))
    assert not bring(image).as_it_was


def test_no_image_of_the_data_set_is_taken_for_another(fashion_mnist: Dataset) -> None:
    for pixels in fashion_mnist.test.images[::20]:
        brought = bring(Image.fromarray(pixels).convert("RGBA"))
        assert brought.polarity == "light-on-dark"
        np.testing.assert_array_equal(brought.pixels, pixels)


def photograph(
    size: tuple[int, int], box: tuple[int, int, int, int], ground: str, garment: str
) -> Image.Image:
    image = Image.new("RGBA", size, ground)
    image.paste(garment, box)
    return image


@pytest.mark.parametrize("size", [(300, 200), (161, 90), (3000, 1000), (40, 37)])
def test_the_garment_fills_the_longest_edge_and_is_centred(
    size: tuple[int, int],
) -> None:
    width, height = size
    # A box of 2:1 in the lower right corner.
    box = (width // 2, height - 2 - width // 4, width - 2 + width % 2, height - 2)
    found = bring(photograph(size, box, "white", "black")).pixels
    rows, columns = (np.flatnonzero(found.any(axis)) for axis in (1, 0))
    assert (columns[0], columns[-1]) == (0, 27)
    # 2:1, but for one pixel that rounding adds to the box.
    assert abs(len(rows) - 14) <= 28 / (box[2] - box[0]) + 1
    assert abs(rows[0] - (27 - rows[-1])) <= 1
    assert (found[rows[0] : rows[-1] + 1] == 255).all()


@pytest.mark.parametrize(
    ("ground", "garment", "told"),
    [
        ("white", "navy", "dark on light: negated"),
        ("#e0ddda", "#101010", "dark on light: negated"),
        ("black", "yellow", "light on dark"),
        ("#202020", "white", "light on dark"),
    ],
)
def test_the_ground_becomes_black_and_the_garment_light(
    ground: str, garment: str, told: str
) -> None:
    brought = bring(photograph((200, 200), (80, 40, 120, 160), ground, garment))
    assert brought.description == told
    found = brought.pixels
    # 40 of 120 is 9 of 28 columns.
    assert (found[:, :9] == 0).all()
    assert (found[:, 19:] == 0).all()
    assert (found[:, 11:17] > 190).all()
    wrong = "dark-on-light" if told == "light on dark" else "light-on-dark"
    image = photograph((200, 200), (80, 40, 120, 160), ground, garment)
    assert bring(image, wrong).pixels[14, 14] < 60


def test_noise_around_the_garment_is_not_part_of_it() -> None:
    draw = np.random.default_rng(0)
    pixels = np.full((400, 400, 3), 244.0)
    pixels[100:300, 160:240] = 60
    noisy = np.clip(pixels + draw.normal(0, 2, pixels.shape), 0, 255)
    image = Image.fromarray(noisy.astype(np.uint8)).convert("RGBA")
    found = bring(image).pixels
    assert np.flatnonzero((found > 100).any(1)).tolist() == list(range(28))
    assert 11 <= (found[14] > 100).sum() <= 12
    assert found[:, :7].max() == 0


def test_a_garment_may_reach_into_a_corner() -> None:
    image = photograph((200, 200), (60, 0, 200, 140), "white", "navy")
    found = bring(image)
    assert found.polarity == "dark-on-light"
    # Trimmed to the garment, which has one colour all over.
    assert found.pixels.min() == found.pixels.max() > 200


def test_transparent_pixels_are_ground() -> None:
    image = Image.new("RGBA", (100, 200), (0, 0, 0, 0))
    image.paste((40, 40, 40, 255), (25, 50, 75, 150))
    brought = bring(image)
    assert brought.polarity == "dark-on-light"
    assert brought.pixels[14, 14] == 215
    light = Image.new("RGBA", (100, 200), (255, 255, 255, 0))
    light.paste((200, 200, 200, 255), (25, 50, 75, 150))
    assert bring(light, "light-on-dark").pixels[14, 14] == 200


def test_it_is_turned_as_the_camera_says(tmp_path: Path) -> None:
    image = photograph((90, 60), (10, 10, 80, 30), "white", "black").convert("RGB")
    image.paste("gray", (10, 10, 30, 30))
    turned = Image.Exif()
    turned[274] = 6  # A quarter to the right.
    image.save(tmp_path / "a.png", exif=turned)
    found = bring(read_image(tmp_path / "a.png")).pixels
    upright = bring(image.transpose(Image.Transpose.ROTATE_270).convert("RGBA")).pixels
    np.testing.assert_array_equal(found, upright)
    assert not np.array_equal(found, bring(image.convert("RGBA")).pixels)


def test_the_sharpening_is_imagemagick_s() -> None:
    """`-sharpen 1x1`: twice all of the Gaussian in the middle, less the rest of it."""
    side, corner = np.exp(-0.5), np.exp(-1.0)
    total = 1 + 4 * side + 4 * corner
    kernel = steps._kernel()
    np.testing.assert_allclose(kernel.sum(), 1, rtol=1e-15)
    rows = [kernel[1, 1], kernel[0, 1], kernel[0, 0]]
    right = np.array([2 * total, -side, -corner]) / (total + 1)
    np.testing.assert_allclose(rows, right, rtol=1e-15)
    flat = np.full((5, 7), 90.0)
    np.testing.assert_allclose(steps._sharpen(flat), flat, rtol=1e-15)
    spot = flat.copy()
    spot[2, 3] = 100
    sharp = steps._sharpen(spot)
    assert sharp[2, 3] > 100
    assert (sharp[1:4, 2:5].ravel()[[0, 1, 2, 3, 5, 6, 7, 8]] < 90).all()


def test_rows_and_columns_are_left_out_not_mixed() -> None:
    values = np.arange(73 * 51, dtype=np.float64).reshape(73, 51)
    found = steps._subsample(values)
    assert found.shape == (28, 20)
    rows, columns = np.divmod(found.astype(int), 51)
    assert (rows == rows[:, :1]).all()
    assert (columns == columns[:1]).all()
    assert set(np.diff(rows[:, 0])) == {2, 3}
    assert set(np.diff(columns[0])) == {2, 3}


@pytest.mark.parametrize("size", [(1, 500), (500, 1), (2, 2), (27, 28)])
def test_odd_shapes(size: tuple[int, int]) -> None:
    image = Image.new("RGBA", size, "white")
    middle = (size[0] // 2, size[1] // 2)
    image.putpixel(middle, (0, 0, 0, 255))
    found = bring(image).pixels
    assert found.shape == (28, 28)
    assert found.max() == 255


@pytest.mark.parametrize("colour", ["white", "black", "#808080", "#fdfefc"])
def test_one_colour_all_over_is_no_garment(colour: str) -> None:
    with pytest.raises(ConfigError, match="no garment to see"):
        bring(Image.new("RGBA", (100, 50), colour))


def exported(pixels: np.ndarray, size: int, inverted: bool) -> Image.Image:
    """As somebody else may have kept it: enlarged smoothly, a frame around it, JPEG."""
    pixels = 255 - pixels if inverted else pixels
    image = enlarged(pixels, size, BICUBIC)
    framed = Image.new("L", (size + 90, size + 40), 255 if inverted else 0)
    framed.paste(image, (30, 25))
    kept = io.BytesIO()
    framed.save(kept, "jpeg", quality=90)
    return Image.open(kept).convert("RGBA")


@pytest.fixture(scope="module")
def filled(garments: Dataset) -> np.ndarray:
    """The garments as the makers' steps leave them, whatever was around them."""
    images = [exported(pixels, 280, False) for pixels in garments.test.images]
    return np.stack([bring(image).pixels for image in images])


def assert_named_as_before(
    run: Run, filled: np.ndarray, labels: np.ndarray, size: int, polarity: str
) -> None:
    """Nine in ten keep their class, and no more turn wrong than right by chance.

    By chance alone one in ten would keep it. Of the images of which only one answer is
    right, half would be in favour of either: three standard deviations are allowed.
    """
    network = load(run.out)
    before = network.probabilities(filled).argmax(1)
    images = [exported(p, size, i % 2 == 0) for i, p in enumerate(filled)]
    again = np.stack([bring(image, polarity).pixels for image in images])
    after = network.probabilities(again).argmax(1)
    assert (after == before).mean() >= 0.9
    lost = ((before == labels) & (after != labels)).sum()
    gained = ((before != labels) & (after == labels)).sum()
    assert lost - gained <= 3 * np.sqrt(lost + gained)


@pytest.mark.parametrize("size", [56, 280, 700])
def test_what_was_framed_and_enlarged_is_named_as_before(
    trained_run: Run, garments: Dataset, filled: np.ndarray, size: int
) -> None:
    labels = garments.test.labels
    assert_named_as_before(trained_run, filled, labels, size, "auto")


@pytest.mark.parametrize("broken", ["polarity", "not trimmed", "not centred"])
def test_the_comparison_sees_a_wrong_step(
    trained_run: Run,
    garments: Dataset,
    filled: np.ndarray,
    broken: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    polarity = "light-on-dark" if broken == "polarity" else "auto"
    if broken == "not trimmed":
        monkeypatch.setattr(steps, "_box", lambda x: (0, 0, x.shape[1], x.shape[0]))
    if broken == "not centred":
        centred = steps._centre
        monkeypatch.setattr(steps, "_centre", lambda x: np.roll(centred(x), 5, 1))
    labels = garments.test.labels
    with pytest.raises(AssertionError):
        assert_named_as_before(trained_run, filled, labels, 280, polarity)
