"""HTTPS downloads that end: done, refused, or given up because too slow.

A thread reads the network and a queue hands its bytes over, so that one rule bounds
everything that can hang (name look-up, handshake, headers, body): in every window of
time a least number of bytes must arrive. Socket time-outs alone let a server that sends
one byte a second go on for months.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from jaxtrain.data.dataset import DataError
from jaxtrain.data.fashion_mnist.description import IdxFile, Manifest
from jaxtrain.data.fashion_mnist.folder import SLACK, verify

if TYPE_CHECKING:
    from http.client import HTTPResponse


OnProgress: TypeAlias = Callable[[str, int, "int | None"], None]
"""Called with a file's name, the bytes so far, and the bytes in all where known."""

_CHUNK = 1 << 16
_BUSY = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Limits:
    """When a download is given up.

    Attributes:
        window: seconds in which at least `least` bytes must arrive.
        least: bytes; at 128 KiB in 20 s the largest file takes over an hour.
        attempts: tries for one address where trying again can help.
        pause: seconds between them.
    """

    window: float = 20.0
    least: int = 1 << 17
    attempts: int = 2
    pause: float = 1.0


class UnreachableError(DataError):
    """The server itself fails; there is no use in asking it for another file."""


class _TransientError(DataError):
    """A failure that trying again may mend."""


def from_mirror(
    manifest: Manifest,
    base: str,
    files: Iterable[IdxFile],
    limits: Limits,
    progress: OnProgress,
) -> Iterator[tuple[IdxFile, bytes]]:
    """Yield each of `files` with its verified decompressed bytes, as they arrive.

    A file that fails does not keep the others from being fetched. The smallest come
    first, so that a mirror that does not serve shows early.

    Args:
        manifest: the data set.
        base: address of the folder, with a slash at its end.
        files: those that are wanted.
        limits: when to give up.
        progress: told of every piece that arrives.

    Raises:
        DataError: at the end, where a file failed; the first is named.
    """
    faults = []
    for file in sorted(files, key=lambda file: file.size):
        name = f"{file.name}.gz"
        try:
            data = fetch(base + name, file.size + SLACK, limits, name, progress)
            content = verify(file, data, manifest, name)
        except UnreachableError:
            raise
        except DataError as error:
            faults.append(str(error))
        else:
            yield file, content
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise DataError(faults[0] + more)


def fetch(url: str, cap: int, limits: Limits, name: str, progress: OnProgress) -> bytes:
    """The body at `url`, at most `cap` bytes; HTTP and HTTPS only.

    Raises:
        UnreachableError: no connection, or one too slow.
        DataError: refused, cut short twice, or larger than `cap`.
    """
    for attempt in range(limits.attempts):
        time.sleep(limits.pause if attempt else 0)
        try:
            return _fetch_once(url, cap, limits, name, progress)
        except _TransientError as error:
            last = str(error)
    raise DataError(f"{last}, {limits.attempts} times")


@dataclass(frozen=True)
class _Head:
    total: int | None


_Event: TypeAlias = _Head | bytes | DataError
_Events: TypeAlias = "queue.SimpleQueue[_Event]"


def _fetch_once(
    url: str, cap: int, limits: Limits, name: str, progress: OnProgress
) -> bytes:
    events: _Events = queue.SimpleQueue()
    stop = threading.Event()
    reader = threading.Thread(
        target=_read, args=(url, cap, limits.window, events, stop), daemon=True
    )
    reader.start()
    try:
        return _collect(events, limits, name, progress)
    finally:
        stop.set()


def _collect(events: _Events, limits: Limits, name: str, progress: OnProgress) -> bytes:
    body, total = bytearray(), None
    pace = _Pace(limits)
    while True:
        event = pace.wait(events, name, len(body))
        if isinstance(event, DataError):
            raise type(event)(f"{name}: {event}")
        if isinstance(event, _Head):
            total = event.total
        elif event:
            body += event
            progress(name, len(body), total)
        else:
            return bytes(body)


class _Pace:
    """Holds a download to its least number of bytes in every window of time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._since, self._before = time.monotonic(), 0

    def wait(self, events: _Events, name: str, count: int) -> _Event:
        while True:
            rest = self._since + self._limits.window - time.monotonic()
            try:
                if rest > 0:
                    return events.get(timeout=rest)
            except queue.Empty:
                pass
            self._check(name, count)

    def _check(self, name: str, count: int) -> None:
        fresh = count - self._before
        if fresh < self._limits.least:
            raise UnreachableError(
                f"{name}: {fresh:,} bytes in {self._limits.window:g} s, too slow "
                f"(least: {self._limits.least:,})"
            )
        self._since, self._before = time.monotonic(), count


def _read(
    url: str, cap: int, timeout: float, events: _Events, stop: threading.Event
) -> None:
    """The reading thread: the response, piece by piece, into the queue."""
    try:
        with _open(url, timeout) as response:
            total, count = response.length, 0
            _check_cap(total or 0, cap)
            events.put(_Head(total))
            while not stop.is_set() and (chunk := response.read1(_CHUNK)):
                count += len(chunk)
                _check_cap(count, cap)
                events.put(chunk)
            if total is not None and count < total:
                raise _TransientError(f"cut off after {count:,} of {total:,} bytes")
        events.put(b"")
    except Exception as error:
        events.put(_in_words(error))


def _check_cap(size: int, cap: int) -> None:
    if size > cap:
        raise DataError(f"{size:,} bytes or more where at most {cap:,} can be right")


def _open(url: str, timeout: float) -> HTTPResponse:
    from urllib import request

    # The default opener also follows redirects to FTP and opens file: and data:.
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPRedirectHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPErrorProcessor,
        request.UnknownHandler,
    ):
        opener.add_handler(handler())
    query = request.Request(url, headers={"User-Agent": "jaxtrain"})
    response: HTTPResponse = opener.open(query, timeout=timeout)
    return response


def _in_words(error: Exception) -> DataError:
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError

    if isinstance(error, DataError):
        return error
    if isinstance(error, HTTPError):
        error.close()
        return _refusal(error.code, str(error.reason))
    if isinstance(error, URLError):
        return UnreachableError(f"no connection: {error.reason}")
    if isinstance(error, (ConnectionError, HTTPException)):
        return _TransientError(f"connection lost: {error!r}")
    return UnreachableError(f"no answer: {error}")


def _refusal(code: int, reason: str) -> DataError:
    if 300 <= code < 400:
        return DataError(f"HTTP {code}: redirects in a circle or to no web address")
    kind = _TransientError if code in _BUSY else DataError
    return kind(f"HTTP {code} {reason}")
