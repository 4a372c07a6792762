"""Worker threads: batches loaded ahead, each worker with a stream of its own."""

from __future__ import annotations

import contextlib
import queue
import threading
import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jaxtrain import rng
from jaxtrain.data.dataset import DataError
from jaxtrain.data.loading.fetch import Fetch, WorkerInfo, naming, set_worker_info
from jaxtrain.data.loading.streams import State, Streams, exchanged, same, seeded


class Result(NamedTuple):
    """A batch or what came instead, and where the worker's streams stand after it."""

    task: int
    batch: Any
    state: State
    error: BaseException | None = None


class ThreadPool:
    """Loads batches in threads; task k is that of worker k % num_workers.

    Threads share Python's `random` and NumPy's global stream. So the first batch is
    loaded where all others wait, with the worker's streams in the place of the
    program's: if that draws from either, the data set is one that does, and all its
    batches are loaded in that way when they are asked for, which is not ahead, but
    gives PyTorch's numbers.

    Args:
        fetch: loads a batch.
        base_seed: of PyTorch's iterator.
        num_workers: how many threads.
        init: PyTorch's `worker_init_fn`.
        states: where the workers' streams stand, to go on from there.
        timeout: seconds to wait for a batch; 0 for as long as it takes.
    """

    def __init__(
        self,
        fetch: Fetch,
        base_seed: int,
        num_workers: int,
        init: Callable[[int], Any] | None,
        states: Sequence[State] | None,
        timeout: float,
    ) -> None:
        self._fetch = fetch
        self._timeout = timeout
        self._streams = Streams(dataset=getattr(fetch.dataset, "generator", None))
        own = {**self._streams.get()}
        self._states = [{**own, **seeded(base_seed, w)} for w in range(num_workers)]
        self._info = [
            WorkerInfo(w, num_workers, base_seed + w, fetch.dataset)
            for w in range(num_workers)
        ]
        self._begin(init, states)
        self._draws: bool | None = None
        self._late = False
        self._rows: dict[int, Any] = {}
        self._results: dict[int, Result] = {}
        self._threads: _Threads | None = None

    def _begin(
        self, init: Callable[[int], Any] | None, states: Sequence[State] | None
    ) -> None:
        for worker, state in enumerate(self._states):
            if init is not None:
                with self._as_worker(worker, state):
                    init(worker)
            if states is not None:
                state.update(states[worker])

    def _as_worker(self, worker: int, state: State) -> Any:
        return _Visit(self._info[worker], state, self._streams)

    def submit(self, task: int, rows: Any) -> None:
        """Have a batch loaded."""
        self._rows[task] = rows
        if self._draws is None:
            self._results[task] = self._load_here(task)
        elif not self._draws:
            if self._threads is None:
                self._threads = _Threads(self._fetch, self._info, self._latest())
            self._threads.submit(task, rows)

    def receive(self, task: int) -> Any:
        """The batch of a task that was submitted; in the order of the tasks.

        Raises:
            DataError: loading it failed, or took longer than `timeout`.
        """
        if task not in self._results:
            load = self._load_here if self._draws else self._wait
            self._results[task] = load(task)
        result = self._results.pop(task)
        self._rows.pop(task)
        self._states[task % len(self._states)] = result.state
        if result.error is not None:
            raise result.error
        return result.batch

    def drain(self) -> None:
        """Have what is out loaded and thrown away: the streams go on behind it."""
        for task in sorted(self._rows):
            with contextlib.suppress(DataError):
                self.receive(task)

    def states(self) -> list[State]:
        """Where each worker's streams stand after its last batch that was received."""
        return list(self._states)

    def close(self) -> None:
        """End the threads, each when it has loaded its batch."""
        if self._threads is not None:
            self._threads.close()

    def _latest(self) -> list[State]:
        """The streams after what is loaded, received or not."""
        states = list(self._states)
        for result in self._results.values():
            states[result.task % len(states)] = result.state
        return states

    def _wait(self, task: int) -> Result:
        assert self._threads is not None
        before = self._streams.get()
        found = self._threads.receive(task, self._timeout)
        # This thread waited meanwhile: who drew was a worker, later than at first.
        if not self._late and not same(before, self._streams.get()):
            self._late = True
            warnings.warn(LATE, stacklevel=2)
        if found is None:
            raise DataError(
                f"no batch came within {self._timeout:g} s: worker "
                f"{task % len(self._states)} was to load {naming(self._rows[task])}"
            )
        return found

    def _load_here(self, task: int) -> Result:
        worker = task % len(self._states)
        before, state = self._states[worker], {**self._states[worker]}
        batch = error = None
        with self._as_worker(worker, state):
            try:
                batch = self._fetch(self._rows[task])
            except DataError as caught:
                error = caught
        if self._draws is None:
            default = {"default": before["default"]}
            self._draws = not same(before, {**state, **default})
            if self._draws:
                warnings.warn(SHARED, stacklevel=2)
        return Result(task, batch, state, error)


