"""RReLU's slopes, and the dropout family's masks beyond the host's generator."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from jaxtrain import nn, rng


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bounds", [(), (0.0, 1.0), (-0.5, 0.25), (0.2, 0.2)])
def test_slopes_are_pytorchs(bounds: tuple[float, ...], dtype: str) -> None:
    x = np.random.default_rng(0).integers(-3, 4, (40, 7)) / 2
    with jax.enable_x64(dtype == "float64"):
        ours, theirs = nn.RReLU(*bounds), torch.nn.RReLU(*bounds)
        for mode in ("train", "eval"):
            getattr(ours, mode)(), getattr(theirs, mode)()
            torch.manual_seed(3)
            rng.manual_seed(3)
            leaf = torch.tensor(x, dtype=getattr(torch, dtype), requires_grad=True)
            expected = theirs(leaf)
            expected.sum().backward()
            found = ours(jnp.asarray(x, dtype))
            np.testing.assert_array_equal(found, expected.detach(), strict=True)
            state = rng.default_generator.get_state()
            assert bytes(state) == bytes(torch.get_rng_state().numpy())


def test_gradients_take_the_same_slopes() -> None:
    slopes = jnp.array([0.25, 0.5, 0.75, 0.125])
    x = jnp.array([-1.0, 2.0, 0.0, -3.0])

    def total(x: jax.Array) -> jax.Array:
        with nn.dropout_source(nn.GivenMasks([slopes])):
            return nn.RReLU()(x).sum()

    found = jax.jit(jax.grad(total))(x)
    np.testing.assert_array_equal(found, [0.25, 1.0, 0.75, 0.125])


def test_one_draw_for_each_element_is_noticed() -> None:
    x = np.linspace(1, -1, 20, dtype=np.float32)
    torch.manual_seed(0)
    expected = torch.nn.RReLU(0.0, 1.0)(torch.tensor(x)).numpy()
    rng.manual_seed(0)
    np.testing.assert_array_equal(nn.RReLU(0.0, 1.0)(jnp.asarray(x)), expected)
    drawn = rng.Generator(0).uniform(20, dtype=np.float64).astype(np.float32)
    assert not np.array_equal(np.where(x > 0, x, x * drawn), expected)


def test_slopes_by_key_lie_between_the_bounds() -> None:
    def draw(key: jax.Array) -> jax.Array:
        with nn.dropout_source(nn.KeyMasks(key)):
            return nn.RReLU(0.25, 0.5)(-jnp.ones(1000))

    found = -jax.jit(draw)(jax.random.key(0))
    assert 0.25 <= found.min() < 0.26
    assert 0.49 < found.max() <= 0.5


def test_slopes_of_the_host_cannot_be_had_inside() -> None:
    with pytest.raises(ValueError, match="dropout_source"):
        jax.jit(nn.RReLU())(jnp.ones(3))
    with pytest.raises(ValueError, match="depends on its input's values"):
        nn.dropout_draws(nn.RReLU(), jnp.ones(3))


def test_a_model_with_running_statistics_can_be_asked_for_its_masks() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout1d(0.25), nn.LSTM(3, 2, 2))
    model[2].dropout.p = 0.5
    draws = nn.dropout_draws(model, jnp.ones((4, 3, 3)))
    assert draws == [((4, 3, 1), 0.75), ((4, 3, 2), 0.5)]
    assert int(model[0].num_batches_tracked[...]) == 0


def test_a_recurrent_layer_drops_inside_scan() -> None:
    layer = nn.GRU(3, 2, num_layers=2, dropout=0.5)

    def step(carry: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        with nn.dropout_source(nn.KeyMasks(key)):
            _, last = layer(jnp.ones((5, 4, 3)), carry)
        return last, last[-1]

    keys = jax.random.split(jax.random.key(0), 3)
    run = jax.jit(lambda keys: jax.lax.scan(step, jnp.zeros((2, 4, 2)), keys))
    _, found = run(keys)
    _, again = run(keys)
    np.testing.assert_array_equal(found, again)
    assert (found[0] != run(keys[::-1])[1][0]).any()
