"""The same run in plain PyTorch: the tutorial's loop, yielding the same events."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch.utils.data import DataLoader
from torchvision.datasets import FashionMNIST
from torchvision.transforms import ToTensor

from jaxtrain import data, registry
from jaxtrain.config import Config
from jaxtrain.history import Epoch, Event, Started, Steps
from jaxtrain.registry import ConfigError
from parity.torch_models import MLP

REPORT_EVERY = 100
"""Batches between two events."""

DEPRECATED = ("size_average", "reduce")
"""Arguments of losses that `reduction` has replaced: not on offer."""

IMPLEMENTATION = ("foreach", "fused", "capturable", "differentiable")
"""Arguments that choose an implementation and not a formula: not on offer."""


def run(config: Config, dataset: data.Dataset) -> Iterator[Event]:
    """Train as configured, in PyTorch.

    Raises:
        ConfigError: something that was asked for does not exist or does not fit.
    """
    dtype = getattr(torch, config.loop.dtype)
    # As `jaxtrain.nn.Linear` does: only float64 is drawn in its own precision.
    default = torch.float64 if dtype == torch.float64 else torch.float32
    with _default_dtype(default), _torchvision_root(dataset) as root:
        yield from _run(config, dtype, root)


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def _torchvision_root(dataset: data.Dataset) -> Iterator[Path]:
    """A folder in which torchvision finds the data set's own files."""
    layout = Path(FashionMNIST.__name__, "raw")
    if dataset.folder is not None and dataset.folder.parts[-2:] == layout.parts:
        yield dataset.folder.parents[1]
        return
    with tempfile.TemporaryDirectory() as root:
        data.write_idx(dataset.train, Path(root, layout), "train")
        data.write_idx(dataset.test, Path(root, layout), "test")
        yield Path(root)


def _run(config: Config, dtype: torch.dtype, root: Path) -> Iterator[Event]:
    device = _device(config.loop.device)
    if config.model.dropout_masks != "torch":
        raise ConfigError(
            f"--dropout-masks {config.model.dropout_masks} is not for --backend torch, "
            "which draws its own"
        )
    torch.manual_seed(config.loop.seed)
    model = MLP(hidden=config.model.hidden, dropout=config.model.dropout)
    model = model.to(device, dtype)
    loss_fn = _loss(config, dtype)
    optimizer = _optimizer(config, model)
    scheduler = _scheduler(config, optimizer)
    every = config.scheduler.every
    train_loader, test_loader = (
        DataLoader(
            FashionMNIST(root, train=train, transform=ToTensor()),
            batch_size=config.data.batch_size,
            shuffle=train and config.data.shuffle,
        )
        for train in (True, False)
    )
    yield _started(config, model, device)

    for epoch in range(1, config.loop.epochs + 1):
        start = time.perf_counter()
        model.train()
        total, losses, lrs = 0.0, [], []
        for batch, (X, y) in enumerate(train_loader):
            X, y = X.to(device, dtype), y.to(device)
            loss = loss_fn(model(X), y)
            loss.backward()
            lrs.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
            total += losses[-1]
            if scheduler is not None and every == "step":
                scheduler.step()
            last = batch + 1 == len(train_loader)
            if len(losses) == REPORT_EVERY or last:
                yield Steps(epoch, batch + 1 - len(losses), losses, lrs)
                losses, lrs = [], []
        if scheduler is not None and every == "epoch":
            scheduler.step()
        trained = time.perf_counter()
        accuracy, avg_loss = _test(model, test_loader, loss_fn, device, dtype)
        yield Epoch(
            epoch=epoch,
            train_loss=total / len(train_loader),
            accuracy=accuracy,
            avg_loss=avg_loss,
            train_seconds=trained - start,
            test_seconds=time.perf_counter() - trained,
        )


def _test(
    model: torch.nn.Module,
    loader: DataLoader,
    loss_fn: Callable[..., torch.Tensor],
    device: torch.device,
    dtype: torch.dtype,
) -> tuple[float, float]:
    model.eval()
    loss, correct = 0.0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(device, dtype), y.to(device)
            pred = model(X)
            loss += loss_fn(pred, y).item()
            correct += int((pred.argmax(1) == y).sum())
    return 100 * correct / len(loader.dataset), loss / len(loader)


def _started(config: Config, model: torch.nn.Module, device: torch.device) -> Started:
    kind = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    sizes = [784, *config.model.hidden, 10]
    return Started(
        backend="torch",
        device=f"gpu ({kind})" if kind else device.type,
        model=f"MLP {'-'.join(map(str, sizes))}",
        parameters=sum(p.numel() for p in model.parameters()),
        versions={name: version(name) for name in ("torch", "torchvision", "numpy")},
    )


def _device(name: str) -> torch.device:
    found = torch.cuda.is_available()
    if name == "tpu" or (name == "gpu" and not found):
        kinds = "cpu, gpu" if found else "cpu"
        raise ConfigError(f"no {name} device: PyTorch finds only {kinds} here")
    return torch.device("cuda" if found and name != "cpu" else "cpu")


def _class(kind: str, name: str, module: ModuleType) -> Callable[..., Any]:
    """PyTorch's class for our name: `step_lr` is `StepLR`."""
    names = {key.lower(): key for key in vars(module) if key[:1].isupper()}
    key = name.replace("_", "")
    if key not in names:
        raise ConfigError(f"PyTorch {torch.__version__} has no {kind} {name!r}")
    return getattr(module, names[key])


def _optimizer(config: Config, model: torch.nn.Module) -> torch.optim.Optimizer:
    chosen = config.optimizer
    return registry.build(
        _class("optimizer", chosen.name, torch.optim),
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
    kind = _class("scheduler", chosen.name, torch.optim.lr_scheduler)

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


def _loss(config: Config, dtype: torch.dtype) -> Callable[..., torch.Tensor]:
    chosen = config.loss
    function = getattr(torch.nn.functional, chosen.name)
    arguments = {
        key: torch.tensor(value, dtype=dtype) if isinstance(value, tuple) else value
        for key, value in chosen.args.items()
    }
    tried = registry.build(
        function,
        torch.zeros(2, 10, dtype=dtype),
        torch.zeros(2, dtype=torch.int64),
        kind="loss",
        name=chosen.name,
        arguments=arguments,
        hidden=DEPRECATED,
    )
    if tried.ndim:
        raise ConfigError(
            f"loss {chosen.name} gives values of shape {tuple(tried.shape)} for a "
            "batch of 2; training needs one number, as with reduction=mean"
        )
    return partial(function, **arguments)
