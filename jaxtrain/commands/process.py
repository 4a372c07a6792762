"""The process around a program: signals that end it, and an output that may fail.

In a process of its own a program ends by a signal in one of three ways:

- at once, in a line, where nothing is at stake: `take_over`, from its first moment on;
- by `KeyboardInterrupt`, where Python code has to put something in order:
  `interruptible`;
- when the work comes to a place where it can end: `note_signals`. JAX runs by then,
  and an exception inside its callbacks, or an interpreter that is torn down while its
  threads still compute, is a segmentation fault.

Where others import the package their signals are theirs: only while a command runs do
signals interrupt it there.
"""

# Imported before anything else of a program; what takes milliseconds waits for its use.
from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import threading
    from types import FrameType
    from typing import NoReturn

NUMBERS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if hasattr(signal, name)  # Windows has no SIGHUP
)
PATIENCE = 2.0
"""Seconds that a signal waits for work that has nothing to save."""
LAST_ACTS = 5.0
"""Seconds for what is done before the process of a run that is stuck ends."""

Act = Callable[[], "str | None"]
"""Done before a process ends; gives what there is to say of it."""


class _Own:
    """The process, if it is a program's own."""

    prog: str | None = None
    status: int | None = None


def take_over(prog: str | None = None) -> None:
    """Make this process the program's own, if it is: a signal ends it at once.

    A signal that the caller ignores, as nohup does, stays so.

    Args:
        prog: how the program is called; if not given, `python -m` must have named a
            module of this package, or its script.
    """
    _Own.prog = prog or own_name(sys.argv, sys.orig_argv)
    if _Own.prog is None:
        return
    import atexit

    for number in _end_signals():
        signal.signal(number, _leave)
    # Registered first, called last: Python's teardown resets the signals, and frees
    # what JAX's threads may still be using.
    atexit.register(_finish)


def own_name(argv: list[str], original: list[str]) -> str | None:
    """How a program of this package was called; None if the process is another's.

    Args:
        argv: `sys.argv`; its first is `-m` while Python looks for the module to run.
        original: `sys.orig_argv`.

    Example:
        >>> own_name(["-m", "--seed"], ["python", "-m", "jaxtrain.fashion", "--seed"])
        'python -m jaxtrain.fashion'
        >>> own_name(["-m"], ["python", "-m", "pytest"])
        >>> own_name(["/bin/jaxtrain-fashion"], ["python", "/bin/jaxtrain-fashion"])
        'jaxtrain-fashion'
        >>> own_name(["train.py"], ["python", "train.py"])
    """
    name = os.path.basename(argv[0]) if argv else ""
    if name.startswith("jaxtrain-"):
        return name
    if name != "-m":
        return None
    module = original[-len(argv)]
    if module.startswith("-"):  # as in -mjaxtrain.fashion
        module = module.partition("m")[2]
    return f"python -m {module}" if module.startswith("jaxtrain.") else None


def is_own() -> bool:
    """Whether this process is a program's own."""
    return _Own.prog is not None


def ends_with(status: int) -> int:
    """Remember the exit status of a program's own process; gives it back."""
    _Own.status = status
    return status


def _finish() -> None:
    if _Own.status is not None:
        _flush()
        os._exit(_Own.status)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """End the process at once, as the handler of a signal."""
    del frame
    _flush()
    _exit(number)


def _exit(number: int, notes: tuple[str, ...] = ()) -> NoReturn:
    """End the process with a signal's line and exit status."""
    if files := sys.modules.get("jaxtrain.files"):
        files.remove_parts()
    with suppress(OSError):
        line = f"{_Own.prog}: {describe(number, notes)}\n"
        os.write(2, line.encode(errors="backslashreplace"))
    os._exit(128 + number)


def _flush() -> None:
    # By a signal inside a flush of its own: a RuntimeError.
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()


def describe(number: int, notes: tuple[str, ...] | list[str] = ()) -> str:
    """What a program says when a signal ends it.

    Example:
        >>> describe(15, ["all is saved"])
        'ended by SIGTERM; all is saved'
    """
    return "; ".join([f"ended by {signal.Signals(number).name}", *notes])


def _end_signals() -> list[int]:
    """Signals that would end the process, and not those that the caller handles."""
    import threading

    if threading.current_thread() is not threading.main_thread():
        return []  # only the main thread may set handlers
    own = (signal.SIG_DFL, signal.default_int_handler, _leave, _interrupt)
    return [number for number in NUMBERS if signal.getsignal(number) in own]


