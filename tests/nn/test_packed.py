"""Sequences of several lengths: PyTorch's, though the padding stays here."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn.utils import rnn

from jaxtrain import nn, rng
from jaxtrain.nn.rnn.packed import places

LENGTHS = ([5, 3, 1], [4, 4, 4], [1], [2, 1, 1])
UNSORTED = ([1, 5, 3], [2, 4, 4, 1], [1, 6])


def padded(lengths: Sequence[int], first: bool = False) -> np.ndarray:
    n = len(lengths)
    shape = (n, 6, 2) if first else (6, n, 2)
    return np.random.default_rng(n).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("lengths", [*LENGTHS, *UNSORTED], ids=str)
def test_there_and_back(lengths: list[int], first: bool) -> None:
    x = padded(lengths, first)
    ours = nn.pack_padded_sequence(x, lengths, first, enforce_sorted=False)
    theirs = rnn.pack_padded_sequence(torch.tensor(x), lengths, first, False)
    for more in ({}, {"padding_value": 7.0}, {"total_length": 9}):
        found, sizes = nn.pad_packed_sequence(ours, batch_first=first, **more)
        expected, right = rnn.pad_packed_sequence(theirs, batch_first=first, **more)
        np.testing.assert_array_equal(found, expected, strict=True)
        np.testing.assert_array_equal(sizes, right)
    steps, rows = places(np.asarray(lengths))
    np.testing.assert_array_equal(ours.data[steps, rows], theirs.data)
    for one, other in zip(
        nn.unpack_sequence(ours), rnn.unpack_sequence(theirs), strict=True
    ):
        np.testing.assert_array_equal(one, other, strict=True)


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_sequences_side_by_side(lengths: list[int]) -> None:
    xs = [np.arange(2.0 * size, dtype=np.float32).reshape(size, 2) for size in lengths]
    tensors = [torch.tensor(x) for x in xs]
    for more in ({}, {"batch_first": True, "padding_value": 3.0}):
        for side in ("left", "right"):
            found = nn.pad_sequence(xs, **more, padding_side=side)
            expected = rnn.pad_sequence(tensors, **more, padding_side=side)
            np.testing.assert_array_equal(found, expected, strict=True)
    packed = rnn.pad_packed_sequence(rnn.pack_sequence(tensors))[0]
    np.testing.assert_array_equal(nn.pack_sequence(xs).data, packed)
    sizes = np.asarray(lengths)
    for x, y in zip(xs, nn.unpad_sequence(nn.pad_sequence(xs), sizes), strict=True):
        np.testing.assert_array_equal(x, y)


def test_the_lengths_may_be_data_of_a_compiled_function() -> None:
    layer, compiled = nn.LSTM(2, 3, bidirectional=True), []

    @jax.jit
    def run(x: jax.Array, lengths: jax.Array) -> Any:
        compiled.append(None)
        packed = nn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        outputs, last = layer(packed)
        return nn.pad_packed_sequence(outputs)[0], last

    for lengths in ([6, 2, 4], [1, 6, 5]):
        x = padded(lengths)
        outputs, last = run(x, jnp.asarray(lengths))
        given = nn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        expected, right = layer(given)
        # A few float32 roundings: the compiled function sums in another order.
        np.testing.assert_allclose(outputs, expected.data, rtol=0, atol=1e-6)
        for a, b in zip(last, right, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)
    assert len(compiled) == 1


def test_a_packed_sequence_passes_into_a_compiled_function() -> None:
    layer = nn.GRU(2, 3)
    packed = nn.pack_padded_sequence(padded([5, 2]), [5, 2])
    outputs, _ = jax.jit(lambda packed: layer(packed))(packed)
    np.testing.assert_allclose(outputs.data, layer(packed)[0].data, rtol=0, atol=1e-6)


def test_padding_has_no_gradient() -> None:
    layer, lengths = nn.RNN(2, 3), [2, 5]

    def total(x: jax.Array) -> jax.Array:
        packed = nn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        outputs, last = layer(packed)
        return outputs.data.sum() + last.sum()

    slopes = jax.grad(total)(jnp.asarray(padded(lengths)))
    within = np.arange(6)[:, None] < np.asarray(lengths)
    assert (slopes[~within] == 0).all()
    assert (slopes[within] != 0).all()


def theirs_and_ours(pack: bool) -> tuple[Any, Any]:
    """Last states of both libraries, ours with or without the lengths."""
    lengths = [2, 5]
    x = padded(lengths)
    torch.manual_seed(0)
    theirs = torch.nn.GRU(2, 3)
    ours = nn.GRU(2, 3)
    nn.load_state_dict(ours, theirs.state_dict())
    given = rnn.pack_padded_sequence(torch.tensor(x), lengths, enforce_sorted=False)
    own = nn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    return theirs(given)[1].detach().numpy(), ours(own if pack else own.data)[1]


def test_a_state_that_runs_on_through_the_padding_is_noticed() -> None:
    expected, found = theirs_and_ours(pack=True)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    expected, found = theirs_and_ours(pack=False)
    assert np.abs(found - expected).max() > 1e-2


def test_masks_over_the_padding_are_noticed() -> None:
    """PyTorch draws for what is no padding alone, so padding shifts all masks."""
    lengths = [2, 5, 3]
    draws = nn.dropout_draws(
        lambda x: nn.GRU(2, 3, 2, dropout=0.4)(
            nn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        ),
        padded(lengths),
    )
    assert draws == [((10, 3), 0.6)]
    torch.manual_seed(0)
    theirs = torch.nn.functional.dropout(torch.ones(10, 3), 0.4).numpy()
    of_padding = rng.Generator(0).bernoulli((5, 3, 3), 0.6)
    steps, rows = places(np.asarray(lengths))
    right = rng.Generator(0).bernoulli((10, 3), 0.6)
    assert np.array_equal(theirs != 0, right)
    assert not np.array_equal(theirs != 0, of_padding[steps, rows])


REFUSED = [
    ([3, 4], {}, r"must not increase.*\[3, 4\]"),
    ([0, 1], {"enforce_sorted": False}, r"from 1 to 6, got \[0, 1\]"),
    ([3], {}, r"\(6, 2, 2\).*\(1,\) lengths"),
]


@pytest.mark.parametrize(("lengths", "more", "message"), REFUSED, ids=str)
def test_lengths_that_cannot_be_are_refused(
    lengths: list[int], more: dict[str, Any], message: str
) -> None:
    x = padded([1, 1])
    with pytest.raises(ValueError, match=message):
        nn.pack_padded_sequence(x, lengths, **more)
    with pytest.raises((ValueError, RuntimeError)):
        rnn.pack_padded_sequence(torch.tensor(x), lengths, **more)


def test_more_that_cannot_be_is_refused() -> None:
    packed = nn.pack_padded_sequence(padded([5, 2]), [5, 2])
    # PyTorch 2.15 takes more steps than there are.
    with pytest.raises(ValueError, match=r"from 1 to 6, got \[7, 1\]"):
        nn.pack_padded_sequence(padded([1, 1]), [7, 1])
    with pytest.raises(ValueError, match="5 or more, got 4"):
        nn.pad_packed_sequence(packed, total_length=4)
    with pytest.raises(ValueError, match="'middle'"):
        nn.pad_sequence([jnp.ones(1)], padding_side="middle")
    with pytest.raises(ValueError, match="got none"):
        nn.pad_sequence([])
    with pytest.raises(ValueError, match=r"GRU\(3, 3\).*must be 3"):
        nn.GRU(3, 3)(packed)
