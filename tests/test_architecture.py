"""Data flows one way: a file imports only from rooms above its own."""

import ast
import graphlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

import jaxtrain
import parity

# The rooms of each package, those that know least first; each may import the earlier.
# fmt: off
ORDER: Mapping[str, tuple[str, ...]] = {
    "jaxtrain": (
        "errors", "files", "_lazy",
        "rng", "losses", "nn", "lr_scheduler", "optim", "models",
        "data", "training", "store", "run", "watch", "show", "trainer", "commands",
        "fashion", "train", "predict", "export", "report", "lr_range",
    ),
    "parity": (
        "difference", "rounding", "pytorch", "convert", "proof", "bench",
        "port", "golden", "doctor", "plugin", "__main__",
    ),
}
# fmt: on
FACES = MappingProxyType(
    {"jaxtrain/lr_scheduler/__main__.py": "jaxtrain.commands.lr_scheduler.main"}
)
"""Files that stand in a room for the sake of `python -m`, and all that they import."""
MOST_ENTRIES = 26
"""At the top of jaxtrain, so that a newcomer can name each."""
ROOTS = {
    name: Path(p.__file__ or "").parent
    for name, p in (("jaxtrain", jaxtrain), ("parity", parity))
}
PACKAGES = pytest.mark.parametrize("package", sorted(ORDER))


def modules(package: str) -> Iterator[tuple[str, Path]]:
    """(room, file) of every file of a package."""
    for path in sorted(ROOTS[package].rglob("*.py")):
        yield path.relative_to(ROOTS[package]).parts[0].removesuffix(".py"), path


def imported(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def upward(package: str, room: str, names: Iterable[str]) -> list[str]:
    """Imports of a room that do not come from above it."""
    rooms = ORDER[package]
    allowed = {*rooms[: rooms.index(room) + 1], "__version__"}
    own = (name.split(".") for name in names)
    return [
        ".".join(parts)
        for parts in own
        if parts[0] == package and parts[1] not in allowed
    ]


@PACKAGES
def test_every_room_has_its_place(package: str) -> None:
    found = {room for room, _ in modules(package)} - {"__init__"}
    assert found == set(ORDER[package])


@PACKAGES
def test_imports_come_from_above(package: str) -> None:
    for room, path in modules(package):
        place = f"{package}/{path.relative_to(ROOTS[package])}"
        if place in FACES:
            own = [name for name in imported(path) if name.startswith(package)]
            assert own == [FACES[place]]
        elif room != "__init__":
            assert upward(package, room, imported(path)) == [], place


def waits(package: str, root: Path) -> dict[str, set[str]]:
    """Module -> the modules of the package that it imports before all else it does."""
    files = {
        ".".join([package, *path.relative_to(root).with_suffix("").parts]): path
        for path in root.rglob("*.py")
    }
    files = {name.removesuffix(".__init__"): path for name, path in files.items()}
    found = {}
    for name, path in files.items():
        top = [
            node
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.ImportFrom)
        ]
        pairs = [(f"{n.module}.{a.name}", str(n.module)) for n in top for a in n.names]
        found[name] = {next((x for x in pair if x in files), name) for pair in pairs}
        found[name].discard(name)
    return found


@PACKAGES
def test_no_file_waits_for_itself(package: str) -> None:
    """Whichever is imported first."""
    graphlib.TopologicalSorter(waits(package, ROOTS[package])).prepare()


def test_a_circle_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from p.b import B\n")
    (tmp_path / "b.py").write_text("import os\nfrom p import a\n")
    with pytest.raises(graphlib.CycleError, match=r"p\.b"):
        graphlib.TopologicalSorter(waits("p", tmp_path)).prepare()


def test_an_import_from_below_would_be_seen() -> None:
    names = ["numpy", "jaxtrain.nn.Linear", "jaxtrain.errors.ConfigError"]
    assert upward("jaxtrain", "rng", names) == ["jaxtrain.nn.Linear"]
    assert upward("parity", "port", ["parity.doctor.diagnose", "jaxtrain.nn"]) == [
        "parity.doctor.diagnose"
    ]


def test_the_top_can_be_taken_in_at_a_glance() -> None:
    entries = [path.name for path in ROOTS["jaxtrain"].iterdir()]
    shown = [name for name in entries if not name.startswith("__pycache__")]
    assert len(shown) <= MOST_ENTRIES, sorted(shown)


def test_jaxtrain_knows_neither_torch_nor_parity() -> None:
    for _, path in modules("jaxtrain"):
        roots = {name.split(".")[0] for name in imported(path)}
        assert roots.isdisjoint({"torch", "torchvision", "parity"}), path


def test_the_engine_knows_no_run() -> None:
    """No configuration, no events, no files: any model and any data may enter it."""
    for room, path in modules("jaxtrain"):
        if room == "training":
            names = list(imported(path))
            rooms = [name.split(".")[1:2] for name in names]
            assert not {"store", "files"} & {room for each in rooms for room in each}
