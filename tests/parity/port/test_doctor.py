"""The doctor's words, its command, and what it says when it knows nothing."""

import json
import re
import textwrap
from pathlib import Path

import jax
import jax.numpy as jnp
import optax
import pytest
from flax import nnx

torch = pytest.importorskip("torch")

from port_parts import (
    FlaxCNN,
    TorchCNN,
    channels_last,
    cross_entropy,
    flax_mlp,
    images,
    mlp,
    pair,
    torch_mlp,
    vectors,
)

from jaxtrain.errors import ConfigError
from parity.__main__ import main
from parity.doctor import diagnose
from parity.doctor.command import run
from parity.doctor.trial import Trial
from parity.port import Case, JaxSide, TorchSide, compare


def test_an_unknown_cause_is_not_guessed() -> None:
    """The port's activation is one that there is not."""
    found = diagnose(
        pair(torch_mlp(), flax_mlp(lambda x: jnp.sin(x) * jnp.exp(-x / 7)), vectors())
    )
    assert found.cause is None
    assert len(found.trials) > 5
    text = str(found)
    assert f"none of {len(found.trials)} known causes explains it" in text
    assert "evidence at step 0, output '2'" in text


def test_an_explanation_names_cause_precision_and_remedy() -> None:
    found = diagnose(
        mlp(lambda ps: torch.optim.RMSprop(ps, lr=1e-2), optax.rmsprop(1e-2, 0.99))
    )
    text = str(found)
    assert "cause: eps inside the root" in text
    words = " ".join(text.split())
    assert "optax.rmsprop with eps inside the root; PyTorch has it outside" in words
    assert "Use jaxtrain.optim.rmsprop." in words
    assert found.explanations[0].error < 1e-12


def test_a_port_whose_shapes_do_not_fit_departs_where_they_part() -> None:
    norm = nnx.GroupNorm(4, num_groups=2, epsilon=1e-5, rngs=nnx.Rngs(0))
    port = FlaxCNN(norm, padding="VALID")
    found = diagnose(
        pair(
            TorchCNN(torch.nn.GroupNorm(2, 4)),
            port,
            images(),
            jax_options={"prepare": channels_last},
        )
    )
    assert found.report is not None
    assert found.report.first is not None
    assert (found.report.first.kind, found.report.first.name) == ("output", "conv")
    assert "shape (4, 4, 4, 4) where PyTorch has (4, 4, 6, 6)" in str(found)
    assert found.cause is None


def test_an_error_of_the_port_itself_is_its_own() -> None:
    with pytest.raises(ValueError, match="mine"):
        diagnose(pair(torch_mlp(), flax_mlp(_raising), vectors()))


def _raising(x: jax.Array) -> jax.Array:
    raise ValueError("mine")


def test_a_trial_that_leaves_nan_explains_nothing() -> None:
    assert not Trial("a", "b", "c", float("nan")).explains
    assert Trial("a", "b", "c", 1e-13).explains


FILE = """
    import numpy as np, optax, torch
    from flax import nnx
    import parity

    def case():
        model = torch.nn.Linear(3, 2)
        draw = np.random.default_rng(0)
        batches = [
            (draw.normal(size=(4, 3)), draw.normal(size=(4, 2))) for _ in range(3)
        ]
        return parity.Case(
            parity.TorchSide(
                model, torch.nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.1)
            ),
            parity.JaxSide(
                nnx.Linear(3, 2, rngs=nnx.Rngs(0)),
                lambda y, t: RATE * ((y - t) ** 2).mean(),
                optax.sgd(0.1),
            ),
            batches,
        )
"""


def written(folder: Path, rate: str) -> str:
    path = folder / "my_port.py"
    path.write_text(textwrap.dedent(FILE).replace("RATE", rate))
    return str(path)


