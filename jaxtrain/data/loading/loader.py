"""`DataLoader`: batches of a data set, in PyTorch's order from the seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jaxtrain import rng
from jaxtrain.data import samplers
from jaxtrain.data.collate import default_collate, default_convert
from jaxtrain.data.datasets import whole_arrays
from jaxtrain.data.loading.fetch import Fetch
from jaxtrain.data.loading.passes import Pass
from jaxtrain.data.loading.streams import State
from jaxtrain.errors import check_name


class DataLoader:
    """Batches of a data set: which rows, in which order, loaded by whom.

    Arguments, orders and draws are those of PyTorch's class of this name. Arrays
    (`TensorDataset`, and parts of one) are gathered, or by the engine kept on the
    device; every other data set is read row by row: in this thread where there are no
    workers, and ahead of it where there are.

    Workers are threads, which need no copy of the data set and start at once; they gain
    where rows are read or decoded outside Python. Each draws from PyTorch's seeds when
    the data set draws from `rng.default_generator`. Python's `random` and numpy.random
    threads share: a data set that draws from them is noticed at its first batch, and
    loaded in this thread from then on, with PyTorch's numbers. With
    `multiprocessing_context="forkserver"` workers are processes, which have streams,
    and a copy of the data set, of their own.

    Args:
        dataset: any object with `__getitem__` and `__len__`; `__getitems__` is used
            where it is there.
        batch_size: rows of a batch; None loads rows one by one, put into no batch.
        shuffle: whether the order is random.
        sampler: an iterable of row numbers, instead.
        batch_sampler: an iterable of lists of them, instead of all those and of
            `drop_last`.
        num_workers: how many threads or processes load; 0 for this one.
        collate_fn: puts rows together; `default_collate` if not given.
        pin_memory: taken for PyTorch's sake; it says nothing here.
        drop_last: leave out the last batch where it is short.
        timeout: seconds to wait for a worker's batch; 0 for as long as it takes.
        worker_init_fn: called with each worker's number, where its streams are set.
        multiprocessing_context: "forkserver" or "spawn" for processes.
        generator: draws the base seed, and the order where `shuffle` is true;
            `rng.default_generator` if not given.
        prefetch_factor: batches that each worker loads ahead; 2 if not given.
        persistent_workers: keep the workers, and their streams, from pass to pass.
        pin_memory_device: as `pin_memory`.
        in_order: must be true: an order that depends on who is faster is no one's.

    Raises:
        TypeError: the data set has no rows to ask for.
        ValueError: arguments that are impossible, or exclude each other.

    PyTorch: `torch.utils.data.DataLoader`.

    Example:
        >>> loader = DataLoader(range(5), 2, shuffle=True, generator=rng.Generator(0))
        >>> [batch.tolist() for batch in loader]
        [[3, 1], [0, 4], [2]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: rng.Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        del pin_memory, pin_memory_device
        if not hasattr(dataset, "__getitem__"):
            raise TypeError(
                "a data set has __getitem__ and __len__; "
                f"{type(dataset).__name__} has no __getitem__"
            )
        self.dataset = dataset
        self.generator = generator
        self._choose_order(batch_size, shuffle, sampler, batch_sampler, drop_last)
        self._choose_workers(num_workers, prefetch_factor, persistent_workers, timeout)
        self.multiprocessing_context = _method(multiprocessing_context, num_workers)
        self.worker_init_fn = worker_init_fn
        if not in_order:
            raise ValueError("in_order must be True, got False")
        own = default_convert if self.batch_sampler is None else default_collate
        self.collate_fn = own if collate_fn is None else collate_fn
        self.fetch = Fetch(dataset, self.collate_fn, self.batch_sampler is not None)
        self.whole = whole_arrays(dataset) if self._gathers() else None
        self.pool: Any = None
        self.pool_seed = 0
        self._crews: Any = None

    def _choose_order(
        self,
        batch_size: int | None,
        shuffle: bool | None,
        sampler: Iterable[Any] | None,
        batch_sampler: Iterable[Any] | None,
        drop_last: bool,
    ) -> None:
        if sampler is not None and shuffle:
            raise ValueError("a sampler decides the order: leave shuffle out")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "a batch_sampler decides the batches: leave batch_size, shuffle, "
                    "sampler and drop_last out"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("without batches (batch_size=None) there is no drop_last")
        if sampler is None:
            sampler = (
                samplers.RandomSampler(self.dataset, generator=self.generator)
                if shuffle
                else samplers.SequentialSampler(self.dataset)
            )
        if batch_size is not None:
            batch_sampler = samplers.BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler

    def _choose_workers(
        self,
        num_workers: int,
        prefetch_factor: int | None,
        persistent_workers: bool,
        timeout: float,
    ) -> None:
        for name, value in (("num_workers", num_workers), ("timeout", timeout)):
            if value < 0:
                raise ValueError(f"{name} must be 0 or more, got {value}")
        if prefetch_factor is not None and prefetch_factor < 1:
            raise ValueError(
                f"prefetch_factor must be 1 or more, got {prefetch_factor}"
            )
        if num_workers == 0 and (prefetch_factor or persistent_workers or timeout):
            raise ValueError(
                "prefetch_factor, persistent_workers and timeout are for workers, and "
                "num_workers is 0"
            )
        self.num_workers = num_workers
        self.timeout = timeout
        self.persistent_workers = persistent_workers
        self.prefetch_factor = (prefetch_factor or 2) if num_workers else None

    def _gathers(self) -> bool:
        return self.collate_fn is default_collate and self.fetch.batched

    @property
    def index_sampler(self) -> Any:
        """What a pass takes its row numbers from: batches of them, or single ones."""
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    @property
    def sampler_draws_at_once(self) -> bool:
        """Whether a pass draws its whole order with the first batch."""
        return samplers.draws_at_once(self.index_sampler)

    @property
    def base_sampler(self) -> Any:
        """The sampler of rows, also that of a batch sampler of one's own."""
        own = self.index_sampler
        return getattr(own, "sampler", own)

    def __len__(self) -> int:
        return len(self.index_sampler)

    def __iter__(self) -> Pass:
        return self.start()

    def arrays(self) -> Any:
        """The whole arrays behind the batches, nested as a batch is, or None.

        `Pass.rows` says which of their rows are a batch. They are there where the data
        set is a `TensorDataset`, or a part of one, and nothing but `default_collate`
        puts its rows together.
        """
        return None if self.whole is None else self.whole[0]

    def start(self) -> Pass:
        """Begin a pass; so does `iter`."""
        return Pass(self, None)

    def resume(self, state: Mapping[str, Any]) -> Pass:
        """Go on with a pass where `Pass.state` was called, without loading anew.

        The streams that loading draws from are set to where they stood: Python's
        `random`, numpy.random, `rng.default_generator`, the generators given to the
        loader and its sampler, and a `generator` that the data set has.

        Raises:
            DataError: the data set, the sampler or the number of workers is another.
        """
        return Pass(self, state)

    def close(self) -> None:
        """End workers that are kept from pass to pass."""
        if self.pool is not None:
            self.pool.close()
            self.pool = None

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass, where the sampler has one for each."""
        if callable(choose := getattr(self.base_sampler, "set_epoch", None)):
            choose(epoch)

    def draw_base_seed(self) -> int:
        """The seed of the workers, which PyTorch draws even where there are none."""
        own = self.generator
        return int((rng.default_generator if own is None else own).random_())

    def make_pool(self, base_seed: int, states: list[State] | None) -> Any:
        """Workers for one pass, or those that are kept; None where none are needed."""
        if not self.num_workers or self.whole is not None:
            return None
        if self.pool is not None and states is None:
            self.pool.drain()
            return self.pool
        pool = self._make_pool(base_seed, states)
        if self.persistent_workers:
            self.pool, self.pool_seed = pool, base_seed
        return pool

    def _make_pool(self, base_seed: int, states: list[State] | None) -> Any:
        rest = self.worker_init_fn, states, self.timeout
        if self.multiprocessing_context is None:
            from jaxtrain.data.loading.threads import ThreadPool

            return ThreadPool(self.fetch, base_seed, self.num_workers, *rest)
        if self._crews is None:
            from jaxtrain.data.loading.processes import CrewRoom

            self._crews = CrewRoom(self.multiprocessing_context, self.num_workers)
        return self._crews.pool(self.fetch, base_seed, *rest)


def _method(context: Any, num_workers: int) -> str | None:
    if context is None:
        return None
    if num_workers == 0:
        raise ValueError("multiprocessing_context is for workers, and num_workers is 0")
    name = context if isinstance(context, str) else context.get_start_method()
    if name == "fork":
        raise ValueError(
            "multiprocessing_context='fork' would copy JAX's locks without its "
            "threads; 'forkserver' begins from nothing"
        )
    from jaxtrain.data.loading.processes import METHODS

    check_name("multiprocessing_context", name, METHODS)
    return str(name)
