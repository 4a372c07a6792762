"""Where a run's batches come from: arrays on the device, a loader, any iterable."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from jaxtrain import rng
from jaxtrain.data.order import epoch_order
from jaxtrain.errors import ConfigError
from jaxtrain.training.engine import count_rows

Put = Callable[[Any], Any]
"""Moves a tree of arrays to the device."""
MOST_STEPS = 16
"""Batches of a loader that are handed to the device before a loss is read."""
MOST_BYTES = 2**27
"""Of such batches: twice as many wait on the device at most."""


class Piece(NamedTuple):
    """What is handed to the device at once."""

    batches: Iterator[tuple[Any, np.ndarray | None]]
    """Data on the device with (steps, batch) row numbers of it; without any, a batch
    for one step."""


class Source(Protocol):
    """The batches of a run's epochs."""

    length: int | None
    """Batches of an epoch, where that is known."""

    @property
    def about(self) -> dict[str, Any]:
        """What must be the same where a run goes on, as JSON can hold it."""

    def begin(self, epoch: int) -> None:
        """Begin an epoch, drawing what PyTorch's iterator draws."""

    def go_on(self, epoch: int, state: Any, done: int) -> None:
        """Go on with an epoch in its middle."""

    def pieces(self, done: int, most: int) -> Iterator[Piece]:
        """What is left of the epoch, in pieces of at most so many steps."""

    def state(self) -> Any:
        """What `go_on` needs now."""

    def is_over(self, done: int) -> bool:
        """Whether so many batches are all of the epoch."""