def test_the_command_says_that_it_executes_and_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "found.json"
    path = written(tmp_path, "0.5")
    assert run(path, json_file=str(record)) == 1
    printed = capsys.readouterr().out
    assert printed.startswith(f"executed {path}")
    assert "cause: mean or sum of the loss" in printed
    found = json.loads(record.read_text())
    assert found["cause"] == "mean or sum of the loss"
    assert found["report"]["first"]["kind"] == "loss"


def test_the_command_passes_a_correct_port(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(written(tmp_path, "1.0")) == 0
    assert "equal: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no file"),
        ("x = 1", r"must define case\(\) -> parity.Case"),
        ("def case(): return 3", "must return a parity.Case, not int"),
    ],
)
def test_a_file_that_breaks_the_contract(
    tmp_path: Path, text: str | None, message: str
) -> None:
    path = tmp_path / "my_port.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        run(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def case():\n    raise RuntimeError('boom')", r"my_port.py:2: .*Error: boom"),
        ("\nraise SystemExit(3)", "my_port.py:2: SystemExit: 3"),
        ("def case(:", "my_port.py:1: SyntaxError: invalid syntax"),
        ("import nothing_here", "my_port.py:1: ModuleNotFoundError: No module"),
        ("def case(x): return x", "my_port.py.*TypeError: case.. missing 1"),
        (
            "import parity, torch\n\ndef case():\n    return parity.Case(None, None)",
            "my_port.py:4: TypeError: .*must be a TorchSide, not NoneType",
        ),
    ],
)
def test_a_file_that_raises_is_told_in_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    message: str,
) -> None:
    path = tmp_path / "my_port.py"
    path.write_text(text)
    assert main(["doctor", str(path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert re.search(message, printed.err), printed.err


def test_what_the_port_raises_while_it_is_compared_has_its_line(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, "nothing")
    line = (
        Path(path)
        .read_text()
        .splitlines()
        .index("            lambda y, t: nothing * ((y - t) ** 2).mean(),")
    )
    with pytest.raises(ConfigError, match=rf"my_port.py:{line + 1}: NameError: name"):
        run(path)


def test_a_report_goes_through_json() -> None:
    report = compare(mlp(lambda ps: torch.optim.SGD(ps, lr=0.1), optax.sgd(0.2)))
    found = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert not found["passed"]
    assert found["first"]["kind"] == "update"
    assert len(found["rows"]) == len(report.rows)


def test_what_does_not_make_sense_is_refused() -> None:
    model = torch_mlp()
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    theirs = TorchSide(model, torch.nn.CrossEntropyLoss(), sgd)
    ours = JaxSide(flax_mlp(), cross_entropy, optax.sgd(0.1))
    with pytest.raises(TypeError, match=r"torch\.nn\.Module, not Sequential"):
        TorchSide(flax_mlp(), torch.nn.CrossEntropyLoss(), sgd)
    with pytest.raises(TypeError, match=r"nnx\.Module, not Sequential"):
        JaxSide(model, cross_entropy, optax.sgd(0.1))
    with pytest.raises(TypeError, match="Optax transformation"):
        JaxSide(flax_mlp(), cross_entropy, "sgd")
    with pytest.raises(ValueError, match="no parameter of the model"):
        TorchSide(torch_mlp(), torch.nn.CrossEntropyLoss(), sgd)
    with pytest.raises(ValueError, match="tick must be 1 or more, not 0"):
        TorchSide(model, torch.nn.CrossEntropyLoss(), sgd, tick=0)
    with pytest.raises(ValueError, match="there are no batches"):
        Case(theirs, ours)
    with pytest.raises(ValueError, match="'copy' or 'compare', not 'same'"):
        Case(theirs, ours, vectors(), weights="same")
    with pytest.raises(ValueError, match="not 'float16'"):
        compare(theirs, ours, vectors(), dtype="float16")
    with pytest.raises(ValueError, match="1 or more, not 0"):
        compare(theirs, ours, vectors(), steps=0)
    with pytest.raises(TypeError, match="needs a JAX side"):
        compare(theirs)
