"""Ctrl-C in a library call: the first one asks, and a second one interrupts."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interruption:
    """Whether the user asked for the end of what is going on."""

    def __init__(self) -> None:
        self.came = False

    def reason(self) -> str | None:
        """Why it is to end; None while nobody has asked."""
        return "interrupted by SIGINT" if self.came else None

    def note(self, number: int, frame: Any) -> None:
        """The handler: an exception in the midst of a step would lose that step."""
        del frame
        if self.came:
            raise KeyboardInterrupt(number)
        self.came = True


@contextmanager
def noted_interrupt() -> Iterator[Interruption]:
    """In the block Ctrl-C is noted; its end raises it.

    Only where Python's own handler would raise it anyway: in the main thread, and where
    nobody else has set one.

    Raises:
        KeyboardInterrupt: it came, at the end of the block; or it came twice.
    """
    interruption = Interruption()
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT) if in_main else None
    if before is not signal.default_int_handler:
        yield interruption
        return
    signal.signal(signal.SIGINT, interruption.note)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, before)
    if interruption.came:
        raise KeyboardInterrupt(signal.SIGINT)
