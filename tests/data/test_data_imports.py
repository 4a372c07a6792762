"""Start-up counts: importing the data package imports NumPy and little else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import jaxtrain.data
from jaxtrain import files

FOLDER = Path(jaxtrain.data.__file__).parent
OURS = [
    Path(files.__file__),
    *(
        path
        for path in FOLDER.glob("*.py")
        if path.stem != "order" and not path.stem.startswith("augment")
    ),
]
SLOW = {
    "jax",
    "torch",
    "torchvision",
    "flax",
    "optax",
    "http",
    "urllib",
    "ssl",
    "subprocess",
}


def imported_at_once(path: Path) -> set[str]:
    """The packages that `path` imports outside functions and type checks."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_nothing_slow_is_imported_before_it_is_needed(path: Path) -> None:
    assert not imported_at_once(path) & SLOW


def test_the_public_names_are_documented() -> None:
    for name in jaxtrain.data.__all__:
        assert getattr(jaxtrain.data, name).__doc__
