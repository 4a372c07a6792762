"""The command on a terminal."""

import os
import pty
import re
import select
import signal
import time
from collections.abc import Iterator

import pytest
from toys import PROG, SIGNALS, Ran, Start, finished

PIECES = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")


def read_terminal(terminal: int, until: str | None = None) -> str:
    """What a program draws, until it ends or has drawn a certain text."""
    drawn = b""
    end = time.monotonic() + 60
    while time.monotonic() < end and (until is None or until.encode() not in drawn):
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            read = os.read(terminal, 65_536)
        except OSError:  # Linux's way to say that nobody writes any more
            break
        if not read:
            break
        drawn += read
    return drawn.decode()


def screen(drawn: str) -> list[str]:
    """Lines that are left on an endlessly wide terminal."""
    lines, row, column = [""], 0, 0
    for parameter, control, back, down, text in PIECES.findall(drawn):
        if control == "A":
            row -= int(parameter or 1)
        elif control == "K":
            assert parameter == "2", "only whole lines are wiped"
            lines[row] = ""
        elif back:
            column = 0
        elif down:
            row += 1
            lines += [""] * (row == len(lines))
        elif text:
            before, after = lines[row][:column], lines[row][column + len(text) :]
            lines[row] = before.ljust(column) + text + after
            column += len(text)
    return lines[: row + 1] if not any(lines[row + 1 :]) else lines


def test_the_screen_of_the_tests_is_a_terminal() -> None:
    assert screen("ab\r\ncd\rx\x1b[1m\r\n") == ["ab", "xd", ""]
    assert screen("ab\r\ncd\r\x1b[1A\x1b[2Ke") == ["e", "cd"]


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A terminal of 80 columns: our end, and the program's."""
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)


def test_a_terminal_shows_a_bar_and_the_same_lines(
    start: Start, terminal: tuple[int, int]
) -> None:
    text = "--backend toy --epochs 3"
    # Wider than the terminal, and full of what rich would make something else of.
    long = ("--data", "[red]:smile:[/red] 123 " + "x" * 80)
    command = start(text, *long, stdout=terminal[1])
    os.close(terminal[1])
    drawn = read_terminal(terminal[0])
    ran = finished(command)
    assert ran.status == 0
    assert "\nloss: 2.000000  [   64/  200]\r\n" in drawn.replace("\x1b[2K", "\n"), (
        "numbers are not coloured"
    )
    assert "epoch 3/3" in drawn
    assert "100%" in drawn
    assert "a warning" in ran.err
    assert "a warning" not in drawn
    plain = finished(start(text, *long)).out.split("\n")
    assert long[1] in plain[1]
    stays = screen(drawn)
    # All but the seconds of the last line; the bar is gone.
    assert stays[:-2] == plain[:-2]
    assert stays[-2].startswith("time to first step")
    assert stays[-1] == plain[-1] == ""
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l"), "the cursor is back"


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_terminal_is_left_in_order(
    start: Start, terminal: tuple[int, int], number: signal.Signals, status: int
) -> None:
    command = start("--backend toy-stuck", stdout=terminal[1])
    os.close(terminal[1])
    drawn = read_terminal(terminal[0], until="epoch 1/10")
    command.send_signal(number)
    drawn += read_terminal(terminal[0])
    assert finished(command) == Ran(status, "", f"{PROG}: ended by {number.name}\n")
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l"), "the cursor is back"


def test_a_simple_terminal_gets_plain_lines(
    start: Start, terminal: tuple[int, int], environment: dict[str, str]
) -> None:
    environment |= {"PYTHONIOENCODING": "ascii", "TERM": "dumb"}
    command = start("--backend toy --epochs 1", stdout=terminal[1])
    os.close(terminal[1])
    drawn = read_terminal(terminal[0])
    assert finished(command).status == 0
    assert drawn.isascii()
    assert "loss: 2.000000  [   64/  200]\r\n" in drawn
    assert "\x1b" not in drawn
