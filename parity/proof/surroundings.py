"""What a proof or a benchmark ran on."""

import os
import platform
import re
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from parity.proof.report.record import versions


def surroundings() -> dict[str, str]:
    """Processor, the paths of both libraries on it, threads, and versions.

    Imports PyTorch: its threads are set by then.
    """
    import torch

    isa = re.search(r"--xla_cpu_max_isa=(\w+)", os.environ.get("XLA_FLAGS", ""))
    return {
        "processor": processor(),
        "PyTorch path": torch.backends.cpu.get_cpu_capability(),
        "XLA up to": isa[1] if isa else "all it finds",
        "PyTorch threads": str(torch.get_num_threads()),
        **versions(),
    }


def describe(facts: dict[str, str]) -> str:
    """In a line.

    Example:
        >>> describe({"processor": "A 1", "PyTorch path": "AVX2", "torch": "2.13"})
        'on A 1; PyTorch path AVX2, torch 2.13'
    """
    rest = ", ".join(f"{k} {v}" for k, v in facts.items() if k != "processor")
    return f"on {facts['processor']}; {rest}"


def machine() -> str:
    """Processor, cores and versions, for the head of a report."""
    packages = ", ".join(
        f"{n} {version(n)}" for n in ("jax", "optax", "torch", "torchvision")
    )
    return (
        f"{processor()}, {os.cpu_count()} cores; "
        f"Python {platform.python_version()}, {packages}"
    )


def processor() -> str:
    """The processor's name, as the system gives it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
