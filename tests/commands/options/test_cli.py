"""The command line as it is read: every flag, every refusal, and the help."""

import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from cli_flags import FLAGS
from cli_refusals import REFUSED

from jaxtrain import lr_scheduler, optim
from jaxtrain.commands.options import parse
from jaxtrain.errors import ConfigError
from jaxtrain.losses._fits import CLASSIFICATION
from jaxtrain.run.config import Config
from jaxtrain.store import codec

HELP = Path(__file__).with_name("fashion_help.txt")


def parsed(text: str) -> Config:
    return parse(text.split(), "program", "What it does.")


@pytest.mark.parametrize(("text", "expected"), FLAGS, ids=[t for t, _ in FLAGS])
def test_flags(text: str, expected: Config) -> None:
    assert parsed(text) == expected


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[t for t, _ in REFUSED])
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(text)
    assert str(caught.value) == message


def test_every_flag_is_tried_above() -> None:
    flags = {field.metadata["flag"] for field in all_fields()}
    for table in (FLAGS, REFUSED):
        tried = " ".join(text for text, _ in table)
        missing = flags - set(re.split("[ =]", tried))
        # Any name of a file is read; whether it can be written is another question.
        assert missing <= {"--history", "--out", "--backend"}


def all_fields() -> list[Any]:
    return [f for part in fields(Config) for f in fields(type_of(part.type))]


def type_of(kind: Any) -> type:
    assert isinstance(kind, type)
    return kind


@pytest.mark.parametrize("text", [text for text, _ in FLAGS])
def test_a_configuration_survives_json(text: str) -> None:
    config = parsed(text)
    content = codec.decode(codec.encode(config.to_dict()))
    assert content == config.to_dict()
    assert Config.from_dict(content) == config


def test_awkward_arguments_survive_json() -> None:
    config = parsed("--loss-args a=inf b=-inf c=1,2.5 d=None e=word f=(1,(2,inf)) g=1,")
    assert config.loss.args == {
        "a": float("inf"),
        "b": float("-inf"),
        "c": (1, 2.5),
        "d": None,
        "e": "word",
        "f": "(1,(2,inf))",  # no literal of Python's
        "g": (1,),
    }
    content = codec.decode(codec.encode(config.to_dict()))
    assert Config.from_dict(content) == config


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"lopp": {}}, "unknown part of a configuration 'lopp': did you mean 'loop'?"),
        (
            {"loop": {"epoch": 1}},
            "unknown field of LoopConfig 'epoch': did you mean 'epochs'?",
        ),
        ({"loop": {"epochs": -1}}, "--epochs must be at least 0, but got -1"),
    ],
)
def test_a_configuration_from_elsewhere_is_checked(
    content: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_dict(content)
    assert str(caught.value) == message


SHOW_HELP = """
import sys
from jaxtrain import fashion
try:
    fashion.main(["--help"])
finally:
    heavy = {"flax", "jax", "matplotlib", "optax", "rich", "torch"}
    print(sorted(heavy & sys.modules.keys()), file=sys.stderr)
"""
# The snapshot is of two optimisers and so on, so that a third leaves it as it is.
FEW = """
from jaxtrain import lr_scheduler, optim
from jaxtrain.losses import _fits
optim.OPTIMIZERS = ("adam", "sgd")
_fits.CLASSIFICATION = ("cross_entropy", "mse_loss")
lr_scheduler.SCHEDULERS = ("exponential_lr", "step_lr")
lr_scheduler.SETTING_LR = lr_scheduler.COMPOSED = ()
"""


def printed_help(before: str = "") -> str:
    """What the program prints, which imports nothing heavy for it."""
    done = subprocess.run(
        [sys.executable, "-c", before + SHOW_HELP],
        env=os.environ | {"COLUMNS": "80", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "[]\n", "the help is to come at once"
    return done.stdout


def test_help_is_the_one_that_a_person_has_read() -> None:
    assert printed_help(FEW) == HELP.read_text(), (
        "If the change is meant, read the new help as a newcomer would, then run: "
        f"python tests/cli/test_cli.py > tests/cli/{HELP.name}"
    )


def test_help_names_every_flag_and_all_that_can_be_chosen() -> None:
    text = printed_help()
    for field in all_fields():
        assert f"\n  {field.metadata['flag']}" in text
    for name in (*optim.OPTIMIZERS, *CLASSIFICATION, *lr_scheduler.SCHEDULERS):
        assert re.search(rf"\b{name}\b", text)


def test_examples_in_the_help_are_possible() -> None:
    text = HELP.read_text().replace("\\\n", " ")
    commands = re.findall("^  python -m jaxtrain.fashion (.*)", text, re.MULTILINE)
    assert len(commands) == 6
    for command in commands:
        assert parsed(command) != Config() or command == "--seed 0"


if __name__ == "__main__":
    print(printed_help(FEW), end="")
