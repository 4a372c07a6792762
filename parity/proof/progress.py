"""How far it is: one line that is written again and again, on a terminal only."""

import shutil
import sys


class Progress:
    """Shows what is being judged on stderr, and nothing where that is no terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr is not None and sys.stderr.isatty()

    def show(self, text: str) -> None:
        """Replace the line."""
        if self._shown:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[2K{text[:width]}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Remove the line, before another is printed."""
        self.show("")
