"""Trainings that are broken off and gone on with; run as a program, one is killed.

    python resume_cases.py CASE OUT [STEPS]

trains CASE into OUT and writes its losses to OUT.json; after STEPS steps the process
kills itself as a power cut would.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxtrain import Trainer, data, events, losses, lr_scheduler, nn, optim, rng

EPOCHS, BATCH = 3, 8
RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(50, 6)).astype(np.float32)
Y = X[:, :3].argmax(1)


class Noisy:
    """A data set that draws in `__getitem__`."""

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, row: int) -> Any:
        return X[row] + rng.default_generator.normal(6) * np.float32(0.1), Y[row]


def network() -> nn.Sequential:
    rng.manual_seed(5)
    return nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Dropout(0.3), nn.Linear(9, 3))


def by_outputs(**options: Any) -> Trainer:
    return Trainer(network(), optim.adamw(lr=0.01), losses.cross_entropy, **options)


def by_model() -> Trainer:
    def loss(model: Any, batch: Any) -> Any:
        scores = model(batch[0])
        return losses.cross_entropy(scores, batch[1]), {"size": jnp.abs(scores).mean()}

    return Trainer(network(), optim.sgd(lr=0.1, momentum=0.9), loss)


def by_step() -> Trainer:
    from door_cases import gan_trainer

    return gan_trainer(dtype="float32")


def gan_arrays() -> Any:
    random = np.random.default_rng(2)
    sizes = (50, 2), (50, 4)
    return tuple(random.normal(size=size).astype(np.float32) for size in sizes)


def streamed(dataset: Any, **options: Any) -> data.DataLoader:
    return data.DataLoader(dataset, BATCH, shuffle=True, **options)


class Order:
    """Any iterable, with an order of its own for each epoch."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(4)

    def __iter__(self) -> Iterator[Any]:
        order = self.random.permutation(len(X))
        for rows in np.split(order, range(BATCH, len(X), BATCH)):
            yield X[rows], Y[rows]


def drops() -> dict[str, Any]:
    schedule = lr_scheduler.reduce_lr_on_plateau(0.01, patience=0, threshold=0.5)
    return {"scheduler": schedule, "validation": (X, Y), "early_stopping": 9}


CASES: dict[str, tuple[Callable[[], Trainer], Callable[[], Any], dict[str, Any]]] = {
    "outputs, arrays": (
        by_outputs,
        lambda: (X, Y),
        {"batch_size": BATCH, "shuffle": True, **drops()},
    ),
    "outputs, loader's arrays": (
        by_outputs,
        lambda: streamed(data.TensorDataset(X, Y)),
        {"accumulate": 3, "clip_norm": 0.5, "ema": 0.9},
    ),
    "outputs, stream": (by_outputs, lambda: streamed(Noisy()), {}),
    "outputs, threads": (by_outputs, lambda: streamed(Noisy(), num_workers=2), {}),
    "model, stream": (
        by_model,
        lambda: streamed(Noisy()),
        {
            "scheduler": lr_scheduler.one_cycle_lr(0.1, 21, cycle_momentum=False),
            "scheduler_every": "step",
            "swa": 2,
        },
    ),
    "model, iterable": (by_model, Order, {}),
    "step, arrays": (by_step, gan_arrays, {"batch_size": BATCH, "shuffle": True}),
    "step, stream": (by_step, lambda: streamed(Rows(gan_arrays())), {}),
}


class Rows:
    """A data set that is no arrays to the loader."""

    def __init__(self, arrays: Sequence[np.ndarray]):
        self.arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, row: int) -> Any:
        return tuple(array[row] for array in self.arrays)


def fit(
    case: str, out: Path | None, most: int | None = None, ends: Any = None
) -> tuple[list[float], list[np.ndarray]]:
    """Train a case, or go on with it; gives the losses and the weights.

    Args:
        case: its name.
        out: the run's folder.
        most: steps of this session.
        ends: called with their number when they are done; else the run stops.
    """
    make, batches, options = CASES[case]
    trainer, done = make(), [0]

    def see(event: Any) -> str | None:
        if isinstance(event, events.Steps):
            done[0] += len(event.losses)
            if most is not None and done[0] >= most:
                return "enough" if ends is None else ends()
        return None

    history = trainer.fit(
        batches(),
        epochs=EPOCHS,
        out=out,
        resume=None if out is None else "auto",
        save_every=0,
        monitor=2,
        callbacks=[see],
        **options,
    )
    import jax

    return history.losses, [np.asarray(x) for x in jax.tree.leaves(trainer.state)]


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    case, out = sys.argv[1], Path(sys.argv[2])
    most = int(sys.argv[3]) if len(sys.argv) > 3 else None
    values, weights = fit(case, out, most, kill)
    sums = [weight.tobytes().hex() for weight in weights]
    Path(f"{out}.json").write_text(json.dumps([values, sums]))
