"""One process at a time fills the cache; the rest wait and then find it full.

The lock is the operating system's, which drops it when its holder dies, however it
dies. It only saves work: the files are written atomically, so that a system without
such locks downloads twice and is still right.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jaxtrain.data.dataset import DataError
from jaxtrain.lock import try_lock


@contextmanager
def locked(path: Path, patience: float = 1800.0) -> Iterator[bool]:
    """Hold the lock file `path`, waiting up to `patience` seconds for it.

    Yields:
        Whether it is really held: False where the system knows no such locks.

    Raises:
        DataError: another process held it all the while.
        OSError: the file cannot be made.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        yield _acquire(handle, path, patience)
    finally:
        os.close(handle)


def _acquire(handle: int, path: Path, patience: float) -> bool:
    start = time.monotonic()
    told = False
    while (taken := try_lock(handle)) is None:
        waited = time.monotonic() - start
        if waited > patience:
            raise DataError(
                f"another process has held {path} for {patience:.0f} s; "
                "end it, or set JAXTRAIN_CACHE to another folder"
            )
        if waited > 2 and not told:
            told = True
            warnings.warn(f"waiting for another process: {path}", stacklevel=2)
        time.sleep(min(0.1, patience))
    return taken
