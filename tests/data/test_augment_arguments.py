"""Arguments refused with their value, at construction; transforms by name."""

from __future__ import annotations

import math
import re
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from jaxtrain.data import transforms
from jaxtrain.data.transforms import (
    Augmentation,
    random_crop,
    random_erasing,
    random_horizontal_flip,
    random_rotation,
    random_vertical_flip,
)
from jaxtrain.errors import ConfigError
from jaxtrain.run.by_name import TRANSFORM, Call, build_all

REFUSED: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (random_crop, {}, ValueError, "size=None, padding=None"),
    (random_crop, {"padding": 0}, ValueError, "padding=0"),
    (random_crop, {"size": 0}, ValueError, "size must be 1 or more, got 0"),
    (random_crop, {"size": (1, 2, 3)}, ValueError, "(1, 2, 3)"),
    (random_crop, {"size": 2.5}, TypeError, "2.5"),
    (random_crop, {"size": True}, TypeError, "True"),
    (random_crop, {"size": "28"}, TypeError, "'28'"),
    (random_crop, {"padding": -1}, ValueError, "padding must be 0 or more, got -1"),
    (random_crop, {"padding": 10**14}, ValueError, "padding must be at most 1024"),
    (random_crop, {"padding": (1, 2, 3)}, ValueError, "(1, 2, 3)"),
    (random_crop, {"padding": ()}, ValueError, "got ()"),
    (random_crop, {"padding": 4, "fill": (1, 2)}, TypeError, "(1, 2)"),
    (random_crop, {"padding": 4, "fill": math.nan}, ValueError, "nan"),
    (random_crop, {"padding": 4, "padding_mode": "wrap"}, ValueError, "'wrap'"),
    (random_horizontal_flip, {"p": 1.5}, ValueError, "1.5"),
    (random_horizontal_flip, {"p": math.nan}, ValueError, "nan"),
    (random_vertical_flip, {"p": -0.5}, ValueError, "-0.5"),
    (random_vertical_flip, {"p": "often"}, TypeError, "'often'"),
    (random_rotation, {"degrees": -10}, ValueError, "-10"),
    (random_rotation, {"degrees": (20, 10)}, ValueError, "(20, 10)"),
    (random_rotation, {"degrees": (1, 2, 3)}, ValueError, "(1, 2, 3)"),
    (random_rotation, {"degrees": math.inf}, ValueError, "inf"),
    (random_rotation, {"degrees": (-1e308, 1e308)}, ValueError, "1e+308"),
    (random_rotation, {"degrees": "10"}, TypeError, "'10'"),
    (random_rotation, {"degrees": 1, "interpolation": "cubic"}, ValueError, "'cubic'"),
    (random_rotation, {"degrees": 1, "fill": ()}, ValueError, "got ()"),
    (random_rotation, {"degrees": 1, "fill": "black"}, TypeError, "'black'"),
    (random_erasing, {"p": -1}, ValueError, "-1"),
    (random_erasing, {"scale": (0.1, 2)}, ValueError, "(0.1, 2.0)"),
    (random_erasing, {"scale": (-0.1, 0.2)}, ValueError, "-0.1"),
    (random_erasing, {"scale": (0.3, 0.1)}, ValueError, "(0.3, 0.1)"),
    (random_erasing, {"scale": 0.1}, TypeError, "0.1"),
    (random_erasing, {"ratio": (0, 1)}, ValueError, "(0.0, 1.0)"),
    (random_erasing, {"ratio": (3, 0.3)}, ValueError, "(3, 0.3)"),
    (random_erasing, {"ratio": (1,)}, ValueError, "(1,)"),
    (random_erasing, {"value": "random"}, TypeError, "'random'"),
    (random_erasing, {"value": None}, TypeError, "None"),
    (Augmentation, {"transforms": (), "seed": 2**64}, ValueError, str(2**64)),
    (Augmentation, {"transforms": (), "seed": 1.5}, TypeError, "1.5"),
    (Augmentation, {"transforms": ("random_crop",), "seed": 0}, TypeError, "crop"),
]


@pytest.mark.parametrize(
    ("function", "arguments", "kind", "says"),
    REFUSED,
    # An address is another one in every process.
    ids=lambda value: getattr(value, "__name__", None) or str(value),
)
def test_refused_at_construction(
    function: Any, arguments: dict[str, Any], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=re.escape(says)) as refusal:
        function(**arguments)
    assert "\n" not in str(refusal.value)


