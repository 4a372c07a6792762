"""The backends that really train: what they refuse and print."""

import math
import re
from pathlib import Path

import pytest
from toys import PROG, Command, refused

from jaxtrain.commands import fashion
from jaxtrain.data import Dataset
from jaxtrain.run.history import History


def jax_devices() -> set[str]:
    import jax

    return {device.platform for device in jax.devices()}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "--optimizer-args foo=1",
            "optimizer sgd takes no argument 'foo': choose from: ",
        ),
        (
            "--optimizer-args momentun=1",
            "optimizer sgd takes no argument 'momentun': did you mean 'momentum'?",
        ),
        ("--optimizer-args momentum=-1", "optimizer sgd: Invalid momentum value: -1"),
        (
            "--optimizer-args momentum=much",
            "optimizer sgd: momentum must be a number, but got 'much'",
        ),
        (
            "--optimizer-args weight_decay=-1",
            "optimizer sgd: Invalid weight_decay value: -1",
        ),
        (
            "--optimizer-args nesterov=true",
            "optimizer sgd: Nesterov momentum requires a momentum and zero dampening",
        ),
        (
            "--optimizer-args nesterov=yes",
            "optimizer sgd: nesterov must be true or false, but got 'yes'",
        ),
        (
            "--optimizer-args foreach=true",
            "optimizer sgd takes no argument 'foreach': ",
        ),
        (
            "--scheduler step_lr",
            "scheduler step_lr needs an argument 'step_size': step_size=VALUE",
        ),
        (
            "--scheduler step_lr --scheduler-args step_size=0",
            "scheduler step_lr: step_size must be positive, but got 0",
        ),
        (
            "--scheduler step_lr --scheduler-args step_size=1.5",
            "scheduler step_lr: step_size must be a whole number, but got 1.5",
        ),
        (
            "--optimizer adagrad --scheduler one_cycle_lr --scheduler-args "
            "max_lr=0.1 total_steps=9",
            "scheduler one_cycle_lr cycles the momentum, and adagrad has none: give "
            "--scheduler-args cycle_momentum=false",
        ),
        (
            "--scheduler one_cycle_lr --scheduler-every step --scheduler-args "
            "max_lr=0.1 total_steps=2",
            "scheduler one_cycle_lr: step 3 is one too many: the total number of steps "
            "is 2",
        ),
        (
            "--scheduler sequential_lr --scheduler-args milestones=5, "
            "schedulers=linear_lr(total_iters=5),step_lr(step_siz=3)",
            "scheduler step_lr takes no argument 'step_siz': did you mean 'step_size'?",
        ),
        (
            "--optimizer adam --optimizer-args betas=0.8 --scheduler one_cycle_lr "
            "--scheduler-args max_lr=0.01 total_steps=31",
            "optimizer adam: betas must be 2 values, such as 0.9,0.999, but got 0.8",
        ),
        (
            "--scheduler chained_scheduler --scheduler-args schedulers=step_lr(3)",
            "'step_lr(3)' is not of the form FIRST(KEY=VALUE),SECOND(KEY=VALUE)",
        ),
        (
            "--scheduler reduce_lr_on_plateau --scheduler-args mode=least",
            "scheduler reduce_lr_on_plateau: mode must be 'min' or 'max', but got "
            "'least'",
        ),
        (
            "--optimizer muon --optimizer-args adjust_lr_fn=root",
            "optimizer muon: Adjust learning rate function root is not supported",
        ),
        (
            "--optimizer lbfgs --optimizer-args line_search_fn=armijo",
            "optimizer lbfgs: only 'strong_wolfe' is supported",
        ),
        (
            "--loss sigmoid_focal_loss",
            "loss sigmoid_focal_loss gives values of shape (64, 10)",
        ),
        (
            "--loss-args reduction=none",
            "loss cross_entropy gives values of shape (64,)",
        ),
        (
            "--loss-args reduction=average",
            "loss cross_entropy: average is not a valid value for reduction",
        ),
        (
            "--loss-args label_smoothing=2",
            "loss cross_entropy: label_smoothing must be between 0.0 and 1.0. Got: 2",
        ),
        (
            "--loss-args weight=1,2",
            "loss cross_entropy: weight must have one value for each of 10 classes",
        ),
    ],
)
def test_what_jax_refuses(command: Command, text: str, message: str) -> None:
    ran = command(f"--hidden --epochs 1 {text}")
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(f"{PROG}: error: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "--optimizer lbfgs --optimizer-args history_size=0",
            "optimizer lbfgs: pop from empty list",
        ),
        (
            "--optimizer lbfgs --optimizer-args line_search_fn=armijo",
            "optimizer lbfgs: only 'strong_wolfe' is supported",
        ),
        (
            "--optimizer lbfgs --lr 0 --optimizer-args line_search_fn=strong_wolfe",
            "optimizer lbfgs: float division by zero",
        ),
        (
            "--optimizer muon --optimizer-args ns_steps=100",
            "optimizer muon: Number of steps must be less than 100",
        ),
        (
            "--loss mse_loss --loss-args weight=2",
            "loss mse_loss: 'int' object has no attribute 'size'",
        ),
        (
            "--scheduler geometric --scheduler-args ratio=-1 total_iters=5",
            "scheduler geometric: ratio must be positive, but got -1",
        ),
    ],
)
def test_what_torch_refuses_only_when_it_uses_it(
    command: Command, text: str, message: str
) -> None:
    pytest.importorskip("torchvision")
    ran = command(f"--backend torch --hidden --epochs 1 {text}")
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(f"{PROG}: error: {message}")