class ArrayLoader:
    """Rows of arrays in batches, as PyTorch's loader of a `TensorDataset` has them.

    Args:
        arrays: a tree of arrays with equally many rows.
        batch_size: rows of a batch; the last may have fewer.
        shuffle: whether each epoch has a new order, drawn from the default generator.

    PyTorch: `DataLoader(TensorDataset(…), batch_size, shuffle)`.

    Example:
        >>> loader = ArrayLoader((np.arange(5), np.arange(5)), batch_size=2)
        >>> [rows.tolist() for rows in loader.start().rows()]
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, arrays: Any, batch_size: int = 64, shuffle: bool = False):
        self._arrays = jax.tree.map(as_array, arrays)
        self.batch_size, self.shuffle = batch_size, shuffle
        counts = {_count(leaf) for leaf in jax.tree.leaves(self._arrays)}
        if len(counts) != 1:
            shapes = [np.shape(leaf) for leaf in jax.tree.leaves(self._arrays)]
            raise ValueError(
                f"arrays must have equally many rows, but are of shapes {shapes}"
            )
        (self.rows,) = counts
        if not self.rows:
            raise ValueError("there is no row to train or test on")

    def __len__(self) -> int:
        return -(-self.rows // self.batch_size)

    def arrays(self) -> Any:
        return self._arrays

    def start(self) -> _ArrayPass:
        return self.resume({"before": rng.default_generator.get_state()})

    def resume(self, state: Mapping[str, Any]) -> _ArrayPass:
        rng.default_generator.set_state(state["before"])
        order = epoch_order(rng.default_generator, self.rows, self.shuffle)
        return _ArrayPass(self, order, state["before"])


class _ArrayPass:
    def __init__(self, loader: ArrayLoader, order: np.ndarray, before: np.ndarray):
        self.loader, self.order, self.before = loader, order, before

    def rows(self) -> Iterator[np.ndarray]:
        size = self.loader.batch_size
        return (self.order[i : i + size] for i in range(0, len(self.order), size))

    def state(self) -> dict[str, Any]:
        return {"before": self.before}

    def close(self) -> None:
        """There is nothing to end."""


def _count(leaf: Any) -> int:
    if np.ndim(leaf) == 0:
        raise ValueError(f"data must be arrays with rows, but one is {leaf!r:.50}")
    return len(leaf)


def as_array(leaf: Any) -> Any:
    """An array as JAX takes it; those of other libraries become NumPy's.

    Raises:
        TypeError: it is none.
    """
    if isinstance(leaf, jax.Array):
        return leaf
    try:
        array = np.asarray(leaf)
    except Exception as error:
        kind = f"{type(leaf).__module__}.{type(leaf).__qualname__}"
        raise TypeError(f"{kind} cannot be made an array: {error}") from None
    if array.dtype.kind not in "biuf" and "float" not in array.dtype.name:
        raise TypeError(
            f"batches hold numbers, but one holds {array.dtype} ({leaf!r:.50})"
        )
    return array


def source_of(data: Any, put: Put, batch_size: int, shuffle: bool) -> Source:
    """The batches of what a user gives.

    Args:
        data: arrays in a tuple, list or dictionary; a loader; or an iterable of
            batches.
        put: moves a tree of arrays to the device.
        batch_size: of arrays that no loader holds.
        shuffle: likewise.

    Raises:
        TypeError: it is none of them.
    """
    if _is_arrays(data):
        if isinstance(data, list):
            data = tuple(data)
        data = ArrayLoader(data, batch_size, shuffle)
    elif shuffle:
        raise ConfigError("shuffle=True is for arrays: a loader has its own order")
    if all(hasattr(data, name) for name in ("arrays", "start", "resume")):
        if data.arrays() is not None:
            return ArraySource(data, put)
        return StreamSource(data, put)
    if not hasattr(data, "__iter__"):
        raise TypeError(
            "data must be arrays, a loader or an iterable of batches, but got "
            f"{type(data).__name__}"
        )
    return IterableSource(data, put)


def _is_arrays(data: Any) -> bool:
    if isinstance(data, list) and data and _is_pair(data[0]):
        return False  # a list of batches
    if not isinstance(data, tuple | list | Mapping):
        return _is_array(data)
    leaves = jax.tree.leaves(data)
    return bool(leaves) and all(map(_is_array, leaves))


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _is_pair(batch: Any) -> bool:
    return isinstance(batch, tuple | list | Mapping)


class ArraySource:
    """A loader's arrays, on the device, and the row numbers of its batches."""

    def __init__(self, loader: Any, put: Put):
        self.loader, self.put = loader, put
        self.length: int | None = len(loader)
        self._data: Any = None
        self._rows: list[np.ndarray] = []
        self._state: Any = None

    @property
    def data(self) -> Any:
        if self._data is None:
            self._data = self.put(self.loader.arrays())
        return self._data

    @property
    def rows_per_epoch(self) -> int:
        """As far as they are known before the first epoch."""
        dataset: Any = getattr(self.loader, "dataset", None)
        arrays = self.loader.arrays()
        return count_rows(arrays) if dataset is None else len(dataset)

    @property
    def batch_rows(self) -> int:
        """Rows of a batch, likewise."""
        return getattr(self.loader, "batch_size", None) or 0

    @property
    def about(self) -> dict[str, Any]:
        leaves = jax.tree.leaves(self.loader.arrays())
        return {
            "batches": self.length,
            "batch_size": self.batch_rows,
            "arrays": [f"{x.dtype} {tuple(x.shape)}" for x in leaves],
            "crc32": checksum(leaves),
        }

    def begin(self, epoch: int) -> None:
        del epoch
        self._take(self.loader.start())

    def go_on(self, epoch: int, state: Any, done: int) -> None:
        del epoch, done
        self._take(self.loader.resume(state))

    def _take(self, walk: Any) -> None:
        # Before its rows are asked for: they count as delivered then.
        self._state = walk.state()
        self._rows = list(walk.rows())
        walk.close()

    def pieces(self, done: int, most: int) -> Iterator[Piece]:
        while done < len(self._rows):
            rows = self._rows[done : done + most]
            # One shape means one compilation: a short batch is by itself.
            same = [*_while_size(rows, len(rows[0]))]
            done += len(same)
            yield Piece(iter([(self.data, np.stack(same))]))

    def state(self) -> Any:
        return self._state

    def is_over(self, done: int) -> bool:
        return done >= len(self._rows)


def _while_size(rows: list[np.ndarray], size: int) -> Iterator[np.ndarray]:
    for each in rows:
        if len(each) != size:
            return
        yield each


