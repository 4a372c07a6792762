"""The tutorial's program as a PyTorch user writes it, with nothing recorded.

python -m parity.bench.tutorial_loop ROOT EPOCHS MODEL
"""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import FashionMNIST
from torchvision.transforms import ToTensor

from parity.pytorch.networks import MODEL


def train(loader: DataLoader, model: nn.Module, optimizer: torch.optim.SGD) -> None:
    """One pass, printing every 100th loss."""
    loss_fn = nn.CrossEntropyLoss()
    size = len(loader.dataset)
    model.train()
    for batch, (X, y) in enumerate(loader):
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if batch % 100 == 0:
            current = batch * 64 + len(X)
            print(f"loss: {loss.item():>7f}  [{current:>5d}/{size:>5d}]")


def test(loader: DataLoader, model: nn.Module) -> None:
    """Accuracy and the average of the batches' losses."""
    loss_fn = nn.CrossEntropyLoss()
    model.eval()
    loss, correct = 0.0, 0.0
    with torch.no_grad():
        for X, y in loader:
            pred = model(X)
            loss += loss_fn(pred, y).item()
            correct += (pred.argmax(1) == y).type(torch.float).sum().item()
    accuracy = 100 * correct / len(loader.dataset)
    print(f"Accuracy: {accuracy:>0.1f}%, Avg loss: {loss / len(loader):>8f}\n")


def main(root: str, epochs: int, name: str) -> None:
    """Train and test `epochs` times on torchvision's files under `root`."""
    torch.manual_seed(0)
    train_loader, test_loader = (
        DataLoader(FashionMNIST(root, train=part, transform=ToTensor()), batch_size=64)
        for part in (True, False)
    )
    model = MODEL.find(name)()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    for epoch in range(epochs):
        print(f"Epoch {epoch + 1}")
        train(train_loader, model, optimizer)
        test(test_loader, model)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
