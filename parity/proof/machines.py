"""`python -m parity machines`: the proof as other machines would run it.

One machine stands in for several: PyTorch can be told to take the paths of processors
without AVX-512 or AVX2, XLA to leave out their instructions, and either to use more
threads. Other PyTorches take part by their interpreters.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtrain.errors import ConfigError

MACHINES: Mapping[str, Mapping[str, str]] = {
    "as it is": {"OMP_NUM_THREADS": "1"},
    "two threads": {"OMP_NUM_THREADS": "2"},
    "PyTorch avx2": {"ATEN_CPU_CAPABILITY": "avx2"},
    "PyTorch default": {"ATEN_CPU_CAPABILITY": "default"},
    "XLA AVX2": {"XLA_FLAGS": "--xla_cpu_max_isa=AVX2"},
    "XLA SSE4_2": {"XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2"},
    "least of both": {
        "ATEN_CPU_CAPABILITY": "default",
        "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2",
        "OMP_NUM_THREADS": "2",
    },
}
WIDTHS = (24, 9, 8, 7, 6)
HEADER = ("machine", "torch", "status", "twins", "s", "what came of it")


@dataclass(frozen=True)
class Outcome:
    """What a proof came to in one set of surroundings."""

    machine: str
    torch: str
    status: int
    twins: str
    """How many broken twins were seen, of how many."""
    seconds: float
    line: str
    """The last that it printed."""

    def __str__(self) -> str:
        cells = (self.machine, self.torch, str(self.status), self.twins)
        return row((*cells, f"{self.seconds:.0f}", self.line))


def row(cells: Sequence[str]) -> str:
    """Cells in columns.

    Example:
        >>> row(("as it is", "2.13.0", "0", "8 of 8", "150", "equal"))
        'as it is                 2.13.0    0        8 of 8  150    equal'
    """
    *first, last = cells
    padded = (cell.ljust(width) for cell, width in zip(first, WIDTHS, strict=True))
    return " ".join((*padded, last))


def run(command: Sequence[str], pythons: Sequence[str], names: Sequence[str]) -> int:
    """Run a command of the proof on every machine, and print a line for each.

    Args:
        command: of the proof, such as `["all"]`, with what it is given.
        pythons: interpreters with a PyTorch each.
        names: of machines; all if there are none.

    Returns:
        0 where every proof ended so, else the largest exit status.

    Raises:
        ConfigError: an interpreter is not there.
    """
    for python in pythons:
        if not Path(python).is_file():
            raise ConfigError(f"--python {python}: there is no such interpreter")
    print(row(HEADER), flush=True)
    worst = 0
    for outcome in outcomes(command, pythons or [sys.executable], names or [*MACHINES]):
        print(outcome, flush=True)
        worst = max(worst, abs(outcome.status))
    return worst


def outcomes(
    command: Sequence[str], pythons: Sequence[str], names: Sequence[str]
) -> Iterator[Outcome]:
    """One after the other: they would take each other's cores."""
    for python in pythons:
        for name in names:
            yield _outcome(python, name, command)


def _outcome(python: str, name: str, command: Sequence[str]) -> Outcome:
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "proof.json"
        process = subprocess.run(
            [python, "-m", "parity", *command, "--json", str(file)],
            env=environment(name),
            capture_output=True,
            text=True,
        )
        content = json.loads(file.read_text()) if file.exists() else {}
    text = (process.stdout if process.returncode < 2 else process.stderr).strip()
    torch = content.get("versions", {}).get("torch", "?").partition("+")[0]
    took = time.perf_counter() - start
    line = text.splitlines()[-1] if text else "nothing was printed"
    return Outcome(name, torch, process.returncode, _twins(content), took, line)


def environment(name: str) -> dict[str, str]:
    """This process's, changed to a machine's."""
    result = dict(MACHINES[name])
    if flags := result.get("XLA_FLAGS"):
        result["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
    return {**os.environ, **result}


def _twins(content: Mapping[str, Any]) -> str:
    controls = content.get("controls", [])
    count = sum(not control["passed"] for control in controls)
    return f"{count} of {len(controls)}"
