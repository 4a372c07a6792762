"""Numbers that are not finite: found, named, kept and made again."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxtrain import losses, nn, optim
from jaxtrain.data import Dataset
from jaxtrain.errors import ConfigError
from jaxtrain.rng import Generator
from jaxtrain.run.config import (
    Config,
    DataConfig,
    LoopConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    RecordsConfig,
)
from jaxtrain.run.loop import run
from jaxtrain.run.replay import replay
from jaxtrain.store.events import Steps, TrainingFault
from jaxtrain.training import Chunk, Engine, Placed
from jaxtrain.training.fault import Fault, locate, make_inspect

STEPS, BATCH = 5, 8


class Net(nnx.Module):
    def __init__(self) -> None:
        generator = Generator(0)
        self.first = nn.Linear(6, 4, generator=generator)
        self.norm = nn.BatchNorm1d(4)
        self.last = nn.Linear(4, 3, generator=generator)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.last(nnx.relu(self.norm(self.first(x))))


def poisoned(at: int) -> optax.GradientTransformation:
    """Leaves its own state NaN after so many steps."""

    def init(params: Any) -> Any:
        return jnp.zeros(()), jnp.zeros((), int)

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        bad, count = state
        return updates, (jnp.where(count == at, jnp.nan, bad), count + 1)

    return optax.GradientTransformation(init, update)


def half_infinite(input: jax.Array, target: jax.Array) -> jax.Array:
    # The slope of the root at zero is infinite, its value is not.
    return losses.cross_entropy(input, target) + 0 * jnp.sqrt(0 * input).sum()


def found(
    tx: optax.GradientTransformation | None = None,
    loss: Any = losses.cross_entropy,
    plant: Any = lambda trainer, data: data,
    lrs: tuple[float, ...] = (0.1,) * STEPS,
) -> Fault | None:
    trainer = Engine(Net(), optim.sgd(lr=0.1) if tx is None else tx, loss)
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(STEPS * BATCH, 6)).astype(np.float32)
    targets = generator.integers(0, 3, STEPS * BATCH)
    data = plant(trainer, trainer.place(inputs, targets))
    rows = np.arange(STEPS * BATCH).reshape(STEPS, BATCH)
    chunk = Chunk(rows, {"lr": np.float32(lrs)})
    start = trainer.copy_state()
    with trainer.numerics.active():
        fault = locate(make_inspect(trainer.recipe), start, data, chunk)
    assert jax.tree.all(jax.tree.map(jnp.array_equal, start, trainer.state)) or fault
    return fault


def in_input(trainer: Engine, data: Placed) -> Placed:
    return Placed(data.inputs.at[3 * BATCH + 1, 2].set(jnp.nan), data.targets)


def in_weight(trainer: Engine, data: Placed) -> Placed:
    params = jax.tree.map(lambda x: x, trainer.state.params)
    params["last"]["weight"][...] = params["last"]["weight"][...].at[0, 0].set(jnp.inf)
    trainer.state = trainer.state._replace(params=params)
    return data


def in_buffer(trainer: Engine, data: Placed) -> Placed:
    buffers = jax.tree.map(lambda x: x, trainer.state.buffers)
    buffers["norm"]["running_var"][...] = jnp.full(4, jnp.nan)
    trainer.state = trainer.state._replace(buffers=buffers)
    return data


def test_a_healthy_chunk_has_no_fault() -> None:
    assert found() is None


@pytest.mark.parametrize(
    ("arguments", "step", "tensor", "elements"),
    [
        ({"plant": in_input}, 3, "the batch", 1),
        ({"plant": in_weight}, 0, "weight last.weight before the step", 1),
        ({"plant": in_buffer}, 0, "buffer norm.running_var before the step", 4),
        ({"loss": half_infinite}, 0, "the gradient of first.bias", None),
        ({"lrs": (0.1, 0.1, np.nan, 0.1, 0.1)}, 2, "the update of first.bias", 4),
        ({"lrs": (0.1, 3e38, 0.1, 0.1, 0.1)}, 2, "the output of layer last", None),
        (
            {"tx": optax.chain(poisoned(4), optim.sgd(lr=0.1))},
            4,
            "the optimiser's state",
            1,
        ),
        (
            {"loss": lambda x, y: losses.cross_entropy(x, y) + jnp.inf},
            0,
            "the loss",
            1,
        ),
    ],
    ids=lambda value: str(value)[:24] if isinstance(value, str) else "",
)
def test_step_and_tensor_are_named(
    arguments: dict[str, Any], step: int, tensor: str, elements: int | None
) -> None:
    fault = found(**arguments)
    assert fault is not None
    assert (fault.step, fault.tensor) == (step, tensor)
    if elements is not None:
        assert fault.elements == elements
    assert tensor in str(fault)


def diverging(out: Path | None = None, **parts: Any) -> Config:
    usual = {
        "loop": LoopConfig(epochs=2),
        "model": ModelConfig(hidden=(8,)),
        "optimizer": OptimizerConfig("sgd", 1e30),
        "records": RecordsConfig(out=out),
    }
    return Config(**{**usual, **parts})


def fault_of(config: Config, dataset: Dataset) -> tuple[str, list[float]]:
    told: list[float] = []
    with pytest.raises(TrainingFault) as info:
        told.extend(
            loss
            for event in run(config, dataset)
            if isinstance(event, Steps)
            for loss in event.losses
        )
    return str(info.value), told


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"model": ModelConfig(hidden=(8,), dropout=0.5)},
        {"model": ModelConfig(hidden=(8,), dropout=0.5, dropout_masks="jax")},
        {"data": DataConfig(augment=("random_crop(padding=4)",), normalize=())},
        {"loop": LoopConfig(dtype="bfloat16"), "loss": LossConfig("mse_loss")},
    ],
    ids=["plain", "masks", "jax masks", "augment", "bfloat16"],
)
def test_a_run_stops_and_its_step_can_be_taken_again(
    parts: dict[str, Any], tmp_path: Path, tiny: Dataset
) -> None:
    config = diverging(tmp_path, **parts)
    text, _ = fault_of(config, tiny)
    assert f"--replay {tmp_path / 'fault'}" in text
    now, then = replay(tmp_path / "fault")
    assert now == then
    assert now.split(":")[0] in text
    assert then.split(": ", 1)[1] in text


def test_without_a_run_folder_the_step_is_kept_elsewhere(
    tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    text, _ = fault_of(diverging(), tiny)
    folder = Path(text.rsplit("--replay ", 1)[1])
    assert folder.parent == tmp_path
    assert replay(folder)[0] == replay(folder)[1]


def test_losses_up_to_the_fault_are_told(tiny: Dataset) -> None:
    text, losses_told = fault_of(diverging(), tiny)
    step = int(text.split("step ")[1].split()[0])
    assert len(losses_told) == step + 1
    assert np.isfinite(losses_told[:-1]).all()


def test_without_the_monitor_a_run_goes_on(tiny: Dataset) -> None:
    config = diverging(records=RecordsConfig(monitor=0))
    told = [x for e in run(config, tiny) if isinstance(e, Steps) for x in e.losses]
    assert len(told) == 8
    assert not np.isfinite(told).all()


def test_only_a_kept_step_can_be_taken_again(tmp_path: Path, tiny: Dataset) -> None:
    with pytest.raises(ConfigError, match=r"--replay .* holds no kept step"):
        replay(tmp_path)
    healthy = diverging(tmp_path / "run", optimizer=OptimizerConfig())
    assert len(list(run(healthy, tiny))) > 3
    with pytest.raises(ConfigError, match=r"--replay .* holds no kept step"):
        replay(tmp_path / "run" / "checkpoints")


def test_looking_changes_nothing(tiny: Dataset) -> None:
    model = ModelConfig(hidden=(8,), dropout=0.2)
    records = [RecordsConfig(monitor=every) for every in (0, 100)]
    unseen, seen = (
        [x for e in run(Config(model=model, records=r), tiny) if isinstance(e, Steps)
         for x in e.losses]
        for r in records
    )  # fmt: skip
    assert seen == unseen
