"""Worker processes: batches loaded ahead on processors of their own."""

from __future__ import annotations

import ast
import contextlib
import multiprocessing
import pickle
import queue
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from jaxtrain.data.dataset import DataError
from jaxtrain.data.loading import worker
from jaxtrain.data.loading.fetch import Fetch, naming
from jaxtrain.data.loading.streams import State, seeded
from jaxtrain.errors import ConfigError

METHODS = ("forkserver", "spawn")


class ProcessPool:
    """Loads batches in processes; task k is that of worker k % num_workers.

    Each has its own copy of the data set, and PyTorch's seeds: both anew in each pass,
    while the processes are those of the pass before.

    Args:
        crew: the processes.
        fetch: loads a batch.
        base_seed: of PyTorch's iterator.
        init: PyTorch's `worker_init_fn`.
        states: where the workers' streams stand, to go on from there.
        timeout: seconds to wait for a batch; 0 for as long as it takes.

    Raises:
        ConfigError: the data set cannot be sent to another process.
    """

    def __init__(
        self,
        crew: Crew,
        fetch: Fetch,
        base_seed: int,
        init: Callable[[int], Any] | None,
        states: Sequence[State] | None,
        timeout: float,
    ) -> None:
        self._crew = crew
        self._timeout = timeout
        count = crew.size
        seeds = [seeded(base_seed, number) for number in range(count)]
        self._states = seeds if states is None else list(states)
        self._rows: dict[int, Any] = {}
        self._ready: dict[int, Any] = {}
        content = _content(fetch, init)
        crew.clear()
        for number, own in enumerate(seeds):
            place = base_seed, number, count
            state = None if states is None else states[number]
            crew.send(number, ("begin", content, place, own, state))

    def submit(self, task: int, rows: Any) -> None:
        """Have a batch loaded."""
        self._rows[task] = rows
        self._crew.send(task % self._crew.size, ("load", task, rows))

    def receive(self, task: int) -> Any:
        """The batch of a task that was submitted; in the order of the tasks.

        Raises:
            DataError: loading it failed or took longer than `timeout`, or the worker
                is no more.
        """
        own = task % self._crew.size
        while task not in self._ready:
            began = own in self._crew.began
            patience = (
                self._timeout if began else self._timeout and BEGIN + self._timeout
            )
            message = self._crew.receive(patience)
            if message is None:
                raise DataError(
                    f"no batch came within {patience:g} s: worker {own} was to load "
                    f"{naming(self._rows[task])}"
                )
            self._take(*message)
        batch, state, failure = self._ready.pop(task)
        self._rows.pop(task)
        self._states[own] = state
        if failure is not None:
            raise _error(*failure)
        return batch

    def _take(self, number: int, content: Any) -> None:
        if content is None:
            size = self._crew.size
            lost = [
                rows
                for task, rows in self._rows.items()
                if task % size == number and task not in self._ready
            ]
            where = f" while it was to load {naming(lost[0])}" if lost else ""
            raise DataError(f"{self._crew.obituary(number)}{where}")
        task, batch, state, failure = content
        if task is not None:
            self._ready[task] = batch, state, failure
        elif failure is not None:
            raise _error(f"worker {number} of the loader: {failure[0]}", failure[1])

    def drain(self) -> None:
        """Have what is out loaded and thrown away: the streams go on behind it."""
        for task in sorted(self._rows):
            with contextlib.suppress(DataError):
                self.receive(task)

    def states(self) -> list[State]:
        """Where each worker's streams stand after its last batch that was received."""
        return list(self._states)


def _error(message: str, lines: str) -> DataError:
    error = DataError(message)
    error.add_note(f"In the worker:\n{lines.rstrip()}")
    return error


def _content(fetch: Fetch, init: Any) -> bytes:
    try:
        return pickle.dumps((fetch, init))
    except Exception as error:
        raise ConfigError(
            f"the data set cannot be sent to worker processes ({error}): define it, "
            "collate_fn and worker_init_fn at the top of a file, or leave "
            "multiprocessing_context out for threads"
        ) from error


BEGIN = 60.0
"""Seconds that a worker may take before its first batch, beyond `timeout`."""
GRACE = 0.5
"""Seconds that a worker has to end by itself."""


