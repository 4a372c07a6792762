"""The same run in plain PyTorch: the tutorial's loop, yielding the same events."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader
from torchvision.datasets import FashionMNIST
from torchvision.transforms import ToTensor

from jaxtrain import data, registry
from jaxtrain.config import Config, check_rates
from jaxtrain.history import Evaluation, Event, Started, Steps, epoch_events
from jaxtrain.registry import ConfigError
from parity.torch_models import MLP
from parity.torch_names import torch_class, torch_optimizer

REPORT_EVERY = 100
"""Batches between two events."""

DEPRECATED = ("size_average", "reduce")
"""Arguments of losses that `reduction` has replaced: not on offer."""

IMPLEMENTATION = ("foreach", "fused", "capturable", "differentiable")
"""Arguments that choose an implementation and not a formula: not on offer."""


def run(config: Config, dataset: data.Dataset) -> Iterator[Event]:
    """Train as configured, in PyTorch.

    Initial weights, order and masks come from PyTorch's global generator, so two such
    runs should follow one another and not take turns.

    Raises:
        ConfigError: something that was asked for does not exist or does not fit.
    """
    # As `jaxtrain.nn.Linear` does: only float64 is drawn in its own precision.
    wide = config.loop.dtype == "float64"
    with _torchvision_root(dataset) as root:
        events = _run(config, root)
        yield from _with_default_dtype(events, torch.float64 if wide else torch.float32)


def _with_default_dtype(events: Iterator[Event], dtype: torch.dtype) -> Iterator[Event]:
    """The same events, made under a default type that the caller never sees."""
    while True:
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            event = next(events, None)
        finally:
            torch.set_default_dtype(before)
        if event is None:
            return
        yield event


@contextmanager
def _torchvision_root(dataset: data.Dataset) -> Iterator[Path]:
    """A folder in which torchvision finds the data set's own files."""
    layout = Path(FashionMNIST.__name__, "raw")
    folder = dataset.folder
    if folder is not None and folder.parts[-2:] == layout.parts:
        root = folder.parents[1]
        # A part of a data set may still say where the whole of it lies.
        if _holds(root, dataset.train, True) and _holds(root, dataset.test, False):
            yield root
            return
    with tempfile.TemporaryDirectory() as name:
        data.write_idx(dataset.train, Path(name, layout), "train")
        data.write_idx(dataset.test, Path(name, layout), "test")
        yield Path(name)


def _holds(root: Path, split: data.Split, train: bool) -> bool:
    found = FashionMNIST(root, train=train)
    return np.array_equal(found.data.numpy(), split.images) and np.array_equal(
        found.targets.numpy(), split.labels
    )


def _run(config: Config, root: Path) -> Iterator[Event]:
    this = _Run(config, root)
    yield this.started()
    for epoch in range(1, config.loop.epochs + 1):
        yield from epoch_events(epoch, this.train(epoch), this.test)


class _Run:
    """One configured run: model, optimiser and loaders, as the tutorial has them."""

    def __init__(self, config: Config, root: Path):
        self.config = config
        self.device = _device(config)
        self.dtype = getattr(torch, config.loop.dtype)
        torch.manual_seed(config.loop.seed)
        model = MLP(hidden=config.model.hidden, dropout=config.model.dropout)
        self.model = model.to(self.device, self.dtype)
        self.loss_fn = _loss(config, self.device, self.dtype)
        self.optimizer = _optimizer(config, self.model)
        self.scheduler = _scheduler(config, self.optimizer)
        self.train_loader, self.test_loader = (
            DataLoader(
                FashionMNIST(root, train=train, transform=ToTensor()),
                batch_size=config.data.batch_size,
                shuffle=train and config.data.shuffle,
            )
            for train in (True, False)
        )

    def started(self) -> Started:
        cuda = self.device.type == "cuda"
        kind = torch.cuda.get_device_name(self.device) if cuda else ""
        return Started(
            backend="torch",
            device=f"gpu ({kind})" if kind else self.device.type,
            model=self.config.model.title(784, 10),
            parameters=sum(p.numel() for p in self.model.parameters()),
            versions={
                name: version(name) for name in ("torch", "torchvision", "numpy")
            },
        )

    def train(self, epoch: int) -> Iterator[Steps]:
        self.model.train()
        losses: list[float] = []
        lrs: list[float] = []
        for batch, (X, y) in enumerate(self.train_loader):
            loss = self.loss_fn(
                self.model(X.to(self.device, self.dtype)), y.to(self.device)
            )
            loss.backward()
            lrs.append(float(self.optimizer.param_groups[0]["lr"]))
            check_rates(lrs[-1:])
            self.optimizer.step()
            self.optimizer.zero_grad()
            losses.append(loss.item())
            self.tick("step")
            if len(losses) == REPORT_EVERY or batch + 1 == len(self.train_loader):
                yield Steps(epoch, batch + 1 - len(losses), losses, lrs)
                losses, lrs = [], []
        self.tick("epoch")

    def tick(self, what: str) -> None:
        """Step the scheduler, if it steps after that."""
        if self.scheduler is not None and self.config.scheduler.every == what:
            self.scheduler.step()

    @torch.no_grad()
    def test(self) -> Evaluation:
        self.model.eval()
        loss, correct = 0.0, 0
        for X, y in self.test_loader:
            X, y = X.to(self.device, self.dtype), y.to(self.device)
            pred = self.model(X)
            loss += self.loss_fn(pred, y).item()
            correct += int((pred.argmax(1) == y).sum())
        images = len(self.test_loader.dataset)
        return Evaluation(100 * correct / images, loss / len(self.test_loader))


