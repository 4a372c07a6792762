"""Verdicts and curves as one page that needs nothing else."""

from collections.abc import Sequence
from pathlib import Path

from jaxtrain import files
from jaxtrain.show import html
from jaxtrain.show.html import Cell, heading, paragraph
from parity.proof.groups import GROUPS
from parity.proof.report import curves, table
from parity.proof.surroundings import describe, surroundings
from parity.proof.verdict import Findings, Verdict, worst

MOST_MEASURES = 3
"""Named before the reason of their bound."""


def save(path: Path, found: Findings) -> None:
    """Write the page; the file is whole or not there.

    Raises:
        OSError: the file cannot be written.
    """
    files.write_text(path, page(found))


def page(found: Findings) -> str:
    """The page: what came of it, then group by group."""
    text = describe(surroundings())
    body = [
        heading(1, "Does it give PyTorch's numbers?"),
        paragraph(table.last_line(found.all), "ok" if found.passed else "bad"),
        paragraph(text, "dim"),
        _summary(found),
    ]
    for name, group in found.verdicts.items():
        body += _group(name, group, found.controls.get(name, ()))
    return html.document("jaxtrain: parity with PyTorch", body)


def _summary(found: Findings) -> str:
    heads = "group, measures, nearest to its bound, of what is allowed, verdict"
    rows = [_line(name, group) for name, group in found.verdicts.items()]
    return html.table(heads.split(", "), rows, numbers=(1, 3))


def _line(name: str, held: Sequence[Verdict]) -> list[str | Cell]:
    nearest = worst(held)
    return [
        Cell(name, "name", name),
        f"{len(held):,}",
        Cell(f"{nearest.name} {nearest.dtype}, {nearest.measure}", "text"),
        f"{nearest.share:.0%}" if nearest.share < 100 else "far beyond",
        _mark(all(verdict.passed for verdict in held)),
    ]


def _group(
    name: str, verdicts: Sequence[Verdict], twins: Sequence[Verdict]
) -> list[str]:
    rows = [_row(verdict, count) for verdict, count in table.summarise(verdicts)]
    control_line = table.control_text(GROUPS[name].control, twins) if twins else ""
    return [
        heading(2, name, name),
        paragraph(GROUPS[name].proves),
        paragraph(control_line, "dim") if control_line else "",
        html.table(table.HEADER, rows, numbers=(3, 4)),
        paragraph(_bounds(verdicts), "dim"),
        *(_curves(v) for v in verdicts if v.twins and GROUPS[name].has_curves),
    ]


def _bounds(verdicts: Sequence[Verdict]) -> str:
    """Why each bound is what it is, and of which measures."""
    measures: dict[str, dict[str, None]] = {}
    for verdict in verdicts:
        measures.setdefault(verdict.reason, {})[verdict.measure] = None
    lines = [
        f"{', '.join(list(some)[:MOST_MEASURES])}"
        f"{' and others' if len(some) > MOST_MEASURES else ''}: {reason}."
        for reason, some in measures.items()
    ]
    return "Bounds. " + "\n".join(lines)


def _row(verdict: Verdict, count: int) -> list[str | Cell]:
    case, config, measure, value, bound, _ = table.cells(verdict, count)
    return [
        Cell(case, "name"),
        Cell(config, "text"),
        Cell(measure, "text"),
        value,
        bound,
        _mark(verdict.passed),
    ]


def _mark(passed: bool) -> Cell:
    return Cell("ok", "ok") if passed else Cell("DEPARTS", "bad")


def _curves(verdict: Verdict) -> str:
    if verdict.twins is None:
        return ""
    figures = [
        html.picture(chart.title, chart.caption, curves.svg(chart))
        for chart in curves.of(verdict.twins)
    ]
    title = heading(3, f"{verdict.name}, {verdict.config}")
    return title + html.pictures(figures)
