"""Layers, their initial weights and their dropout masks are PyTorch's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxtrain import nn, rng
from jaxtrain.models import MLP

torch = pytest.importorskip("torch")

from parity.pytorch.networks import MLP as TorchMLP

SEEDS = [0, 1, 2, 17, -1, 2**32 - 1, 2**63, 2**64 - 1, *range(100, 112)]


def assert_same_state(ours: nnx.Module, theirs: "torch.nn.Module") -> None:
    expected = {name: value.numpy() for name, value in theirs.state_dict().items()}
    state = nn.state_dict(ours)
    assert list(state) == list(expected)
    for name, value in state.items():
        np.testing.assert_array_equal(value, expected[name], strict=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_linear_starts_as_pytorch_starts(seed: int) -> None:
    torch.manual_seed(seed)
    generator = rng.Generator(seed)
    for arguments in ((30, 7), (1, 1), (784, 16), (5, 5, False)):
        theirs = torch.nn.Linear(*arguments)
        assert_same_state(nn.Linear(*arguments, generator=generator), theirs)


@pytest.mark.parametrize("seed", SEEDS)
def test_mlp_starts_as_pytorch_starts(seed: int) -> None:
    torch.manual_seed(seed)
    theirs = TorchMLP(hidden=(64, 32), dropout=0.1)
    ours = MLP(hidden=(64, 32), dropout=0.1, generator=rng.Generator(seed))
    assert_same_state(ours, theirs)


def test_the_default_generator_is_seeded_as_in_pytorch() -> None:
    torch.manual_seed(5)
    rng.manual_seed(5)
    assert_same_state(MLP(hidden=(128,)), TorchMLP(hidden=(128,)))


def test_float64_draws_its_own_values() -> None:
    torch.manual_seed(0)
    with jax.enable_x64(True):
        ours = nn.Linear(30, 7, generator=rng.Generator(0), dtype=jnp.float64)
        assert_same_state(ours, torch.nn.Linear(30, 7, dtype=torch.float64))


def test_bfloat16_is_the_rounded_float32() -> None:
    torch.manual_seed(0)
    theirs = torch.nn.Linear(30, 7).to(torch.bfloat16).float()
    ours = nn.Linear(30, 7, generator=rng.Generator(0), dtype=jnp.bfloat16)
    weight = ours.weight[...].astype(jnp.float32)
    np.testing.assert_array_equal(weight, theirs.weight.detach().numpy())


@pytest.mark.parametrize("bias_first", [False, True])
def test_drawing_the_bias_first_is_noticed(bias_first: bool) -> None:
    generator = rng.Generator(0)
    bound = 1 / 30**0.5
    bias = generator.uniform((7,), -bound, bound) if bias_first else None
    weight = nn.Linear(30, 7, bias=False, generator=generator).weight[...]
    if bias is None:
        bias = generator.uniform((7,), -bound, bound)
    torch.manual_seed(0)
    theirs = torch.nn.Linear(30, 7)
    same = np.array_equal(weight, theirs.weight.detach().numpy())
    assert same is not bias_first
    assert np.array_equal(bias, theirs.bias.detach().numpy()) is not bias_first


@pytest.mark.parametrize("shape", [(64, 784), (784,), (2, 3, 784)])
def test_mlp_computes_what_pytorch_computes(shape: tuple[int, ...]) -> None:
    """In float64, to 1e-15 of the largest term: both sum some 800 products."""
    torch.manual_seed(0)
    theirs = TorchMLP(hidden=(64, 32)).double()
    with jax.enable_x64(True):
        ours = MLP(hidden=(64, 32), dtype=jnp.float64)
        nn.load_state_dict(ours, theirs.state_dict())
        inputs = np.random.default_rng(0).standard_normal((4, *shape[-1:]))
        outputs = ours(jnp.asarray(inputs))
    expected = theirs(torch.tensor(inputs)).detach().numpy()
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-15 * 784)


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("seed", [0, 1, -1])
def test_dropout_masks_follow_pytorch(p: float, seed: int) -> None:
    torch.manual_seed(seed)
    rng.manual_seed(seed)
    x = np.random.default_rng(0).standard_normal((64, 50)).astype(np.float32)
    for _ in range(3):
        theirs = torch.nn.Dropout(p)(torch.tensor(x)).numpy()
        np.testing.assert_array_equal(nn.Dropout(p)(jnp.asarray(x)), theirs)
    state = rng.default_generator.get_state()
    assert bytes(state) == bytes(torch.get_rng_state().numpy())


def test_dropout_of_the_complement_is_noticed() -> None:
    torch.manual_seed(0)
    theirs = torch.nn.Dropout(0.2)(torch.ones(50)).numpy()
    dropped = rng.Generator(0).bernoulli((50,), 0.2)
    assert not np.array_equal(~dropped * np.float32(1.25), theirs)


def test_eval_and_train_reach_every_dropout() -> None:
    model = MLP(hidden=(64,), dropout=0.5)
    x = jnp.ones((2, 784))
    model.eval()
    np.testing.assert_array_equal(model(x), model(x))
    model.train()
    assert (model(x) != model(x)).any()


def test_given_masks_are_used_in_order_under_jit_and_scan() -> None:
    model = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5))
    draws = nn.dropout_draws(model, jnp.ones(8))
    assert draws == [((8,), 0.5), ((8,), 0.5)]
    masks = [rng.Generator(i).bernoulli((3, 8), 0.5) for i in range(2)]

    def step(carry: None, given: list[jax.Array]) -> tuple[None, jax.Array]:
        with nn.dropout_source(nn.GivenMasks(given)):
            return carry, model(jnp.ones(8))

    _, outputs = jax.jit(lambda m: jax.lax.scan(step, None, m))(masks)
    np.testing.assert_array_equal(outputs, 4.0 * (masks[0] & masks[1]))


def test_key_masks_differ_between_layers_and_repeat_with_the_key() -> None:
    def draw(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        with nn.dropout_source(nn.KeyMasks(key)):
            return nn.Dropout(0.25)(jnp.ones(4000)), nn.Dropout(0.25)(jnp.ones(4000))

    first, second = jax.jit(draw)(jax.random.key(0))
    again, _ = jax.jit(draw)(jax.random.key(0))
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()
    # Five standard deviations of a binomial share of 4,000 draws.
    assert abs((first == 0).mean() - 0.25) < 5 * (0.25 * 0.75 / 4000) ** 0.5


def test_masks_that_cannot_be_had_are_refused() -> None:
    with pytest.raises(ValueError, match="dropout_source"):
        jax.jit(nn.Dropout(0.5))(jnp.ones(3))
    with (
        pytest.raises(ValueError, match=r"\(3,\).*none is left"),
        nn.dropout_source(nn.GivenMasks([])),
    ):
        nn.Dropout(0.5)(jnp.ones(3))
    with (
        pytest.raises(ValueError, match=r"\(3,\).*\(4,\)"),
        nn.dropout_source(nn.GivenMasks([jnp.ones(4, bool)])),
    ):
        nn.Dropout(0.5)(jnp.ones(3))
    with pytest.raises(ValueError, match=r"1\.5"):
        nn.Dropout(1.5)


def test_state_dict_goes_both_ways() -> None:
    theirs = TorchMLP(hidden=(64, 32))
    ours = MLP(hidden=(64, 32))
    nn.load_state_dict(ours, theirs.state_dict())
    assert_same_state(ours, theirs)
    other = TorchMLP(hidden=(64, 32))
    other.load_state_dict(
        {name: torch.tensor(value) for name, value in nn.state_dict(ours).items()}
    )
    assert_same_state(ours, other)


def test_a_state_dict_that_does_not_fit_is_refused_whole() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    before = nn.state_dict(model)
    broken = {**before, "0.weight": np.ones((2, 4)), "2.bias": np.ones(1)}
    del broken["1.bias"]
    with pytest.raises(ValueError, match="cannot load") as caught:
        nn.load_state_dict(model, broken)
    for part in ("missing '1.bias'", "unexpected '2.bias'", "(2, 4), not (2, 3)"):
        assert part in str(caught.value)
    for name, value in nn.state_dict(model).items():
        np.testing.assert_array_equal(value, before[name])


def test_shapes_that_do_not_fit_name_the_layer() -> None:
    with pytest.raises(ValueError, match=r"Linear\(3, 2\).*\(5, 4\)"):
        nn.Linear(3, 2)(jnp.ones((5, 4)))
    with pytest.raises(ValueError, match="-1"):
        nn.Linear(-1, 2)
    with pytest.raises(ValueError, match=r"\[784, 0, 10\]"):
        MLP(hidden=(0,))


def test_nothing_in_and_nothing_out() -> None:
    assert nn.Linear(0, 3)(jnp.ones((2, 0))).shape == (2, 3)
    assert nn.Flatten()(jnp.zeros((0, 28, 28))).shape == (0, 784)


def test_parameters_that_ask_for_gradients_load() -> None:
    theirs = torch.nn.Linear(3, 2)
    ours = nn.Linear(3, 2)
    nn.load_state_dict(ours, dict(theirs.named_parameters()))
    assert_same_state(ours, theirs)


def test_flatten_and_sequential() -> None:
    x = np.zeros((2, 3, 4, 5))
    for dims in ((), (0,), (1, 2), (-2,)):
        theirs = torch.nn.Flatten(*dims)(torch.tensor(x))
        assert nn.Flatten(*dims)(jnp.asarray(x)).shape == tuple(theirs.shape)
    model = nn.Sequential(nn.ReLU(), nn.Flatten())
    assert len(model) == 2
    assert isinstance(model[-1], nn.Flatten)
    assert [type(layer) for layer in (model[:1][0], model[1:][0])] == [
        nn.ReLU,
        nn.Flatten,
    ]
    with pytest.raises(IndexError):
        model[2]
