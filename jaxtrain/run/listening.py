"""Who is told of a run's events, and in which order."""

from collections.abc import Callable, Iterable, Sequence

from jaxtrain.store.events import Earlier, Event, Started
from jaxtrain.store.run_folder import RunFolder

Listener = Callable[[Event], "Iterable[Event] | None"]
"""Is told of an event; may answer with more of them, of which all are told then."""


def tell(event: Event, listeners: Sequence[Listener]) -> None:
    """Tell all listeners of an event, in turn, and of what they answer."""
    chain = [event]
    for each in chain:
        for listener in listeners:
            chain += listener(each) or ()


def recorder(folder: RunFolder) -> Listener:
    """Writes events down, and tells of those that the folder holds already."""

    def record(event: Event) -> Iterable[Event]:
        if isinstance(event, Earlier):
            return ()
        # What the folder refuses, nobody has written down.
        earlier = folder.start(event) if isinstance(event, Started) else []
        folder.add(event)
        return map(Earlier, earlier)

    return record
