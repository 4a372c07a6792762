"""The command line as it is read: every flag, every refusal, and the help."""

import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from jaxtrain import losses, lr_scheduler, optim
from jaxtrain.cli import parse
from jaxtrain.config import (
    Config,
    DataConfig,
    LoopConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    RecordsConfig,
    SchedulerConfig,
)
from jaxtrain.registry import ConfigError

HELP = Path(__file__).with_name("fashion_help.txt")

FLAGS: list[tuple[str, Config]] = [
    ("", Config()),
    ("--data synthetic", Config(data=DataConfig(source="synthetic"))),
    ("--data some/folder", Config(data=DataConfig(source="some/folder"))),
    # A folder of that name, and not the number.
    ("--data inf", Config(data=DataConfig(source="inf"))),
    ("--batch-size 7", Config(data=DataConfig(batch_size=7))),
    ("--batch-size 2147483647", Config(data=DataConfig(batch_size=2**31 - 1))),
    ("--shuffle", Config(data=DataConfig(shuffle=True))),
    ("--normalize --epochs 10", Config(data=DataConfig(normalize=()))),
    ("--normalize -0.5 0.25", Config(data=DataConfig(normalize=(-0.5, 0.25)))),
    ("--model mlp", Config()),
    ("--model resnet_small", Config(model=ModelConfig("resnet_small"))),
    ("--hidden 128", Config(model=ModelConfig(hidden=(128,)))),
    ("--hidden 3 2 1 --epochs 10", Config(model=ModelConfig(hidden=(3, 2, 1)))),
    ("--hidden --epochs 10", Config(model=ModelConfig(hidden=()))),
    ("--dropout 0", Config()),
    ("--dropout 1", Config(model=ModelConfig(dropout=1.0))),
    ("--dropout-masks jax", Config(model=ModelConfig(dropout_masks="jax"))),
    ("--loss cross_entropy", Config()),
    (
        "--l1 1e-4 --l2 0.5",
        Config(loss=LossConfig(l1=1e-4, l2=0.5)),
    ),
    (
        "--loss-args label_smoothing=0.1 reduction=sum",
        Config(loss=LossConfig(args={"label_smoothing": 0.1, "reduction": "sum"})),
    ),
    ("--optimizer sgd", Config()),
    ("--lr 0", Config(optimizer=OptimizerConfig(lr=0.0))),
    ("--lr 1e-4", Config(optimizer=OptimizerConfig(lr=1e-4))),
    ("--lr 1e30", Config(optimizer=OptimizerConfig(lr=1e30))),
    ("--lr -0", Config(optimizer=OptimizerConfig(lr=0.0))),
    (
        "--optimizer-args momentum=0.9 nesterov=true",
        Config(optimizer=OptimizerConfig(args={"momentum": 0.9, "nesterov": True})),
    ),
    (
        "--optimizer-args momentum=0.9 --seed 0 --optimizer-args dampening=-1e-3",
        Config(optimizer=OptimizerConfig(args={"momentum": 0.9, "dampening": -1e-3})),
    ),
    (
        "--scheduler step_lr --scheduler-args step_size=3 --scheduler-every step",
        Config(scheduler=SchedulerConfig("step_lr", {"step_size": 3}, "step")),
    ),
    ("--epochs 0", Config(loop=LoopConfig(epochs=0))),
    ("--seed -9223372036854775808", Config(loop=LoopConfig(seed=-(2**63)))),
    ("--seed 18446744073709551615", Config(loop=LoopConfig(seed=2**64 - 1))),
    ("--seed=-1", Config(loop=LoopConfig(seed=-1))),
    ("--dtype float64", Config(loop=LoopConfig(dtype="float64"))),
    ("--dtype bfloat16", Config(loop=LoopConfig(dtype="bfloat16"))),
    ("--backend torch", Config(loop=LoopConfig(backend="torch"))),
    ("--device cpu", Config(loop=LoopConfig(device="cpu"))),
    (
        "--history run.json",
        Config(records=RecordsConfig(history=Path("run.json"))),
    ),
    ("--lr 1 --lr 0.5", Config(optimizer=OptimizerConfig(lr=0.5))),
]

