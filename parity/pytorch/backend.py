"""The same run in plain PyTorch: the tutorial's loop, yielding the same events."""

import math
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from torchvision.datasets import FashionMNIST
from torchvision.transforms import Compose, Normalize, ToTensor

from jaxtrain import data
from jaxtrain.errors import ConfigError
from jaxtrain.run.config import Config, RecordsConfig, check_rates
from jaxtrain.run.stopping import Stop, never, select_images
from jaxtrain.store.events import (
    Evaluation,
    Event,
    Started,
    Steps,
    Stopped,
    Tested,
    TrainingFault,
    epoch_with_test,
)
from parity.pytorch.losses import make_loss, penalty
from parity.pytorch.names import (
    cycles_momentum,
    make_optimizers,
    make_scheduler,
    torch_gradient,
)
from parity.pytorch.networks import make_model
from parity.pytorch.transforms import Augment

REPORT_EVERY = 100
"""Batches between two events."""


def run(
    config: Config,
    dataset: data.Dataset,
    prepare: Callable[[torch.nn.Module], None] = lambda model: None,
    stop: Stop = never,
) -> Iterator[Event]:
    """Train as configured, in PyTorch.

    Args:
        config: the run.
        dataset: what it trains on.
        prepare: what is done to the model before it is trained.
        stop: asked between two reports; when it gives a reason, the run ends.

    Initial weights, order and masks come from PyTorch's global generator, so two such
    runs should follow one another and not take turns.

    Raises:
        ConfigError: something that was asked for does not exist or does not fit.
    """
    # As `jaxtrain.nn.Linear` does: only float64 is drawn in its own precision.
    dtype = torch.float64 if config.loop.dtype == "float64" else torch.float32
    _refuse_what_is_not_ours(config)
    dataset = select_images(config, dataset)
    with _folders(dataset) as roots:
        events = _run(config, dataset, roots, prepare, stop)
        while (event := _next(events, dtype)) is not None:
            yield event


def _refuse_what_is_not_ours(config: Config) -> None:
    """Checkpoints and a look inside are the JAX backend's."""
    usual = RecordsConfig()
    for field in fields(config.records):
        value = getattr(config.records, field.name)
        is_set = value != getattr(usual, field.name)
        # Without the monitor a loss that is not finite ends no run, in either.
        off = field.name == "monitor" and value == 0
        theirs = field.name in ("resume", "save_every", "keep", "monitor")
        if theirs and is_set and not off:
            raise ConfigError(
                f"{field.metadata['flag']} {value} is not for --backend torch"
            )


@contextmanager
def _folders(dataset: data.Dataset) -> Iterator[tuple[Path, Path]]:
    """Where torchvision finds what is tested after each epoch, and at the end."""
    with ExitStack() as stack:
        root = stack.enter_context(_torchvision_root(dataset))
        if dataset.validation is None:
            yield root, root
            return
        validation = replace(dataset, test=dataset.validation, folder=None)
        yield stack.enter_context(_torchvision_root(validation)), root


