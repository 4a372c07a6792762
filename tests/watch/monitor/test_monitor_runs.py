"""Healthy runs are passed over in silence; each fault is called by its name."""

import monitor_runs as runs
import pytest
from monitor_runs import Case

from jaxtrain.data import Dataset

SMALL = "--batch-size 16 --hidden 64 --epochs 1"
MEDIUM = "--hidden 128 --shuffle"
TUTORIAL = "--hidden 128"
ADAM = "--optimizer adam"
X255 = "--normalize 0 0.00392156862745"

QUICK = [
    Case("sgd", f"{SMALL} --lr 0.05"),
    Case("adam", f"{SMALL} {ADAM}"),
    Case("labels shuffled", f"{SMALL} --lr 0.05", ("loss_stuck",), runs.shuffled),
    Case("sgd lr too small", f"{SMALL} --lr 1e-6", ("lr_too_small",)),
    Case("adam lr too large", f"{SMALL} {ADAM} --lr 1", ("lr_too_large",)),
    Case("pixels x255", f"{SMALL} {X255}", ("exploding_gradients",)),
    Case("test labels", f"{SMALL} {ADAM}", ("accuracy_at_chance",), runs.mismatched),
    Case("dead", f"{SMALL} --lr 0.05", ("dead_layer",), weights=runs.low_biases),
    Case("zeros", f"{SMALL} --lr 0.05", ("dead_layer",), weights=runs.zeros),
]