REFUSED: list[tuple[str, str]] = [
    # Numbers that are none.
    ("--lr x", "--lr must be a number, but got 'x'"),
    ("--lr=", "--lr must be a number, but got ''"),
    ("--lr 1,5", "--lr must be a number, but got '1,5'"),
    ("--batch-size 6.4", "--batch-size must be a whole number, but got '6.4'"),
    ("--epochs ten", "--epochs must be a whole number, but got 'ten'"),
    ("--seed 1.5", "--seed must be a whole number, but got '1.5'"),
    ("--seed 0x10", "--seed must be a whole number, but got '0x10'"),
    ("--hidden 64 x", "--hidden must be a whole number, but got 'x'"),
    ("--dropout half", "--dropout must be a number, but got 'half'"),
    ("--normalize 0.5 x", "--normalize must be a number, but got 'x'"),
    # Numbers out of range.
    ("--normalize 0.5 0", "--normalize STD must be from 1e-30 to 1e+38, but got 0.0"),
    ("--normalize nan 1", "--normalize MEAN must be from -1e+38 to 1e+38, but got nan"),
    (
        "--normalize 0.5",
        "--normalize takes a mean and a standard deviation, or nothing, but got 0.5",
    ),
    ("--model cnn --hidden 64", "--hidden 64 is for --model mlp, not cnn"),
    ("--model cmn", "unknown --model 'cmn': did you mean 'cnn'?"),
    ("--l1 -1", "--l1 must be from 0 to 1e+38, but got -1.0"),
    ("--l2 nan", "--l2 must be from 0 to 1e+38, but got nan"),
    ("--lr -1", "--lr must be from 0 to 1e+38, but got -1.0"),
    ("--lr -1e-3", "--lr must be from 0 to 1e+38, but got -0.001"),
    ("--lr nan", "--lr must be from 0 to 1e+38, but got nan"),
    ("--lr -nan", "--lr must be from 0 to 1e+38, but got nan"),
    ("--lr inf", "--lr must be from 0 to 1e+38, but got inf"),
    ("--lr -inf", "--lr must be from 0 to 1e+38, but got -inf"),
    ("--lr 1e39", "--lr must be from 0 to 1e+38, but got 1e+39"),
    ("--batch-size 0", "--batch-size must be from 1 to 2147483647, but got 0"),
    ("--batch-size -64", "--batch-size must be from 1 to 2147483647, but got -64"),
    (
        "--batch-size 99999999999999999999",
        "--batch-size must be from 1 to 2147483647, but got 99999999999999999999",
    ),
    ("--epochs -1", "--epochs must be at least 0, but got -1"),
    ("--hidden 0", "--hidden must be from 1 to 2147483647, but got 0"),
    ("--hidden -1 512", "--hidden must be from 1 to 2147483647, but got -1"),
    ("--hidden 512 -1", "--hidden must be from 1 to 2147483647, but got -1"),
    ("--dropout 1.5", "--dropout must be from 0 to 1, but got 1.5"),
    ("--dropout -0.1", "--dropout must be from 0 to 1, but got -0.1"),
    ("--dropout nan", "--dropout must be from 0 to 1, but got nan"),
    (
        "--seed -9223372036854775809",
        "--seed must be from -9223372036854775808 to 18446744073709551615, "
        "but got -9223372036854775809",
    ),
    (
        "--seed 18446744073709551616",
        "--seed must be from -9223372036854775808 to 18446744073709551615, "
        "but got 18446744073709551616",
    ),
    # Names that nothing has.
    ("--optimizer sdg", "unknown optimizer 'sdg': did you mean 'sgd'?"),
    ("--optimizer SGD", "unknown optimizer 'SGD': did you mean 'sgd'?"),
    (
        "--loss crossentropy",
        "unknown loss 'crossentropy': did you mean 'cross_entropy'?",
    ),
    ("--scheduler StepLR", "unknown scheduler 'StepLR': did you mean 'step_lr'?"),
    (
        "--scheduler-every batch",
        "unknown --scheduler-every 'batch': choose from: epoch, step",
    ),
    ("--dtype float23", "unknown --dtype 'float23': did you mean 'float32'?"),
    ("--device gup", "unknown --device 'gup': did you mean 'gpu'?"),
    ("--device cuda", "unknown --device 'cuda': choose from: auto, cpu, gpu, tpu"),
    (
        "--dropout-masks numpy",
        "unknown --dropout-masks 'numpy': choose from: jax, torch",
    ),
    # Flags that nothing has.
    ("--epoch 3", "unknown option '--epoch': did you mean '--epochs'?"),
    ("--epoch=3", "unknown option '--epoch': did you mean '--epochs'?"),
    ("-lr 3", "unknown option '-lr': did you mean '--lr'?"),
    ("\N{EN DASH}lr 3", "unknown option '\N{EN DASH}lr': did you mean '--lr'?"),
    ("lr=3", "unknown option 'lr': did you mean '--lr'?"),
    ("--optimiser sgd", "unknown option '--optimiser': did you mean '--optimizer'?"),
    (
        "--momentum 0.9",
        "unknown option '--momentum': see --help; what an optimizer, scheduler or loss "
        "takes goes into --optimizer-args KEY=VALUE, --scheduler-args or --loss-args",
    ),
    # Flags without what belongs to them, or with what does not.
    ("--lr", "--lr: expected one argument"),
    ("--lr --epochs 3", "--lr: expected one argument"),
    ("--optimizer-args", "--optimizer-args: expected at least one argument"),
    ("--shuffle=1", "--shuffle: ignored explicit argument '1'"),
    ("--data=", "--data is empty: give 'auto', 'synthetic' or a folder"),
    # Arguments of an optimiser, a scheduler or a loss.
    (
        "--optimizer-args momentum",
        "--optimizer-args: 'momentum' is not of the form KEY=VALUE, as momentum=0.9 is",
    ),
    (
        "--optimizer-args momentum=",
        "--optimizer-args: 'momentum=' is not of the form KEY=VALUE, "
        "as momentum=0.9 is",
    ),
    (
        "--loss-args =0.1",
        "--loss-args: '=0.1' is not of the form KEY=VALUE, as momentum=0.9 is",
    ),
    (
        "--scheduler-args step-size=1",
        "--scheduler-args: 'step-size=1' is not of the form KEY=VALUE, "
        "as momentum=0.9 is",
    ),
    (
        "--optimizer-args momentum=0.9 momentum=0.8",
        "--optimizer-args: momentum is given twice, as 0.9 and 0.8",
    ),
    (
        "--optimizer-args momentum=0.9 --optimizer-args momentum=0.8",
        "--optimizer-args: momentum is given twice, as 0.9 and 0.8",
    ),
    (
        "--optimizer-args lr=0.1",
        "--optimizer-args lr=0.1: the learning rate is given by --lr",
    ),
    (
        "--scheduler-args step_size=1",
        "--scheduler-args step_size=1 is of no use without a --scheduler",
    ),
    (
        "--scheduler-every step",
        "--scheduler-every step is of no use without a --scheduler",
    ),
]


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
        assert missing <= {"--history", "--backend"}


