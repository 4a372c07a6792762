"""The operating system's lock on an open file, which its holder's death drops."""

from __future__ import annotations

import errno

_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


def try_lock(handle: int) -> bool | None:
    """Lock an open file without waiting; closing the file unlocks it.

    Args:
        handle: the file's descriptor.

    Returns:
        True: taken. False: no such locks here. None: somebody else has it.

    Raises:
        OSError: it fails for another reason.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile() as file, open(file.name) as again:
        ...     try_lock(file.fileno()), try_lock(again.fileno())
        (True, None)
    """
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return False
        raise
    return True
