"""The order of a pass is that of PyTorch's `DataLoader`."""

import numpy as np
import pytest

from jaxtrain.data.order import batches, epoch_order
from jaxtrain.rng import Generator

torch = pytest.importorskip("torch")


def torch_batches(length: int, batch_size: int, shuffle: bool) -> list[list[int]]:
    loader = torch.utils.data.DataLoader(
        range(length), batch_size=batch_size, shuffle=shuffle
    )
    return [batch.tolist() for batch in loader]


def our_batches(
    generator: Generator, length: int, batch_size: int, shuffle: bool
) -> list[list[int]]:
    order = epoch_order(generator, length, shuffle)
    return [row.tolist() for chunk in batches(order, batch_size, 3) for row in chunk]


@pytest.mark.parametrize("seed", [0, 1, -1, 2**32 - 1, 2**64 - 1])
@pytest.mark.parametrize(("length", "batch_size"), [(1000, 64), (7, 64), (128, 64)])
def test_two_epochs_with_tests_between(seed: int, length: int, batch_size: int) -> None:
    torch.manual_seed(seed)
    generator = Generator(seed)
    for _ in range(2):
        for size, shuffle in ((length, True), (50, False)):
            theirs = torch_batches(size, batch_size, shuffle)
            assert our_batches(generator, size, batch_size, shuffle) == theirs
    assert bytes(generator.get_state()) == bytes(torch.get_rng_state().numpy())


def test_without_the_base_seed_the_order_is_another() -> None:
    torch.manual_seed(0)
    theirs = torch_batches(1000, 64, shuffle=True)
    broken = Generator(int(Generator(0).random_())).randperm(1000)
    assert [row.tolist() for c in batches(broken, 64, 3) for row in c] != theirs


def test_batches_keep_every_row_once() -> None:
    chunks = list(batches(np.arange(10_000), 64, 100))
    assert [chunk.shape for chunk in chunks] == [(100, 64), (56, 64), (1, 16)]
    np.testing.assert_array_equal(
        np.concatenate([chunk.ravel() for chunk in chunks]), np.arange(10_000)
    )
