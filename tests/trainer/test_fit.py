"""What a fit does besides training: tests, records, endings, and one compilation."""

import math
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxtrain import Trainer, data, events, losses, metrics, nn, optim, rng
from jaxtrain.commands import export, report
from jaxtrain.run.history import History
from jaxtrain.store import checkpoint
from jaxtrain.store.run_folder import read_run

Points = tuple[np.ndarray, np.ndarray]


def network() -> nn.Sequential:
    rng.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Dropout(0.3), nn.Linear(9, 3))


def trainer(**options: Any) -> Trainer:
    return Trainer(network(), optim.sgd(lr=0.1), losses.cross_entropy, **options)


def by_model(model: Any, batch: Any) -> Any:
    scores = model(batch[0])
    return losses.cross_entropy(scores, batch[1]), {"size": jnp.abs(scores).mean()}


def by_step() -> Trainer:
    def step(state: Any, batch: Any) -> Any:
        def loss(w: Any) -> Any:
            return jnp.square(batch[0] @ w - batch[1]).mean()

        value, grad = jax.value_and_grad(loss)(state["w"])
        return {"w": state["w"] - 0.01 * grad}, value

    def evaluate(state: Any, batch: Any) -> Any:
        error = batch[0] @ state["w"] - batch[1]
        return {"loss": jnp.square(error).mean(), "worst": jnp.abs(error).max()}

    return Trainer.from_step(
        step,
        {"w": jnp.zeros(6)},
        evaluate=evaluate,
        predict=lambda state, batch: batch[0] @ state["w"],
    )


def batches(points: Points, size: int = 8) -> list[Points]:
    x, y = points
    return [(x[i : i + size], y[i : i + size]) for i in range(0, 50, size)]


@contextmanager
def compilations() -> Iterator[list[str]]:
    names: list[str] = []

    def listen(event: str, duration_secs: float, **details: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(str(details.get("fun_name", event)))

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield names
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


def test_a_second_epoch_compiles_nothing(points: Points) -> None:
    report = []
    for name, own, given in (
        ("arrays", trainer(metrics={"accuracy": metrics.accuracy}), points),
        ("stream", trainer(), batches(points)),
        ("step", by_step(), points),
    ):
        with compilations() as names:
            counts: list[int] = []

            def see(
                event: Any, names: list[str] = names, counts: list[int] = counts
            ) -> None:
                if isinstance(event, events.Epoch):
                    counts.append(len(names))

            own.fit(given, given, epochs=3, batch_size=8, callbacks=[see], monitor=0)
        if not counts[0] == counts[1] == counts[2] > 0:
            report.append(f"{name}: {counts}, {names[counts[0] :]}")
    assert report == []


def test_a_regression_is_tested_and_predicted(points: Points) -> None:
    inputs, targets = points[0], points[0] @ np.ones((6, 2), np.float32)
    rng.manual_seed(0)
    own = Trainer(
        nn.Linear(6, 2),
        optim.sgd(lr=0.05),
        losses.mse_loss,
        metrics={
            "error": metrics.mean_absolute_error,
            "worst": lambda outputs, targets: jnp.abs(outputs - targets).mean(),
        },
    )
    own.fit((inputs, targets), epochs=2, batch_size=8, shuffle=True)
    for given in ((inputs, targets), batches((inputs, targets))):
        figures, outputs = own.evaluate(given, batch_size=8), own.predict(given)
        each = [np.square(o - t).mean() for o, t in batches((outputs, targets))]
        expected = {"loss": np.mean(each), "error": np.abs(outputs - targets).mean()}
        expected["worst"] = expected["error"]
        assert figures == pytest.approx(expected, rel=1e-6)
    # The model with those weights, and inputs by themselves.
    np.testing.assert_array_equal(own.predict(inputs), own.predict((inputs, targets)))
    np.testing.assert_allclose(own.model(inputs), outputs, rtol=1e-6)


def test_inputs_may_be_several_and_have_names(points: Points) -> None:
    class Two(nnx.Module):
        def __init__(self) -> None:
            self.one = nn.Linear(6, 3)

        def __call__(self, left: Any, right: Any) -> Any:
            return self.one(left) - self.one(right)

    x, y = points
    curves = []
    for inputs in ((x, x * 2), {"right": x * 2, "left": x}):
        rng.manual_seed(0)
        own = Trainer(Two(), optim.sgd(lr=0.1), losses.cross_entropy)
        curves.append(own.fit((inputs, y), epochs=1, batch_size=8).losses)
        assert own.predict((inputs, y)).shape == (50, 3)
    assert curves[0] == curves[1]


@pytest.mark.filterwarnings("ignore:epoch:UserWarning")
def test_what_is_not_finite_is_found_and_kept(tmp_path: Path, points: Points) -> None:
    bad = points[0].copy()
    bad[21, 3] = np.nan
    given = bad, points[1]
    report = []
    for name, own, source in (
        ("arrays", trainer(), given),
        ("stream", trainer(), batches(given)),
        ("model", Trainer(network(), optim.sgd(lr=0.1), by_model), given),
        ("step", by_step(), given),
    ):
        out = tmp_path / name
        with pytest.raises(events.TrainingFault) as caught:
            own.fit(source, epochs=2, batch_size=8, out=out)
        text = str(caught.value)
        if not text.startswith(
            "epoch 1, step 2 (loss nan): the batch has 1 element that is not finite. "
            f"The step is kept: {out}"
        ):
            report.append(f"{name}: {text}")
        kept = checkpoint.read(out / "fault").checkpoint
        assert kept is not None
        np.testing.assert_array_equal(kept.arrays["batch/0"], bad[16:24])
        if len(read_run(out).losses) != 3:
            report.append(f"{name}: {len(read_run(out).losses)} steps are told")
    assert report == []


@pytest.mark.filterwarnings("ignore:epoch:UserWarning")
def test_a_loss_may_transform_its_model(points: Points) -> None:
    """What the layers give inside cannot be had outside, and nothing else is lost."""

    def row_by_row(model: Any, batch: Any) -> Any:
        scores = jax.vmap(lambda row: model(row[None])[0])(batch[0])
        return losses.cross_entropy(scores, batch[1])

    def with_penalty(model: Any, batch: Any) -> Any:
        slopes = jax.grad(lambda x: model(x).sum())(batch[0])
        return by_model(model, batch)[0] + jnp.square(slopes).mean()

    bad = points[0].copy()
    bad[21, 3] = np.inf
    for loss in (row_by_row, with_penalty):
        rng.manual_seed(0)
        plain = nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 3))
        own = Trainer(plain, optim.sgd(lr=0.1), loss)
        with pytest.raises(events.TrainingFault, match=r"step 2 .*: the batch has 1"):
            own.fit((bad, points[1]), epochs=1, batch_size=8, monitor=2)


