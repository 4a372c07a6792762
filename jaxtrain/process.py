"""The process around a program: signals that end it, and an output that may fail."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from types import FrameType
from typing import NoReturn

_NAMES = ("SIGTERM", "SIGHUP")


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
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    raise KeyboardInterrupt(number)


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