@contextmanager
def _set_handlers(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Have a handler get the signals that would end the process otherwise."""
    before = {number: signal.signal(number, handler) for number in _end_signals()}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@contextmanager
def interruptible() -> Iterator[None]:
    """Have signals raise `KeyboardInterrupt(number)` in the block.

    Raises:
        KeyboardInterrupt: at the end of the block too, if a signal came and somebody
            has dropped its exception, as JAX's callback of the garbage collector does.
    """
    with _set_handlers(_interrupt), _redeliver():
        try:
            yield
            if _signals:
                raise KeyboardInterrupt(_signals[-1])
        finally:
            _signals.clear()


@contextmanager
def _redeliver() -> Iterator[None]:
    """Have a signal come again whose exception a callback has dropped."""
    import threading

    before = sys.unraisablehook

    def again() -> None:
        if _signals and hasattr(signal, "pthread_kill"):
            # To that thread: a sleep of its ends only by a signal of its own.
            main = threading.main_thread().ident
            signal.pthread_kill(main, _signals[-1])  # type: ignore[arg-type]

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if not isinstance(unraisable.exc_value, KeyboardInterrupt):
            before(unraisable)
            return
        threading.Timer(0.01, again).start()

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


_signals: list[int] = []


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    _signals.append(number)
    raise KeyboardInterrupt(number)


class SignalNotes:
    """The signals that came while a run goes on.

    Args:
        patience: seconds that a signal waits for the run in a program's own process.
    """

    def __init__(self, patience: float = PATIENCE):
        self.patience = patience
        self.came = list(_signals)
        self.last_acts: list[Act] = []
        """Done if the run does not end by itself; each gives a note or None."""

    def reason(self) -> str | None:
        """Why the run is to end; None if no signal came."""
        return describe(self.came[0]) if self.came else None

    def let_in(self) -> None:
        """Raise the signal that came, if one did, as `KeyboardInterrupt`."""
        if self.came:
            raise KeyboardInterrupt(self.came[0])

    def note(self, number: int, frame: FrameType | None = None) -> None:
        """Take note of a signal; in a process of others the second one interrupts."""
        del frame
        self.came.append(number)
        if len(self.came) > 1 and not is_own():
            raise KeyboardInterrupt(number)

    def leave(self, number: int) -> NoReturn:
        """End the process of a run that is stuck, or that the user is tired of."""
        import threading

        notes: list[str] = []

        def act() -> None:
            for each in self.last_acts:
                with suppress(Exception):
                    notes.extend(filter(None, [each()]))
            _flush()

        # In a thread of its own: the run may hold a lock that an act waits for.
        thread = threading.Thread(target=act, daemon=True)
        thread.start()
        thread.join(LAST_ACTS)
        _exit(number, tuple(notes))


@contextmanager
def note_signals() -> Iterator[SignalNotes]:
    """Have the signals of the block noted; its end raises the first that came.

    In a program's own process a second signal, or a first one that `patience` seconds
    later has not ended the block, ends the process after the last acts.

    Example:
        >>> with note_signals() as noted:
        ...     noted.reason()
    """
    notes = SignalNotes()
    watch = _keep_watch(notes) if is_own() and _end_signals() else nullcontext()
    with _set_handlers(notes.note), watch:
        yield notes
    notes.let_in()


@contextmanager
def _keep_watch(notes: SignalNotes) -> Iterator[None]:
    # Python runs handlers between two steps of the main thread alone, which a
    # compilation or a chunk keeps for long. The number of a signal is written to the
    # socket when it comes.
    import socket
    import threading

    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    # Who takes it ends the process: the block by its own end, or the thread.
    last = threading.Lock()
    threading.Thread(target=_watch, args=(ours, notes, last), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        theirs.close()
        last.acquire()


def _watch(wakeups: socket.socket, notes: SignalNotes, last: threading.Lock) -> None:
    with wakeups:
        number = _next(wakeups)
        if number is None:
            return
        wakeups.settimeout(notes.patience)
        with suppress(TimeoutError):
            if _next(wakeups) is None:
                return
    if last.acquire(blocking=False):
        notes.leave(number)


def _next(wakeups: socket.socket) -> int | None:
    """The next signal that ends a program; None when the block is over."""
    while got := wakeups.recv(1):
        if got[0] in NUMBERS:
            return got[0]
    return None


def prepare_stdout() -> None:
    """Make sure that there is an output, and that no character is too much for it."""
    from io import TextIOWrapper

    if sys.stdout is None:
        # Closed by the caller. Left so, the next file opened would become the output.
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def silence_stdout() -> None:
    """Keep what is left in the buffer from meeting, at exit, the same fault again."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
