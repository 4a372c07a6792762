"""The compiled step: compiled once, fed by data, and never at the caller's expense."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxtrain import losses, nn, optim
from jaxtrain.data import Dataset
from jaxtrain.data.order import batches
from jaxtrain.errors import ConfigError
from jaxtrain.models import MLP
from jaxtrain.rng import Generator
from jaxtrain.run.config import (
    Config,
    LoopConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    SchedulerConfig,
)
from jaxtrain.run.loop import run
from jaxtrain.store.events import Epoch, Event, Started, Steps
from jaxtrain.training import Chunk, Engine, Numerics, to_tensor
from jaxtrain.training.masks import mask_maker


@contextmanager
def compilations() -> Iterator[list[str]]:
    """Names of what XLA compiles inside the block."""
    names: list[str] = []

    def listen(event: str, duration: float, **details: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(str(details.get("fun_name", event)))

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield names
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


def configured(epochs: int = 1, **parts: Any) -> Config:
    model = ModelConfig(hidden=(16,))
    return replace(Config(model=model, loop=LoopConfig(epochs=epochs)), **parts)


def of_kind(kind: type, events: Iterator[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def trainer(hidden: tuple[int, ...] = (16,), **arguments: Any) -> Engine:
    model = MLP(hidden=hidden, generator=Generator(0), **arguments)
    return Engine(model, optim.sgd(lr=0.1), losses.cross_entropy, to_tensor())


def chunk(rows: np.ndarray, lr: float = 0.1) -> Chunk:
    return Chunk(rows, {"lr": np.full(len(rows), lr, np.float32)})


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_one_compilation_for_each_shape_and_none_later(
    tiny: Dataset, dropout: float
) -> None:
    config = configured(2, model=ModelConfig(hidden=(16,), dropout=dropout))
    with compilations() as first:
        events = run(config, tiny)
        for event in events:
            if isinstance(event, Epoch):
                break
    with compilations() as later:
        assert of_kind(Epoch, events)
    # 200 images: three batches of 64 and one of 8; 70 test images: one and one of 6.
    assert sum("train" in name for name in first) == 2
    assert sum("test" in name for name in first) == 2
    assert later == []


def test_a_new_learning_rate_compiles_nothing(tiny: Dataset) -> None:
    ours = trainer()
    data = ours.place(tiny.train.images, tiny.train.labels)
    rows = next(batches(np.arange(200), 64, 100))
    ours.train(data, chunk(rows))
    with compilations() as names:
        ours.train(data, chunk(rows, lr=0.7))
    assert names == []


def test_a_new_shape_is_noticed_by_the_counter(tiny: Dataset) -> None:
    ours = trainer()
    data = ours.place(tiny.train.images, tiny.train.labels)
    rows = next(batches(np.arange(200), 64, 100))
    ours.train(data, chunk(rows))
    with compilations() as names:
        ours.train(data, chunk(rows[:2]))
    assert len(names) == 1


def test_images_stay_bytes_on_the_device(tiny: Dataset) -> None:
    data = trainer().place(tiny.train.images, tiny.train.labels)
    assert data.inputs.dtype == data.targets.dtype == jnp.uint8


def test_the_state_is_donated_and_the_caller_s_model_is_left(tiny: Dataset) -> None:
    model = MLP(hidden=(16,), generator=Generator(0))
    before = nn.state_dict(model)
    ours = Engine(model, optim.sgd(lr=0.1), losses.cross_entropy, to_tensor())
    weights = jax.tree.leaves(ours.state.params)
    data = ours.place(tiny.train.images, tiny.train.labels)
    ours.train(data, chunk(np.arange(64).reshape(1, 64)))
    assert all(weight.is_deleted() for weight in weights)
    for name, value in nn.state_dict(model).items():
        np.testing.assert_array_equal(value, before[name])
    trained = nn.state_dict(ours.model)
    assert all((trained[name] != before[name]).any() for name in before)


def test_a_chunk_is_its_steps_one_by_one(tiny: Dataset) -> None:
    """The same program either way, so the same numbers, to the last bit or nearly so.

    XLA may fuse a loop of one step differently: two ulp of a loss near 2.3.
    """
    at_once, singly = trainer(), trainer()
    data = at_once.place(tiny.train.images, tiny.train.labels)
    rows = np.arange(192).reshape(3, 64)
    together = at_once.train(data, chunk(rows))
    alone = [singly.train(data, chunk(row[None]))[0] for row in rows]
    np.testing.assert_allclose(together, alone, rtol=0, atol=2 * 2**-22)


def test_losses_are_those_before_the_update(tiny: Dataset) -> None:
    ours = trainer()
    data = ours.place(tiny.train.images, tiny.train.labels)
    rows = np.tile(np.arange(64), (2, 1))
    before = ours.evaluate(data, rows[:1])[0][0]
    first, second = ours.train(data, chunk(rows))
    np.testing.assert_allclose(first, before, rtol=2**-22)
    assert second < first


def test_any_loss_and_any_optax_optimiser_plug_in(tiny: Dataset) -> None:
    def squared(outputs: jax.Array, targets: jax.Array) -> jax.Array:
        return ((outputs - jax.nn.one_hot(targets, 10)) ** 2).mean()

    model = MLP(hidden=(16,), generator=Generator(0))
    ours = Engine(model, optax.adam(1e-2), squared, to_tensor())
    data = ours.place(tiny.train.images, tiny.train.labels)
    rows = np.tile(np.arange(64), (50, 1))
    values = ours.train(data, Chunk(rows))
    assert values[-1] < 0.8 * values[0]


def test_buffers_that_a_model_updates_are_kept(tiny: Dataset) -> None:
    class Counting(nnx.Module):
        def __init__(self) -> None:
            self.linear = nn.Linear(784, 10, generator=Generator(0))
            self.calls = nnx.BatchStat(jnp.zeros((), jnp.int32))

        def __call__(self, input: jax.Array) -> jax.Array:
            self.calls[...] += 1
            return self.linear(input.reshape(len(input), -1))

    model = Counting()
    ours = Engine(model, optim.sgd(), losses.cross_entropy, to_tensor())
    data = ours.place(tiny.train.images, tiny.train.labels)
    ours.train(data, chunk(np.arange(192).reshape(3, 64)))
    assert ours.model.calls[...] == 3
    assert model.calls[...] == 0


def test_the_ragged_last_batch_is_trained_and_counted(tiny: Dataset) -> None:
    events = list(run(configured(), tiny))
    steps, epochs = (of_kind(kind, iter(events)) for kind in (Steps, Epoch))
    assert [len(s.losses) for s in steps] == [3, 1]
    assert [s.first for s in steps] == [0, 3]
    values = [value for s in steps for value in s.losses]
    assert epochs[0].train_loss == sum(values) / 4


def test_the_test_loss_is_the_mean_over_batches(tiny: Dataset) -> None:
    """As in the tutorial: the last batch, of 6 images, counts as much as one of 64."""
    untrained = replace(OptimizerConfig(), lr=0.0)
    (epoch,) = of_kind(Epoch, run(configured(optimizer=untrained), tiny))
    ours = trainer()
    data = ours.place(tiny.test.images, tiny.test.labels)
    whole, rest = (
        float(ours.evaluate(data, rows)[0][0]) for rows in batches(np.arange(70), 64, 1)
    )
    assert epoch.avg_loss == (whole + rest) / 2
    assert epoch.avg_loss != pytest.approx((64 * whole + 6 * rest) / 70, rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_weights_and_losses_have_the_type_asked_for(tiny: Dataset, dtype: str) -> None:
    numerics = Numerics(dtype)
    with numerics.active():
        model = MLP(hidden=(16,), generator=Generator(0), dtype=dtype)
    ours = Engine(
        model, optim.sgd(lr=0.1), losses.cross_entropy, to_tensor(dtype), numerics
    )
    data = ours.place(tiny.train.images, tiny.train.labels)
    values = ours.train(data, chunk(np.arange(192).reshape(3, 64)))
    assert values.dtype == dtype
    kinds = {leaf.dtype for leaf in jax.tree.leaves(ours.state.params)}
    assert kinds == {jnp.dtype(dtype)}
    assert not jax.config.jax_enable_x64


PIXELS = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)


@pytest.mark.parametrize("normalize", [None, (0.2860, 0.3530), (-0.1, 3e-3)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_pixels_are_those_of_torchvision(
    dtype: str, normalize: tuple[float, float] | None
) -> None:
    torch = pytest.importorskip("torch")
    transforms = pytest.importorskip("torchvision.transforms")
    steps = [transforms.ToTensor()]
    if normalize is not None:
        mean, std = normalize
        steps.append(transforms.Normalize((mean,), (std,)))
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64 if dtype == "float64" else torch.float32)
    try:
        theirs = transforms.Compose(steps)(PIXELS[0][:, :, None])
    finally:
        torch.set_default_dtype(before)
    theirs = theirs.to(getattr(torch, dtype)).double().numpy()
    with Numerics(dtype).active():
        ours = jax.jit(to_tensor(dtype, normalize))(PIXELS)
        np.testing.assert_array_equal(np.asarray(ours[0], np.float64), theirs)


def test_dividing_inside_the_compiled_step_would_miss() -> None:
    compiled = jax.jit(lambda x: x.astype(jnp.float32) / 255)(PIXELS)
    assert (compiled != to_tensor()(PIXELS)[:, 0]).any()


def test_matrix_products_are_taken_at_full_precision(tiny: Dataset) -> None:
    ours = trainer()
    data = ours.place(tiny.train.images, tiny.train.labels)
    with ours.numerics.active():
        lowered = ours._train.lower(
            ours.state, data, chunk(np.zeros((1, 64), np.int32))
        )
    products = [
        line for line in lowered.as_text().splitlines() if "dot_general" in line
    ]
    # Two layers: two forward, two for the weights, one for the hidden activations.
    assert len(products) == 5
    assert all(line.count("HIGHEST") == 2 for line in products)


def test_an_absent_device_is_refused() -> None:
    absent = "tpu" if jax.default_backend() != "tpu" else "gpu"
    with pytest.raises(ConfigError, match=absent):
        Numerics(device=absent)


def test_the_start_says_what_runs(tiny: Dataset) -> None:
    (started,) = of_kind(Started, run(configured(0), tiny))
    assert started.backend == "jax"
    assert started.parameters == 784 * 16 + 16 + 16 * 10 + 10
    assert started.model == "MLP 784-16-10"
    assert set(started.versions) == {"jax", "flax", "optax", "numpy"}


def test_masks_of_both_sources_train_and_repeat(tiny: Dataset) -> None:
    def curve(source: str, seed: int = 0) -> list[float]:
        model = ModelConfig(hidden=(16,), dropout=0.5, dropout_masks=source)
        loop = LoopConfig(epochs=1, seed=seed)
        events = run(configured(model=model, loop=loop), tiny)
        return [value for s in of_kind(Steps, events) for value in s.losses]

    for source in ("torch", "jax"):
        assert curve(source) == curve(source)
        assert curve(source) != curve(source, seed=1)
    assert curve("torch") != curve("jax")


def test_masks_that_no_layer_asks_for_are_refused(tiny: Dataset) -> None:
    ours = trainer()
    data = ours.place(tiny.train.images, tiny.train.labels)
    rows, mask = np.arange(64).reshape(1, 64), np.ones((1, 64, 16), bool)
    with pytest.raises(ValueError, match=r"1 dropout mask is left over, of shape \(64"):
        ours.train(data, Chunk(rows, masks=[mask]))


def test_jax_s_masks_differ_from_step_to_step_and_chunk_to_chunk() -> None:
    maker = mask_maker(
        "jax", MLP(), jax.ShapeDtypeStruct((1, 28, 28), np.float32), Generator(0)
    )
    first, second, later = (
        jax.random.key_data(keys).tolist()
        for keys in (*maker(0, (2, 8)), maker(2, (1, 8))[0])
    )
    assert first != second
    assert second != later
    assert jax.random.key_data(maker(1, (1, 8))[0]).tolist() == second


def test_rows_and_targets_that_are_not_there_are_refused(tiny: Dataset) -> None:
    ours = trainer()
    data = ours.place(tiny.train.images, tiny.train.labels)
    for rows in (np.full((1, 4), 200), np.full((1, 4), -1), np.full((1, 4), 0.5)):
        with pytest.raises(IndexError, match="row numbers"):
            ours.train(data, Chunk(rows))
        with pytest.raises(IndexError, match="row numbers"):
            ours.evaluate(data, rows)
    with pytest.raises(ValueError, match="200 inputs, but 70 targets"):
        ours.place(tiny.train.images, tiny.test.labels)


def test_a_rate_that_a_schedule_lets_grow_is_refused(tiny: Dataset) -> None:
    growing = SchedulerConfig("step_lr", {"step_size": 1, "gamma": 1e30}, "step")
    with pytest.raises(ConfigError, match=r"learning rate to 1e\+57"):
        list(run(configured(scheduler=growing), tiny))


def test_types_that_do_not_fit_are_refused() -> None:
    model = MLP(hidden=(16,), generator=Generator(0))
    with pytest.raises(ValueError, match=r"float32 parameters.*float64"):
        Engine(model, optim.sgd(), losses.cross_entropy, numerics=Numerics("float64"))
    with pytest.raises(ConfigError, match=r"floatt64.*float64"):
        Numerics("floatt64")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reduction": "none"}, r"\(64,\)"),
        ({"label_smoothing": 2.0}, r"2\.0"),
        ({"smoothing": 0.1}, "label_smoothing"),
    ],
)
def test_a_loss_that_cannot_train_is_refused(
    tiny: Dataset, arguments: dict[str, Any], message: str
) -> None:
    config = configured(loss=LossConfig(args=arguments))
    with pytest.raises(ConfigError, match=message):
        next(run(config, tiny))