def test_batches_of_pytorch_s_loader_are_taken(points: Points) -> None:
    torch = pytest.importorskip("torch")
    tensors = torch.utils.data.TensorDataset(*map(torch.tensor, points))
    theirs = torch.utils.data.DataLoader(tensors, 8)
    curves = [
        trainer().fit(x, epochs=1, monitor=0).losses for x in (theirs, batches(points))
    ]
    assert curves[0] == curves[1]


def test_ctrl_c_leaves_a_whole_checkpoint(tmp_path: Path, points: Points) -> None:
    def fit(stop: bool, out: Path | None) -> list[float]:
        def see(event: Any) -> None:
            first = isinstance(event, events.Steps) and event.first == 0
            if stop and first and event.epoch == 2:
                os.kill(os.getpid(), signal.SIGINT)

        resume = None if out is None else "auto"
        return (
            trainer()
            .fit(
                batches(points),
                epochs=4,
                out=out,
                resume=resume,
                callbacks=[see],
                monitor=2,
            )
            .losses
        )

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(True, tmp_path / "out")
    assert signal.getsignal(signal.SIGINT) is handler
    saved = checkpoint.read(tmp_path / "out" / "checkpoints").checkpoint
    assert saved is not None
    assert 7 < saved.step <= 14
    assert fit(False, tmp_path / "out") == fit(False, None)


def test_a_batch_that_cannot_be_read_loses_nothing_before_it(
    tmp_path: Path, points: Points
) -> None:
    def broken() -> Iterator[Points]:
        yield from batches(points)[:4]
        raise OSError("picture 32 is no picture")

    class Broken:
        def __iter__(self) -> Iterator[Points]:
            return broken()

    with pytest.raises(OSError, match="picture 32"):
        trainer().fit(Broken(), epochs=2, out=tmp_path / "out")
    saved = checkpoint.read(tmp_path / "out" / "checkpoints").checkpoint
    assert saved is not None
    assert saved.step == len(read_run(tmp_path / "out").losses) == 4


