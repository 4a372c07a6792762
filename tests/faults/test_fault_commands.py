"""Data, flags and folders that are not possible: the command says so in one line."""

import errno
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import pytest
from fault_runs import LINEAR, SAVING, Command, left, refused

from jaxtrain.commands import fashion
from jaxtrain.data import Dataset, write_idx
from jaxtrain.data.fashion_mnist.description import FASHION_MNIST
from jaxtrain.data.load import load


@pytest.fixture
def unread(command: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, where reading the data is a failure of the test."""

    def read(*given: Any, **more: Any) -> None:
        pytest.fail("the data was read before the refusal")

    monkeypatch.setattr(fashion, "load", read)
    return command


def header(*counts: int, magic: int = 0x803) -> bytes:
    return struct.pack(f">I{len(counts)}I", magic, *counts)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty (0 bytes)"),
        (b"<!DOCTYPE html><html><title>403", "is a web page"),
        (b"\x1f\x8b\x08\x00" + b"garbage!" * 9, "is damaged: gzip says"),
        (header(2**31, 2**31, 2**31) + bytes(9), "and 9 follow"),
        (header(60000, 28, 28, magic=0xD03) + bytes(99), "train-images-idx3-ubyte"),
        (pickle.dumps(["labels"]), "train-images-idx3-ubyte"),
    ],
    ids=["zero bytes", "a web page", "no gzip", "2**31 images", "floats", "a pickle"],
)
def test_a_damaged_data_file_is_one_line(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    data: bytes,
    told: str,
) -> None:
    for file in FASHION_MNIST.files:
        (tmp_path / file.name).write_bytes(data)
    monkeypatch.setattr(fashion, "load", load)
    ran = command(f"{LINEAR} --data", tmp_path)
    refused(ran, "error: ")
    assert told in ran.err
    assert str(tmp_path) in ran.err
    assert ran.out == ""


def test_data_that_is_not_there_or_another_set_is_one_line(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny: Dataset
) -> None:
    monkeypatch.setattr(fashion, "load", load)
    refused(command(f"{LINEAR} --data", tmp_path / "no"), "error: data folder ")
    refused(command(f"{LINEAR} --data", __file__), "error: ")
    refused(command(f"{LINEAR} --data", tmp_path), "error: ")
    write_idx(tiny.train, tmp_path, "train")
    write_idx(tiny.test, tmp_path, "test")
    ran = command(f"{LINEAR} --data", tmp_path)
    refused(ran, "error: ")
    assert "(200, 28, 28); Fashion-MNIST's" in ran.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("--lr -1", "--lr must be from 0 to 1e+38, but got -1.0"),
        ("--lr nan", "--lr must be from 0 to 1e+38, but got nan"),
        ("--lr inf", "--lr must be from 0 to 1e+38, but got inf"),
        ("--lr 1e39", "--lr must be from 0 to 1e+38, but got 1e+39"),
        ("--lr much", "--lr must be a number, but got 'much'"),
        ("--batch-size 0", "--batch-size must be from 1 to 2147483647, but got 0"),
        ("--batch-size -64", "--batch-size must be from 1 to 2147483647, but got -64"),
        ("--epochs -1", "--epochs must be at least 0, but got -1"),
        ("--optimizer adm", "unknown optimizer 'adm': did you mean 'adam'?"),
        ("--scheduler setp_lr", "unknown scheduler 'setp_lr': did you mean 'step_lr'?"),
        ("--loss crossentropy", "unknown loss 'crossentropy': did you mean 'cross_en"),
        ("--momentum 0.9", "unknown option '--momentum': "),
        ("--device cuda", "unknown --device 'cuda': choose from: auto, cpu, gpu, tpu"),
        ("--hidden 0", "--hidden must be from 1 to 2147483647, but got 0"),
        ("--hidden 8 -8", "--hidden must be from 1 to 2147483647, but got -8"),
        ("--seed 18446744073709551616", "--seed must be from -9223372036854775808 to"),
        ("--seed one", "--seed must be a whole number, but got 'one'"),
        ("--resume=", "--resume is empty: give auto, or a run's folder"),
        ("--resume auto", "--resume auto needs a run's folder: give --out DIR"),
        ("--save-every nan", "--save-every must be at least 0, but got nan"),
        ("--keep 0", "--keep must be from 1 to 2147483647, but got 0"),
        ("--monitor -1", "--monitor must be from 0 to 2147483647, but got -1"),
    ],
)
def test_flags_are_judged_before_the_data_is_read(
    unread: Command, text: str, told: str
) -> None:
    ran = unread(text)
    refused(ran, f"error: {told}")
    assert ran.out == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("--optimizer adam --optimizer-args momentum=0.9", "optimizer adam takes no "),
        ("--optimizer-args betas=0.9,0.999", "optimizer sgd takes no argument 'betas'"),
        ("--optimizer-args momentum=-0.1", "optimizer sgd: Invalid momentum value: -0"),
        ("--optimizer adam --optimizer-args betas=1.0,0.9", "optimizer adam: Invalid "),
        ("--optimizer adam --optimizer-args betas=0.9", "optimizer adam: betas must b"),
        ("--optimizer adam --optimizer-args eps=-1", "optimizer adam: Invalid epsilon"),
        ("--weight-decay -1", "optimizer sgd: Invalid weight_decay value: -1.0"),
        (
            "--scheduler one_cycle_lr --scheduler-every step --scheduler-args "
            "max_lr=0.1 total_steps=2",
            "scheduler one_cycle_lr: step 3 is one too many: the total number of steps",
        ),
        ("--augment mirror", "unknown transform 'mirror': choose from: random_crop"),
    ],
)
def test_what_an_optimizer_or_scheduler_refuses_is_one_line(
    command: Command, tmp_path: Path, text: str, told: str
) -> None:
    ran = command(f"{LINEAR} {text} --out", tmp_path / "run")
    refused(ran, f"error: {told}")
    assert ran.out == ""
    # The folder, where there is one by then, can be used by what was meant.
    assert {path.name for path in tmp_path.rglob("*")} <= {"run", ".lock"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", " is no JSON (Expecting value: "),
        (b"\x80\x04 not a text", " cannot be read: it holds no JSON: "),
        (b"[" * 100_000, " is no JSON (maximum recursion depth"),
        (b'{"loop":' * 50_000, " is no JSON (maximum recursion depth"),
        (b'{"loop": {}, "loop": {}}', " has a key twice"),
        (b'{"optimizer": {"lr": NaN}}', " has a bare NaN"),
        (
            b'{"optimizer": {"args": {"a": %b}}}' % (b"[" * 700 + b"]" * 700),
            " has a depth of more than 128",
        ),
        (
            b'{"optimizer": {"args": {"a": %b}}}' % (b"[" * 100 + b"]" * 100),
            ": --optimizer-args a cannot be [[[[",
        ),
        (b"null", " holds no configuration"),
        (b'{"schema": "jaxtrain.run/1"}', " holds no configuration"),
        (
            b'{"schema": "jaxtrain.run/3", "config": {}}',
            " is of the schema 'jaxtrain.run/3', which this version does not know",
        ),
        (b'{"schema": ["a\\nb"], "config": {}}', " is of the schema ['a\\nb'], which "),
        (b'{"lopp": {}}', ": unknown part of a configuration 'lopp': did you mean"),
        (b'{"loop": []}', ": LoopConfig is a table of fields, but got []"),
        (b'{"loop": {"epoch": 1}}', ": unknown field of LoopConfig 'epoch': did you "),
        (b'{"loop": {"epochs": "3"}}', ": --epochs must be a whole number, but got '3"),
        (b'{"loop": {"epochs": true}}', ": --epochs must be a whole number, but got T"),
        (b'{"loop": {"seed": 1.0}}', ": --seed must be a whole number, but got 1.0"),
        (
            b'{"optimizer": {"lr": {"$float": "nan"}}}',
            ": --lr must be from 0 to 1e+38, but got nan",
        ),
        (b'{"loop": {"seed": 1%b}}' % (b"0" * 400), " has a number of 401 digits"),
        (
            b'{"optimizer": {"lr": 1%b}}' % (b"0" * 200),
            ": --lr must be from 0 to 1e",
        ),
        (b'{"model": {"hidden": 8}}', ": --hidden must be a list, but got 8"),
        (b'{"model": {"hidden": [8, "x"]}}', ": --hidden must be a whole number, but"),
        (b'{"data": {"shuffle": 1}}', ": --shuffle must be true or false, but got 1"),
        (b'{"optimizer": {"args": 3}}', ": --optimizer-args must be a table of argum"),
        (b'{"records": {"out": 3}}', ": --out must be a path, but got 3"),
        (
            b'{"records": {"out": "a\\u0000b"}}',
            r": --out cannot be 'a\x00b': it has a ",
        ),
        (b'{"records": {"out": "\\ud800"}}', r": --out cannot be '\ud800': 'utf-8' co"),
    ],
    ids=range(28),
)
def test_a_configuration_file_of_any_content_is_one_line(
    unread: Command, tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    refused(unread("--config", path), f"error: --config {path}{told}")
    assert list(tmp_path.iterdir()) == [path]


def test_a_configuration_file_that_is_none_is_one_line(
    unread: Command, tmp_path: Path
) -> None:
    missing = f"error: --config {tmp_path / 'no'} cannot be read: No such file"
    refused(unread("--config", tmp_path / "no"), missing)
    folder = f"error: --config {tmp_path} cannot be read: Is a directory"
    refused(unread("--config", tmp_path), folder)


def test_a_run_s_own_configuration_is_read(command: Command, whole: Path) -> None:
    """The twin of the refusals: what a run wrote is taken, with a flag on top."""
    ran = command("--epochs 0 --config", whole / "config.json")
    assert (ran.status, ran.err) == (0, "")
    assert "model: MLP 784-10, " in ran.out


def test_no_epochs_leave_a_run_that_more_epochs_go_on_with(
    command: Command, tmp_path: Path, whole: Path
) -> None:
    out = tmp_path / "run"
    ran = command(f"{SAVING} --epochs 0 --out", out)
    assert (ran.status, ran.err) == (0, "")
    ran = command(f"{SAVING} --resume auto --out", out)
    assert (ran.status, ran.err) == (0, "")
    assert left(out) == left(whole)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("file", "--out {out} must be a folder, or not exist yet"),
        ("file/run", "--out {out}: there is no folder {out.parent}"),
        ("no/run", "--out {out}: there is no folder {out.parent}"),
        ("x" * 300, "--out: {out} cannot be written: File name too long"),
        ("whole", "--out {out} already holds a run: --resume auto continues it; or"),
    ],
)
def test_where_a_run_cannot_be_is_one_line(
    command: Command, tmp_path: Path, whole: Path, name: str, told: str
) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "whole").symlink_to(whole)
    before = left(whole)
    out = tmp_path / name
    ran = command(f"{LINEAR} --lr 0.5 --out", out)
    refused(ran, f"error: {told.format(out=out)}")
    assert ran.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "whole"]
    assert (tmp_path / "file").read_text() == "precious"
    assert left(whole) == before


@pytest.mark.parametrize("call", ["mkdir", "open"])
def test_an_unwritable_place_is_one_line(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """As on a file system that is read-only: it stops root, too."""
    out, real = tmp_path / "run", getattr(os, call)

    def denied(path: Any, *given: Any, **more: Any) -> Any:
        if str(path).startswith(str(out)):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(path, *given, **more)

    monkeypatch.setattr(os, call, denied)
    ran = command(f"{LINEAR} --out", out)
    refused(ran, "error: --out: ")
    assert ran.err.endswith("cannot be written: Read-only file system\n")
    assert ran.out == ""


@pytest.mark.parametrize(
    ("resume", "told"),
    [
        ("no", "{path} holds no checkpoint; --resume takes a run's folder"),
        ("file", "{path} holds no checkpoint; --resume takes a run's folder"),
        (".", "{path} holds no checkpoint; --resume takes a run's folder"),
        ("x" * 300, "[Errno 36] File name too long"),
    ],
)
def test_nothing_to_go_on_with_is_one_line(
    command: Command, tmp_path: Path, resume: str, told: str
) -> None:
    (tmp_path / "file").write_text("precious")
    path = tmp_path / resume
    ran = command(f"{LINEAR} --resume", path)
    refused(ran, f"error: {told.format(path=path)}")
    assert ran.out == ""


def out_of_memory(*given: Any) -> Any:
    raise MemoryError("Unable to allocate 5.70 TiB for an array")


@pytest.mark.parametrize("flag", ["", "--check"])
def test_a_lack_of_memory_names_the_sizes(
    command: Command, monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    monkeypatch.setattr("jaxtrain.watch.checks.check", out_of_memory)
    monkeypatch.setattr("jaxtrain.run.loop.build_trainer", out_of_memory)
    refused(
        command(f"--hidden 3 2 --batch-size 7 {flag}"),
        "error: not enough memory for --hidden 3 2 with --batch-size 7: Unable to "
        "allocate 5.70 TiB for an array\n",
    )
