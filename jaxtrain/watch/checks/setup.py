from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from numpy.typing import ArrayLike

from jaxtrain.training import Chunk, Engine, Numerics, Placed


@dataclass(frozen=True)
class Setup:
    """A network and all that is to train it: what `Engine` takes, and what a run adds.

    Attributes:
        model: any NNX module that maps a batch of inputs to outputs; it stays as it is.
        optimizer: an Optax transformation whose update takes `lr`.
        loss: maps (outputs, targets) of a batch to a scalar.
        prepare: applied to the raw inputs of each batch.
        numerics: types and device.
        penalty: maps the parameters to what is added to the loss while training.
        lr: the learning rate; without one it is not checked.
        batch_size: inputs in a batch.

    Example:
        >>> from jaxtrain import losses, models, optim
        >>> model = models.MLP(in_features=3, hidden=(4,), out_features=2)
        >>> setup = Setup(model, optim.sgd(lr=0.1), losses.mse_loss, lr=0.1)
        >>> setup.prepared([[0, 1, 2]]).shape, setup.batch_size
        ((1, 3), 64)
    """

    model: nnx.Module
    optimizer: optax.GradientTransformation
    loss: Callable[[jax.Array, jax.Array], jax.Array]
    prepare: Callable[[jax.Array], jax.Array] = lambda inputs: inputs
    numerics: Numerics = field(default_factory=Numerics)
    penalty: Callable[[Any], jax.Array] | None = None
    lr: float | None = None
    batch_size: int = 64

    def prepared(self, inputs: Any) -> np.ndarray:
        """Raw inputs as the network sees them."""
        with self.numerics.active():
            return np.asarray(self.prepare(jnp.asarray(inputs)))

    def trainer(
        self, optimizer: optax.GradientTransformation, penalised: bool = False
    ) -> Engine:
        """A trainer of a copy of the model, with an optimiser of the caller's."""
        penalty = self.penalty if penalised else None
        pieces = self.loss, self.prepare, self.numerics, penalty
        return Engine(self.model, optimizer, *pieces)

    def chunk(self, rows: np.ndarray, lr: ArrayLike = 0.0, seed: int = 0) -> Chunk:
        """Batches (steps, batch) of row numbers with their rates and dropout masks.

        Args:
            rows: (steps, batch).
            lr: of every step, or (steps,).
            seed: of the masks.
        """
        lrs = np.broadcast_to(np.asarray(lr, self.numerics.scalar), len(rows))
        with self.numerics.active():
            keys = jax.random.split(jax.random.key(seed), len(rows))
        return Chunk(rows, {"lr": lrs}, keys)


class Sample(NamedTuple):
    """Some of the training data, in random order."""

    inputs: np.ndarray
    targets: np.ndarray

    def placed(self, trainer: Engine) -> Placed:
        return trainer.place(self.inputs, self.targets)

    def batches(self, steps: int, size: int) -> np.ndarray:
        """Row numbers (steps, size), from the first row again where rows run out."""
        size = min(size, len(self.targets))
        return (np.arange(steps * size) % len(self.targets)).reshape(steps, size)


def draw(inputs: ArrayLike, targets: ArrayLike, size: int) -> Sample:
    """`size` rows at random, the same at every call; rows that are not finite stay out.

    Example:
        >>> draw(np.array([[1.0], [np.nan]]), np.array([3, 4]), 5).targets
        array([3])
    """
    inputs, targets = np.asarray(inputs), np.asarray(targets)
    # Data need not be in random order: the first rows may all be of one class.
    order = np.random.default_rng(0).permutation(len(targets))[: 2 * size]
    sample = inputs[order]
    finite = np.isfinite(sample.reshape(len(order), -1)).all(axis=1)
    rows = order[finite][:size]
    return Sample(inputs[rows], targets[rows])