TOO_LARGE = [
    (random_crop(29), "crop size (29, 29) is larger than input image size (28, 28)"),
    (random_crop((40, 20), (0, 5)), "(40, 20)"),
    (random_crop(padding=28, padding_mode="reflect"), "'reflect' of images (28, 28)"),
    (random_crop(padding=29, padding_mode="symmetric"), "(29, 29, 29, 29)"),
]


@pytest.mark.parametrize(("transform", "says"), TOO_LARGE, ids=str)
def test_refused_of_images_too_small(transform: Any, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        Augmentation([transform], 0).draw(0, (1, 2), (28, 28))


def test_the_widest_mirrors_are_not_refused() -> None:
    for widest, mode in ((27, "reflect"), (28, "symmetric")):
        crop = random_crop(padding=widest, padding_mode=mode)
        drawn = crop.draw(np.random.default_rng(0), 1, 28, 28)
        assert crop.apply(jnp.ones((1, 1, 28, 28)), drawn).shape == (1, 1, 28, 28)


@pytest.mark.parametrize(
    "transform", [random_erasing(value=(1, 2)), random_rotation(9, fill=(1, 2))]
)
def test_refused_of_images_of_other_channels(transform: Any) -> None:
    drawn = transform.draw(np.random.default_rng(0), 1, 5, 5)
    with pytest.raises(
        ValueError, match=r"3, the number of channels, got \(1.0, 2.0\)"
    ):
        transform.apply(jnp.ones((1, 3, 5, 5)), drawn)


def test_a_step_before_the_first_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        Augmentation([random_horizontal_flip()], 0).draw(-1, (1, 1), (2, 2))


def test_arguments_are_brought_into_one_form() -> None:
    assert random_crop(28, 4) == random_crop((28, 28), (4, 4)) == random_crop([28], [4])
    assert random_crop(28, (1, 2)) == random_crop(28, (1, 2, 1, 2))
    assert random_rotation(10) == random_rotation((-10, 10))
    assert Augmentation([], -1) == Augmentation((), 2**64 - 1)
    # NumPy's integers would overflow where 64 bits are shifted.
    assert Augmentation((), np.int64(-1)).seed == 2**64 - 1


def test_texts_and_calls() -> None:
    specs = [
        "random_crop(padding=4, padding_mode=reflect)",
        " random_horizontal_flip ",
        Call("random_rotation", {"degrees": [-10, 20]}),
        "random_erasing(p=0.25, scale=(0.1, 0.2)), random_vertical_flip()",
    ]
    assert build_all(TRANSFORM, specs) == (
        random_crop(padding=4, padding_mode="reflect"),
        random_horizontal_flip(),
        random_rotation((-10, 20)),
        random_erasing(0.25, (0.1, 0.2)),
        random_vertical_flip(),
    )


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("RandomCrop", "unknown transform 'RandomCrop': did you mean 'random_crop'?"),
        ("random_crop(pading=4)", "did you mean 'padding'?"),
        ("random_crop(padding=-1)", "transform random_crop: padding must be 0 or more"),
        ("random_crop(4)", "'random_crop(4)' is not of the form NAME or NAME(KEY="),
        ("", "'' is not of the form NAME"),
        ("random_crop(", "is not of the form NAME"),
        ("random_crop(padding=())", "transform random_crop: "),
        ("random_crop(padding=" + 300 * "(", "is not of the form NAME"),
        ("random_rotation", "needs an argument 'degrees'"),
        ("random_erasing(p=often)", "p must be a number, but got 'often'"),
        ("random_erasing(value=random)", "value must be a number, but got 'random'"),
        ("build", "unknown transform 'build': choose from: random_crop"),
    ],
)
def test_what_cannot_be_built_is_one_line(spec: str, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)) as refusal:
        build_all(TRANSFORM, [spec])
    assert "\n" not in str(refusal.value)


def test_the_public_names_exist_and_are_documented() -> None:
    for name in transforms.__all__:
        assert getattr(transforms, name).__doc__
    functions = {name for name in transforms.__all__ if name.startswith("random_")}
    assert functions == set(transforms.TRANSFORMS)
