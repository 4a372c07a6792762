"""The tutorial's program on tensors converted once: no `DataLoader`, no transforms.

python -m parity.bench.preloaded_loop ROOT EPOCHS MODEL
"""

import sys

import torch
from torch import nn
from torchvision.datasets import FashionMNIST

from parity.pytorch.networks import MODEL


def tensors(root: str, train: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """All images (N, 1, H, W) as float32 in [0, 1], and all labels."""
    data = FashionMNIST(root, train=train)
    return data.data.float().div(255)[:, None], data.targets


def main(root: str, epochs: int, name: str) -> None:
    """Train and test `epochs` times on torchvision's files under `root`."""
    torch.manual_seed(0)
    (X, y), (test_X, test_y) = tensors(root, True), tensors(root, False)
    model, loss_fn = MODEL.find(name)(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    for epoch in range(epochs):
        print(f"Epoch {epoch + 1}")
        model.train()
        for batch, (inputs, targets) in enumerate(
            zip(X.split(64), y.split(64), strict=True)
        ):
            loss = loss_fn(model(inputs), targets)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            if batch % 100 == 0:
                print(f"loss: {loss.item():>7f}  [{batch * 64 + len(inputs):>5d}]")
        model.eval()
        with torch.no_grad():
            pred = [model(inputs) for inputs in test_X.split(64)]
            losses = map(loss_fn, pred, test_y.split(64))
            correct = (torch.cat(pred).argmax(1) == test_y).sum()
            loss = sum(losses) / len(pred)
        print(f"Accuracy: {correct / 100:>0.1f}%, Avg loss: {loss:>8f}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
