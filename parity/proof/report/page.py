"""Verdicts and curves as one page that needs nothing else."""

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from jaxtrain import files
from parity.proof.groups import GROUPS
from parity.proof.report import curves, table
from parity.proof.report.record import versions
from parity.proof.verdict import Verdict, worst

Groups = Mapping[str, Sequence[Verdict]]
Controls = Mapping[str, Verdict]

MOST_MEASURES = 3
"""Named before the reason of their bound."""
NUMBERS = ("measures", "of what is allowed", "worst", "bound")
"""Columns of numbers."""

# Colours are told apart by those who see red and green alike (Okabe and Ito, 2008).
STYLE = """
:root { color-scheme: light dark; --ink: #1d2129; --dim: #5b6472; --page: #fbfbf9;
  --rule: #dcdfe4; --card: #ffffff; --good: #00684a; --bad: #b3261e; --theirs: #e69f00;
  --ours: #0072b2; --published: #8a5a94; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ec; --dim: #9aa3b1;
  --page: #14171c; --rule: #343a44; --card: #1b1f26; --good: #5fd3a6; --bad: #ff8a80;
  --theirs: #f0b440; --ours: #67b7ea; --published: #d3a4dd; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 4rem;
  background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.25rem; margin: 2.6rem 0 .3rem; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .2rem; }
p { max-width: 46rem; margin: .5rem 0; } .dim { color: var(--dim); font-size: .9rem; }
.ok { color: var(--good); font-weight: 600; }
.departs { color: var(--bad); font-weight: 700; }
.wide { overflow-x: auto; border: 1px solid var(--rule); border-radius: 8px;
  background: var(--card); margin: .8rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; }
th, td { text-align: left; padding: .38rem .7rem; border-top: 1px solid var(--rule);
  vertical-align: top; }
thead th { border-top: 0; color: var(--dim); font-weight: 600; }
a { color: var(--ours); }
th.n { text-align: right; }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td:first-child { white-space: nowrap; }
td:nth-child(3) { min-width: 9.5rem; }
td.c { overflow-wrap: anywhere; min-width: 12rem; }
figure { margin: 1rem 0; padding: .8rem; border: 1px solid var(--rule);
  border-radius: 8px; background: var(--card); }
figcaption { color: var(--dim); font-size: .88rem; margin-top: .4rem; }
.pictures { display: grid; gap: 0 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--dim); font-size: 12px; }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
svg .theirs { stroke: var(--theirs); stroke-width: 4.5; }
svg .ours { stroke: var(--ours); }
svg .band.noise { fill: var(--theirs); fill-opacity: .35; stroke: var(--theirs); }
svg .bound { stroke: var(--bad); stroke-dasharray: 6 4; }
svg .dots { stroke: none; } svg .dots.published { fill: var(--published); }
svg .dots.theirs { fill: none; stroke: var(--theirs); stroke-width: 6; }
svg .dots.ours { fill: var(--ours); }
"""


def save(path: Path, groups: Groups, controls: Controls) -> None:
    """Write the page; the file is whole or not there.

    Raises:
        OSError: the file cannot be written.
    """
    files.write_text(path, page(groups, controls))


def page(groups: Groups, controls: Controls) -> str:
    """The page: what came of it, then group by group."""
    every = [verdict for held in groups.values() for verdict in held]
    passed = all(verdict.passed for verdict in every)
    kind = "ok" if passed else "departs"
    listed = ", ".join(f"{name} {number}" for name, number in versions().items())
    body = [
        "<h1>Does it give PyTorch's numbers?</h1>",
        f'<p class="{kind}">{escape(table.last_line(every))}</p>',
        f'<p class="dim">{escape(listed)}</p>',
        _summary(groups),
        *(_group(name, held, controls.get(name)) for name, held in groups.items()),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>jaxtrain: parity with PyTorch</title><style>{STYLE}</style></head>"
        f"<body>\n{chr(10).join(body)}\n</body></html>\n"
    )


def _summary(groups: Groups) -> str:
    heads = (
        "group",
        "measures",
        "nearest to its bound",
        "of what is allowed",
        "verdict",
    )
    rows = []
    for name, held in groups.items():
        nearest = worst(held)
        what = f"{nearest.name} {nearest.dtype}, {nearest.measure}"
        share = f"{nearest.share:.0%}" if nearest.share < 100 else "far beyond"
        row = [
            f'<td><a href="#{name}">{name}</a></td>',
            f'<td class="n">{len(held):,}</td>',
            f'<td class="c">{escape(what)}</td><td class="n">{share}</td>',
            _mark(all(verdict.passed for verdict in held)),
        ]
        rows.append("".join(row))
    return _table(heads, rows)


def _group(name: str, held: Sequence[Verdict], control: Verdict | None) -> str:
    rows = [_row(verdict, count) for verdict, count in table.shown(held)]
    parts = [
        f'<h2 id="{name}">{name}</h2>',
        f"<p>{escape(GROUPS[name].proves)}</p>",
        "" if control is None else _control(name, control),
        _table(table.HEADER, rows),
        _bounds(held),
        *(_curves(v) for v in held if v.twins and GROUPS[name].has_curves),
    ]
    return "\n".join(part for part in parts if part)


def _control(name: str, control: Verdict) -> str:
    return (
        f'<p class="dim">The broken twin is seen ({escape(GROUPS[name].control)}): '
        f"{escape(control.measure)}, {table.number(control.value)} of "
        f"{table.number(control.bound)} allowed.</p>"
    )


def _bounds(held: Sequence[Verdict]) -> str:
    """Why each bound is what it is, and of which measures."""
    measures: dict[str, dict[str, None]] = {}
    for verdict in held:
        measures.setdefault(verdict.reason, {})[verdict.measure] = None
    lines = [
        f"{', '.join(list(some)[:MOST_MEASURES])}"
        f"{' and others' if len(some) > MOST_MEASURES else ''}: {reason}."
        for reason, some in measures.items()
    ]
    return f'<p class="dim">Bounds. {"<br>".join(map(escape, lines))}</p>'


def _row(verdict: Verdict, count: int) -> str:
    case, config, measure, value, bound, _ = table.cells(verdict, count)
    return (
        f'<td>{escape(case)}</td><td class="c">{escape(config)}</td>'
        f'<td>{escape(measure)}</td><td class="n">{escape(value)}</td>'
        f'<td class="n">{escape(bound)}</td>{_mark(verdict.passed)}'
    )


def _mark(passed: bool) -> str:
    kind, text = ("ok", "ok") if passed else ("departs", "DEPARTS")
    return f'<td class="{kind}">{text}</td>'


def _head(text: str) -> str:
    kind = ' class="n"' if text in NUMBERS else ""
    return f"<th{kind}>{escape(text)}</th>"


def _table(heads: Iterable[str], rows: Iterable[str]) -> str:
    top = "".join(_head(head) for head in heads)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<div class="wide"><table><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _unbroken(text: str) -> str:
    """Escaped, and 5e-05 stays on one line: its hyphen is no place to break at."""
    return re.sub(r"(\de)-(\d)", r"\1&#8209;\2", escape(text))


def _curves(verdict: Verdict) -> str:
    if verdict.twins is None:
        return ""
    figures = "".join(
        f"<figure>{svg}<figcaption>{_unbroken(caption)}</figcaption></figure>"
        for caption, svg in curves.plots(verdict.twins)
    )
    title = escape(f"{verdict.name}, {verdict.config}")
    return f'<h3>{title}</h3><div class="pictures">{figures}</div>'
