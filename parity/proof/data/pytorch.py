"""PyTorch's side of the cases; loaders with workers in a process of its own.

PyTorch forks its workers, and a process in which JAX has threads is none to fork.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch.utils import data
from torch.utils.data.distributed import DistributedSampler

from parity.proof.data.cases import DrawCase
from parity.proof.data.datasets import Library
from parity.proof.data.sides import Case, Side, observe


def _uniform() -> float:
    return float(torch.rand(()))


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _draw(case: DrawCase, generator: torch.Generator) -> torch.Tensor:
    args, dtype = dict(case.args), getattr(torch, case.dtype)
    if case.name == "multinomial":
        weights = torch.tensor(args.pop("input"), dtype=dtype)
        return torch.multinomial(weights, **args, generator=generator)
    if case.name in ("exponential", "bernoulli"):
        tensor = torch.empty(args.pop("size"), dtype=dtype)
        return getattr(tensor, f"{case.name}_")(**args, generator=generator)
    return getattr(torch, case.name)(**args, generator=generator)


_LIBRARY = Library(data, torch.from_numpy, _generator, _uniform)
SIDE = Side(_LIBRARY, DistributedSampler, torch.manual_seed, _draw, torch.from_numpy)


def plain(value: Any) -> Any:
    """Tensors as arrays, in structures of the same types."""
    if isinstance(value, torch.Tensor):
        return value.numpy()
    if isinstance(value, dict):
        return type(value)((key, plain(item)) for key, item in value.items())
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(plain, value))
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value))
    return value


def seen(case: Case, offset: int) -> list[Any]:
    """What is seen of a case."""
    return [plain(each) for each in observe(case, SIDE, offset)]


def seen_elsewhere(cases: Sequence[tuple[Case, int]]) -> list[list[Any]]:
    """The same of many cases with their offsets, in another process."""
    command = [sys.executable, "-c", f"from {__name__} import main; main()"]
    answer = subprocess.run(
        command, input=pickle.dumps(cases), stdout=subprocess.PIPE, check=True
    )
    found: list[list[Any]] = pickle.loads(answer.stdout)
    return found


def main() -> None:
    """Read cases, write what is seen of them."""
    cases = pickle.load(sys.stdin.buffer)
    sys.stdout.buffer.write(pickle.dumps([seen(*each) for each in cases]))
