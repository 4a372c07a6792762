"""One batch, learned by heart."""

import numpy as np

from jaxtrain import optim
from jaxtrain.checks._finding import Finding
from jaxtrain.checks._setup import Sample, Setup

STEPS = 150
RATES = (1e-3, 1e-2)
"""Of Adam; the second only where the first was not enough."""
BATCH = 64
GREATEST_REST = 0.3
"""Share that may be left of the way from a guess to the best possible loss: 0 to 0.07
is, and 0.23 with the absolute error, whose gradient does not shrink."""


def one_batch_learned(
    setup: Setup, sample: Sample, guess: float, best: float
) -> Finding:
    """Whether a copy of the network can learn one batch by heart, with Adam.

    Args:
        setup: what is trained.
        sample: the batch is its first `BATCH` rows.
        guess: loss of that batch where all outputs are zero.
        best: the least that any outputs give.
    """
    name = "one batch can be learned"
    rows = sample.batches(1, BATCH)
    enough = best + GREATEST_REST * (guess - best)
    last = guess
    for lr in RATES:
        if last > enough:
            last = min(last, _learned(setup, sample, rows, lr, enough))
    what = (
        f"Adam takes {rows.size} inputs from {guess:.4f}, a guess, to {last:.4f} in "
        f"{STEPS} steps; the best possible is {best:.4f}"
    )
    if last <= enough and guess > best:
        return Finding(name, True, what)
    return Finding(
        name,
        False,
        f"{what}: a network that cannot learn one batch by heart has a fault; see to "
        "the other findings first, then to dropout, the loss and the last layer",
    )


def _learned(
    setup: Setup, sample: Sample, rows: np.ndarray, lr: float, enough: float
) -> float:
    trainer = setup.trainer(optim.adam(lr=lr))
    data = sample.placed(trainer)
    losses = trainer.train(data, setup.chunk(np.repeat(rows, STEPS, axis=0), lr))
    last = float(losses[-1])
    if last <= enough:
        return last
    # Dropout holds back what is trained; without it the network may know the batch.
    return float(np.fmin(last, trainer.evaluate(data, rows)[0][0]))