def test_a_fit_ends_as_it_is_asked_to(points: Points) -> None:
    x, y = points
    stop = lambda event: "enough" if isinstance(event, events.Epoch) else None  # noqa: E731
    report = []
    for options, epochs, steps in (
        ({"max_steps": 10}, 1, 10),
        ({"max_steps": 10, "epochs": 1}, 1, 7),
        ({"epochs": 9, "callbacks": [stop]}, 1, 7),
        ({"epochs": 9, "max_time": 0.0}, 0, 7),
        ({"epochs": 9, "early_stopping": 1, "min_delta": 9.0}, 2, 14),
    ):
        history = trainer().fit((x, y), (x, y), batch_size=8, monitor=0, **options)
        found = len(history.epochs), len(history.losses)
        if found != (epochs, steps):
            report.append(f"{options}: {found}")
    assert report == []


def test_masks_come_from_the_seed_or_from_jax(points: Points) -> None:
    own = trainer(dropout_masks="jax"), trainer()
    assert [each.dropout_masks for each in own] == ["jax", "torch"]
    # The first loss of each is that of the same weights and rows, under other masks.
    firsts = [
        each.fit(points, max_steps=1, seed=1, monitor=0).losses[0] for each in own
    ]
    again = (
        trainer(dropout_masks="jax")
        .fit(points, max_steps=1, seed=2, monitor=0)
        .losses[0]
    )
    assert len({*firsts, again}) == 3


def test_a_second_fit_goes_on_with_weights_and_optimiser(points: Points) -> None:
    def own() -> Trainer:
        net = nn.Sequential(nn.Linear(6, 3))
        return Trainer(net, optim.adam(lr=0.01), losses.cross_entropy)

    rng.manual_seed(0)
    whole = own().fit(points, epochs=2, batch_size=8).losses
    rng.manual_seed(0)
    parts = own()
    first = parts.fit(points, epochs=1, batch_size=8).losses
    # Another flow, which changes no number, is another optimiser's state.
    second = parts.fit(points, epochs=1, batch_size=8, clip_norm=1e9).losses
    assert first == whole[:7]
    np.testing.assert_allclose(second, whole[7:], rtol=1e-5)


def test_a_record_is_read_reported_and_drawn(tmp_path: Path, points: Points) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "out"
    own = Trainer(network(), optim.sgd(lr=0.1), by_model)
    history = own.fit(points, points, epochs=2, batch_size=8, out=out)
    record = read_run(out)
    assert record.losses.tolist() == history.losses
    assert [row["figures"]["size"] for row in record.of("step")] == (
        history.figures["size"]
    )
    assert repr(record.epochs) == repr(history.epochs)
    assert record.ended
    assert math.isnan(record.epochs[0].accuracy)
    assert set(record.epochs[0].figures) == {"size"}
    assert History.from_json(history.to_json().encode()).figures == history.figures
    assert history._repr_html_().count("<img ") == 1  # type: ignore[attr-defined]
    assert report.main([str(out)]) == 0
    assert "size" in (out / "report.html").read_text()


def test_what_needs_the_model_s_class_says_so(
    tmp_path: Path, points: Points, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    trainer().fit(points, epochs=1, out=out)
    assert export.main([str(out), str(tmp_path / "weights.safetensors")]) == 2
    error = capsys.readouterr().err
    assert "a run of Trainer.fit, whose model only its own program" in error
    assert error.count("\n") == 1


def test_a_loader_s_rows_are_those_of_its_arrays(points: Points) -> None:
    class Plain:
        def __len__(self) -> int:
            return 50

        def __getitem__(self, row: int) -> Any:
            return points[0][row], points[1][row]

    curves = []
    for dataset in (data.TensorDataset(*points), Plain()):
        rng.manual_seed(0)
        loader = data.DataLoader(dataset, 8, shuffle=True)
        curves.append(trainer().fit(loader, loader, epochs=2).losses)
    rng.manual_seed(0)
    curves.append(
        trainer().fit(points, points, epochs=2, batch_size=8, shuffle=True).losses
    )
    np.testing.assert_allclose(curves[0], curves[1], rtol=2**-20)
