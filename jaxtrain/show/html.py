"""Pieces of a page that needs nothing else: all that is said is escaped here."""

import base64
import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from jaxtrain.show.charts import variables

STYLE = """
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.25rem 4rem;
  background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.7rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.8rem 0 .3rem; padding-top: 1.2rem;
  border-top: 1px solid var(--rule); overflow-wrap: anywhere; }
h3 { font-size: 1.05rem; margin: 1.8rem 0 .2rem; }
p { max-width: 50rem; margin: .5rem 0; overflow-wrap: anywhere; }
.dim { color: var(--dim); font-size: .9rem; }
.ok { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 700; }
.wide { overflow-x: auto; border: 1px solid var(--rule); border-radius: 8px;
  background: var(--card); margin: .8rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; }
th, td { text-align: left; padding: .38rem .7rem; border-top: 1px solid var(--rule);
  vertical-align: top; overflow-wrap: anywhere; }
thead th { border-top: 0; color: var(--dim); font-weight: 600; }
th { white-space: nowrap; } td { min-width: 4.5rem; white-space: pre-line; }
th.n { text-align: right; }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.name { white-space: nowrap; } td.text { min-width: 10rem; }
a { color: var(--blue); }
code { font: .85rem/1.5 ui-monospace, "Cascadia Mono", Menlo, monospace; }
details { margin: .8rem 0; } summary { cursor: pointer; color: var(--dim); }
.pictures { display: grid; gap: 0 1rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); }
figure { margin: .6rem 0; padding: .8rem; border: 1px solid var(--rule);
  border-radius: 8px; background: var(--card); }
figcaption { color: var(--dim); font-size: .88rem; margin-top: .4rem; }
figcaption b { color: var(--ink); font-weight: 600; }
img, svg { width: 100%; height: auto; display: block; }
"""
# Nothing is fetched and nothing is run, whatever a run's texts may hold.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def as_html(text: object) -> str:
    """A text as HTML; what cannot be printed is shown as a mark.

    Example:
        >>> as_html('<script>alert("1")</script>')
        '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;'
    """
    letters = (_letter(letter) for letter in str(text))
    return escape("".join(letters))


def _letter(letter: str) -> str:
    if letter.isprintable() or letter == "\n":
        return letter
    return " " if letter.isspace() else "\ufffd"


def document(title: str, body: Iterable[str], dark: bool = True) -> str:
    """A whole page.

    Args:
        title: a text.
        body: the parts, as HTML.
        dark: whether it follows readers who see dark pages.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{as_html(title)}</title><style>{variables(dark)}{STYLE}</style></head>"
        f"<body>\n{chr(10).join(part for part in body if part)}\n</body></html>\n"
    )


def heading(level: int, text: str, place: str = "") -> str:
    """A heading; links lead to `place`."""
    attribute = f' id="{as_html(place)}"' if place else ""
    return f"<h{level}{attribute}>{as_html(text)}</h{level}>"


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph whose lines stay lines; `kind` is a class of the style sheet."""
    look = f' class="{kind}"' if kind else ""
    return f"<p{look}>{as_html(text).replace(chr(10), '<br>')}</p>"


class Cell(NamedTuple):
    """A cell of a table that is more than its text."""

    text: str
    kind: str = ""
    """A class of the style sheet."""
    link: str = ""
    """The place in the page that it leads to."""

    def html(self, number: bool) -> str:
        """As HTML, in a column of numbers or another."""
        kind = self.kind or ("n" if number else "")
        look = f' class="{kind}"' if kind else ""
        text = as_html(self.text)
        if self.link:
            text = f'<a href="#{as_html(self.link)}">{text}</a>'
        return f"<td{look}>{text}</td>"


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str | Cell]],
    numbers: Iterable[int] = (),
) -> str:
    """A table of texts.

    Args:
        heads: above the columns.
        rows: a text or a cell for each column; none, and there is no table.
        numbers: which columns hold numbers.
    """
    right = [i in {*numbers} for i in range(len(heads))]
    lines = [
        "".join(
            (x if isinstance(x, Cell) else Cell(x)).html(number)
            for number, x in zip(right, row, strict=True)
        )
        for row in rows
    ]
    if not lines:
        return ""
    looks = (' class="n"' if number else "" for number in right)
    top = "".join(
        f"<th{k}>{as_html(x)}</th>" for k, x in zip(looks, heads, strict=True)
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return (
        f'<div class="wide"><table><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def picture(title: str, caption: str, image: bytes | str) -> str:
    """A picture, a PNG file or a chart as SVG, and what it shows."""
    if isinstance(image, bytes):
        data = base64.b64encode(image).decode()
        image = f'<img alt="{as_html(title)}" src="data:image/png;base64,{data}">'
    return (
        f"<figure>{image}<figcaption><b>{as_html(title)}.</b> {_unbroken(caption)}"
        "</figcaption></figure>"
    )


def _unbroken(text: str) -> str:
    """Escaped, and 5e-05 stays on one line: its hyphen is no place to break at."""
    return re.sub(r"(\de)-(\d)", r"\1&#8209;\2", as_html(text))


def pictures(items: Sequence[str]) -> str:
    """Pictures side by side where there is room."""
    return f'<div class="pictures">{"".join(items)}</div>' if items else ""


def fold(summary: str, content: str) -> str:
    """What is shown when asked for."""
    if not content:
        return ""
    return f"<details><summary>{as_html(summary)}</summary>{content}</details>"
