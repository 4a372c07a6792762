"""The batches of row numbers of one pass, drawn as they are needed, or once more."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from jaxtrain.data.dataset import DataError
from jaxtrain.data.loading.streams import State, Streams, same

Result = TypeVar("Result")


class Order:
    """What an index sampler yields, with a journal that lets it yield the same again.

    Where a sampler draws, and something else drew since it last did, the journal holds
    where the streams stood before: for most samplers that is once in a pass, and for
    one that draws row after row from a stream that the data set draws from too, once a
    batch.

    Args:
        sampler: an iterable of batches of row numbers, or of rows.
        streams: what it may draw from.
        draws_at_once: whether it draws with its first batch all that it draws.
    """

    def __init__(self, sampler: Any, streams: Streams, draws_at_once: bool) -> None:
        self._sampler = sampler
        self._streams = streams
        self._draws_at_once = draws_at_once
        self._iterator: Iterator[Any] = iter(())
        self._last: State | None = None
        self._journal: dict[str, State] = {}
        self._starts = self._steps = self._checksum = 0

    def start(self) -> None:
        """Make the sampler's iterator; some samplers draw then."""
        self._starts += 1
        self._iterator = self._watch(lambda: iter(self._sampler))

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        rows = self._watch(lambda: next(self._iterator))
        self._checksum = zlib.crc32(_bytes(rows), self._checksum)
        return rows

    def _watch(self, step: Callable[[], Result]) -> Result:
        place, self._steps = self._steps, self._steps + 1
        if self._draws_at_once and place > self._starts:
            return step()
        before = self._streams.get()
        try:
            return step()
        finally:
            after = self._streams.get()
            if not same(before, after):
                if self._last is None or not same(before, self._last):
                    self._journal[str(place)] = before
                self._last = after

    def state(self) -> State:
        """How far it is, and the journal of what it drew."""
        return {
            "starts": self._starts,
            "steps": self._steps,
            "checksum": self._checksum,
            "journal": dict(self._journal),
        }

    def replay(self, state: Mapping[str, Any]) -> list[Any]:
        """Yield again what was yielded up to that state, with the draws of then.

        Raises:
            DataError: the sampler does not yield the same rows.
        """
        journal = state["journal"]
        rows: list[Any] = []
        for place in range(int(state["steps"])):
            if str(place) in journal:
                self._streams.set(journal[str(place)])
            if place < int(state["starts"]):
                self.start()
            else:
                # The last step may have been that which found the end.
                rows += itertools.islice(self, 1)
        if self._checksum != int(state["checksum"]):
            raise DataError(
                "the sampler gives other rows than before: the data set, the sampler "
                "or its arguments changed since the state was saved"
            )
        return rows


def _bytes(rows: Any) -> bytes:
    """Rows as bytes that tell them apart."""
    try:
        return np.asarray(rows, np.int64).tobytes()
    except (TypeError, ValueError, OverflowError):
        return repr(rows).encode()
