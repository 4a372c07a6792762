"""All rules at work on the events of a run."""

from collections.abc import Generator, Iterator, Mapping
from types import MappingProxyType

from jaxtrain.run.config import Config
from jaxtrain.store.events import Earlier, Epoch, Event, Sampled, Steps, Warned
from jaxtrain.watch.monitor.beginning import chance_level
from jaxtrain.watch.monitor.epochs import AccuracyAtChance, Overfitting
from jaxtrain.watch.monitor.gradients import (
    DeadLayer,
    ExplodingGradients,
    LearningRateTooLarge,
    VanishingGradients,
)
from jaxtrain.watch.monitor.losses import (
    LearningRateTooSmall,
    LossDivergence,
    LossPlateau,
    LossSpike,
)
from jaxtrain.watch.monitor.rule import Rule, Symptom

KINDS = (
    "exploding_gradients",
    "lr_too_large",
    "dead_layer",
    "vanishing_gradients",
    "loss_diverging",
    "loss_spiking",
    "lr_too_small",
    "loss_stuck",
    "accuracy_at_chance",
    "overfitting",
)
"""What a run can be warned of."""

EXPLAINS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "dead_layer": ("vanishing_gradients", "loss_stuck", "lr_too_small"),
        "lr_too_large": (
            "dead_layer",
            "exploding_gradients",
            "vanishing_gradients",
            "loss_spiking",
            "lr_too_small",
            "loss_stuck",
        ),
        "exploding_gradients": ("lr_too_large", "loss_spiking", "vanishing_gradients"),
        "vanishing_gradients": ("dead_layer", "loss_stuck", "lr_too_small"),
        "loss_diverging": (
            "dead_layer",
            "exploding_gradients",
            "vanishing_gradients",
            "loss_spiking",
            "loss_stuck",
        ),
        "loss_stuck": ("dead_layer", "vanishing_gradients"),
    }
)
"""What follows from each, and is not said again under a name of its own."""


def rules(config: Config | None, classes: int) -> list[Rule]:
    """One of each kind, in the order in which they are asked."""
    chance = None if config is None else chance_level(config, classes)
    classified = [] if config is None else [AccuracyAtChance(chance, classes)]
    return [
        ExplodingGradients(chance),
        LearningRateTooLarge(chance),
        DeadLayer(),
        VanishingGradients(),
        LossDivergence(chance),
        LossSpike(chance),
        LearningRateTooSmall(chance),
        LossPlateau(chance),
        *classified,
        Overfitting(),
    ]


class Monitor:
    """Every rule at work on the events of one run.

    Each kind is said once, and what follows from one that was said is not said. The
    text has three lines: what is seen, what it usually means, what to try.

    Args:
        config: names the loss, whose level without any knowledge may be known; None of
            a user's own training.
        classes: among which the run chooses.

    Example:
        >>> from jaxtrain.store.events import Steps
        >>> steps = Steps(1, 0, [2.3, float("nan")], [0.1, 0.1])
        >>> (warned,) = Monitor(Config()).see(steps)
        >>> warned.kind, warned.step
        ('loss_diverging', 1)
    """

    def __init__(self, config: Config | None, classes: int = 10):
        self.active = rules(config, classes)
        self.epoch = self.step = 0

    def see(self, event: Event) -> list[Warned]:
        """What an event shows; nothing of what was said when it was seen first."""
        again = isinstance(event, Earlier)
        inner = event.event if isinstance(event, Earlier) else event
        self.epoch, self.step = _place(inner, self.epoch, self.step)
        result = []
        for rule in list(self.active):
            finding = rule.see(inner) if rule in self.active else None
            if finding is not None:
                kinds = (rule.kind, *EXPLAINS.get(rule.kind, ()))
                self.active = [r for r in self.active if r.kind not in kinds]
                result.append(_warning(rule.kind, finding, self.epoch, self.step))
        return [] if again else result


def watching(
    events: Iterator[Event], config: Config, classes: int = 10
) -> Iterator[Event]:
    """The same events, and after what shows a fault what `Monitor` says of it.

    Args:
        events: of one run. Without `Sampled` only what losses and tests show is seen.
        config: as for `Monitor`.
        classes: as for `Monitor`.
    """
    monitor = Monitor(config, classes)
    try:
        for event in events:
            yield event
            yield from monitor.see(event)
    finally:
        # A run that is left early ends now, and not when it happens to be collected.
        if isinstance(events, Generator):
            events.close()


def _place(event: Event, epoch: int, step: int) -> tuple[int, int]:
    match event:
        case Steps():
            return event.epoch, event.first + max(len(event.losses) - 1, 0)
        case Sampled():
            return event.epoch, event.step
        case Epoch():
            return event.epoch, step
    return epoch, step


def _warning(kind: str, finding: Symptom, epoch: int, step: int) -> Warned:
    text = f"{finding.sign}\nusually: {finding.cause}\ntry: {finding.advice}"
    return Warned(epoch, step if finding.step is None else finding.step, kind, text)