class _Stream:
    """Batches as they come."""

    def __init__(self, put: Put, length: int | None):
        self.put, self.length = put, length
        self._batches: Iterator[Any] = iter(())
        self._over = False
        self._form: Any = None
        self._last: Any = None
        self._number = 0

    def pieces(self, done: int, most: int) -> Iterator[Piece]:
        self._number = done
        while (batch := next(self._batches, None)) is not None:
            first = self._placed(batch)
            size = sum(x.nbytes for x in jax.tree.leaves(first))
            steps = max(min(MOST_BYTES // max(size, 1), MOST_STEPS, most), 1)
            # The next is fetched and moved while the device works on the one before.
            rest = map(self._placed, islice(self._batches, steps - 1))
            yield Piece((each, None) for each in chain([first], rest))
        self._over = True

    def _placed(self, batch: Any) -> Any:
        batch = jax.tree.map(as_array, batch)
        self._number += 1
        form = (
            jax.tree.structure(batch),
            [(x.dtype, x.shape[1:]) for x in jax.tree.leaves(batch)],
        )
        if self._form is None:
            self._form = form
        elif form[0] != self._form[0]:
            raise ConfigError(
                f"batch {self._number - 1} of the epoch is of another structure than "
                f"the first: {_short(form[0])}, not {_short(self._form[0])}"
            )
        self._last = batch
        return self.put(batch)

    def is_over(self, done: int) -> bool:
        return self._over or done == self.length


def _short(structure: Any) -> str:
    return str(structure).removeprefix("PyTreeDef(").removesuffix(")")


class StreamSource(_Stream):
    """A loader that reads its batches as they are asked for."""

    def __init__(self, loader: Any, put: Put):
        super().__init__(put, len(loader) if hasattr(loader, "__len__") else None)
        self.loader = loader
        self._pass: Any = None

    @property
    def about(self) -> dict[str, Any]:
        return {"batches": self.length, "loader": type(self.loader).__name__}

    def begin(self, epoch: int) -> None:
        del epoch
        self._take(self.loader.start())

    def go_on(self, epoch: int, state: Any, done: int) -> None:
        del epoch, done
        self._take(self.loader.resume(state))

    def _take(self, walk: Any) -> None:
        self._pass, self._batches, self._over = walk, iter(walk), False

    def state(self) -> Any:
        return self._pass.state()


class IterableSource(_Stream):
    """Any iterable of batches; a run goes on by passing over those that were done.

    So it is right only where the batches come again as they came. The last one's
    checksum is compared: another order is refused, and not trained on.
    """

    def __init__(self, batches: Any, put: Put):
        known = hasattr(batches, "__len__")
        super().__init__(put, len(batches) if known else None)
        self.batches = batches
        self._epoch = 0

    @property
    def about(self) -> dict[str, Any]:
        return {"batches": self.length, "loader": type(self.batches).__name__}

    def begin(self, epoch: int) -> None:
        self._pass_over(epoch)
        self._start()

    def go_on(self, epoch: int, state: Any, done: int) -> None:
        self._pass_over(epoch)
        self._start()
        batch: Any = None
        for number in range(done):
            batch = next(self._batches, None)
            if batch is None:
                raise ConfigError(
                    f"the data has {number} batches, but {done} of epoch {epoch} were "
                    "done"
                )
        self._last = None if batch is None else jax.tree.map(as_array, batch)
        if self.state() != state:
            raise ConfigError(
                f"batch {done - 1} of epoch {epoch} is not the one it was when the "
                "run was saved: seed what orders the data, or give a "
                "jaxtrain.data.DataLoader, which goes on by itself"
            )

    def _pass_over(self, epoch: int) -> None:
        """The epochs before, which this process has not seen: they draw, too."""
        while self._epoch < epoch - 1:
            self._start()
            for _ in self._batches:
                pass

    def _start(self) -> None:
        self._batches = iter(self.batches)
        if self._batches is self.batches and self._epoch:
            raise ConfigError(
                "the data gives its batches only once: give a list, or an object whose "
                "__iter__ begins anew, to train for more than one epoch"
            )
        self._epoch += 1
        self._over, self._last = False, None

    def state(self) -> Any:
        return {"crc32": checksum(self._last)}


def checksum(tree: Any) -> int:
    """CRC-32 of all arrays of a tree."""
    value = 0
    for leaf in jax.tree.leaves(tree):
        value = zlib.crc32(np.ascontiguousarray(leaf).tobytes(), value)
    return value
