"""Data flows one way: a file imports only from files above it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import jaxtrain

ROOT = Path(jaxtrain.__file__).parent

# The lowest first; each may import those before it.
# fmt: off
ORDER = [
    "_lazy", "atomic", "registry", "lock", "process", "program",
    "rng", "data", "init", "nn", "models", "losses", "lr_scheduler",
    "optim", "config", "events", "backends", "history", "records", "checkpoint",
    "run_folder", "flow", "training", "monitor", "checks", "trained", "pictures",
    "report", "export", "predict", "cli", "display", "lr_range", "fashion",
]
# fmt: on


def modules() -> Iterator[tuple[str, Path]]:
    """(top-level module, file) of every file of the package."""
    for path in sorted(ROOT.rglob("*.py")):
        yield path.relative_to(ROOT).parts[0].removesuffix(".py"), path


def imported(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def upward(module: str, names: Iterator[str]) -> list[str]:
    """Imports of `module` that do not come from above it."""
    allowed = [*ORDER[: ORDER.index(module) + 1], "__version__"]
    own = (name.split(".") for name in names)
    return [
        ".".join(parts)
        for parts in own
        if parts[0] == "jaxtrain" and parts[1] not in allowed
    ]


def test_every_module_has_its_place() -> None:
    found = {name for name, _ in modules()} - {"__init__"}
    assert found == set(ORDER)


def test_imports_come_from_above() -> None:
    for name, path in modules():
        if name != "__init__":
            assert upward(name, imported(path)) == [], path


def test_an_import_from_below_would_be_seen() -> None:
    assert upward("rng", iter(["numpy", "jaxtrain.nn.Linear"])) == [
        "jaxtrain.nn.Linear"
    ]


def test_jaxtrain_knows_neither_torch_nor_parity() -> None:
    for _, path in modules():
        roots = {name.split(".")[0] for name in imported(path)}
        assert roots.isdisjoint({"torch", "torchvision", "parity"}), path
