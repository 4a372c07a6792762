"""What a worker process does: it loads batches until nobody asks for more."""

from __future__ import annotations

import pickle
import signal
import traceback
from multiprocessing.connection import Connection
from typing import Any

from jaxtrain.data.dataset import DataError
from jaxtrain.data.loading.fetch import WorkerInfo, naming, set_worker_info
from jaxtrain.data.loading.streams import State, Streams


def serve(connection: Connection) -> None:
    """Load batches for the program at the other end, as long as it is there.

    Args:
        connection: gives ("begin", …) with the arguments of `_begin`, ("load", task,
            rows), or None at the end; takes what `send` sends: (task, batch, where the
            streams stand, failure), of no task once the worker has begun.
    """
    # Ctrl-C comes to the whole group; the program decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    load = _Loading()
    try:
        while (message := connection.recv()) is not None:
            kind, *arguments = message
            send(connection, getattr(load, kind)(*arguments))
    except (EOFError, ConnectionError):
        return  # the program has ended


class _Loading:
    """The data set's copy of one pass, and the streams that it draws from."""

    def begin(
        self,
        content: bytes,
        place: tuple[int, int, int],
        own: State,
        state: State | None,
    ) -> Any:
        """Make a copy of what loads; seed, or go on from a state.

        Args:
            content: the pickled `Fetch` and `worker_init_fn`.
            place: base seed, number of this worker, number of workers.
            own: the streams that this worker begins with.
            state: where they stood, to go on from there.
        """
        base_seed, worker, num_workers = place
        try:
            self.fetch, init = pickle.loads(content)
            dataset = self.fetch.dataset
            self.streams = Streams(dataset=getattr(dataset, "generator", None))
            self.streams.set(own)
            set_worker_info(
                WorkerInfo(worker, num_workers, base_seed + worker, dataset)
            )
            if init is not None:
                init(worker)
            if state is not None:
                self.streams.set(state)
        except Exception as error:
            return None, None, None, _text("it cannot begin", error)
        return None, None, None, None

    def load(self, number: int, rows: Any) -> Any:
        """The batch of these rows, or why there is none."""
        batch = failure = None
        try:
            batch = self.fetch(rows)
        except DataError as error:
            failure = str(error), "".join(traceback.format_exception(error))
        except BaseException as error:
            failure = _text(naming(rows), error)
        return number, batch, self.streams.get(), failure


def _text(where: str, error: BaseException) -> tuple[str, str]:
    lines = "".join(traceback.format_exception(error))
    return f"{where}: {type(error).__name__}: {error}", lines


def send(connection: Connection, message: Any) -> None:
    """Send what can be pickled, its arrays not copied into the pickle."""
    buffers: list[pickle.PickleBuffer] = []
    try:
        head = pickle.dumps(message, protocol=5, buffer_callback=buffers.append)
    except Exception as error:
        buffers.clear()
        failure = _text("its batch cannot be sent", error)
        head = pickle.dumps((message[0], None, message[2], failure))
    parts = [buffer.raw() for buffer in buffers]
    connection.send([part.nbytes for part in parts])
    connection.send_bytes(head)
    for part in parts:
        if part.nbytes:
            connection.send_bytes(part)


def receive(connection: Connection) -> Any:
    """What `send` has sent; a failure of no task where it cannot be put together.

    Raises:
        EOFError: the other end is gone.
    """
    parts = [bytearray(size) for size in connection.recv()]
    head = connection.recv_bytes()
    for part in parts:
        if part:
            connection.recv_bytes_into(part)
    try:
        return pickle.loads(head, buffers=parts)
    except Exception as error:
        # Of a class of the user's, which may raise anything. All of the message is
        # read by now, so that the next one can be.
        return None, None, None, _text("its batch cannot be received", error)
