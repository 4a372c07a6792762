"""In compiled code: one compilation for all steps, inside `scan` too."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxtrain.data.transforms import (
    Augmentation,
    random_crop,
    random_erasing,
    random_horizontal_flip,
    random_rotation,
    random_vertical_flip,
)

CHAIN = Augmentation(
    (
        random_crop(padding=4, padding_mode="symmetric"),
        random_horizontal_flip(),
        random_vertical_flip(),
        random_rotation(20, "bilinear"),
        random_erasing(value=0.5),
    ),
    seed=1,
)
BATCH, STEPS = 8, 6


def images_of(dtype: str) -> jax.Array:
    numbers = np.random.default_rng(0).random((BATCH, 1, 28, 28))
    return jnp.asarray(numbers, dtype)


def step_of(drawn: Any, step: int) -> Any:
    return jax.tree.map(lambda values: values[step], drawn)


def test_all_steps_compile_once() -> None:
    drawn, traces = CHAIN.draw(0, (STEPS, BATCH), (28, 28)), 0

    @jax.jit
    def apply(images: jax.Array, now: Any) -> jax.Array:
        nonlocal traces
        traces += 1
        return CHAIN.apply(images, now)

    images = images_of("float32")
    every = [np.asarray(apply(images, step_of(drawn, step))) for step in range(STEPS)]
    assert traces == 1
    assert len({image.tobytes() for image in every}) == STEPS


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_steps_may_be_scanned(dtype: str) -> None:
    """As they are applied one by one, but for the roundings of the blend."""
    drawn, images = CHAIN.draw(0, (STEPS, BATCH), (28, 28)), images_of(dtype)

    def body(carry: None, now: Any) -> tuple[None, jax.Array]:
        return carry, CHAIN.apply(images, now)

    scanned = jax.jit(lambda drawn: jax.lax.scan(body, None, drawn)[1])(drawn)
    assert scanned.dtype == dtype
    # Sixteen roundings of numbers of at most 1 on each side, then one to the type.
    within = 32 * 2.0**-24 + (2.0**-8 if dtype == "bfloat16" else 0)
    apply = jax.jit(CHAIN.apply)
    for step in range(STEPS):
        alone = apply(images, step_of(drawn, step))
        apart = jnp.abs(scanned[step] - alone).astype("float32")
        assert float(apart.max()) <= within
        other = apply(images, step_of(drawn, (step + 1) % STEPS))
        assert float(jnp.abs(scanned[step] - other).max()) > within


@pytest.mark.parametrize("transform", CHAIN.transforms, ids=lambda t: type(t).__name__)
def test_images_of_a_batch_do_not_meet(transform: Any) -> None:
    """Each is transformed as if it were alone."""
    drawn = transform.draw(np.random.default_rng(2), BATCH, 28, 28)
    images, apply = images_of("float32"), jax.jit(transform.apply)
    together = apply(images, drawn)
    for n in range(BATCH):
        one = {name: values[n : n + 1] for name, values in drawn.items()}
        # A blend of four may round otherwise in a smaller loop: 16 roundings each.
        np.testing.assert_allclose(
            apply(images[n : n + 1], one)[0], together[n], rtol=0, atol=32 * 2.0**-24
        )
    assert (together[0] != together[1]).any()


def test_whole_numbers_are_images_too() -> None:
    images = jnp.arange(2 * 9, dtype=jnp.int32).reshape(2, 1, 3, 3)
    flipped = random_horizontal_flip().apply(images, {"flip": np.array([True, False])})
    assert flipped[0, 0, 0].tolist() == [2, 1, 0]
    assert flipped[1].tolist() == images[1].tolist()


def test_names_and_texts_are_read_without_jax() -> None:
    """The command line's help and its refusals must not wait for it."""
    program = (
        "import sys; from jaxtrain.run.by_name import TRANSFORM, parse_calls;"
        "TRANSFORM.check(parse_calls('random_crop(padding=4)')[0].name);"
        "print('jax' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "False\n"
