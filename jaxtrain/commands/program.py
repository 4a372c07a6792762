"""What every command here has in common: one-line errors and exit statuses."""

import argparse
import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NoReturn

from jaxtrain.commands import process
from jaxtrain.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed import SupportsWrite


class Parser(argparse.ArgumentParser):
    """A parser that neither exits at an error nor guesses at shortened flags.

    Raises:
        ConfigError: by its methods that parse, for what they cannot read.
    """

    def __init__(self, **options: Any):
        formatter = argparse.RawDescriptionHelpFormatter
        super().__init__(
            **{"allow_abbrev": False, "formatter_class": formatter, **options}
        )

    def error(self, message: str) -> NoReturn:
        raise ConfigError(message.removeprefix("argument "))

    def print_help(self, file: "SupportsWrite[str] | None" = None) -> None:
        # argparse's own says nothing when the output is full or gone.
        print(self.format_help(), end="", file=file)


def run(
    prog: str, work: Callable[[], int], refusals: tuple[type[Exception], ...] = ()
) -> int:
    """Do the work of a command, and turn how it ends into an exit status.

    Args:
        prog: how the program is called.
        work: returns the status of a run that ends by itself.
        refusals: errors that are, besides `ConfigError`, lines for the user.

    Returns:
        The work's; 2 after a refusal or an output that cannot be written, 128 + n
        after signal n, 141 if whoever read the output has gone.

    Example:
        >>> run("program", lambda: 0)
        0
    """
    return process.ends_with(_status(prog, work, (ConfigError, *refusals)))


def _status(
    prog: str, work: Callable[[], int], errors: tuple[type[Exception], ...]
) -> int:
    process.prepare_stdout()
    try:
        with nullcontext() if process.is_own() else process.interruptible():
            return _flush_after(work)
    except errors as error:
        return _fail(prog, f"error: {error}", 2)
    except KeyboardInterrupt as interrupt:
        number = interrupt.args[0] if interrupt.args else signal.SIGINT
        notes = getattr(interrupt, "__notes__", [])
        return _fail(prog, process.describe(number, notes), 128 + number)
    except BrokenPipeError:
        # The reader has gone, as `| head` does: no fault, and nobody to tell.
        process.silence_stdout()
        return 141
    except OSError as error:
        process.silence_stdout()
        return _fail(prog, f"error: {error}", 2)


def _flush_after(work: Callable[[], int]) -> int:
    try:
        return work()
    finally:
        # Here and not at exit, where a fault could only be reported as ignored.
        sys.stdout.flush()


def _fail(prog: str, message: str, status: int) -> int:
    print(f"{prog}: {message}", file=sys.stderr)
    return status
