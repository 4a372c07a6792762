"""Crops, flips, erasing and chains of them, bit for bit torchvision's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")

from jaxtrain.data.transforms import (
    Augmentation,
    Drawn,
    Transform,
    random_crop,
    random_erasing,
    random_horizontal_flip,
    random_rotation,
    random_vertical_flip,
)
from parity.pytorch.transforms import apply_chain, apply_draws

BATCH = 32
SIZE = (28, 28)
OBLONG = (9, 14)
"""Height and width: whoever swaps them is found out."""

torch_dtype = {
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}


def same(drawn: Drawn) -> Drawn:
    return drawn


def one_more(name: str) -> Callable[[Drawn], Drawn]:
    return lambda drawn: {**drawn, name: drawn[name] + 1}


def swapped(one: str, other: str) -> Callable[[Drawn], Drawn]:
    return lambda drawn: {**drawn, one: drawn[other], other: drawn[one]}


class Case(NamedTuple):
    """A transform; and a twin, a near miss that torchvision must contradict."""

    transform: Transform
    twin: Transform
    altered: Callable[[Drawn], Drawn] = same


CASES = {
    "constant": Case(random_crop(padding=4), random_crop(padding=4, fill=0.1)),
    "fill": Case(random_crop(padding=4, fill=0.1), random_crop(padding=4)),
    "edge": Case(
        random_crop(padding=4, padding_mode="edge"),
        random_crop(padding=4, padding_mode="symmetric"),
    ),
    "reflect": Case(
        random_crop(padding=4, padding_mode="reflect"),
        random_crop(padding=4, padding_mode="symmetric"),
    ),
    "symmetric": Case(
        random_crop(padding=4, padding_mode="symmetric"),
        random_crop(padding=4, padding_mode="reflect"),
    ),
    "four sides": Case(
        random_crop((8, 10), (1, 2, 3, 4)), random_crop((8, 10), (2, 1, 4, 3))
    ),
    "two sides": Case(random_crop(9, (3, 1)), random_crop(9, (1, 3))),
    "no padding": Case(
        random_crop((5, 6)), random_crop((5, 6)), altered=swapped("top", "left")
    ),
    "horizontal flip": Case(random_horizontal_flip(), random_vertical_flip()),
    "vertical flip": Case(random_vertical_flip(), random_horizontal_flip()),
    "erasing": Case(random_erasing(), random_erasing(), altered=one_more("h")),
    "erasing all": Case(random_erasing(p=1), random_erasing(p=1), swapped("i", "j")),
    "erasing channels": Case(
        random_erasing(value=(0.1, 0.2, 0.3)), random_erasing(value=(0.3, 0.2, 0.1))
    ),
}

EVERYTHING = (
    random_crop(padding=4, padding_mode="reflect"),
    random_horizontal_flip(),
    random_vertical_flip(),
    random_rotation((90, 90)),  # of other angles: test_augment_rotation.py
    random_erasing(value=0.5),
)


def images_of(dtype: str, size: tuple[int, int], seed: int = 0) -> torch.Tensor:
    """Three channels, so that none is taken for another."""
    numbers = np.random.default_rng(seed).random((BATCH, 3, *size))
    return torch.tensor(numbers).to(torch_dtype[dtype])


def ours(
    function: Callable[..., jax.Array], images: torch.Tensor, drawn: Any
) -> np.ndarray:
    """What compiled code makes of it, as float64."""
    dtype = str(images.dtype).removeprefix("torch.")
    with jax.enable_x64(dtype == "float64"):
        given = jnp.asarray(images.double().numpy()).astype(dtype)
        out = jax.jit(function)(given, drawn)
        assert out.dtype == dtype
        return np.asarray(out).astype(np.float64)


@pytest.mark.parametrize("size", [SIZE, OBLONG], ids=str)
@pytest.mark.parametrize("dtype", torch_dtype)
@pytest.mark.parametrize("name", CASES)
def test_it_is_torchvision_s_bit_for_bit(
    name: str, dtype: str, size: tuple[int, int]
) -> None:
    transform, twin, altered = CASES[name]
    images = images_of(dtype, size)
    drawn = transform.draw(np.random.default_rng(1), BATCH, *size)
    theirs = apply_draws(images, transform, drawn).double().numpy()
    np.testing.assert_array_equal(ours(transform.apply, images, drawn), theirs)
    assert (ours(twin.apply, images, altered(drawn)) != theirs).any()


@pytest.mark.parametrize("dtype", torch_dtype)
def test_a_chain_is_torchvision_s_bit_for_bit(dtype: str) -> None:
    chain = Augmentation(EVERYTHING, seed=3)
    backwards = Augmentation(EVERYTHING[::-1], seed=3)
    drawn = chain.draw(0, (2, BATCH), SIZE)
    for step in range(2):
        now = jax.tree.map(lambda values: values[step], drawn)  # noqa: B023
        images = images_of(dtype, SIZE, seed=step)
        theirs = apply_chain(images, chain, now).double().numpy()
        np.testing.assert_array_equal(ours(chain.apply, images, now), theirs)
        assert (ours(backwards.apply, images, now[::-1]) != theirs).any()


def test_the_size_changes_along_a_chain() -> None:
    chain = Augmentation([random_crop((20, 10), 2), random_erasing(p=1)], seed=0)
    drawn = [
        {name: values[0] for name, values in parameters.items()}
        for parameters in chain.draw(0, (1, BATCH), SIZE)
    ]
    images = images_of("float32", SIZE)
    theirs = apply_chain(images, chain, drawn)
    assert theirs.shape[2:] == chain.output_size(*SIZE) == (20, 10)
    np.testing.assert_array_equal(ours(chain.apply, images, drawn), theirs)
    # Erasing was drawn for the crop's size: all of it lies inside.
    assert (drawn[1]["j"] + drawn[1]["w"]).max() <= 10


@pytest.mark.parametrize("p", [0, 1])
def test_never_and_always(p: int) -> None:
    images = images_of("float32", SIZE)
    for transform in (
        random_horizontal_flip(p),
        random_vertical_flip(p),
        random_erasing(p, value=2),
    ):
        drawn = transform.draw(np.random.default_rng(0), BATCH, *SIZE)
        changed = ours(transform.apply, images, drawn) != images.numpy()
        assert changed.any(axis=(1, 2, 3)).tolist() == [bool(p)] * BATCH


def test_an_unknown_transform_is_refused_by_name() -> None:
    class Other(Transform):
        parameters = apply_one = lambda self, *args: None

    with pytest.raises(TypeError, match=r"no counterpart of .*Other"):
        apply_draws(images_of("float32", SIZE), Other(), {})
