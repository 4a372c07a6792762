"""Rows of a data set loaded and put together, and who loads them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jaxtrain.data.dataset import DataError
from jaxtrain.data.datasets import Subset, items
from jaxtrain.errors import excerpt


@dataclass(frozen=True)
class Fetch:
    """Loads the rows of one batch; a single row where `batched` is false."""

    dataset: Any
    collate: Callable[[Any], Any]
    batched: bool

    def __call__(self, rows: Any) -> Any:
        """The batch of these rows.

        Raises:
            DataError: the data set, or what puts its rows together, raised.
        """
        found = self._rows(rows) if self.batched else self._row(rows)
        try:
            return self.collate(found)
        except Exception as error:
            raise _failure(f"the batch of {naming(rows)}", error) from error

    def _rows(self, rows: Sequence[Any]) -> list[Any]:
        if not _reads_several(self.dataset):
            return [self._row(row) for row in rows]
        try:
            return items(self.dataset, rows)
        except DataError:
            raise
        except Exception as error:
            raise _failure(naming(rows), error) from error

    def _row(self, row: Any) -> Any:
        try:
            return self.dataset[row]
        except DataError as error:
            raise DataError(f"row {row}: {error}") from error
        except Exception as error:
            raise _failure(f"row {row}", error) from error


def _reads_several(dataset: Any) -> bool:
    """Whether a data set reads rows at once; a part reads as what it is part of."""
    while type(dataset) is Subset:
        dataset = dataset.dataset
    return callable(getattr(dataset, "__getitems__", None))


def naming(rows: Any) -> str:
    """Rows as a message has room for them.

    Example:
        >>> naming([3]), naming([3, 1, 4, 1, 5]), naming(7)
        ('row 3', 'rows 3, 1, 4, … (5)', 'row 7')
    """
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        return f"row {rows}"
    if len(rows) == 1:
        return f"row {rows[0]}"
    some = ", ".join(map(str, rows[:3]))
    return f"rows {some}" if len(rows) <= 3 else f"rows {some}, … ({len(rows)})"


def _failure(where: str, error: Exception) -> DataError:
    text = " ".join(str(error).split()) or excerpt(error)
    return DataError(f"{where}: {type(error).__name__}: {text}")


@dataclass(frozen=True)
class WorkerInfo:
    """Which worker of a `DataLoader` this thread or process is.

    Attributes:
        id: 0 … num_workers - 1.
        num_workers: how many there are.
        seed: what `random` and `rng.default_generator` began with here.
        dataset: what is loaded from: a copy in a process, the same one in a thread.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_here = threading.local()


def get_worker_info() -> WorkerInfo | None:
    """Which worker of a `DataLoader` runs this; None where none does.

    PyTorch: `torch.utils.data.get_worker_info`.

    Example:
        >>> get_worker_info() is None
        True
    """
    return getattr(_here, "info", None)


def set_worker_info(info: WorkerInfo | None) -> None:
    """Say which worker this thread is from now on."""
    _here.info = info