def test_a_beta_of_one_is_refused_by_both(command: Command) -> None:
    pytest.importorskip("torchvision")
    text = (
        "--hidden --epochs 1 --optimizer adam --scheduler one_cycle_lr "
        "--scheduler-args max_lr=0.1 total_steps=20 max_momentum=1.0"
    )
    assert command(text) == (
        2,
        "",
        f"{PROG}: error: scheduler one_cycle_lr sets the first of adam's betas to 1.0; "
        "it must be at least 0 and less than 1\n",
    )
    theirs = command(f"--backend torch {text}")
    assert (theirs.status, theirs.err) == (
        2,
        f"{PROG}: error: optimizer adam: float division by zero\n",
    )


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "--epochs 2 --optimizer sparse_adam --scheduler sequential_lr "
            "--scheduler-args milestones=1 schedulers=cyclic_lr(base_lr=0,max_lr=0.1,"
            "cycle_momentum=false),step_lr(step_size=1)",
            # What SparseAdam's constructor refuses, a schedule may still set.
            id="a rate of zero between two schedules",
        ),
        pytest.param(
            "--epochs 1 --scheduler sequential_lr --scheduler-every step "
            "--scheduler-args milestones=2 "
            "schedulers=linear_lr(total_iters=2),step_lr(step_size=1)",
            id="one milestone needs no comma",
        ),
    ],
)
def test_what_both_run(command: Command, text: str, backend: str) -> None:
    if backend == "torch":
        pytest.importorskip("torchvision")
    ran = command(f"--backend {backend} --hidden {text}")
    assert (ran.status, ran.err) == (0, "")


@pytest.mark.parametrize("device", ["gpu", "tpu"])
def test_jax_refuses_a_device_that_is_not_there(command: Command, device: str) -> None:
    found = jax_devices()
    if device in found:
        pytest.skip("it is there")
    refused(
        command(f"--hidden --epochs 1 --device {device}"),
        f"no {device} device: JAX finds only {', '.join(sorted(found))} here",
    )


def test_torch_refuses_a_device_that_is_not_there(command: Command) -> None:
    pytest.importorskip("torchvision")
    ran = command("--backend torch --hidden --epochs 1 --device tpu")
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(f"{PROG}: error: no tpu device: PyTorch finds only cpu")


@pytest.mark.parametrize(
    ("batch_size", "batches"), [(1000, 1), (200, 1), (100, 2), (64, 4)]
)
def test_batches_of_any_size(
    command: Command, tmp_path: Path, batch_size: int, batches: int
) -> None:
    path = tmp_path / "run.json"
    text = f"--hidden 4 --epochs 1 --batch-size {batch_size} --history"
    ran = command(text, path)
    assert (ran.status, ran.err) == (0, "")
    shown = min(batch_size, 200)
    assert len(
        re.findall(rf"^loss: 2\.\d{{6}}  \[  {shown:3d}/  200\]$", ran.out, re.M)
    )
    assert len(History.load(path).losses) == batches


