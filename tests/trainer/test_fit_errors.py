"""What is wrong ends in one line that names it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxtrain import Trainer, losses, lr_scheduler, metrics, nn, optim
from jaxtrain.training import Chunk, Engine, Numerics

X, Y = np.zeros((8, 3), np.float32), np.zeros(8, np.int64)
STEP_LR = lr_scheduler.step_lr(0.1, 1)


def linear() -> nn.Linear:
    return nn.Linear(3, 2)


def trainer(loss: Any = losses.cross_entropy, tx: Any = None, **more: Any) -> Trainer:
    return Trainer(linear(), optim.sgd(lr=0.1) if tx is None else tx, loss, **more)


def fit(data: Any = (X, Y), loss: Any = losses.cross_entropy, **options: Any) -> Any:
    return trainer(loss).fit(data, **({"epochs": 1} | options))


def train(rows: Any, **values: Any) -> Any:
    engine = Engine(linear(), optim.sgd(lr=0.1), losses.cross_entropy)
    return engine.train(engine.place(X, Y), Chunk(rows, values))


def own(state: Any, batch: Any) -> Any:
    return state, {"loss": jnp.mean(batch[0])}


def step(function: Callable[..., Any] = own, **options: Any) -> Any:
    own = Trainer.from_step(function, {"w": jnp.zeros(3)})
    return own.fit((X, Y), **({"epochs": 1} | options))


def one_pass() -> Any:
    return (batch for batch in [(X, Y)])


ROWS = np.zeros((2, 4), int)


def by_model(model: Any, batch: Any) -> Any:
    return model(batch[0])


CASES: dict[str, tuple[Callable[[], Any], str]] = {
    "unknown hyper-parameter": (
        lambda: train(ROWS, learning_rate=np.ones(2)),
        "the optimiser takes no hyper-parameter 'learning_rate': choose from: betas, "
        "last, lr, momentum",
    ),
    "rows without steps": (
        lambda: train(np.arange(4)),
        "row numbers must be of shape (steps, batch), but are of shape (4,): "
        "rows[None] is one step",
    ),
    "values without steps": (
        lambda: train(ROWS, lr=0.1),
        "lr must have one value for each of the 2 steps, but is of shape ()",
    ),
    "float32 under bfloat16": (
        lambda: trainer(numerics=Numerics("bfloat16")),
        "the model has float32 parameters, but trains in bfloat16: build it inside",
    ),
    "model for a rate": (
        lambda: optim.sgd(linear()),
        "learning rate must be a number, but got a model, Linear",
    ),
    "model for an optimiser": (
        lambda: trainer(tx=linear()),
        "optimizer must be an Optax transformation such as optim.sgd(lr=0.1), but got",
    ),
    "loss per row": (
        lambda: fit(loss=lambda o, t: losses.cross_entropy(o, t, reduction="none")),
        "the loss must be one number for a batch, but is of shape (8,)",
    ),
    "loss of a model per row": (
        lambda: fit(loss=by_model),
        "the loss must be one number for a batch, but is of shape (8, 2)",
    ),
    "doubtful loss": (
        lambda: trainer(lambda model, data: 0.0),
        "could mean two things: give `lambda outputs, targets: …` for a loss of the "
        "model's outputs, or `lambda model, batch: …`",
    ),
    "loss of one": (lambda: trainer(lambda x: x), "could mean two things"),
    "no pair": (
        lambda: fit({"x": X, "y": Y}),
        "a batch must be (inputs, targets), but is ({'x': *, 'y': *}): a loss of "
        "(model, batch) takes batches of any form",
    ),
    "another structure": (
        lambda: fit([(X, Y), {"x": X, "y": Y}]),
        "batch 1 of the epoch is of another structure than the first: {'x': *, 'y': *}"
        ", not (*, *)",
    ),
    "texts": (
        lambda: fit([(X, np.array(["a"] * 8))]),
        "batches hold numbers, but one holds <U1",
    ),
    "other rows": (
        lambda: fit((X, Y[:5])),
        "arrays must have equally many rows, but are of shapes [(8, 3), (5,)]",
    ),
    "one pass": (
        lambda: fit(one_pass(), epochs=2),
        "the data gives its batches only once",
    ),
    "no batch": (lambda: fit([]), "the data has no batch in epoch 1"),
    "no data": (lambda: fit(7), "data must be arrays, a loader or an iterable"),
    "no end": (lambda: fit(epochs=None), "give epochs= or max_steps="),
    "epochs": (
        lambda: fit(epochs=1.5),
        "epochs must be a whole number from 0",
    ),
    "two averages": (lambda: fit(ema=0.9, swa=1), "ema=0.9 and swa=1 are two averages"),
    "resume": (lambda: fit(resume="x", out="o"), "resume must be 'auto' or None"),
    "resume without out": (
        lambda: fit(resume="auto"),
        "needs a run's folder",
    ),
    "devices": (lambda: fit(devices=2), "devices=2 is not possible yet"),
    "precision": (lambda: fit(precision="bfloat16"), "precision='bfloat16' is not"),
    "patience": (
        lambda: fit(early_stopping=1),
        "early_stopping= watches the validation loss: give validation=",
    ),
    "scheduler": (
        lambda: fit(scheduler=0.1),
        "scheduler must be of jaxtrain.lr_scheduler, such as step_lr(0.1, 10), but got",
    ),
    "scheduler for Optax": (
        lambda: trainer(tx=optax.sgd(0.1)).fit((X, Y), epochs=1, scheduler=STEP_LR),
        "scheduler= sets the learning rate, which this optimizer does not take",
    ),
    "cycled momentum": (
        lambda: fit(scheduler=lr_scheduler.one_cycle_lr(0.1, 9)),
        "cycles the momentum, which this optimizer does not take from outside: give it "
        "cycle_momentum=False",
    ),
    "metric": (
        lambda: trainer(metrics={"k": metrics.top_k_accuracy}),
        "metric 'k': top_k_accuracy needs its argument: top_k_accuracy(5)",
    ),
    "metrics of a model": (
        lambda: Trainer(linear(), optim.sgd(), by_model, {"a": max}),
        "metrics= does not fit a loss of (model, batch)",
    ),
    "callback": (lambda: fit(callbacks=[3]), "callbacks must be functions"),
    "step's rate": (
        lambda: step(scheduler=STEP_LR),
        "scheduler= does not fit a trainer of a step",
    ),
    "step's gradients": (lambda: step(accumulate=2), "accumulate= does not fit"),
    "step without a loss": (
        lambda: step(lambda state, batch: (state, {"d": jnp.zeros(())})),
        "step(state, batch) gives 'd', but no 'loss'",
    ),
    "step without figures": (
        lambda: step(lambda state, batch: state),
        "step(state, batch) must give (state, figures), but gave dict",
    ),
    "step's state": (
        lambda: step(lambda state, batch: ({"w": state["w"][:2]}, jnp.zeros(()))),
        "is of another form: ['w'] was float32 (3,), and is float32 (2,)",
    ),
    "step's tests": (
        lambda: Trainer.from_step(own, {"w": jnp.zeros(3)}).evaluate((X, Y)),
        "is tested by evaluate=: give from_step one",
    ),
    "step's validation": (
        lambda: step(validation=(X, Y)),
        "is tested by evaluate=: give from_step one",
    ),
}


def test_each_mistake_has_its_line() -> None:
    report = []
    for name, (make, text) in CASES.items():
        try:
            make()
        except (ValueError, TypeError) as error:
            message = str(error)
            if text not in message or "\n" in message:
                report.append(f"{name}: {message}")
        else:
            report.append(f"{name}: nothing is refused")
    assert report == []


def test_a_run_of_another_training_is_not_gone_on_with(tmp_path: Path) -> None:
    out = tmp_path / "out"
    fit(out=out)
    with pytest.raises(ValueError, match="holds a run"):
        fit(out=out)
    for options, text in (
        ({"clip_norm": 1.0}, r"it is of another run: flow\.clip_norm None, now 1\.0"),
        ({"batch_size": 4}, r"data\.batch_size 64, now 4"),
        ({"data": (X + 1, Y)}, r"data\.crc32"),
    ):
        with pytest.raises(ValueError, match=text):
            fit(out=out, resume="auto", **options)
    assert fit(out=out, resume="auto", epochs=2).epochs[-1].epoch == 2