def all_fields() -> list[Any]:
    return [f for part in fields(Config) for f in fields(type_of(part.type))]


def type_of(kind: Any) -> type:
    assert isinstance(kind, type)
    return kind


@pytest.mark.parametrize("text", [text for text, _ in FLAGS])
def test_a_configuration_survives_json(text: str) -> None:
    config = parsed(text)
    content = json.loads(json.dumps(config.to_dict(), allow_nan=False))
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
    content = json.loads(json.dumps(config.to_dict(), allow_nan=False))
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
from jaxtrain import losses, lr_scheduler, optim
optim.OPTIMIZERS = ("adam", "sgd")
losses.CLASSIFICATION = ("cross_entropy", "mse_loss")
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
        f"python tests/test_cli.py > tests/{HELP.name}"
    )


def test_help_names_every_flag_and_all_that_can_be_chosen() -> None:
    text = printed_help()
    for field in all_fields():
        assert f"\n  {field.metadata['flag']}" in text
    for name in (*optim.OPTIMIZERS, *losses.CLASSIFICATION, *lr_scheduler.SCHEDULERS):
        assert re.search(rf"\b{name}\b", text)


def test_examples_in_the_help_are_possible() -> None:
    text = HELP.read_text().replace("\\\n", " ")
    commands = re.findall("^  python -m jaxtrain.fashion (.*)", text, re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        assert parsed(command) != Config() or command == "--seed 0"


if __name__ == "__main__":
    print(printed_help(FEW), end="")
