"""The process around a program: signals that end it, and an output that may fail."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from types import FrameType
from typing import Any, NoReturn

_NAMES = ("SIGTERM", "SIGHUP")
PATIENCE = 2.0
"""Seconds that a signal waits for a run to come to a place where it can end."""


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Have SIGTERM and SIGHUP raise `KeyboardInterrupt(number)`, as Ctrl-C nearly does.

    The program then ends with everything put in order. A signal that the caller
    ignores, as nohup does, or handles himself stays as it is.
    """
    # Windows has no SIGHUP, and only the main thread may set handlers.
    numbers = [signal.Signals[name] for name in _NAMES if hasattr(signal, name)]
    numbers = [n for n in numbers if signal.getsignal(n) == signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    for number in numbers:
        signal.signal(number, _interrupt)
    try:
        yield
        if _raised:
            raise KeyboardInterrupt(_raised[-1])
    finally:
        _raised.clear()
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


_raised: list[int] = []
"""Signals that came. Raised inside a callback of the garbage collector, an exception is
dropped; the next who looks here raises it again."""


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    _raised.append(number)
    raise KeyboardInterrupt(number)


@contextmanager
def signals_wait(patience: float = PATIENCE) -> Iterator[Callable[[], None]]:
    """Have the first signal of the block wait until what is yielded is called.

    The call then raises the signal's `KeyboardInterrupt`, as does the end of the block.
    A second signal does not wait, nor does the first for longer than `patience`, in
    seconds.

    Example:
        >>> with signals_wait() as let_in:
        ...     let_in()
    """
    came = [signal.Signals(number) for number in _raised]
    again: list[threading.Timer] = []
    before: dict[signal.Signals, Any] = {}

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        came.append(signal.Signals(number))
        _restore(before)
        again.append(threading.Timer(patience, os.kill, (os.getpid(), number)))
        again[0].daemon = True
        again[0].start()

    def let_in() -> None:
        if came:
            for timer in again:
                timer.cancel()
            raise KeyboardInterrupt(came.pop())

    # Only where the signal would interrupt, and only the main thread may set handlers.
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", *_NAMES):
            number = getattr(signal, name, signal.SIGINT)
            if signal.getsignal(number) in (_interrupt, signal.default_int_handler):
                before[number] = signal.signal(number, note)
    try:
        yield let_in
        let_in()
    finally:
        for timer in again:
            timer.cancel()
        _restore(before)


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    while handlers:
        signal.signal(*handlers.popitem())


def number_of(interrupt: KeyboardInterrupt) -> signal.Signals:
    """The signal that an interrupt stands for: SIGINT, if Python itself raised it.

    Example:
        >>> number_of(KeyboardInterrupt(15)).name, number_of(KeyboardInterrupt()).name
        ('SIGTERM', 'SIGINT')
    """
    return signal.Signals(interrupt.args[0] if interrupt.args else signal.SIGINT)


def prepare_stdout() -> None:
    """Make sure that there is an output, and that no character is too much for it."""
    if sys.stdout is None:
        # Closed by the caller. Left so, the next file opened would become the output.
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def silence_stdout() -> None:
    """Keep what is left in the buffer from meeting, at exit, the same fault again."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
