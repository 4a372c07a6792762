"""What a comparison found."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from parity.port.mapping import WeightMap

KINDS = (
    "weights",
    "batch",
    "output",
    "dropout",
    "loss",
    "gradient",
    "clipped",
    "lr",
    "update",
    "buffer",
)
"""The order in which a training step computes them."""

WORDS = {
    "weights": "initial weights",
    "batch": "batch",
    "output": "forward, layer by layer",
    "dropout": "dropout masks",
    "loss": "loss",
    "gradient": "gradients",
    "clipped": "clipped gradients",
    "lr": "learning rate",
    "update": "updates",
    "buffer": "buffers",
}


@dataclass(frozen=True)
class Row:
    """One tensor at one step."""

    step: int
    """From 0."""
    kind: str
    """One of `KINDS`."""
    name: str
    error: float
    """Largest |JAX - PyTorch|, relative to `scale`."""
    bound: float
    """What `error` may be."""
    ulps: float
    """The same in units in the last place of `scale`."""
    scale: float
    """PyTorch's largest element, or the largest term that went into it."""
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether it is as near as it must be."""
        # Asked this way round, NaN does not pass.
        return self.error <= self.bound

    def __str__(self) -> str:
        where = f"step {self.step}, {self.kind} {self.name!r}".replace(" ''", "")
        size = (
            f"{self.error:.2g} of the largest element, {self.ulps:.3g} ulps "
            f"(allowed: {self.bound:.1g})"
        )
        return f"{where}: {self.note or size}"


@dataclass(frozen=True)
class Report:
    """A port beside its original, quantity by quantity and step by step."""

    dtype: str
    steps: int
    """How many were compared."""
    rows: tuple[Row, ...]
    map: WeightMap = field(repr=False)
    empty: tuple[str, ...] = ()
    """Why the comparison proves nothing, if it does not."""
    warnings: tuple[str, ...] = ()
    """What it does not prove."""
    losses: tuple[tuple[float, float], ...] = ()
    """(PyTorch's, the port's) of two runs that only start alike."""

    @property
    def first(self) -> Row | None:
        """The first quantity of the first step that departs."""
        return next((row for row in self.rows if not row.passed), None)

    @property
    def passed(self) -> bool:
        """Whether something was proved, and nothing departs."""
        return not self.empty and self.first is None

    @property
    def verdict(self) -> str:
        """In one line."""
        if self.first is not None:
            return f"departs first at {self.first}"
        if self.empty:
            return f"proves nothing: {'; '.join(self.empty)}"
        return f"equal: {len(self.rows)} tensors in {self.steps} steps, in {self.dtype}"

    def kinds(self) -> Iterator[tuple[str, list[Row]]]:
        """Each kind of quantity that was compared, with its rows."""
        for kind in KINDS:
            rows = [row for row in self.rows if row.kind == kind]
            if rows:
                yield kind, rows

    def __str__(self) -> str:
        lines = [f"{'quantity':<24}{'tensors':>8}  {'worst':>8}  {'ulps':>8}  departs"]
        for kind, rows in self.kinds():
            worst = max(rows, key=lambda row: row.error / (row.bound or 1e-300))
            bad = next((row.step for row in rows if not row.passed), None)
            mark = "no" if bad is None else f"at step {bad}"
            lines.append(
                f"{WORDS[kind]:<24}{len(rows):>8}  {worst.error:>8.1e}  "
                f"{worst.ulps:>8.3g}  {mark}"
            )
        if self.losses and self.first is None:
            apart = max(abs(a - b) for a, b in self.losses)
            lines.append(f"free-running losses part by {apart:.1e} at most")
        lines += [f"not proved: {text}" for text in self.warnings]
        return "\n".join([*lines, self.verdict])

    def to_dict(self) -> dict[str, Any]:
        """Everything, in types that JSON has."""
        return {
            "passed": self.passed,
            "verdict": self.verdict,
            "dtype": self.dtype,
            "steps": self.steps,
            "first": None if self.first is None else _plain(self.first),
            "empty": list(self.empty),
            "warnings": list(self.warnings),
            "map": {leaf.path: list(leaf.sources) for leaf in self.map.leaves},
            "losses": [list(pair) for pair in self.losses],
            "rows": [_plain(row) for row in self.rows],
        }


def _plain(row: Row) -> dict[str, Any]:
    # JSON has no infinity.
    fields = {
        key: str(value)
        if isinstance(value, float) and not abs(value) < 1e308
        else value
        for key, value in asdict(row).items()
    }
    return {**fields, "passed": row.passed}
