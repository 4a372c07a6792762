"""What every rule is: fed with a run's events, it says what is off, if anything is."""

from typing import NamedTuple, Protocol

from jaxtrain.events import Event


class Finding(NamedTuple):
    """Something that is off, in three lines."""

    seen: str
    """What is seen, with its numbers."""
    means: str
    """What it usually means."""
    advice: str
    """What to try."""
    step: int | None = None
    """Where in the epoch it was seen, if not where the event ends."""


class Rule(Protocol):
    """Looks at the events of one run, one after another."""

    kind: str

    def see(self, event: Event) -> Finding | None:
        """What the event shows to be off; a rule is not asked again after that."""
        ...
