"""Whether a run begins as guessing does."""

import math

from jaxtrain.run.config import Config
from jaxtrain.store.events import Event, Sampled, Steps
from jaxtrain.watch.monitor.rule import BLOCK, Curve, of_weights, took_a_step


def chance_level(config: Config, classes: int) -> float | None:
    """The loss of the best constant answer to balanced classes, where it is known.

    With K classes that is ln K for the cross entropy, smoothed labels included, the
    entropy H(1/K) of one class against the others for the binary ones, and
    (1 - 1/K) / K for the squared error.

    Args:
        config: names the loss; with arguments that change its scale, or a penalty, its
            level is not known.
        classes: K.

    Example:
        >>> round(chance_level(Config(), 10), 4)
        2.3026
    """
    loss = config.loss
    if loss.l1 or loss.l2:
        return None
    arguments = dict(loss.args)
    if loss.name == "cross_entropy":
        arguments.pop("label_smoothing", None)
    if loss.name == "kl_div" and arguments == {"reduction": "batchmean"}:
        return math.log(classes)
    return None if arguments else _levels(classes).get(loss.name)


def _levels(classes: int) -> dict[str, float]:
    share = 1 / classes
    entropy = -share * math.log(share) - (1 - share) * math.log1p(-share)
    return {
        "binary_cross_entropy": entropy,
        "binary_cross_entropy_with_logits": entropy,
        "cross_entropy": math.log(classes),
        "kl_div": math.log(classes) * share,
        "mse_loss": share * (1 - share),
        # All scores equal: each wrong class is its whole margin of 1 too near.
        "multi_margin_loss": 1 - share,
        "multilabel_soft_margin_loss": entropy,
        "nll_loss": math.log(classes),
        "soft_margin_loss": entropy,
    }


PATIENCE = 500
"""Steps before a beginning is judged. The slowest healthy run, the tutorial's SGD with
lr 1e-3, has come from 2.307 to 2.25 by then."""

WORSE = 1.2
"""Times the loss of no knowledge, when a beginning is judged: worse than guessing. No
healthy run is above it at all by then."""

STANDSTILL = 0.995
"""Of the loss of no knowledge, when a beginning is judged. Healthy runs are at 0.975
(the tutorial's) and below; with shuffled labels 0.998 and more is left."""

RECENT = 100
"""Steps whose mean is judged: for batches of 64 it strays some 0.1 % around ln 10."""


class Beginning:
    """The loss of a run's first steps, and how large their updates were.

    Args:
        chance: the loss of a network of no knowledge; if it is not known, the first
            block of losses stands for it.
    """

    def __init__(self, chance: float | None):
        self.reference, self.curve = chance, Curve()
        self.ratios: list[float] = []
        """Largest update of a weight in each sample, relative to the weight's norm."""
        self._whole = True
        self.lr = 0.0
        """The highest learning rate so far."""
        self._steady = 0

    def see(self, event: Event) -> None:
        """Take in an event."""
        match event:
            case Sampled() if took_a_step(event):
                self.ratios.append(max(of_weights(event.update_ratios), default=0.0))
            case Steps():
                self._take(event)

    def _take(self, steps: Steps) -> None:
        if not self.lr and not self.curve.blocks and not self._steady:
            # A resumed run whose earlier part is lost begins somewhere else.
            self._whole = (steps.epoch, steps.first) == (1, 0)
        self.curve.add(steps.losses)
        if self.reference is None and self.curve.blocks:
            self.reference = self.curve.blocks[0]
        # While the rate still rises, as in a warm-up, slowness is meant.
        highest = max((_highest(lr) for lr in steps.lrs), default=0.0)
        rises = 0 < self.lr < 0.99 * highest
        self.lr = max(self.lr, highest)
        self._steady = 0 if rises else self._steady + len(steps.losses)

    @property
    def can_judge(self) -> bool:
        """Whether it can be judged: not yet, or of a resumed run, it cannot."""
        return self._whole and self._steady >= PATIENCE and bool(self.reference)

    @property
    def level(self) -> float:
        """The recent loss."""
        return self.curve.level(RECENT // BLOCK)

    @property
    def highest(self) -> float:
        """The highest finite block among the first `PATIENCE` losses."""
        blocks = self.curve.blocks[: PATIENCE // BLOCK]
        return max(filter(math.isfinite, blocks), default=0.0)

    @property
    def share(self) -> float:
        """The recent loss as a share of that of no knowledge."""
        assert self.reference is not None
        return self.level / self.reference


def _highest(lr: float | list[float]) -> float:
    return max(lr) if isinstance(lr, list) else lr
