"""Verdicts as text: one table a group, one line at the end."""

import textwrap
from collections.abc import Iterable, Sequence

from parity.proof.verdict import Verdict, worst

FEW = 24
"""Verdicts that are all shown; of more, the worst of each name and type."""
WIDTHS = (42, 40, 26)
"""Of the first columns at most."""
HEADER = ("case", "arguments", "measure", "worst", "bound", "verdict")


def summarise(verdicts: Sequence[Verdict]) -> list[tuple[Verdict, int]]:
    """The verdicts of a table, and how many each stands for.

    Failures are always shown.
    """
    if len(verdicts) <= FEW:
        return [(verdict, 1) for verdict in verdicts]
    kinds: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        kinds.setdefault((verdict.name, verdict.dtype), []).append(verdict)
    result = []
    for group in kinds.values():
        nearest = worst(group)
        failed = [v for v in group if not v.passed and v is not nearest]
        result.append((nearest, len(group) - len(failed)))
        result += [(verdict, 1) for verdict in failed]
    return result


def number(value: float) -> str:
    """Short, and never rounded to a bound that it is beyond.

    Example:
        >>> number(0.0), number(4.0), number(1.234e-13), number(float("nan"))
        ('0', '4', '1.23e-13', 'nan')
    """
    return f"{value:.3g}"


def cells(verdict: Verdict, count: int) -> tuple[str, ...]:
    """One line's cells."""
    of = "" if count == 1 else f" (worst of {count})"
    return (
        f"{verdict.name} {verdict.dtype}",
        verdict.config,
        verdict.measure,
        number(verdict.value) + of,
        number(verdict.bound),
        "ok" if verdict.passed else "DEPARTS",
    )


def table(verdicts: Sequence[Verdict]) -> str:
    """The group's lines under their headings, in columns."""
    rows = [HEADER, *(cells(*each) for each in summarise(verdicts))]
    rows = [tuple(_clip(row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _clip(row: Iterable[str]) -> Iterable[str]:
    limits = (*WIDTHS, 99, 99, 99)
    for cell, limit in zip(row, limits, strict=True):
        yield cell if len(cell) <= limit else cell[: limit - 1] + "…"


def paragraph(text: str) -> str:
    """Plain words, wrapped and indented."""
    return textwrap.fill(text, 88, initial_indent="  ", subsequent_indent="  ")


def failures(verdicts: Iterable[Verdict]) -> str:
    """A line for each verdict that does not keep to its bound."""
    return "\n".join(
        f"{v.name}{_space(v.config)} in {v.dtype}: {v.measure}, "
        f"{number(v.value)} of {number(v.bound)} allowed"
        for v in verdicts
        if not v.passed
    )


def control_text(twin: str, twins: Sequence[Verdict]) -> str:
    """What the judge said of the first broken twin, which is described by `twin`."""
    control, *others = twins
    more = f" So are {len(others)} others." if others else ""
    return (
        f"The broken twin is seen ({twin}): {control.measure}, "
        f"{number(control.value)} of {number(control.bound)} allowed.{more}"
    )


def last_line(verdicts: Sequence[Verdict]) -> str:
    """What came of it all."""
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if not failed:
        return f"equal: {len(verdicts):,} measures within their bounds"
    first = worst(failed)
    return (
        f"departs: {len(failed):,} of {len(verdicts):,} measures; the worst is "
        f"{first.group} {first.name}{_space(first.config)}, {first.measure} "
        f"{number(first.value)} of {number(first.bound)} in {first.dtype}"
    )


def _space(config: str) -> str:
    return config if config.startswith("(") else f" {config}"
