"""A row of the table of faults, and short names for the files of tests."""

from typing import NamedTuple

REFUSED = "refused in one line"
RECOVERED = "recovered"


class Fault(NamedTuple):
    """One row of the table."""

    number: int
    what: str
    """Goes wrong."""
    outcome: str
    """What must come of it."""
    tests: tuple[str, ...]
    """FILE::FUNCTION, below `tests`, of tests that every run of the suite takes."""
    long: tuple[str, ...] = ()
    """More of the same, among the proofs of many minutes (`-m long`)."""


def of(file: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{file}.py::{name}" for name in names)


def data(file: str, *names: str) -> tuple[str, ...]:
    return of(f"data/test_data_{file}", *names)


def store(file: str, *names: str) -> tuple[str, ...]:
    return of(f"store/checkpoint/test_checkpoint_{file}", *names)


def command(file: str, *names: str) -> tuple[str, ...]:
    return of(f"commands/fashion/test_command_{file}", *names)


def fault(file: str, *names: str) -> tuple[str, ...]:
    return of(f"faults/test_fault_{file}", *names)