def _device(config: Config) -> torch.device:
    name, found = config.loop.device, torch.cuda.is_available()
    if name == "tpu" or (name == "gpu" and not found):
        kinds = "cpu, gpu" if found else "cpu"
        raise ConfigError(f"no {name} device: PyTorch finds only {kinds} here")
    device = torch.device("cuda" if found and name != "cpu" else "cpu")
    masks = config.model.dropout_masks
    if masks != "torch":
        raise ConfigError(
            f"--dropout-masks {masks} is not for --backend torch, which draws its own"
        )
    if config.model.dropout and device.type != "cpu":
        raise ConfigError(
            "--dropout on a GPU draws masks of PyTorch's GPU generator, which nothing "
            "else follows: give --device cpu"
        )
    return device


def _optimizer(config: Config, model: torch.nn.Module) -> torch.optim.Optimizer:
    chosen = config.optimizer
    return registry.build(
        torch_optimizer(chosen.name),
        model.parameters(),
        kind="optimizer",
        name=chosen.name,
        arguments=chosen.args,
        fixed={"lr": chosen.lr},
        hidden=IMPLEMENTATION,
    )


def _scheduler(config: Config, optimizer: torch.optim.Optimizer) -> Any:
    chosen = config.scheduler
    if chosen.name is None:
        return None
    kind = torch_class("scheduler", chosen.name, torch.optim.lr_scheduler)

    @wraps(kind)
    def tried(optimizer: torch.optim.Optimizer, **arguments: Any) -> Any:
        # Some values are not refused before a scheduler's first step.
        other = torch.optim.SGD([torch.zeros(1)], lr=config.optimizer.lr)
        trial = kind(other, **arguments)
        other.step()
        trial.step()
        return kind(optimizer, **arguments)

    return registry.build(
        tried,
        optimizer,
        kind="scheduler",
        name=chosen.name,
        arguments=chosen.args,
    )


def _loss(
    config: Config, device: torch.device, dtype: torch.dtype
) -> Callable[..., torch.Tensor]:
    chosen = config.loss
    function = getattr(torch.nn.functional, chosen.name)

    @wraps(function)
    def tried(
        outputs: torch.Tensor, targets: torch.Tensor, **arguments: Any
    ) -> Callable[..., torch.Tensor]:
        tensors = {
            key: torch.tensor(value, dtype=dtype, device=device)
            if isinstance(value, tuple | list)
            else value
            for key, value in arguments.items()
        }
        try:
            value = function(outputs, targets, **tensors)
        except RuntimeError as error:
            raise ValueError(str(error)) from error
        if value.ndim:
            raise ValueError(
                f"it gives values of shape {tuple(value.shape)} for a batch of "
                f"{len(targets)}; training needs one number, as with reduction=mean"
            )
        return partial(function, **tensors)

    return registry.build(
        tried,
        torch.zeros(2, 10, dtype=dtype, device=device),
        torch.zeros(2, dtype=torch.int64, device=device),
        kind="loss",
        name=chosen.name,
        arguments=chosen.args,
        hidden=DEPRECATED,
    )
