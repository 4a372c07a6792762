"""The official PyTorch tutorial, with the library's own functions.

    python examples/train_mlp.py [EPOCHS]

prints the losses that the tutorial's script prints after `torch.manual_seed(0)`.
"""

import sys

import numpy as np

from jaxtrain import data, losses, models, optim
from jaxtrain.data.order import batches, epoch_order
from jaxtrain.rng import manual_seed
from jaxtrain.training import Chunk, Engine, to_tensor

EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 10
BATCH_SIZE = 64

dataset = data.load("auto")
generator = manual_seed(0)
trainer = Engine(
    models.MLP(hidden=[512, 512]),
    optim.sgd(lr=1e-3),
    losses.cross_entropy,
    prepare=to_tensor(),
)
training, testing = (
    trainer.place(split.images, split.labels) for split in (dataset.train, dataset.test)
)

for epoch in range(EPOCHS):
    print(f"Epoch {epoch + 1}\n-------------------------------")
    order = epoch_order(generator, len(dataset.train), shuffle=False)
    seen = 0
    for rows in batches(order, BATCH_SIZE, steps=100):
        values = trainer.train(training, Chunk(rows))
        if len(rows[0]) == BATCH_SIZE:
            print(f"loss: {values[0]:>7f}  [{seen + BATCH_SIZE:>5d}/{len(order):>5d}]")
        seen += rows.size

    order = epoch_order(generator, len(dataset.test), shuffle=False)
    results = [
        trainer.evaluate(testing, rows)
        for rows in batches(order, BATCH_SIZE, steps=len(order))
    ]
    test_losses, correct = (
        np.concatenate(column) for column in zip(*results, strict=True)
    )
    print(
        f"Test Error: \n Accuracy: {100 * correct.sum() / len(order):>0.1f}%, "
        f"Avg loss: {test_losses.mean():>8f} \n"
    )
