"""Every layer through three training steps: outputs, gradients and buffers."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from parity.proof.layers.cases import CASES, NAMES, LayerCase
from parity.proof.layers.judge import judge, our_layer
from parity.proof.verdict import OnProgress, Task, Verdict

__all__ = ["CASES", "NAMES", "control", "verdicts"]


def verdicts(task: Task, on_progress: OnProgress) -> Iterator[Verdict]:
    """Every tensor of each case, at its worst step."""
    for name in task.names:
        cases = task.chosen(case for case in CASES if case.name == name)
        for dtype in task.dtypes(("float64", "float32")):
            on_progress(f"{name} in {dtype}")
            yield from judge(cases, dtype)


def control() -> Verdict:
    """PyTorch's exact GELU against the form with tanh."""

    def other(case: LayerCase, dtype: str) -> Any:
        args = {**case.args, "approximate": "tanh"}
        return our_layer(replace(case, args=args), dtype)

    case = next(c for c in CASES if c.name == "GELU" and "approximate" not in c.args)
    return judge([case], "float32", other)[0]