class Crew:
    """Processes that load, for one pass after the other, until nobody has them.

    They are begun from nothing: a fork of a process in which JAX has threads may wait
    for ever. That takes a second or so, and more where the program's script imports
    much, so they are kept.

    Args:
        method: "forkserver" or "spawn".
        size: how many.

    Raises:
        ConfigError: the program's script would be run again.
    """

    def __init__(self, method: str, size: int) -> None:
        check_main()
        self.size = size
        self.began: set[int] = set()
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._out = [0] * size
        self._ends: list[Any] = []
        self._processes: list[Any] = []
        readers: list[threading.Thread] = []
        context: Any = multiprocessing.get_context(method)
        for number in range(size):
            ours, theirs = context.Pipe()
            name = f"jaxtrain-loader-{number}"
            process = context.Process(
                target=worker.serve, args=(theirs,), name=name, daemon=True
            )
            process.start()
            theirs.close()
            self._ends.append(ours)
            self._processes.append(process)
            # A thread each, so that a worker is never kept from sending: it would not
            # read its next task either, and both sides would wait.
            reader = threading.Thread(
                target=_read, args=(ours, number, self._done), daemon=True
            )
            reader.start()
            readers.append(reader)
        self.end = weakref.finalize(self, _end, self._ends, self._processes, readers)

    @property
    def alive(self) -> bool:
        """Whether all of them are there."""
        return bool(self.end.alive) and all(p.is_alive() for p in self._processes)

    def send(self, number: int, message: Any) -> None:
        """Give one of them something to do."""
        self._out[number] += 1
        # Of one that is dead, `receive` will say so.
        with contextlib.suppress(OSError):
            self._ends[number].send(message)

    def receive(self, timeout: float) -> tuple[int, Any] | None:
        """Who answered and what, nothing where it is dead; None if it takes longer."""
        try:
            number, content = self._done.get(timeout=timeout or None)
        except queue.Empty:
            return None
        self._out[number] -= 1
        if content is not None and content[0] is None:
            self.began.add(number)
        return number, content

    def clear(self) -> None:
        """Await and forget all answers to come."""
        while any(self._out) and (answer := self.receive(BEGIN)) is not None:
            if answer[1] is None:
                return
        self.began.clear()

    def obituary(self, number: int) -> str:
        """How one of them ended."""
        process = self._processes[number]
        process.join(1)
        return (
            f"worker {number} of the loader (process {process.pid}) ended with exit "
            f"status {process.exitcode}"
        )


def _read(end: Any, number: int, done: queue.SimpleQueue[Any]) -> None:
    try:
        while True:
            done.put((number, worker.receive(end)))
    except (EOFError, OSError, ValueError, TypeError):
        done.put((number, None))


def _end(
    ends: Sequence[Any],
    processes: Sequence[Any],
    readers: Sequence[threading.Thread],
) -> None:
    for end in ends:
        with contextlib.suppress(OSError, ValueError):
            end.send(None)
    for process in processes:
        process.join(GRACE)
        if process.is_alive():
            process.terminate()
            process.join()
    # A reader sees the end of its pipe now. Closed before that, the pipe's number could
    # be another's when it is read from, and what is read would be lost to that one.
    for reader, end in zip(readers, ends, strict=True):
        if reader is not threading.current_thread():
            reader.join()
        end.close()


class CrewRoom:
    """Where the crew of a loader waits between two passes.

    Args:
        method: "forkserver" or "spawn".
        size: how many processes.
    """

    def __init__(self, method: str, size: int) -> None:
        self._method, self._size = method, size
        self._idle: list[Crew] = []

    def pool(self, *arguments: Any) -> ProcessPool:
        """A `ProcessPool` of a crew that waits, or else of a new one."""
        crew = self._take()
        pool = ProcessPool(crew, *arguments)
        # Called by the pass, or when nobody has the pool any more.
        pool.close = weakref.finalize(pool, self._idle.append, crew)  # type: ignore[attr-defined]
        return pool

    def _take(self) -> Crew:
        while self._idle:
            crew = self._idle.pop()
            if crew.alive:
                return crew
            crew.end()
        return Crew(self._method, self._size)


def check_main() -> None:
    """Refuse to begin processes that would run the program's script once more.

    A new process imports the script for what is defined in it. That is harmless where
    the program is now below `if __name__ == "__main__":`, which is false there.

    Raises:
        ConfigError: it is not.
    """
    main = sys.modules["__main__"]
    if getattr(main, "__file__", None) is None:
        return  # nothing to run again: an interactive session, or `python -c`
    frame = _module_frame()
    if frame is None or _is_guarded(frame.f_code.co_filename, frame.f_lineno):
        return
    raise ConfigError(
        f"worker processes would run {frame.f_code.co_filename} again: put what it "
        "does below if __name__ == '__main__':, or leave multiprocessing_context out "
        "for threads"
    )


def _module_frame() -> FrameType | None:
    """Where the main thread now is at the top of the program's script."""
    ident = threading.main_thread().ident
    frame = sys._current_frames().get(ident) if ident else None
    found = None
    while frame is not None:
        own = frame.f_globals.get("__name__") in ("__main__", "__mp_main__")
        if own and frame.f_code.co_name == "<module>":
            found = frame
        frame = frame.f_back
    return found


def _is_guarded(file: str, line: int) -> bool:
    try:
        with open(file, "rb") as stream:
            body = ast.parse(stream.read()).body
    except (OSError, SyntaxError, ValueError):
        return False
    return any(
        isinstance(node, ast.If)
        and node.lineno <= line <= (node.end_lineno or line)
        and {"__name__", "__main__"} <= set(_words(node.test))
        for node in body
    )


def _words(test: ast.expr) -> list[Any]:
    names = (node.id for node in ast.walk(test) if isinstance(node, ast.Name))
    texts = (node.value for node in ast.walk(test) if isinstance(node, ast.Constant))
    return [*names, *texts]
