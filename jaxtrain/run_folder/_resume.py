"""Which rows of a run that is resumed are its past, and which of that past are lost."""

from collections.abc import Iterable, Sequence

from jaxtrain.events import Resumed, Warned
from jaxtrain.run_folder._files import Row
from jaxtrain.run_folder._rows import LOST, restored


def past(rows: Iterable[Row], resumed: Resumed) -> list[Row]:
    """The rows of what the checkpoint holds; all later ones are done again.

    Example:
        >>> rows = [{"kind": "step", "step": number} for number in range(5)]
        >>> len(past(rows, Resumed("checkpoints", steps=3)))
        3
    """
    kept = [row for row in rows if _is_past(row, resumed)]
    held = {row["epoch"] for row in kept if row["kind"] == "epoch"}
    for epoch in resumed.past:
        # The checkpoint keeps its epochs' figures, whatever became of their rows.
        if epoch.epoch not in held:
            kept.insert(_place(kept, epoch.epoch), restored(epoch))
    return kept


def _place(rows: Sequence[Row], epoch: int) -> int:
    later = (i for i, row in enumerate(rows) if row.get("epoch", 0) > epoch)
    return next(later, len(rows))


def _is_past(row: Row, resumed: Resumed) -> bool:
    match row["kind"]:
        case "started":
            return True
        case "saved" | "resumed":
            return row["steps"] <= resumed.steps
        case "epoch":
            return row["epoch"] <= resumed.epochs
        case "warning" if row["name"] == LOST:
            return False  # Found anew each time.
        case "step" | "sample" | "warning":
            if row["step"] is None:
                return row["epoch"] <= resumed.epochs
            return row["step"] < resumed.steps
    # Tested or stopped: a run that goes on has not ended.
    return False


def lost(rows: Iterable[Row], resumed: Resumed) -> Warned | None:
    """A warning that names the steps of the past that have no row.

    Example:
        >>> rows = [{"kind": "step", "step": number} for number in (0, 1, 4)]
        >>> lost(rows, Resumed("checkpoints", steps=6)).text
        'steps of the run that were taken but are not in metrics.jsonl: 2 to 3, 5'
    """
    held = {row["step"] for row in rows if row["kind"] == "step"}
    missing = [number for number in range(resumed.steps) if number not in held]
    if not missing:
        return None
    text = "steps of the run that were taken but are not in metrics.jsonl: "
    return Warned(resumed.epochs + 1, 0, LOST, text + ranges(missing))


def ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers in words.

    Example:
        >>> ranges([0, 1, 2, 5])
        '0 to 2, 5'
    """
    starts = [n for i, n in enumerate(numbers) if i == 0 or numbers[i - 1] != n - 1]
    ends = [
        n
        for i, n in enumerate(numbers)
        if i == len(numbers) - 1 or numbers[i + 1] != n + 1
    ]
    pairs = zip(starts, ends, strict=True)
    return ", ".join(f"{a} to {b}" if a != b else f"{a}" for a, b in pairs)