def test_a_rate_of_nothing_changes_nothing(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    assert command("--hidden 4 --epochs 2 --lr 0 --history", path).status == 0
    losses = History.load(path).losses
    assert losses[:4] == losses[4:]


def test_a_rate_beyond_reason_is_followed_to_the_end(
    command: Command, tmp_path: Path
) -> None:
    path = tmp_path / "run.json"
    ran = command("--hidden 4 --epochs 1 --lr 1e30 --monitor 0 --history", path)
    assert (ran.status, ran.err) == (0, "")
    assert "Avg loss:      nan \n" in ran.out
    losses = History.load(path).losses
    assert math.isfinite(losses[0])
    assert math.isnan(losses[-1])


def test_the_run_of_the_tutorial(
    command: Command, monkeypatch: pytest.MonkeyPatch, fashion_mnist: Dataset
) -> None:
    monkeypatch.setattr(fashion, "load", lambda source, on_progress: fashion_mnist)
    ran = command("--epochs 1 --seed 0")
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.split("\n")
    assert lines[2] == "model: MLP 784-512-512-10, 669,706 parameters, float32"
    assert lines[5:8] == [
        "Epoch 1",
        "-------------------------------",
        "loss: 2.305311  [   64/60000]",
    ]
    for i, line in enumerate(lines[8:17], start=1):
        assert re.fullmatch(rf"loss: 2\.\d{{6}}  \[{64 + 6400 * i:5d}/60000\]", line)
    assert lines[17:19] == ["Test Error: ", " Accuracy: 49.5%, Avg loss: 2.162512 "]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "--optimizer lbfgs --dropout 0.5",
            "--dropout 0.5 does not fit --optimizer lbfgs, which compares losses of "
            "one batch: they would have different masks",
        ),
        (
            "--optimizer lbfgs --model cnn",
            "--model cnn does not fit --optimizer lbfgs, which evaluates a batch "
            "several times: running statistics would count it as often",
        ),
        (
            "--scheduler reduce_lr_on_plateau --scheduler-every step",
            "--scheduler reduce_lr_on_plateau watches the average test loss, which "
            "comes once an epoch: leave out --scheduler-every step",
        ),
        ("--l1 -1", "--l1 must be from 0 to 1e+38, but got -1.0"),
        ("--loss ctc_loss", "unknown loss 'ctc_loss': "),
    ],
)
def test_what_does_not_fit_together(
    command: Command, unread: None, text: str, message: str
) -> None:
    ran = command(text)
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(f"{PROG}: error: {message}")


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_cycle_shows_rate_and_momentum_and_keeps_them(
    command: Command, tmp_path: Path, backend: str
) -> None:
    if backend == "torch":
        pytest.importorskip("torchvision")
    path = tmp_path / "history.json"
    ran = command(
        f"--backend {backend} --hidden --epochs 1 --scheduler one_cycle_lr "
        "--scheduler-every step --scheduler-args max_lr=0.1 total_steps=4 --history",
        path,
    )
    assert (ran.status, ran.err) == (0, "")
    history = History.load(path)
    # One rounding of a cosine.
    assert history.lrs[0] == pytest.approx(0.1 / 25, rel=1e-14)
    # The momentum ends where it began.
    assert history.momenta[0] == history.momenta[-1] == 0.95
    assert len({*history.momenta[1:]}) == 3
    assert len({*map(float, history.lrs)}) == 4
    assert "]  lr: 0.004  momentum: 0.95\n" in ran.out


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_muon_and_its_companion(command: Command, backend: str) -> None:
    if backend == "torch":
        pytest.importorskip("torchvision")
    ran = command(f"--backend {backend} --hidden --epochs 1 --optimizer muon --lr 0.02")
    assert (ran.status, ran.err) == (0, "")
    assert "muon(lr=0.02) on matrices and sgd(lr=0.02) on the rest" in ran.out