SHARED = (
    "the data set draws from Python's random or from numpy.random, which threads "
    "share: its batches are PyTorch's, but not loaded ahead; draw from "
    "jaxtrain.rng.default_generator, or pass multiprocessing_context='forkserver'"
)

LATE = (
    "the data set draws from Python's random or from numpy.random, which threads "
    "share, if not for its first batch: its rows are not PyTorch's, nor those of the "
    "next run; pass multiprocessing_context='forkserver'"
)


class _Visit:
    """The program's own thread as a worker, for one batch."""

    def __init__(self, info: WorkerInfo, state: State, streams: Streams) -> None:
        self._info = info
        self._streams = exchanged(state, streams)

    def __enter__(self) -> None:
        set_worker_info(self._info)
        self._streams.__enter__()

    def __exit__(self, *caught: Any) -> None:
        set_worker_info(None)
        self._streams.__exit__(*caught)


class _Threads:
    """One thread for each worker, that ends when nobody wants its batches any more."""

    def __init__(
        self, fetch: Fetch, info: Sequence[WorkerInfo], states: Sequence[State]
    ) -> None:
        self._ready: dict[int, Result] = {}
        self._done: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._tasks: list[queue.SimpleQueue[Any]] = [queue.SimpleQueue() for _ in info]
        stop = threading.Event()
        for own, state, tasks in zip(info, states, self._tasks, strict=True):
            arguments = fetch, own, {**state}, tasks, self._done, stop
            name = f"jaxtrain-loader-{own.id}"
            # A daemon: a program that ends does not wait for rows that nobody wants.
            threading.Thread(
                target=_work, args=arguments, name=name, daemon=True
            ).start()
        self.close = weakref.finalize(self, _end, self._tasks, stop)

    def submit(self, task: int, rows: Any) -> None:
        self._tasks[task % len(self._tasks)].put((task, rows))

    def receive(self, task: int, timeout: float) -> Result | None:
        while task not in self._ready:
            try:
                result = self._done.get(timeout=timeout or None)
            except queue.Empty:
                return None
            self._ready[result.task] = result
        return self._ready.pop(task)


def _end(tasks: Sequence[queue.SimpleQueue[Any]], stop: threading.Event) -> None:
    stop.set()
    for own in tasks:
        own.put(None)


def _work(
    fetch: Fetch,
    info: WorkerInfo,
    state: State,
    tasks: queue.SimpleQueue[Any],
    done: queue.SimpleQueue[Result],
    stop: threading.Event,
) -> None:
    generator = rng.Generator().set_state(state["default"])
    set_worker_info(info)
    with rng.default_generator.substitute(generator):
        while (task := tasks.get()) is not None and not stop.is_set():
            number, rows = task
            batch, error = None, None
            try:
                batch = fetch(rows)
            except DataError as caught:
                error = caught
            except BaseException as caught:  # a thread has nobody to raise it to
                name = type(caught).__name__
                error = DataError(f"{naming(rows)}: {name}: {caught}")
            after = {**state, "default": generator.get_state()}
            done.put(Result(number, batch, after, error))
            del task, rows, batch, error
