"""pytest runs with the plugin: what a user sees, with PyTorch and without."""

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from ported import DEFECTS, case

import parity

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PAGE = ROOT / "docs" / "pytest.md"
BROKEN = {name: place for name, place in DEFECTS.items() if place is not None}
TESTS = """
import pytest
from ported import DEFECTS, case

@pytest.mark.parametrize("defect", DEFECTS)
def test_port(assert_parity, defect):
    assert_parity(case(defect))
"""


@pytest.fixture(scope="module")
def verdicts() -> dict[str, str]:
    """What `compare` says of each port with PyTorch at its side."""
    return {name: parity.compare(case(name)).verdict for name in DEFECTS}


@pytest.fixture(scope="module")
def written(run_pytest: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(folder, run) of two processes that write the golden files."""
    folder = tmp_path_factory.mktemp("port")
    shutil.copy(HERE / "ported.py", folder)
    (folder / "test_port.py").write_text(TESTS)
    arguments = ("--write-golden", "-p", "xdist", "-n", "2")
    return folder, run_pytest(folder, *arguments)


def departures(output: str) -> dict[str, str]:
    """Test parameter -> its failure's first line."""
    sections = re.split(r"^_+ test_port\[(\w+)\] _+$", output, flags=re.MULTILINE)
    firsts = [
        next(line for line in text.splitlines() if line.startswith("departs"))
        for text in sections[2::2]
    ]
    return dict(zip(sections[1::2], firsts, strict=True))


def test_each_defect_is_where_it_is_made(verdicts: dict[str, str]) -> None:
    assert verdicts["none"].startswith("equal")
    for name, (step, kind) in BROKEN.items():
        assert verdicts[name].startswith(f"departs first at step {step}, {kind}")


def test_writing_golden_files(written: Any, verdicts: dict[str, str]) -> None:
    folder, done = written
    assert done.returncode == 1
    assert f"{len(BROKEN)} failed, 1 passed" in done.stdout
    assert departures(done.stdout) == {name: verdicts[name] for name in BROKEN}
    files = {path.name for path in (folder / "golden").iterdir()}
    assert len(files) == len(DEFECTS)
    assert all(f"golden/{name}: written" in done.stdout for name in files)


def test_without_torch_the_same_is_found_in_the_same_place(
    written: Any, run_pytest: Any, verdicts: dict[str, str]
) -> None:
    folder, _ = written
    done = run_pytest(folder, torch=False)
    assert f"{len(BROKEN)} failed, 1 passed" in done.stdout
    assert departures(done.stdout) == {name: verdicts[name] for name in BROKEN}
    # The report and nothing else.
    assert "Traceback" not in done.stdout
    assert "plugin.py" not in done.stdout


def test_without_torch_a_missing_golden_file_is_a_failure(
    written: Any, run_pytest: Any, tmp_path: Path
) -> None:
    for name in ("ported.py", "test_port.py"):
        shutil.copy(written[0] / name, tmp_path)
    done = run_pytest(tmp_path, "-k", "none", torch=False)
    assert "1 failed" in done.stdout
    assert "PyTorch is not installed, and there is no golden file" in done.stdout
    assert "pytest --write-golden 'test_port.py::test_port[none]'" in done.stdout


def test_the_page_runs(run_pytest: Any, tmp_path: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "test_my_port.py").write_text(block)
    done = run_pytest(tmp_path, "--write-golden")
    assert done.returncode == 0, done.stdout
    shown = re.findall(r"golden/[\w.]+safetensors", PAGE.read_text())
    assert shown
    assert all((tmp_path / name).is_file() for name in shown)
    done = run_pytest(tmp_path, torch=False)
    assert done.returncode == 0, done.stdout


def test_starting_imports_nothing_heavy(run_pytest: Any, tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n"
        "def test_light():\n"
        "    assert 'parity.plugin' in sys.modules\n"
        "    heavy = {'jax', 'flax', 'optax', 'numpy', 'torch'}\n"
        "    assert not heavy & set(sys.modules)\n"
        "def test_not_light_any_more(assert_parity):\n"
        "    import parity.port.comparison\n"
        "    assert 'jax' in sys.modules\n"
    )
    done = run_pytest(tmp_path)
    assert "2 passed" in done.stdout, done.stdout


def test_pytest_finds_it_by_itself() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"parity": "parity.plugin"}