def _next(events: Iterator[Event], dtype: torch.dtype) -> Event | None:
    """The next event, made under a default type that the caller never sees."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        return next(events, None)
    finally:
        torch.set_default_dtype(before)


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
    theirs = FashionMNIST(root, train=train)
    return np.array_equal(theirs.data.numpy(), split.images) and np.array_equal(
        theirs.targets.numpy(), split.labels
    )


def _run(
    config: Config,
    dataset: data.Dataset,
    roots: tuple[Path, Path],
    prepare: Callable[[torch.nn.Module], None],
    stop: Stop,
) -> Iterator[Event]:
    this = _TorchTraining(config, dataset, roots)
    prepare(this.model)
    yield this.start_event()
    for epoch in range(1, config.loop.epochs + 1):
        start = time.perf_counter()
        losses: list[float] = []
        for steps in this.train(epoch, stop):
            losses += steps.losses
            yield steps
        if not stop():
            seconds = time.perf_counter() - start
            yield epoch_with_test(epoch, losses, seconds, this.watch)
        if reason := stop():
            yield Stopped(reason)
            break
    if config.records.out is not None or dataset.validation is not None:
        yield this.last_test()


class _TorchTraining:
    """One configured run: model, optimiser and loaders, as the tutorial has them."""

    def __init__(self, config: Config, dataset: data.Dataset, roots: tuple[Path, Path]):
        self.config = config
        self.device = _device(config)
        self.dtype = getattr(torch, config.loop.dtype)
        torch.manual_seed(config.loop.seed)
        self.model = make_model(config).to(self.device, self.dtype)
        self.average = _average(config, self.model)
        self.loss_fn = make_loss(config, self.device, self.dtype)
        self.optimizers = make_optimizers(config, self.model)
        self.schedulers = [make_scheduler(config, each) for each in self.optimizers]
        self.augment = Augment(config, dataset)
        self.train_loader, self.epoch_test_loader, self.test_loader = (
            DataLoader(
                FashionMNIST(
                    root, train=train, transform=_transform(config, random=train)
                ),
                batch_size=config.data.batch_size,
                shuffle=train and config.data.shuffle,
            )
            for root, train in ((roots[0], True), (roots[0], False), (roots[1], False))
        )
        self.batches = self.batch_count(self.train_loader)
        self.steps = 0

    def batch_count(self, loader: DataLoader) -> int:
        """Batches of one pass."""
        limit = self.config.data.limit_batches
        return len(loader) if limit is None else min(len(loader), limit)

    def start_event(self) -> Started:
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

    def train(self, epoch: int, stop: Stop) -> Iterator[Steps]:
        self.model.train()
        losses: list[float] = []
        lrs: list[float] = []
        momenta: list[float] = []
        for batch, (X, y) in enumerate(islice(self.train_loader, self.batches)):
            group = self.optimizers[0].param_groups[0]
            lrs.append(float(group["lr"]))
            if cycles_momentum(self.schedulers[0]):
                betas = group.get("betas")
                momenta.append(float(betas[0] if betas else group["momentum"]))
            check_rates(lrs[-1:])
            X = self.augment(X, self.steps)
            X, y = X.to(self.device, self.dtype), y.to(self.device)
            self.steps += 1
            last = batch + 1 == self.batches
            due = last or (batch + 1) % self.config.flow.accumulate == 0
            losses.append(self.update(X, y, due).item())
            if due:
                self.tick("step")
            not_finite = self.config.records.monitor and not math.isfinite(losses[-1])
            if len(losses) == REPORT_EVERY or last or not_finite:
                yield Steps(epoch, batch + 1 - len(losses), losses, lrs, momenta)
                if not_finite:
                    raise TrainingFault(
                        f"epoch {epoch}, step {batch}: the loss is {losses[-1]:g}"
                    )
                losses, lrs, momenta = [], [], []
                if stop():
                    return
        self.tick("epoch")

    def update(self, X: torch.Tensor, y: torch.Tensor, due: bool) -> torch.Tensor:
        """Add a batch's gradients, step if that is due; the loss before it."""
        if self.config.optimizer.name == "lbfgs":
            with self.refusals("optimizer"):
                loss = self.optimizers[0].step(lambda: self.closure(X, y))
        else:
            loss = self.backward(X, y)
            if due:
                self.step()
        if due and self.average is not None and self.config.flow.ema is not None:
            self.average.update_parameters(self.model)
        return loss

    def step(self) -> None:
        """Update the weights by the gradients that are there, and drop these."""
        self.clip()
        self.convert_gradients()
        with self.refusals("optimizer"):
            for optimizer in self.optimizers:
                optimizer.step()
        self.model.zero_grad()

    def clip(self) -> None:
        flow, params = self.config.flow, list(self.model.parameters())
        if flow.clip_grad_norm is not None:
            torch.nn.utils.clip_grad_norm_(params, flow.clip_grad_norm)
        if flow.clip_grad_value is not None:
            torch.nn.utils.clip_grad_value_(params, flow.clip_grad_value)

    @contextmanager
    def refusals(self, kind: str) -> Iterator[None]:
        """PyTorch finds some values impossible only when it uses them."""
        try:
            yield
        except (ValueError, TypeError, LookupError, ArithmeticError) as error:
            name = getattr(self.config, kind).name
            raise ConfigError(f"{kind} {name}: {error}") from error

    def closure(self, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The loss of one batch, with its gradients in place of the last ones."""
        self.model.zero_grad()
        loss = self.backward(X, y)
        self.convert_gradients()
        return loss

    def backward(self, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The loss of one batch; its gradients are added to those that are there."""
        loss = self.loss_fn(self.model(X), y) + penalty(self.config, self.model)
        loss.backward()
        return loss

    def convert_gradients(self) -> None:
        for p in self.model.parameters():
            p.grad = torch_gradient(self.config.optimizer.name, p.grad)

    def tick(self, what: str) -> None:
        """Step the schedulers, if they step after that."""
        settings = self.config.scheduler
        if (
            settings.name is not None
            and settings.every == what
            and not settings.watches
        ):
            self.step_schedulers()

    def step_schedulers(self, *metric: float) -> None:
        with self.refusals("scheduler"):
            for scheduler in self.schedulers:
                scheduler.step(*metric)

    def watch(self) -> Evaluation:
        """The test after an epoch, of which average and scheduler take note."""
        flow, epoch = self.config.flow, self.steps // self.batches
        if self.average is not None and flow.swa is not None and epoch >= flow.swa:
            self.average.update_parameters(self.model)
        result, _ = self.test(self.epoch_test_loader)
        if self.config.scheduler.watches:
            self.step_schedulers(result.avg_loss)
        return result

    def last_test(self) -> Tested:
        result, outputs = self.test(self.test_loader, len(self.test_loader))
        return Tested(result.accuracy, result.avg_loss, outputs.double().numpy())

    @torch.no_grad()
    def test(
        self, loader: DataLoader, batches: int | None = None
    ) -> tuple[Evaluation, torch.Tensor]:
        model = self.model
        if self.average is not None and self.average.n_averaged > 0:
            model = self.average.module
        model.eval()
        batches = self.batch_count(loader) if batches is None else batches
        loss, correct, outputs = 0.0, 0, []
        for X, y in islice(loader, batches):
            X, y = X.to(self.device, self.dtype), y.to(self.device)
            pred = model(X)
            loss += self.loss_fn(pred, y).item()
            correct += int((pred.argmax(1) == y).sum())
            outputs.append(pred.cpu())
        answers = torch.cat(outputs)
        return Evaluation(100 * correct / len(answers), loss / batches), answers


def _average(
    config: Config, model: torch.nn.Module
) -> torch.optim.swa_utils.AveragedModel | None:
    if config.flow.ema is not None:
        average = get_ema_multi_avg_fn(config.flow.ema)
        return AveragedModel(model, multi_avg_fn=average)
    return None if config.flow.swa is None else AveragedModel(model)


def _transform(config: Config, random: bool) -> Callable[..., torch.Tensor]:
    statistics = config.data.normalization
    # Images changed at random are normalised after that, in `Augment`.
    if statistics is None or (random and config.data.augment):
        return ToTensor()
    mean, std = statistics
    return Compose([ToTensor(), Normalize((mean,), (std,))])


def _device(config: Config) -> torch.device:
    name, has_gpu = config.loop.device, torch.cuda.is_available()
    if name == "tpu" or (name == "gpu" and not has_gpu):
        kinds = "cpu, gpu" if has_gpu else "cpu"
        raise ConfigError(f"no {name} device: PyTorch finds only {kinds} here")
    device = torch.device("cuda" if has_gpu and name != "cpu" else "cpu")
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
