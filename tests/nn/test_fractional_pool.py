"""Windows of fractional pooling lie where PyTorch's generator puts them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from jaxtrain import nn, rng

SHAPES = {2: ((2, 3, 9, 8), (3, 7, 7)), 3: ((2, 3, 6, 5, 7), (2, 5, 5, 5))}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [2, 3])
def test_windows_are_pytorchs(n: int, dtype: str) -> None:
    for seed, shape in enumerate(SHAPES[n]):
        x = np.random.default_rng(0).standard_normal(shape)
        for more in ({"output_size": 3}, {"output_ratio": 0.5}):
            arguments = {"kernel_size": 2, "return_indices": True, **more}
            torch.manual_seed(seed)
            rng.manual_seed(seed)
            theirs = getattr(torch.nn, f"FractionalMaxPool{n}d")(**arguments)
            given = torch.tensor(x, dtype=getattr(torch, dtype))
            with jax.enable_x64(dtype == "float64"):
                ours = getattr(nn, f"FractionalMaxPool{n}d")(**arguments)
                found = ours(jnp.asarray(x, dtype))
            for one, other in zip(found, theirs(given), strict=True):
                np.testing.assert_array_equal(one, other)
            state = rng.default_generator.get_state()
            assert bytes(state) == bytes(torch.get_rng_state().numpy())


class Swapped(nn.FractionalMaxPool2d):
    """The first number places rows, not columns."""

    order = (0, 1)


def test_swapped_numbers_are_noticed() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 9, 9)).astype(np.float32)
    torch.manual_seed(0)
    expected = torch.nn.FractionalMaxPool2d(2, output_size=3)(torch.tensor(x))
    for layer, same in ((nn.FractionalMaxPool2d, True), (Swapped, False)):
        rng.manual_seed(0)
        found = layer(2, output_size=3)(jnp.asarray(x))
        assert np.array_equal(found, expected) is same


def test_numbers_by_key_inside_a_compiled_function() -> None:
    layer = nn.FractionalMaxPool2d(2, output_size=4)
    x = jnp.arange(2.0 * 81).reshape(1, 2, 9, 9)

    @jax.jit
    def pooled(key: jax.Array) -> Any:
        with nn.dropout_source(nn.KeyMasks(key)):
            return layer(x)

    draws = [pooled(jax.random.key(i)) for i in range(5)]
    assert any((draw != draws[0]).any() for draw in draws)
    assert all((draw[..., -1, -1] == x[..., -1, -1]).all() for draw in draws)


def test_numbers_of_the_host_cannot_be_had_inside() -> None:
    layer = nn.FractionalMaxPool2d(2, output_size=4)
    with pytest.raises(ValueError, match="dropout_source"):
        jax.jit(layer)(jnp.ones((1, 9, 9)))
    with pytest.raises(ValueError, match="draws no mask"):
        nn.dropout_draws(layer, jnp.ones((1, 9, 9)))


def test_numbers_given_are_a_buffer() -> None:
    samples = np.full((1, 2, 2), 0.5, np.float32)
    theirs = torch.nn.FractionalMaxPool2d(
        2, output_size=3, _random_samples=torch.tensor(samples)
    )
    ours = nn.FractionalMaxPool2d(2, output_size=3, _random_samples=samples)
    assert list(nn.state_dict(ours)) == list(theirs.state_dict())
    with pytest.raises(ValueError, match=r"\(1, 3, 2\), got \(1, 2, 2\)"):
        ours(jnp.ones((3, 9, 9)))
