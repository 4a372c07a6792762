"""The record of a run, made of the events that its backend yields."""

import json
import math
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jaxtrain import __version__, files
from jaxtrain.store import codec
from jaxtrain.store.events import Earlier, Epoch, Event, Started, Steps

SCHEMA = "jaxtrain.history/1"
FIGURES = ("losses", "lrs", "momenta", "epochs", "figures")
"""What was measured: null where it is not finite, as data frames read it."""


@dataclass
class History:
    """One run: its configuration, every loss and learning rate, and its epochs.

    Example:
        >>> from jaxtrain.store.events import Steps
        >>> history = History(config={}, data={})
        >>> history.add(Steps(epoch=1, first=0, losses=[2.3, 2.2], lrs=[0.1, 0.1]))
        >>> history.losses
        [2.3, 2.2]
    """

    config: Mapping[str, Any]
    data: Mapping[str, Any]
    """The data set's name, source and SHA-256 sums."""
    losses: list[float] = field(default_factory=list)
    lrs: list[Any] = field(default_factory=list)
    momenta: list[float] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    figures: dict[str, list[float]] = field(default_factory=dict)
    """What a loss gives beside itself, by name: of every step."""
    versions: dict[str, str] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Take in what a backend yielded."""
        match event:
            case Earlier():
                self.add(event.event)
            case Started():
                self.versions = {"jaxtrain": __version__}
                self.versions["python"] = platform.python_version()
                self.versions |= event.versions
            case Steps():
                self.losses.extend(event.losses)
                self.lrs.extend(event.lrs)
                self.momenta.extend(event.momenta)
                for name, values in event.figures.items():
                    self.figures.setdefault(name, []).extend(values)
            case Epoch():
                self.epochs.append(event)

    def extend(self, events: Iterable[Event]) -> "History":
        """Take in all of a run's events; returns the history itself."""
        for event in events:
            self.add(event)
        return self

    def to_json(self) -> str:
        """The history as JSON, with null for every figure that is not finite."""
        content = {"schema": SCHEMA} | vars(self)
        content["epochs"] = [epoch.to_dict() for epoch in self.epochs]
        if not self.figures:
            del content["figures"]
        return json.dumps(
            {
                name: codec.jsonable(value, figures=name in FIGURES)
                for name, value in content.items()
            }
        )

    def save(self, path: Path) -> None:
        """Write the JSON; the file is whole or not there.

        Raises:
            OSError: the file cannot be written.
        """
        files.write_text(path, self.to_json() + "\n")

    @classmethod
    def load(cls, path: Path) -> "History":
        """Read what `save` wrote; null becomes NaN again.

        Raises:
            OSError: the file cannot be read.
            ValueError: the file holds no history of this schema.
        """
        try:
            return cls.from_json(path.read_bytes())
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise ValueError(f"{path} holds no {SCHEMA}: {error}") from error

    @classmethod
    def from_json(cls, data: bytes) -> "History":
        """Read what `to_json` gave; other text raises one of several errors."""
        content = codec.decode(data)
        if content.pop("schema") != SCHEMA:
            raise ValueError(f"its schema is not {SCHEMA}")
        for name in FIGURES if "figures" in content else FIGURES[:-1]:
            content[name] = _restore(content[name])
        content["epochs"] = [Epoch(**epoch) for epoch in content["epochs"]]
        return cls(**content)


def _restore(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _restore(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_restore(item) for item in value]
    return math.nan if value is None else value
