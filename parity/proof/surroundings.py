"""What a proof ran on, as far as rounding may differ by it."""

import os
import re

from parity.bench.machine import processor
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


def described(found: dict[str, str]) -> str:
    """In a line.

    Example:
        >>> described({"processor": "A 1", "PyTorch path": "AVX2", "torch": "2.13"})
        'on A 1; PyTorch path AVX2, torch 2.13'
    """
    rest = ", ".join(f"{k} {v}" for k, v in found.items() if k != "processor")
    return f"on {found['processor']}; {rest}"
