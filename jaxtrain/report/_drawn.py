"""Runs with their pictures, drawn once for the page and for files."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtrain.pictures import COMPARISONS, PICTURES, png
from jaxtrain.run_folder import RunRecord


@dataclass(frozen=True)
class Drawn:
    """Runs and their pictures.

    Attributes:
        records: the runs.
        of_each: for each run, PNG files by the names in `PICTURES`.
        of_all: PNG files by the names in `COMPARISONS`; none of a single run.
    """

    records: Sequence[RunRecord]
    of_each: Sequence[dict[str, bytes]]
    of_all: dict[str, bytes]

    def files(self) -> dict[str, bytes]:
        """The pictures by names of files."""
        found = {f"{name}.png": image for name, image in self.of_all.items()}
        for number, images in enumerate(self.of_each, 1):
            prefix = f"run{number}_" if len(self.records) > 1 else ""
            found |= {f"{prefix}{name}.png": image for name, image in images.items()}
        return found


def draw(records: Sequence[RunRecord]) -> Drawn:
    """Draw whatever there is to draw.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    of_each = [
        {n: png(each.draw(record)) for n, each in PICTURES.items() if each.can(record)}
        for record in records
    ]
    several = len(records) > 1
    chosen = COMPARISONS if several else {}
    of_all = {name: png(each.draw(records)) for name, each in chosen.items()}
    return Drawn(records, of_each, of_all)
