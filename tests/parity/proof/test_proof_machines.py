"""The bounds hold wherever a proof runs: rounding, normals, and the matrix itself."""

import json
from typing import Any

import jax
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")

from jaxtrain import optim
from jaxtrain.rng import Generator, _normal
from parity.__main__ import main
from parity.proof import machines
from parity.proof.optimizers.cases import OptimizerCase
from parity.proof.optimizers.one_step import judge
from parity.proof.rng import group as rng
from parity.proof.verdict import Task, Verdict
from parity.rounding import round_all


def moves(function: Any, *inputs: float, runs: int = 400) -> np.ndarray:
    """Relative errors of a function whose operations are rounded at random."""
    given = [torch.full((runs,), x, dtype=torch.float64) for x in inputs]
    exact = function(*given)
    with round_all(seed=0):
        found = function(*given)
    return ((found - exact) / exact).numpy()


def test_an_operation_moves_by_half_a_unit_and_fills_it() -> None:
    apart = np.abs(moves(lambda x, y: x / y, 1.0, 0.8)) * 1.25
    assert 0.9 < apart.max() / 2**-24 <= 1.0


def test_a_cancellation_shows_what_was_rounded_before_it() -> None:
    apart = np.abs(moves(lambda x, y: x * y - 0.99, 1.1, 0.90001))
    assert apart.max() > 500 * 2**-24


def test_a_mean_is_taken_from_the_nearer_end() -> None:
    """A weight of 1 gives the end, whatever is rounded of the far one."""
    apart = np.abs(moves(lambda x, end: torch.lerp(x, end, 1.0), 1e9, 1.0))
    assert apart.max() <= 2**-24


@pytest.mark.parametrize("exact", [torch.neg, torch.abs, torch.relu, torch.clone])
def test_what_rounds_nothing_moves_nothing(exact: Any) -> None:
    assert not moves(exact, 1.3).any()


def test_rows_round_apart_and_numbers_of_the_host_with_them() -> None:
    x = torch.ones(4, 3, dtype=torch.float64)
    with round_all(seed=0, rows=4):
        found = x * 0.3
    assert len(np.unique(found.numpy())) == 12


def test_in_place_what_nothing_is_added_to_is_left_alone() -> None:
    x = torch.tensor([1.0, 1.0], dtype=torch.float64)
    with round_all(seed=0):
        x.add_(torch.tensor([0.0, 0.3], dtype=torch.float64))
    assert x[0] == 1
    assert x[1] != 1.3


@pytest.mark.parametrize("weight", [1.0, 0.99, 0.01, torch.tensor([0.99]).double()])
def test_an_average_is_taken_from_the_nearer_end(weight: Any) -> None:
    x, end = (torch.tensor([value], dtype=torch.float64) for value in (1e3, 1e-6))
    with round_all(seed=0):
        found = x.lerp(end, weight)
    assert abs(float(found - x.lerp(end, weight))) <= 2**-22 * float(found)


def test_draws_are_those_that_they_were() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        expected = torch.nn.functional.dropout(torch.ones(9).double(), 0.3)
        after = torch.rand(1)
        torch.manual_seed(0)
        with round_all(seed=1):
            found = torch.nn.functional.dropout(torch.ones(9).double(), 0.3)
        assert torch.equal(found != 0, expected != 0)
        assert torch.equal(torch.rand(1), after)


def test_infinities_are_exact() -> None:
    x = torch.tensor([-torch.inf, 0.3], dtype=torch.float64)
    with round_all(seed=0):
        found = torch.softmax(x + 0.1, 0)
    assert found.tolist()[0] == 0
    assert found.isfinite().all()


def test_a_bound_without_end_allows_nothing() -> None:
    found = Verdict("g", "n", "c", "float32", "l", "m", 0.0, float("inf"), "r")
    assert not found.passed


ERRORS = {"float32": 1e-5, "float64": 1e-14}
"""Relative, of a rate: the least that must be seen; float32's is 80 roundings."""


@pytest.mark.parametrize("dtype", ERRORS)
@pytest.mark.parametrize("name", ["sgd", "adam", "adadelta", "adagrad"])
def test_a_rate_off_by_some_roundings_is_seen(name: str, dtype: str) -> None:
    case = OptimizerCase(name, {"lr": 0.1})
    off = getattr(optim, name)(lr=0.1 * (1 + ERRORS[dtype]))
    wrong = judge([case], dtype, 12, build=lambda case: off)
    assert all(found.passed for found in judge([case], dtype, 12))
    assert not all(found.passed for found in wrong)
    jax.clear_caches()


def on_path(patch: pytest.MonkeyPatch, path: str) -> None:
    patch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: path)


def normals() -> list[Any]:
    return list(rng.verdicts(Task(["normal"], "float32"), lambda text: None))


def test_normals_elsewhere_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    on_path(monkeypatch, "DEFAULT")
    found = normals()
    assert all(v.passed and v.bound == 1 for v in found)
    assert all("DEFAULT" in v.measure for v in found)


def broken_state(patch: pytest.MonkeyPatch) -> None:
    whole = Generator.get_state
    patch.setattr(Generator, "get_state", lambda self: whole(self)[::-1])


def short_logarithm(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_normal, "_LOG", _normal._LOG[1:])


def short_cosine(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_normal, "_COS", _normal._COS[1:])


@pytest.mark.parametrize("breaks", [broken_state, short_logarithm, short_cosine])
def test_broken_normals_are_seen_elsewhere(
    breaks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path(monkeypatch, "DEFAULT")
    breaks(monkeypatch)
    assert not all(v.passed for v in normals())


def test_flags_are_added_and_the_rest_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=x")
    found = machines.environment("XLA SSE4_2")
    assert found["XLA_FLAGS"] == "--xla_dump_to=x --xla_cpu_max_isa=SSE4_2"


def test_a_proof_on_another_machine_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (
        main(["machines", "rng", "--names", "normal", "--on", "PyTorch default"]) == 0
    )
    _, line = capsys.readouterr().out.splitlines()
    assert line.startswith("PyTorch default")
    assert "1 of 1" in line


def test_the_json_says_what_it_ran_on(tmp_path: Any) -> None:
    file = tmp_path / "proof.json"
    assert main(["rng", "--names", "randperm", "--json", str(file)]) == 0
    ran_on = json.loads(file.read_text())["machine"]
    assert ran_on["PyTorch path"] == torch.backends.cpu.get_cpu_capability()


@pytest.mark.parametrize("given", [["--on", "mars"], ["--python", "/nowhere"]])
def test_an_unknown_machine_is_one_line(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["machines", "rng", *given]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.long
@pytest.mark.parametrize("name", machines.MACHINES)
def test_the_whole_proof_holds_on(name: str) -> None:
    (found,) = machines.outcomes(["all"], [machines.sys.executable], [name])
    assert found.status == 0, found.line
    seen, _, count = found.twins.split()
    assert seen == count == "8"
