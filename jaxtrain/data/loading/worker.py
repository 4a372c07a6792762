"""What a worker process does: it loads batches until nobody asks for more."""

from __future__ import annotations

import pickle
import signal
import traceback
from multiprocessing.connection import Connection
from typing import Any

from jaxtrain.data.dataset import DataError
from jaxtrain.data.loading.fetch import Fetch, WorkerInfo, naming, set_worker_info
from jaxtrain.data.loading.streams import State, Streams, seeded


def serve(
    connection: Connection,
    content: bytes,
    place: tuple[int, int, int],
    state: State | None,
) -> None:
    """Load batches for the program at the other end, as long as it is there.

    Args:
        connection: gives (task, rows), or None at the end; takes what `send` sends.
        content: the pickled `Fetch` and `worker_init_fn`.
        place: base seed, number of this worker, number of workers.
        state: where the streams stood, to go on from there.
    """
    # Ctrl-C comes to the whole group; the program decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        fetch, streams = _begin(content, place, state)
    except Exception as error:
        send(connection, (None, None, None, _text("it cannot begin", error)))
        return
    try:
        while (task := connection.recv()) is not None:
            send(connection, _load(fetch, streams, *task))
    except (EOFError, ConnectionError):
        return  # the program has ended


def _begin(
    content: bytes, place: tuple[int, int, int], state: State | None
) -> tuple[Fetch, Streams]:
    base_seed, worker, num_workers = place
    fetch, init = pickle.loads(content)
    streams = Streams(dataset=getattr(fetch.dataset, "generator", None))
    streams.set(seeded(base_seed, worker))
    seed = base_seed + worker
    set_worker_info(WorkerInfo(worker, num_workers, seed, fetch.dataset))
    if init is not None:
        init(worker)
    if state is not None:
        streams.set(state)
    return fetch, streams


def _load(fetch: Fetch, streams: Streams, number: int, rows: Any) -> Any:
    batch = failure = None
    try:
        batch = fetch(rows)
    except DataError as error:
        failure = str(error), "".join(traceback.format_exception(error))
    except BaseException as error:
        failure = _text(naming(rows), error)
    return number, batch, streams.get(), failure


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
    """What `send` has sent.

    Raises:
        EOFError: the other end is gone.
    """
    parts = [bytearray(size) for size in connection.recv()]
    head = connection.recv_bytes()
    for part in parts:
        if part:
            connection.recv_bytes_into(part)
    return pickle.loads(head, buffers=parts)
