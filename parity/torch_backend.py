"""The same run in plain PyTorch: the tutorial's loop, yielding the same events."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader
from torchvision.datasets import FashionMNIST
from torchvision.transforms import Compose, Normalize, ToTensor

from jaxtrain import data, registry
from jaxtrain.config import Config, check_rates
from jaxtrain.history import Evaluation, Event, Started, Steps, epoch_events
from jaxtrain.registry import ConfigError
from parity.torch_losses import configured_loss, penalty
from parity.torch_models import configured_model
from parity.torch_names import torch_gradient, torch_optimizer
from parity.torch_schedulers import cycles_momentum, torch_scheduler

REPORT_EVERY = 100
"""Batches between two events."""

IMPLEMENTATION = ("foreach", "fused", "capturable", "differentiable")
"""Arguments that choose an implementation and not a formula: not on offer."""


def run(
    config: Config,
    dataset: data.Dataset,
    prepare: Callable[[torch.nn.Module], None] = lambda model: None,
) -> Iterator[Event]:
    """Train as configured, in PyTorch.

    Args:
        config: the run.
        dataset: what it trains on.
        prepare: what is done to the model before it is trained.

    Initial weights, order and masks come from PyTorch's global generator, so two such
    runs should follow one another and not take turns.

    Raises:
        ConfigError: something that was asked for does not exist or does not fit.
    """
    # As `jaxtrain.nn.Linear` does: only float64 is drawn in its own precision.
    wide = config.loop.dtype == "float64"
    with _torchvision_root(dataset) as root:
        events = _run(config, root, prepare)
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


def _run(
    config: Config, root: Path, prepare: Callable[[torch.nn.Module], None]
) -> Iterator[Event]:
    this = _Run(config, root)
    prepare(this.model)
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
        self.model = configured_model(config).to(self.device, self.dtype)
        self.loss_fn = configured_loss(config, self.device, self.dtype)
        self.optimizers = _optimizers(config, self.model)
        self.schedulers = [torch_scheduler(config, each) for each in self.optimizers]
        transform = _transform(config)
        self.train_loader, self.test_loader = (
            DataLoader(
                FashionMNIST(root, train=train, transform=transform),
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
        momenta: list[float] = []
        for batch, (X, y) in enumerate(self.train_loader):
            group = self.optimizers[0].param_groups[0]
            lrs.append(float(group["lr"]))
            if cycles_momentum(self.schedulers[0]):
                betas = group.get("betas")
                momenta.append(float(betas[0] if betas else group["momentum"]))
            check_rates(lrs[-1:])
            X, y = X.to(self.device, self.dtype), y.to(self.device)
            losses.append(self.update(X, y).item())
            self.tick("step")
            if len(losses) == REPORT_EVERY or batch + 1 == len(self.train_loader):
                yield Steps(epoch, batch + 1 - len(losses), losses, lrs, momenta)
                losses, lrs, momenta = [], [], []
        self.tick("epoch")

    def update(self, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Take a step on one batch, and return the loss before it."""
        if self.config.optimizer.name == "lbfgs":
            with self.refusals("optimizer"):
                return self.optimizers[0].step(lambda: self.backward(X, y))
        loss = self.backward(X, y)
        with self.refusals("optimizer"):
            for optimizer in self.optimizers:
                optimizer.step()
        return loss

    @contextmanager
    def refusals(self, kind: str) -> Iterator[None]:
        """PyTorch finds some values impossible only when it uses them."""
        try:
            yield
        except (ValueError, TypeError, LookupError, ArithmeticError) as error:
            name = getattr(self.config, kind).name
            raise ConfigError(f"{kind} {name}: {error}") from error

    def backward(self, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The loss of one batch, with its gradients in place of the last ones."""
        self.model.zero_grad()
        loss = self.loss_fn(self.model(X), y) + penalty(self.config, self.model)
        loss.backward()
        for p in self.model.parameters():
            p.grad = torch_gradient(self.config.optimizer.name, p.grad)
        return loss

    def tick(self, what: str) -> None:
        """Step the schedulers, if they step after that."""
        chosen = self.config.scheduler
        if chosen.name is not None and chosen.every == what and not chosen.watches:
            self.step_schedulers()

    def step_schedulers(self, *metric: float) -> None:
        with self.refusals("scheduler"):
            for scheduler in self.schedulers:
                scheduler.step(*metric)

    @torch.no_grad()
    def test(self) -> Evaluation:
        self.model.eval()
        loss, correct = 0.0, 0
        for X, y in self.test_loader:
            X, y = X.to(self.device, self.dtype), y.to(self.device)
            pred = self.model(X)
            loss += self.loss_fn(pred, y).item()
            correct += int((pred.argmax(1) == y).sum())
        images, avg_loss = len(self.test_loader.dataset), loss / len(self.test_loader)
        if self.config.scheduler.watches:
            self.step_schedulers(avg_loss)
        return Evaluation(100 * correct / images, avg_loss)


def _transform(config: Config) -> Callable[..., torch.Tensor]:
    chosen = config.data.normalization
    if chosen is None:
        return ToTensor()
    mean, std = chosen
    return Compose([ToTensor(), Normalize((mean,), (std,))])


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


def _optimizers(config: Config, model: torch.nn.Module) -> list[torch.optim.Optimizer]:
    chosen, params = config.optimizer, list(model.parameters())
    rest: list[torch.nn.Parameter] = []
    if chosen.rest is not None:
        rest = [p for p in params if p.ndim != 2]
        params = [p for p in params if p.ndim == 2]
    built = registry.build(
        _tried(torch_optimizer(chosen.name)),
        params,
        kind="optimizer",
        name=chosen.name,
        arguments=chosen.args,
        fixed={"lr": chosen.lr},
        hidden=IMPLEMENTATION,
    )
    if chosen.rest is None:
        return [built]
    return [built, torch_optimizer(chosen.rest)(rest, lr=chosen.lr)]


def _tried(kind: Callable[..., Any]) -> Callable[..., Any]:
    """`kind`, tried out for two steps: some values are not refused before them."""

    @wraps(kind)
    def tried(params: list[torch.nn.Parameter], **arguments: Any) -> Any:
        p = torch.nn.Parameter(torch.zeros(2, 2))
        trial = kind([p], **arguments)

        def closure() -> torch.Tensor:
            loss = (p - 1).square().sum()
            grad = torch.autograd.grad(loss, p)[0]
            p.grad = grad.to_sparse(1) if kind is torch.optim.SparseAdam else grad
            return loss

        try:
            for _ in range(2):
                closure()
                trial.step(closure)
        except (RuntimeError, LookupError) as error:
            raise ValueError(str(error)) from error
        return kind(params, **arguments)

    return tried
