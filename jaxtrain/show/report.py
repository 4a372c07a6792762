"""One run, or several compared, as a page that needs nothing else.

What is the same and what is not, then run by run.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from jaxtrain.show import summary
from jaxtrain.show.charts import png
from jaxtrain.show.html import (
    as_html,
    document,
    fold,
    heading,
    paragraph,
    picture,
    pictures,
    table,
)
from jaxtrain.show.pictures import COMPARISONS, PICTURES
from jaxtrain.show.pictures.curves import names
from jaxtrain.store.events import Warned
from jaxtrain.store.run_folder import RunRecord

MOST_WARNINGS = 100


@dataclass(frozen=True)
class Drawn:
    """Runs and their pictures.

    Attributes:
        records: the runs.
        of_each: for each run, PNG files by the names in `PICTURES`.
        of_all: PNG files by the names in `COMPARISONS`; none of a single run.
    """

    records: Sequence[RunRecord]
    of_each: Sequence[dict[str, bytes]]
    of_all: dict[str, bytes]

    def files(self) -> dict[str, bytes]:
        """The pictures by names of files."""
        content = {f"{name}.png": image for name, image in self.of_all.items()}
        for number, images in enumerate(self.of_each, 1):
            prefix = f"run{number}_" if len(self.records) > 1 else ""
            content |= {f"{prefix}{name}.png": image for name, image in images.items()}
        return content


def draw(records: Sequence[RunRecord]) -> Drawn:
    """Draw whatever there is to draw.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    of_each = [
        {n: png(each.draw(record)) for n, each in PICTURES.items() if each.can(record)}
        for record in records
    ]
    several = len(records) > 1
    comparisons = COMPARISONS if several else {}
    of_all = {name: png(each.draw(records)) for name, each in comparisons.items()}
    return Drawn(records, of_each, of_all)


def page(report: Drawn) -> str:
    """The runs as HTML that refers to nothing outside itself."""
    records = report.records
    if len(records) == 1:
        title = f"Run {names(records)[0]}"
        body = [heading(1, title), *_run(records[0], report.of_each[0])]
        return document(title, body, dark=False)
    title = f"{len(records)} runs compared"
    body = [heading(1, title), *_comparison(report)]
    for number, (name, record) in enumerate(zip(names(records), records, strict=True)):
        body.append(heading(2, name, f"run{number}"))
        body += _run(record, report.of_each[number])
    # Its pictures have a white ground.
    return document(title, body, dark=False)


def _comparison(report: Drawn) -> list[str]:
    records, labels = report.records, names(report.records)
    links = ", ".join(
        f'<a href="#run{number}">{as_html(name)}</a>'
        for number, name in enumerate(labels)
    )
    items = [
        picture(each.title, each.caption, report.of_all[name])
        for name, each in COMPARISONS.items()
        if name in report.of_all
    ]
    return [
        f"<p>{links}</p>",
        heading(3, "Final figures"),
        _final(records, labels),
        heading(3, "What differs"),
        _differences(records, labels),
        pictures(items),
    ]


def _final(records: Sequence[RunRecord], labels: Sequence[str]) -> str:
    values = [summary.figures(record) for record in records]
    heads = list(dict.fromkeys(head for each in values for head in each))
    rows = [
        [label, *(each.get(head, summary.ABSENT) for head in heads)]
        for label, each in zip(labels, values, strict=True)
    ]
    return table(["run", *heads], rows, range(1, len(heads) + 1))


def _differences(records: Sequence[RunRecord], labels: Sequence[str]) -> str:
    rows = [[name, *values] for name, values in summary.differences(records)]
    if not rows:
        return paragraph("Nothing: configuration, data and versions are the same.")
    return table(["", *labels], rows)


def _run(record: RunRecord, images: dict[str, bytes]) -> list[str]:
    status = summary.state(record)
    kind = "ok" if record.ended and record.stopped is None else "bad"
    if record.stopped is not None:
        kind = "dim"
    items = [
        picture(each.title, each.caption, images[name])
        for name, each in PICTURES.items()
        if name in images
    ]
    final = summary.figures(record)
    return [
        paragraph(status, kind),
        paragraph(_versions(record), "dim"),
        table(list(final), [list(final.values())], range(len(final))),
        _warnings(record.warnings),
        pictures(items),
        fold("Epochs", _epochs(record)),
        fold("Configuration", _configuration(record)),
    ]


def _versions(record: RunRecord) -> str:
    about = summary.run_facts(record)
    text = ", ".join(f"{name} {number}" for name, number in record.versions.items())
    return (
        f"{about['model']}, {about['parameters']} parameters; {about['data set']} from "
        f"{about['data from']}; backend {about['backend']} on {about['device']} "
        f"({text})"
    )


def _warnings(warnings: Sequence[Warned]) -> str:
    if not warnings:
        return ""
    rows = [
        [f"{each.epoch}", f"{each.step:,}", each.kind, each.text]
        for each in warnings[:MOST_WARNINGS]
    ]
    rest = len(warnings) - len(rows)
    more = paragraph(f"and {rest:,} more", "dim") if rest else ""
    heads = ["epoch", "its step", "kind", "what looks wrong"]
    return heading(3, "Warnings") + table(heads, rows, [0, 1]) + more


def _epochs(record: RunRecord) -> str:
    heads = ["epoch", "training loss", "loss", "accuracy, %", "training", "images/s"]
    rows = [
        [
            f"{epoch.epoch}",
            summary.number(epoch.train_loss, ".6f"),
            summary.number(epoch.avg_loss, ".6f"),
            summary.number(epoch.accuracy, ".2f"),
            summary.duration(epoch.train_seconds),
            f"{rate:,.0f}" if rate == rate else summary.ABSENT,
        ]
        for epoch, rate in zip(record.epochs, record.throughput, strict=True)
    ]
    return table(heads, rows, range(len(heads)))


def _configuration(record: RunRecord) -> str:
    command = f"<p><code>{as_html(shlex.join(record.command))}</code></p>"
    return command + table(["field", "value"], summary.settings(record.config))