@pytest.mark.parametrize("case", QUICK, ids=str)
def test_in_short(case: Case, drawn: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_named(case, drawn, monkeypatch)


def assert_named(case: Case, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    found = runs.warnings(case, dataset, monkeypatch)
    if case.kinds:
        assert found[0].kind in case.kinds, found
    else:
        assert found == []
    for warned in found:
        seen, means, advice = warned.text.splitlines()
        assert seen
        assert means.startswith("usually: ")
        assert advice.startswith("try: ")


RATES = {
    "sgd": 0.1,
    "adam": 1e-3,
    "adamw": 1e-3,
    "rmsprop": 1e-3,
    "adagrad": 1e-2,
    "adadelta": 1.0,
    "nadam": 1e-3,
    "radam": 1e-3,
    "adamax": 2e-3,
    "asgd": 1e-2,
    "adafactor": 1e-2,
    "muon": 1e-3,
}
LOSSES = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "hinge_loss",
    "huber_loss",
    "kl_div --loss-args reduction=batchmean",
    "l1_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "poisson_nll_loss",
    "sigmoid_focal_loss --loss-args reduction=mean",
    "smooth_l1_loss",
    "soft_margin_loss",
]
ONE_CYCLE = (
    "--scheduler one_cycle_lr --scheduler-every step --scheduler-args total_steps=1876"
)

HEALTHY = [
    Case("tutorial", "--epochs 3"),
    *(
        Case(name, f"{MEDIUM} --epochs 1 --optimizer {name} --lr {rate}")
        for name, rate in RATES.items()
    ),
    *(
        Case(name.split()[0], f"{MEDIUM} --epochs 1 {ADAM} --loss {name}")
        for name in LOSSES
    ),
    *(
        Case(f"seed {seed}", f"{TUTORIAL} --epochs 1 --seed {seed}")
        for seed in range(5)
    ),
    *(
        Case(f"adam, seed {seed}", f"{MEDIUM} {ADAM} --epochs 1 --seed {seed}")
        for seed in range(5)
    ),
    Case("momentum", f"{MEDIUM} --epochs 2 --lr 0.01 --optimizer-args momentum=0.9"),
    Case("dropout", f"{MEDIUM} --epochs 2 {ADAM} --dropout 0.5 --dropout-masks jax"),
    Case("smoothing", f"{MEDIUM} --epochs 2 {ADAM} --loss-args label_smoothing=0.1"),
    Case("batches of 4", f"{MEDIUM} --epochs 1 --lr 0.01 --batch-size 4"),
    Case("batches of 16", f"{MEDIUM} --epochs 1 {ADAM} --batch-size 16"),
    Case("batches of 512", f"{MEDIUM} --epochs 3 {ADAM} --batch-size 512"),
    Case("linear", "--shuffle --epochs 2 --lr 0.1 --hidden"),
    Case("deep", f"--shuffle --epochs 2 --lr 0.1 --hidden {'128 ' * 4}"),
    Case("normalised", f"{MEDIUM} --epochs 2 {ADAM} --normalize"),
    Case("l2", f"{MEDIUM} --epochs 2 --lr 0.1 --l2 1e-3"),
    Case("one cycle", f"{MEDIUM} --epochs 2 --lr 0.1 {ONE_CYCLE} max_lr=0.01 {ADAM}"),
    Case(
        "step",
        f"{MEDIUM} --epochs 2 --lr 0.1 --scheduler step_lr "
        "--scheduler-args step_size=1",
    ),
    Case(
        "warm-up",
        f"{MEDIUM} --epochs 2 --lr 0.1 --scheduler linear_lr --scheduler-every step "
        "--scheduler-args start_factor=1e-6 total_iters=900",
    ),
]

NARROW = f"--hidden {'32 ' * 20}"

FAULTY = [
    Case("shuffled", f"{TUTORIAL} --epochs 1", ("loss_stuck",), runs.shuffled),
    Case(
        "shuffled, adam", f"{MEDIUM} {ADAM} --epochs 1", ("loss_stuck",), runs.shuffled
    ),
    Case("x255", f"{X255} --epochs 1", ("exploding_gradients",)),
    Case("x255, adam", f"{X255} {ADAM} --epochs 1", ("exploding_gradients",)),
    Case("x255, lr 0.1", f"{X255} --lr 0.1 --epochs 1", ("exploding_gradients",)),
    Case("lr 1", f"{MEDIUM} --lr 1 --epochs 1", ("loss_diverging", "lr_too_large")),
    Case("lr 100", f"{MEDIUM} --lr 100 --epochs 1", ("loss_diverging", "lr_too_large")),
    *(
        Case(
            f"{name}, rate x1000",
            f"{MEDIUM} --epochs 1 --optimizer {name} --lr {1000 * RATES[name]}",
            ("lr_too_large",),
        )
        for name in ("adam", "adamw", "rmsprop", "adagrad", "nadam")
    ),
    *(
        Case(
            f"{name}, rate /1000",
            f"{TUTORIAL} --epochs 1 --optimizer {name} --lr {rate / 1000}",
            ("lr_too_small",),
        )
        for name, rate in (("sgd", 1e-3), ("adam", 1e-3), ("rmsprop", 1e-3))
    ),
    Case(
        "two layers dead",
        "--hidden 128 128 --shuffle --epochs 1",
        ("dead_layer",),
        weights=runs.low_biases,
    ),
    Case(
        "first layer dead",
        "--hidden 128 128 --epochs 1",
        ("dead_layer",),
        weights=runs.low_first_biases,
    ),
    Case("zeros", f"{MEDIUM} {ADAM} --epochs 1", ("dead_layer",), weights=runs.zeros),
    Case(
        "weights x30",
        "--hidden 128 128 --shuffle --lr 0.01 --epochs 1",
        ("exploding_gradients",),
        weights=runs.thirtyfold,
    ),
    Case(
        "test labels shifted",
        f"{MEDIUM} {ADAM} --epochs 1",
        ("accuracy_at_chance",),
        runs.mismatched,
    ),
    Case(
        "test labels renamed",
        f"{MEDIUM} --lr 0.1 --epochs 1",
        ("accuracy_at_chance",),
        runs.renamed,
    ),
    Case("twenty layers", f"--lr 0.01 {NARROW} --epochs 1", ("vanishing_gradients",)),
    Case(
        "2,000 images",
        f"{ADAM} --shuffle --epochs 40",
        ("overfitting",),
        lambda dataset: runs.part(2000, 10000, dataset),
    ),
]


@pytest.mark.long
@pytest.mark.parametrize("case", [*HEALTHY, *FAULTY], ids=str)
def test_on_fashion_mnist(
    case: Case, fashion_mnist: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_named(case, fashion_mnist, monkeypatch)
