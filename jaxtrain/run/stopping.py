"""What a run trains on, and when it ends before its last epoch."""

import math
import time
from collections.abc import Callable

from jaxtrain.data import Dataset
from jaxtrain.data.dataset import first_batches, keep_validation
from jaxtrain.run.config import Config, FlowConfig
from jaxtrain.store.events import Epoch, Event, Started, Steps

Stop = Callable[[], str | None]
"""Asked between two chunks: why the run is to end now; None while it goes on."""


def never() -> None:
    """The `Stop` of a run that goes on to its end."""


def select_images(config: Config, dataset: Dataset) -> Dataset:
    """The images that a run trains and tests on, of all that there are.

    Raises:
        DataError: there are not enough.
    """
    settings = config.data
    if settings.validation and dataset.validation is None:
        return keep_validation(dataset, settings.validation, config.loop.seed)
    if settings.overfit_batches is not None:
        return first_batches(dataset, settings.overfit_batches, settings.batch_size)
    return dataset


class Limits:
    """The `Stop` of a configured run: time limit, patience, and what else asks for it.

    Args:
        flow: says when to end.
        stop: another `Stop`, such as a signal that came.

    Example:
        >>> limits = Limits(FlowConfig(max_time=0.0))
        >>> limits()
        >>> limits.see(Steps(epoch=1, first=0, losses=[2.3], lrs=[0.1]))
        >>> limits()
        '0.0 s have passed, more than the 0 asked for'
    """

    def __init__(self, flow: FlowConfig, stop: Stop = never):
        self.stop = stop
        self.patience = _Patience(flow)
        self.limit = math.inf if flow.max_time is None else flow.max_time
        self.start = time.monotonic()
        self.in_training = False

    def see(self, event: Event) -> None:
        """Take note of what the run does."""
        # Every start makes some progress, however short its time.
        self.in_training = self.in_training or isinstance(event, Steps | Epoch)
        if isinstance(event, Started) and event.resumed is not None:
            for epoch in event.resumed.past:
                self.patience.see(epoch)
        if isinstance(event, Epoch):
            self.patience.see(event)

    def __call__(self) -> str | None:
        return self.stop() or self.patience.reason or self._late()

    def _late(self) -> str | None:
        seconds = time.monotonic() - self.start
        if not self.in_training or seconds <= self.limit:
            return None
        return f"{seconds:.1f} s have passed, more than the {self.limit:g} asked for"


class _Patience:
    """Ends when the loss of the tests has stopped falling."""

    def __init__(self, flow: FlowConfig):
        self.patience = math.inf if flow.early_stopping is None else flow.early_stopping
        self.min_delta = flow.min_delta
        self.best, self.at = math.inf, 0
        self.reason: str | None = None

    def see(self, event: Epoch) -> None:
        if event.avg_loss < self.best - self.min_delta:
            self.best, self.at = event.avg_loss, event.epoch
        if event.epoch - self.at >= self.patience:
            self.reason = (
                f"no epoch since {self.at} has a lower loss than its {self.best:.6f}"
                if self.at
                else f"no loss is below infinity after {event.epoch} epochs"
            )
