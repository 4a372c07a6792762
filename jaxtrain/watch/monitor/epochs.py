"""What only the test after an epoch can show."""

from jaxtrain.store.events import Epoch, Event, Steps
from jaxtrain.watch.monitor.rule import Symptom


class Overfitting:
    """The training loss still falls, and the test loss rises."""

    kind = "overfitting"

    EPOCHS = 2
    """In a row."""

    RISE = 1.1
    """Times the best test loss. A single epoch of a healthy run may stray by 1.14, and
    by 1.07 in batches of 64."""

    FALL = 0.9
    """Times the training loss of the best epoch."""

    def __init__(self) -> None:
        self._best: Epoch | None = None
        self._row = 0

    def see(self, event: Event) -> Symptom | None:
        if not isinstance(event, Epoch):
            return None
        best = self._best
        if best is None or not event.avg_loss >= best.avg_loss:
            self._best, self._row = event, 0
            return None
        rise = event.avg_loss > self.RISE * best.avg_loss
        fall = event.train_loss < self.FALL * best.train_loss
        self._row = self._row + 1 if rise and fall else 0
        if self._row < self.EPOCHS:
            return None
        return Symptom(
            f"since epoch {best.epoch} the test loss rose from {best.avg_loss:.3g} to "
            f"{event.avg_loss:.3g}, while the training loss fell from "
            f"{best.train_loss:.3g} to {event.train_loss:.3g}",
            "the network learns its training images by heart",
            f"stop after epoch {best.epoch}; dropout, weight decay, augmentation, or "
            "more data",
        )


class AccuracyAtChance:
    """The training loss falls, and the test images are named as by guessing.

    Args:
        chance: the loss of a network of no knowledge; if it is not known, the first
            loss stands for it.
        classes: among which it is guessed.
    """

    kind = "accuracy_at_chance"

    CHANCE = 1.5
    """Times the share of one class. The worst healthy epoch, the tutorial's first, has
    more than 4 times."""

    FALL = 0.9
    """Of the loss of no knowledge: by then healthy runs name half of the images."""

    def __init__(self, chance: float | None, classes: int):
        self._scale, self._guess = chance, 100 / classes

    def see(self, event: Event) -> Symptom | None:
        if isinstance(event, Steps) and self._scale is None and event.losses:
            self._scale = event.losses[0]
        if not isinstance(event, Epoch) or self._scale is None:
            return None
        progress = event.train_loss < self.FALL * self._scale
        if not progress or event.accuracy > self.CHANCE * self._guess:
            return None
        return Symptom(
            f"after epoch {event.epoch} {event.accuracy:.1f} % of the test images are "
            f"named right, where guessing gives {self._guess:.0f} %; the training loss "
            f"has fallen to {event.train_loss:.3g}",
            "test labels that are not those of the test images, or images that are "
            "prepared otherwise than the training images",
            "look at some test images with their labels; prepare both splits alike",
        )
