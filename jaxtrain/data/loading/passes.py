"""One pass of a loader over its data set."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxtrain.data import tree
from jaxtrain.data.dataset import DataError
from jaxtrain.data.loading.order import Order
from jaxtrain.data.loading.streams import State, Streams

if TYPE_CHECKING:
    from jaxtrain.data.loading.loader import DataLoader

VERSION = 1


class Pass:
    """An iterator over a loader's batches, that can be saved and gone on with.

    It draws what PyTorch's iterator draws, when that does: at its making the base seed
    of the workers; with the first batch, or where there are workers at its making, what
    the sampler draws. `DataLoader.start` and `DataLoader.resume` make one.

    PyTorch: `iter(torch.utils.data.DataLoader(…))`.
    """

    def __init__(self, loader: DataLoader, state: Mapping[str, Any] | None) -> None:
        self._loader = loader
        self._streams = Streams(
            loader=loader.generator,
            sampler=getattr(loader.base_sampler, "generator", None),
            batches=getattr(loader.batch_sampler, "generator", None),
            dataset=getattr(loader.dataset, "generator", None),
        )
        self._length = _length(loader.dataset)
        self._order = Order(
            loader.index_sampler, self._streams, loader.sampler_draws_at_once
        )
        self._pending: deque[Any] = deque()
        self._delivered = self._submitted = 0
        self._ended = self._closed = False
        self._pool: Any = None
        if state is None:
            self._begin()
        else:
            self._go_on(state)

    def _begin(self) -> None:
        loader = self._loader
        again = loader.pool is not None
        self._order.start()
        if not again:
            self._base_seed = loader.draw_base_seed()
            if loader.num_workers:
                # PyTorch makes the iterator of the sampler a second time there.
                self._order.start()
        else:
            self._base_seed = loader.pool_seed
        self._pool = loader.make_pool(self._base_seed, None)
        self._fill()

    def _go_on(self, state: Mapping[str, Any]) -> None:
        loader = self._loader
        self._check(state)
        if "epoch" in state:
            loader.set_epoch(int(state["epoch"]))
        self._base_seed = int(state["base_seed"])
        self._delivered = self._submitted = int(state["delivered"])
        self._ended = bool(state["ended"])
        rows = self._order.replay(state["order"])
        self._pending.extend(rows[self._delivered :])
        self._streams.set(state["streams"])
        self._pool = loader.make_pool(self._base_seed, state.get("workers"))
        self._submit()

    def _check(self, state: Mapping[str, Any]) -> None:
        if state.get("version") != VERSION:
            raise DataError(
                f"this is no state of a pass that can be gone on with: {VERSION} is "
                f"its version here, got {state.get('version')!r}"
            )
        for name, now in (
            ("rows of the data set", self._length),
            ("num_workers", self._loader.num_workers),
        ):
            then = int(state[name.partition(" ")[0]])
            if then != now:
                raise DataError(
                    f"the pass was saved with {then} {name}, and there are {now}"
                )

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        rows = self._next_rows()
        loader = self._loader
        self._check_length(rows)
        try:
            if self._pool is not None:
                batch = self._pool.receive(self._delivered)
            elif loader.whole is not None:
                batch = self._gather(rows)
            else:
                batch = loader.fetch(rows)
        except BaseException as error:
            self._explain(error)
            self.close()
            raise
        self._deliver()
        return batch

    def rows(self) -> Iterator[np.ndarray]:
        """Row numbers of the batches to come, each of which counts as delivered.

        Returns:
            int64 arrays; where the loader has `arrays`, these are rows of those.
        """
        own = self._loader.whole
        while True:
            try:
                rows = np.asarray(self._next_rows(), np.int64)
            except StopIteration:
                return
            self._deliver()
            yield rows if own is None or own[1] is None else own[1][rows]

    def state(self) -> State:
        """What `DataLoader.resume` needs to go on after the batches delivered so far.

        Returns:
            Dictionaries of integers, texts, lists and NumPy arrays.
        """
        epoch = getattr(self._loader.base_sampler, "epoch", None)
        return {
            "version": VERSION,
            "rows": self._length,
            "num_workers": self._loader.num_workers,
            "base_seed": self._base_seed,
            "delivered": self._delivered,
            "ended": int(self._ended),
            "order": self._order.state(),
            "streams": self._streams.get(),
            **({"epoch": epoch} if isinstance(epoch, int) else {}),
            **({"workers": self._pool.states()} if self._pool is not None else {}),
        }

    def close(self) -> None:
        """End the workers; the pass yields no more."""
        self._closed = True
        if self._pool is not None and not self._loader.persistent_workers:
            self._pool.close()

    def _next_rows(self) -> Any:
        if self._closed:
            raise StopIteration
        if not self._pending and not self._ended and not self._loader.num_workers:
            self._draw()
        if not self._pending:
            self.close()
            raise StopIteration
        return self._pending[0]

    def _deliver(self) -> None:
        self._pending.popleft()
        self._delivered += 1
        if self._loader.num_workers:
            self._draw()
            self._submit()

    def _fill(self) -> None:
        for _ in range(self._loader.num_workers * (self._loader.prefetch_factor or 0)):
            self._draw()
        self._submit()

    def _draw(self) -> None:
        """The rows of one batch more, where there are some; at the end PyTorch tries
        once for each batch that is out."""
        try:
            self._pending.append(next(self._order))
        except StopIteration:
            self._ended = True

    def _submit(self) -> None:
        """Hand the workers what they do not have yet."""
        if self._pool is not None:
            out = self._submitted - self._delivered
            for rows in list(self._pending)[out:]:
                self._pool.submit(self._submitted, rows)
                self._submitted += 1

    def _gather(self, rows: Any) -> Any:
        arrays, own = self._loader.whole or (None, None)
        index = np.asarray(rows, np.int64)
        index = index if own is None else own[index]
        return tree.map_batch(lambda array: array[index], arrays)

    def _check_length(self, rows: Any) -> None:
        now = _length(self._loader.dataset)
        if now != self._length:
            self.close()
            raise DataError(
                f"the data set had {self._length} rows when the pass began, and has "
                f"{now} at batch {self._delivered}: its length must stay"
            )

    def _explain(self, error: BaseException) -> None:
        if isinstance(error, DataError):
            error.add_note(f"Batch {self._delivered} of the pass, from 0.")


def _length(dataset: Any) -> int:
    """Rows of a data set; -1 where it has no length, which a sampler may do without."""
    try:
        return len(dataset)
    except TypeError:
        return -1
