"""What a benchmark ran on."""

import os
import platform
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path


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
