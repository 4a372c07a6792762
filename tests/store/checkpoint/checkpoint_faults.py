"""Calls into the system that fail, or that are the last of the process."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

WRITING = ("open", "write", "fsync", "close", "mkdir", "rename", "unlink", "rmdir")
READING = ("stat", "lstat", "fstat", "listdir", "scandir")


@dataclass
class Fault:
    """Call number `at`, from 0, fails; `sticky`: and every later one."""

    at: int
    act: Callable[[], None]
    sticky: bool = False
    calls: int = 0
    hits: int = 0
    last: str = ""

    def strike(self, name: str) -> None:
        number, self.calls = self.calls, self.calls + 1
        if number == self.at or (self.sticky and number > self.at):
            self.hits, self.last = self.hits + 1, name
            self.act()


def failing(code: int) -> Callable[[], None]:
    def act() -> None:
        raise OSError(code, os.strerror(code))

    return act


@contextmanager
def broken(fault: Fault, names: tuple[str, ...], most: int = 200) -> Iterator[None]:
    """Within the block `os` goes through the fault, and writes `most` bytes at once."""
    real = {name: getattr(os, name) for name in names}
    real.setdefault("write", os.write)

    def through(name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if name == "close":  # A failed close has closed.
                real[name](*args, **kwargs)
                return fault.strike(name)
            if name == "write":
                args = (args[0], args[1][:most])
            if name in names:
                fault.strike(name)
            return real[name](*args, **kwargs)

        return call

    try:
        for name in real:
            setattr(os, name, through(name))
        yield
    finally:
        for name, function in real.items():
            setattr(os, name, function)


FULL, READ_ONLY, DENIED, FAULTY = errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO
