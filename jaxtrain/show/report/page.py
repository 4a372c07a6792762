"""The page: what is the same and what is not, then run by run."""

import shlex
from collections.abc import Sequence

from jaxtrain.events import Warned
from jaxtrain.show.pictures import COMPARISONS, PICTURES
from jaxtrain.show.pictures._curves import names
from jaxtrain.show.report import figures
from jaxtrain.show.report.figures import Drawn
from jaxtrain.show.report.html import document, folded, picture, pictures, said, table
from jaxtrain.store.run_folder import RunRecord

MOST_WARNINGS = 100


def page(drawn: Drawn) -> str:
    """The runs as HTML that refers to nothing outside itself."""
    records = drawn.records
    if len(records) == 1:
        title = f"Run {names(records)[0]}"
        return document(title, [_h(1, title), *_run(records[0], drawn.of_each[0])])
    title = f"{len(records)} runs compared"
    body = [_h(1, title), *_comparison(drawn)]
    for number, (name, record) in enumerate(zip(names(records), records, strict=True)):
        body.append(f'<h2 id="run{number}">{said(name)}</h2>')
        body += _run(record, drawn.of_each[number])
    return document(title, body)


def _comparison(drawn: Drawn) -> list[str]:
    records, labels = drawn.records, names(drawn.records)
    links = ", ".join(
        f'<a href="#run{number}">{said(name)}</a>' for number, name in enumerate(labels)
    )
    shown = [
        picture(each.title, each.caption, drawn.of_all[name])
        for name, each in COMPARISONS.items()
        if name in drawn.of_all
    ]
    return [
        f"<p>{links}</p>",
        _h(3, "Final figures"),
        _final(records, labels),
        _h(3, "What differs"),
        _differing(records, labels),
        pictures(shown),
    ]


def _final(records: Sequence[RunRecord], labels: Sequence[str]) -> str:
    held = [figures.figures(record) for record in records]
    heads = list(dict.fromkeys(head for each in held for head in each))
    rows = [
        [label, *(each.get(head, figures.ABSENT) for head in heads)]
        for label, each in zip(labels, held, strict=True)
    ]
    return table(["run", *heads], rows, range(1, len(heads) + 1))


def _differing(records: Sequence[RunRecord], labels: Sequence[str]) -> str:
    rows = [[name, *values] for name, values in figures.differences(records)]
    if not rows:
        return "<p>Nothing: configuration, data and versions are the same.</p>"
    return table(["", *labels], rows)


def _run(record: RunRecord, images: dict[str, bytes]) -> list[str]:
    told = figures.state(record)
    kind = "ok" if record.ended and record.stopped is None else "bad"
    if record.stopped is not None:
        kind = "dim"
    shown = [
        picture(each.title, each.caption, images[name])
        for name, each in PICTURES.items()
        if name in images
    ]
    final = figures.figures(record)
    return [
        f'<p class="{kind}">{said(told)}</p>',
        f'<p class="dim">{said(_versions(record))}</p>',
        table(list(final), [list(final.values())], range(len(final))),
        _warnings(record.warnings),
        pictures(shown),
        folded("Epochs", _epochs(record)),
        folded("Configuration", _configuration(record)),
    ]


def _versions(record: RunRecord) -> str:
    about = figures.about(record)
    listed = ", ".join(f"{name} {number}" for name, number in record.versions.items())
    return (
        f"{about['model']}, {about['parameters']} parameters; {about['data set']} from "
        f"{about['data from']}; backend {about['backend']} on {about['device']} "
        f"({listed})"
    )


def _warnings(warnings: Sequence[Warned]) -> str:
    if not warnings:
        return ""
    rows = [
        [f"{each.epoch}", f"{each.step:,}", each.kind, each.text]
        for each in warnings[:MOST_WARNINGS]
    ]
    left = len(warnings) - len(rows)
    more = f'<p class="dim">and {left:,} more</p>' if left else ""
    heads = ["epoch", "its step", "kind", "what looks wrong"]
    return _h(3, "Warnings") + table(heads, rows, [0, 1]) + more


def _epochs(record: RunRecord) -> str:
    heads = ["epoch", "training loss", "loss", "accuracy, %", "training", "images/s"]
    rows = [
        [
            f"{epoch.epoch}",
            figures.number(epoch.train_loss, ".6f"),
            figures.number(epoch.avg_loss, ".6f"),
            figures.number(epoch.accuracy, ".2f"),
            figures.duration(epoch.train_seconds),
            f"{rate:,.0f}" if rate == rate else figures.ABSENT,
        ]
        for epoch, rate in zip(record.epochs, record.throughput, strict=True)
    ]
    return table(heads, rows, range(len(heads)))


def _configuration(record: RunRecord) -> str:
    command = f"<p><code>{said(shlex.join(record.command))}</code></p>"
    return command + table(["field", "value"], figures.settings(record.config))


def _h(level: int, text: str) -> str:
    return f"<h{level}>{said(text)}</h{level}>"
