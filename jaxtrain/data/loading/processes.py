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

    Each has its own copy of the data set, and PyTorch's seeds. Processes are begun
    from nothing: a fork of one in which JAX has threads may wait for ever.

    Args:
        method: "forkserver" or "spawn".
        fetch: loads a batch.
        base_seed: of PyTorch's iterator.
        num_workers: how many processes.
        init: PyTorch's `worker_init_fn`.
        states: where the workers' streams stand, to go on from there.
        timeout: seconds to wait for a batch; 0 for as long as it takes.

    Raises:
        ConfigError: the program's script would be run again, or the data set cannot be
            sent to another process.
    """

    def __init__(
        self,
        method: str,
        fetch: Fetch,
        base_seed: int,
        num_workers: int,
        init: Callable[[int], Any] | None,
        states: Sequence[State] | None,
        timeout: float,
    ) -> None:
        check_main()
        self._timeout = timeout
        self._states = (
            [seeded(base_seed, w) for w in range(num_workers)]
            if states is None
            else list(states)
        )
        self._rows: dict[int, Any] = {}
        self._ready: dict[int, Any] = {}
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        content = _content(fetch, init)
        context = multiprocessing.get_context(method)
        self._ends: list[Any] = []
        self._processes: list[Any] = []
        for number in range(num_workers):
            ours, theirs = context.Pipe()
            place = base_seed, number, num_workers
            state = None if states is None else states[number]
            process = context.Process(  # type: ignore[attr-defined]
                target=worker.serve,
                args=(theirs, content, place, state),
                name=f"jaxtrain-loader-{number}",
                daemon=True,
            )
            process.start()
            theirs.close()
            self._ends.append(ours)
            self._processes.append(process)
            # A thread each, so that a worker is never kept from sending: it would not
            # read its next task either, and both sides would wait.
            threading.Thread(
                target=_read, args=(ours, number, self._done), daemon=True
            ).start()
        self.close = weakref.finalize(self, _end, self._ends, self._processes)

    def submit(self, task: int, rows: Any) -> None:
        """Have a batch loaded."""
        self._rows[task] = rows
        # Of one that is dead, `receive` will say so.
        with contextlib.suppress(ConnectionError):
            self._ends[task % len(self._ends)].send((task, rows))

    def receive(self, task: int) -> Any:
        """The batch of a task that was submitted; in the order of the tasks.

        Raises:
            DataError: loading it failed or took longer than `timeout`, or the worker
                is no more.
        """
        own = task % len(self._ends)
        while task not in self._ready:
            try:
                message = self._done.get(timeout=self._timeout or None)
            except queue.Empty:
                raise DataError(
                    f"no batch came within {self._timeout:g} s: worker {own} was to "
                    f"load {naming(self._rows[task])}"
                ) from None
            self._take(message)
        batch, state, failure = self._ready.pop(task)
        self._rows.pop(task)
        self._states[own] = state
        if failure is not None:
            raise _error(failure)
        return batch

    def _take(self, message: Any) -> None:
        number, content = message
        if content is None:
            process = self._processes[number]
            process.join(1)
            lost = [r for t, r in self._rows.items() if self._is_of(t, number)]
            where = f" while it was to load {naming(lost[0])}" if lost else ""
            raise DataError(
                f"worker {number} of the loader (process {process.pid}) ended with "
                f"exit status {process.exitcode}{where}"
            )
        task, batch, state, failure = content
        if task is None:
            raise _error((f"worker {number} of the loader: {failure[0]}", failure[1]))
        self._ready[task] = batch, state, failure

    def _is_of(self, task: int, number: int) -> bool:
        return task % len(self._ends) == number and task not in self._ready

    def drain(self) -> None:
        """Have what is out loaded and thrown away: the streams go on behind it."""
        for task in sorted(self._rows):
            with contextlib.suppress(DataError):
                self.receive(task)

    def states(self) -> list[State]:
        """Where each worker's streams stand after its last batch that was received."""
        return list(self._states)


def _error(failure: tuple[str, str]) -> DataError:
    error = DataError(failure[0])
    error.add_note(f"In the worker:\n{failure[1].rstrip()}")
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


def _read(end: Any, number: int, done: queue.SimpleQueue[Any]) -> None:
    try:
        while True:
            done.put((number, worker.receive(end)))
    except (EOFError, OSError, ValueError, TypeError):
        done.put((number, None))


def _end(ends: Sequence[Any], processes: Sequence[Any]) -> None:
    for end in ends:
        with contextlib.suppress(OSError, ValueError):
            end.send(None)
    for process in processes:
        process.join(GRACE)
        if process.is_alive():
            process.terminate()
            process.join()
    for end in ends:
        end.close()


GRACE = 0.5
"""Seconds that a worker has to end by itself."""


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
