"""What the network answers to one image, in words and as JSON can hold it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from jaxtrain.predict._bring import Brought

RUNNERS_UP = 2


class Answer(NamedTuple):
    """One image, and how probable each class is."""

    file: str
    brought: Brought
    classes: tuple[str, ...]
    probabilities: np.ndarray
    """(classes,), which add up to 1."""

    @property
    def ranked(self) -> list[int]:
        """Numbers of the classes, the most probable first."""
        return np.argsort(-self.probabilities, kind="stable").tolist()

    @property
    def line(self) -> str:
        """File, class and probability, the runners-up, and what was done to the image.

        Example:
            >>> image = Brought(np.zeros((28, 28), np.uint8), "light-on-dark", True)
            >>> Answer("a.png", image, ("Bag", "Coat"), np.array([0.25, 0.75])).line
            'a.png: Coat 75.0 %; Bag 25.0 % (light on dark: as it is)'
        """
        first, *others = (
            f"{self.classes[i]} {100 * self.probabilities[i]:.1f} %"
            for i in self.ranked[: 1 + RUNNERS_UP]
        )
        rest = f"; {', '.join(others)}" if others else ""
        return f"{shown(self.file)}: {first}{rest} ({self.brought.told})"

    def content(self) -> dict[str, Any]:
        """All of it but the pixels."""
        label = self.ranked[0]
        values = dict(zip(self.classes, self.probabilities.tolist(), strict=True))
        return {
            "file": shown(self.file),
            "class": self.classes[label],
            "label": label,
            "probability": values[self.classes[label]],
            "probabilities": values,
            "polarity": self.brought.polarity,
            "as_it_was": self.brought.as_it_was,
        }


def shown(text: str) -> str:
    r"""A file's name that cannot move the cursor of a terminal.

    Example:
        >>> shown("a\x1b[2J.png")
        'a?[2J.png'
    """
    return "".join(letter if letter.isprintable() else "?" for letter in text)
