"""`max_norm` changes the weight in the call, as in PyTorch."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

torch = pytest.importorskip("torch")

from jaxtrain import nn
from parity.proof.layers.cases import CASES
from parity.proof.layers.judge import judge

INDICES = np.array([[0, 4], [4, 2]])
# Three float32 roundings of a row of length 1, and of gradients of size 4.
CLOSE = {"rtol": 0, "atol": 3.6e-7}
STEEP = {"rtol": 0, "atol": 4 * 3.6e-7}


def both(name: str, **arguments: Any) -> tuple[Any, Any]:
    torch.manual_seed(0)
    theirs = getattr(torch.nn, name)(6, 3, max_norm=1.0, **arguments)
    ours = getattr(nn, name)(6, 3, max_norm=1.0, **arguments)
    nn.load_state_dict(ours, theirs.state_dict())
    return ours, theirs


def assert_same_weight(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours.weight[...], theirs.weight.detach(), **CLOSE)


@pytest.mark.parametrize("name", ["Embedding", "EmbeddingBag"])
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_the_weight_stays_shortened(name: str, mode: str) -> None:
    ours, theirs = both(name)
    getattr(ours, mode)(), getattr(theirs, mode)()
    before = ours.weight[...]
    ours(jnp.asarray(INDICES)), theirs(torch.tensor(INDICES))
    assert_same_weight(ours, theirs)
    moved = (ours.weight[...] != before).any(1)
    assert not moved[np.array([1, 3, 5])].any()
    lengths = jnp.linalg.norm(before, axis=1)
    assert (moved == (lengths > 1) & np.isin(np.arange(6), INDICES)).all()
    assert moved.any()


def test_flax_carries_the_change_out_of_what_it_compiles() -> None:
    for run in (
        nnx.jit(lambda model: model(jnp.asarray(INDICES))),
        nnx.grad(lambda model: model(jnp.asarray(INDICES)).sum()),
        nnx.jit(nnx.grad(lambda model: model(jnp.asarray(INDICES)).sum())),
    ):
        ours, theirs = both("Embedding")
        run(ours), theirs(torch.tensor(INDICES))
        assert_same_weight(ours, theirs)


def test_the_gradient_is_that_of_a_mere_lookup() -> None:
    ours, theirs = both("Embedding")
    grads = nnx.grad(lambda model: (model(jnp.asarray(INDICES)) ** 2).sum())(ours)
    (theirs(torch.tensor(INDICES)) ** 2).sum().backward()
    np.testing.assert_allclose(grads.weight[...], theirs.weight.grad, **STEEP)


class Forgetful(nn.Embedding):
    """Shortens what it looks up, but does not keep it."""

    def __call__(self, input: jax.Array) -> jax.Array:
        kept = self.weight[...]
        found = super().__call__(input)
        self.weight[...] = kept
        return found


class Differentiated(nn.Embedding):
    """The gradient goes through the quotient."""

    def __call__(self, input: jax.Array) -> jax.Array:
        rows = self.weight[...][input]
        length = jnp.linalg.norm(rows, axis=-1, keepdims=True)
        return rows * jnp.minimum(1, self.max_norm / (length + 1e-7))


@pytest.mark.parametrize(
    ("twin", "tensor"), [(Forgetful, "output 0"), (Differentiated, "d weight")]
)
def test_a_wrong_renormalisation_is_noticed(twin: type, tensor: str) -> None:
    case = next(c for c in CASES if c.name == "Embedding" and "max_norm" in c.args)
    with jax.enable_x64(True):
        assert all(m.passed for m in judge([case], "float64"))
        wrong = judge(
            [case], "float64", lambda case, dtype: twin(**case.args, dtype=dtype)
        )
    assert not next(m for m in wrong if m.tensor == tensor).passed
