"""What the probe says of a step is what PyTorch's autograd, optimiser and hooks say."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxtrain import losses, nn, optim
from jaxtrain.models import CNN, MLP, ResNetSmall, VisionTransformer
from jaxtrain.rng import Generator
from jaxtrain.run.inspection import sample_event
from jaxtrain.store.events import Sampled
from jaxtrain.training import Numerics, to_tensor
from jaxtrain.training.probe import Probe, Readings, dead_share, make_probe
from jaxtrain.training.step import (
    Chunk,
    Placed,
    Recipe,
    TrainState,
    supervised,
    take_step,
)

BATCH, STEPS, P = 32, 3, 0.5
FLOAT64 = Numerics("float64")
RTOL = 1e-10
"""Of float64 trajectories, as everywhere in the proof; see `trajectory`."""


HIDDEN = (48, 32)


class Case(NamedTuple):
    model: Callable[..., nnx.Module]
    optimizer: str
    arguments: Mapping[str, Any]
    dropout: float = 0.0
    l2: float = 0.0

    @property
    def sizes(self) -> dict[str, Any]:
        hidden = {"hidden": HIDDEN} if self.model is MLP else {}
        return {"dropout": self.dropout, **hidden}


# The biases before a BatchNorm have a gradient of 0 but for rounding, which Adam would
# magnify: only models without one are trained by it.
CASES = {
    "mlp-sgd": Case(MLP, "sgd", {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-2}),
    "mlp-adam": Case(MLP, "adam", {"lr": 1e-3}),
    "mlp-dropout": Case(MLP, "rmsprop", {"lr": 1e-3}, P),
    "mlp-penalty": Case(MLP, "adagrad", {"lr": 1e-2}, 0.0, 1e-2),
    "cnn": Case(CNN, "sgd", {"lr": 0.1, "momentum": 0.9}),
    "resnet": Case(ResNetSmall, "sgd", {"lr": 0.1}),
    "transformer": Case(VisionTransformer, "sgd", {"lr": 0.1}),
}


class Ours(NamedTuple):
    """A model in training, some steps in."""

    recipe: Recipe
    state: TrainState
    data: Placed
    chunk: Chunk
    names: list[str]
    """Of the parameters, as the state dictionary has them."""


def built(case: Case, seed: int = 0) -> Ours:
    with FLOAT64.active():
        model = case.model(generator=Generator(seed), dtype="float64", **case.sizes)
        model.train()
        _silence(model)
        names = list(nn.state_dict(model))
        prepare = to_tensor("float64")
        tx = optax.with_extra_args_support(
            getattr(optim, case.optimizer)(**case.arguments)
        )
        graph, params, buffers = nnx.split(model, nnx.Param, ...)
        params, buffers = jax.tree.map(jnp.copy, (params, buffers))
        recipe = Recipe(
            graph,
            tx,
            supervised(losses.cross_entropy, lambda inputs, drawn: prepare(inputs)),
            _penalty(case.l2),
        )
        random = np.random.default_rng(seed)
        data = Placed(
            jnp.asarray(random.integers(0, 256, (128, 28, 28), dtype=np.uint8)),
            jnp.asarray(random.integers(0, 10, 128, dtype=np.uint8)),
        )
        chunk = Chunk(
            random.permutation(STEPS * BATCH).reshape(STEPS, BATCH).astype(np.int32),
            {"lr": case.arguments["lr"] * np.array([1.0, 0.5, 0.25])},
            _masks(random, case.dropout),
        )
        state = TrainState(params, buffers, tx.init(params))
    return Ours(recipe, state, data, chunk, names)


def _penalty(l2: float) -> Any:
    return (lambda params: l2 * losses.l2_penalty(params)) if l2 else None


def _masks(random: Any, dropout: float) -> list[np.ndarray]:
    return [random.random((STEPS, BATCH, size)) < P for size in HIDDEN if dropout]


def _silence(model: nnx.Module) -> None:
    """Some units of a hidden layer that no input wakes."""
    state = {name: value.copy() for name, value in nn.state_dict(model).items()}
    hidden = ("linear_relu_stack.2.bias", "linear_relu_stack.3.bias")
    for name in {*hidden, "features.1.bias", "blocks.1.bn1.bias"} & set(state):
        state[name][::4] -= 100
    nn.load_state_dict(model, state)


def at(chunk: Chunk, step: int) -> Chunk:
    return jax.tree.map(lambda values: np.asarray(values)[step], chunk)


def sampled(
    ours: Ours, chunk: Chunk | None = None, probe: Probe | None = None
) -> Sampled:
    probe = probe or make_probe(ours.recipe)
    with FLOAT64.active():
        readings = probe(ours.state, ours.data, chunk or ours.chunk)
        return sample_event(readings, 1, 0)


class Theirs:
    """The same network in PyTorch, with the same weights, batches and masks."""

    def __init__(self, case: Case, ours: Ours):
        self.torch = pytest.importorskip("torch")
        from parity.pytorch import networks as torch_models

        self.case, self.ours = case, ours
        kind = getattr(torch_models, case.model.__name__)
        self.model = kind(**case.sizes).double()
        with FLOAT64.active():
            weights = nn.state_dict(
                nnx.merge(ours.recipe.graph, ours.state.params, ours.state.buffers)
            )
        own = self.model.state_dict()
        self.model.load_state_dict(
            {name: self.torch.asarray(weights[name].copy()) for name in own}
        )
        kinds = {name.lower(): name for name in self.torch.optim.__all__}
        kind = getattr(self.torch.optim, kinds[case.optimizer])
        self.optimizer = kind(self.model.parameters(), **case.arguments)
        self.outputs: dict[str, list[Any]] = {}
        self.drawn: Any = iter(())
        for path, module in self.model.named_modules():
            if isinstance(module, self.torch.nn.ReLU):
                module.register_forward_hook(self._kept(path))
            if isinstance(module, self.torch.nn.Dropout) and case.dropout:
                module.register_forward_hook(self._masked)

    def _kept(self, path: str) -> Callable[..., None]:
        def hook(_module: Any, _inputs: Any, output: Any) -> None:
            self.outputs.setdefault(path, []).append(output.detach().numpy().copy())

        return hook

    def _masked(self, _module: Any, inputs: Any, _output: Any) -> Any:
        return inputs[0] * self.torch.asarray(next(self.drawn)) / (1 - P)

    def step(self, batch: Chunk) -> Sampled:
        """Take a real step, and say what it was."""
        self.drawn, self.outputs = iter(batch.masks), {}
        rows = np.asarray(batch.rows)
        x = self.torch.asarray(np.asarray(self.ours.data.inputs)[rows] / 255.0)
        y = self.torch.asarray(np.asarray(self.ours.data.targets)[rows]).long()
        for group in self.optimizer.param_groups:
            group["lr"] = float(np.asarray(batch.hyperparameters["lr"]))
        self.optimizer.zero_grad()
        loss = self.torch.nn.functional.cross_entropy(self.model(x[:, None]), y)
        squares = sum(p.square().sum() for p in self.model.parameters())
        (loss + self.case.l2 * squares).backward()
        parameters = dict(self.model.named_parameters())
        before = {name: p.detach().clone() for name, p in parameters.items()}
        self.optimizer.step()
        return Sampled(
            1,
            0,
            {name: p.grad.norm().item() for name, p in parameters.items()},
            {
                name: ((p.detach() - before[name]).norm() / before[name].norm()).item()
                for name, p in parameters.items()
            },
            {path: max(map(_dead, each)) for path, each in self.outputs.items()},
        )


def _dead(output: np.ndarray) -> float:
    axes = (0, 2, 3) if output.ndim == 4 else 0
    return float((output == 0).all(axis=axes).mean())


def assert_equal(ours: Sampled, theirs: Sampled) -> None:
    """Each number, and the names in their order."""
    # A gradient that is 0 but for rounding: a sum of 32 * 28 * 28 terms, each rounded.
    floor = BATCH * 28 * 28 * 2**-53 * max(theirs.gradient_norms.values())
    assert list(ours.gradient_norms) == list(theirs.gradient_norms)
    assert list(ours.update_ratios) == list(theirs.update_ratios)
    for name, norm in theirs.gradient_norms.items():
        assert ours.gradient_norms[name] == pytest.approx(norm, rel=RTOL, abs=floor)
        # A displacement is known to 2^-52 of the weights, whose norm is 1 here.
        assert ours.update_ratios[name] == pytest.approx(
            theirs.update_ratios[name], rel=RTOL, abs=2**-50
        )
    # Counts, divided in float32.
    assert ours.dead == pytest.approx(theirs.dead, rel=2**-22)


@pytest.mark.parametrize("name", CASES)
def test_three_steps_are_seen_as_pytorch_takes_them(name: str) -> None:
    ours = built(CASES[name])
    theirs = Theirs(CASES[name], ours)
    probe = make_probe(ours.recipe)
    train = jax.jit(partial(take_step, ours.recipe))
    for step in range(STEPS):
        batch = at(ours.chunk, step)
        rest = jax.tree.map(lambda v, step=step: np.asarray(v)[step:], ours.chunk)
        seen = sampled(ours, rest, probe)
        assert_equal(seen, theirs.step(batch))
        assert [n for n in ours.names if n in seen.gradient_norms] == list(
            seen.gradient_norms
        )
        with FLOAT64.active():
            ours = ours._replace(state=train(ours.data, ours.state, batch).state)
    if name != "transformer":
        # A quarter of one layer's units were silenced.
        assert 0.2 < max(seen.dead.values()) < 1


def _rotated(values: Mapping[str, float]) -> dict[str, float]:
    numbers = list(values.values())
    return dict(zip(values, numbers[1:] + numbers[:1], strict=True))


def _after(theirs: Sampled, weights: Mapping[str, tuple[float, float]]) -> Any:
    """The ratios over the norms after the update."""
    return {
        name: ratio * weights[name][0] / weights[name][1]
        for name, ratio in theirs.update_ratios.items()
    }


def _norms(ours: Ours) -> dict[str, float]:
    with FLOAT64.active():
        model = nnx.merge(ours.recipe.graph, ours.state.params, ours.state.buffers)
        return {n: float(np.linalg.norm(v)) for n, v in nn.state_dict(model).items()}


def test_broken_twins_are_seen() -> None:
    case = CASES["mlp-adam"]
    ours = built(case)
    theirs = Theirs(case, ours).step(at(ours.chunk, 0))
    seen, before = sampled(ours), _norms(ours)
    assert_equal(seen, theirs)
    with FLOAT64.active():
        taken = jax.jit(partial(take_step, ours.recipe))(
            ours.data, ours.state, at(ours.chunk, 0)
        )
    after = _norms(ours._replace(state=taken.state))
    weights = {name: (before[name], after[name]) for name in before}
    zeros = {"linear_relu_stack.1": 0.5, "linear_relu_stack.3": 0.5}
    broken = [
        replace(seen, gradient_norms=_rotated(seen.gradient_norms)),
        replace(seen, update_ratios=_rotated(seen.update_ratios)),
        replace(seen, update_ratios=_after(seen, weights)),
        replace(seen, dead=zeros),
        # That of the next step: another batch, another rate.
        sampled(ours, jax.tree.map(lambda v: np.asarray(v)[1:], ours.chunk)),
    ]
    for twin in broken:
        with pytest.raises(AssertionError):
            assert_equal(twin, theirs)


def test_the_penalty_and_the_masks_are_those_of_the_step() -> None:
    for name, change in (("mlp-penalty", {"l2": 0.0}), ("mlp-dropout", {})):
        case = CASES[name]
        ours = built(case)
        theirs = Theirs(case, ours).step(at(ours.chunk, 0))
        if change:
            twin = sampled(built(case._replace(**change)))
        else:
            others = [masks[::-1] for masks in ours.chunk.masks]
            twin = sampled(ours, ours.chunk._replace(masks=others))
        with pytest.raises(AssertionError):
            assert_equal(twin, theirs)


def test_nothing_is_changed() -> None:
    ours = built(CASES["mlp-sgd"])
    before, probe = jax.tree.map(np.array, ours.state), make_probe(ours.recipe)
    assert sampled(ours, probe=probe) == sampled(ours, probe=probe)
    jax.tree.map(np.testing.assert_array_equal, ours.state, before)


def test_one_compilation_whatever_the_length_of_the_chunk() -> None:
    ours = built(CASES["mlp-sgd"])
    probe, names = make_probe(ours.recipe), []

    def listen(event: str, duration: float, **details: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(str(details.get("fun_name", event)))

    with FLOAT64.active():
        jax.monitoring.register_event_duration_secs_listener(listen)
        try:
            for length in (3, 1, 2):
                chunk = jax.tree.map(lambda v, n=length: np.asarray(v)[:n], ours.chunk)
                probe(ours.state, ours.data, chunk)
        finally:
            jax.monitoring.unregister_event_duration_listener(listen)
    assert sum("look" in name for name in names) == 1


def test_keys_make_the_masks_that_the_step_makes() -> None:
    ours = built(CASES["mlp-dropout"])
    with FLOAT64.active():
        keys = jax.random.split(jax.random.key(0), STEPS)
        chunks = [ours.chunk._replace(masks=each) for each in (keys, keys, keys[::-1])]
    probe = make_probe(ours.recipe)
    first, again, other = (sampled(ours, chunk, probe) for chunk in chunks)
    assert first == again
    assert first.gradient_norms != other.gradient_norms


def test_a_step_that_only_accumulates_moves_nothing() -> None:
    ours = built(CASES["mlp-sgd"])
    tx = optax.with_extra_args_support(optim.accumulate(optim.sgd(lr=0.1), 2))
    with FLOAT64.active():
        state = ours.state._replace(opt_state=tx.init(ours.state.params))
        ours = ours._replace(recipe=ours.recipe._replace(tx=tx), state=state)
        for last in (False, True):
            values = {**ours.chunk.hyperparameters, "last": np.full(STEPS, last)}
            seen = sampled(ours, ours.chunk._replace(hyperparameters=values))
            assert (max(seen.update_ratios.values()) > 0) == last
            assert min(seen.gradient_norms.values()) > 0


class Twice(nnx.Module):
    """One activation, called on an output that is dead and on one that is not."""

    def __init__(self) -> None:
        self.linear = nn.Linear(784, 8, generator=Generator(0))
        self.relu = nn.ReLU()
        self.other = nn.ReLU()
        self.zero = nnx.Param(jnp.zeros(8))

    def __call__(self, input: jax.Array) -> jax.Array:
        hidden = self.linear(input.reshape(len(input), -1))
        dead = self.relu(self.relu(hidden) - 1e3 + self.zero[...])
        return hidden + dead


def probed(model: nnx.Module, dtype: str = "float32") -> Readings:
    """A step of SGD on four bright images."""
    graph, params, buffers = nnx.split(model, nnx.Param, ...)
    tx = optax.with_extra_args_support(optim.sgd(lr=0.1))
    prepare = to_tensor(dtype)
    objective = supervised(losses.cross_entropy, lambda inputs, drawn: prepare(inputs))
    recipe = Recipe(graph, tx, objective)
    data = Placed(jnp.ones((4, 28, 28), jnp.uint8), jnp.zeros(4, jnp.uint8))
    state = TrainState(params, buffers, tx.init(params))
    return make_probe(recipe)(state, data, Chunk(np.arange(4)[None]))


def test_of_several_calls_the_deadest_counts_and_zeros_have_no_ratio() -> None:
    seen = sample_event(probed(Twice()), 2, 7, 9)
    assert seen.dead == {"relu": 1.0}
    assert np.isnan(seen.update_ratios["zero"])
    assert (seen.epoch, seen.step, seen.memory) == (2, 7, 9)


@pytest.mark.parametrize(
    ("shape", "share"),
    [((5, 4), 0.5), ((5, 4, 3, 2), 0.5), ((5, 4, 3), 0.5), ((4,), 0.0)],
)
def test_a_unit_is_a_channel_or_a_place(shape: tuple[int, ...], share: float) -> None:
    output = np.ones(shape)
    if len(shape) > 1:
        output[:, ::2] = 0
        # One value that is not 0 keeps what it belongs to alive.
        output[:, 1] = 0
        output.reshape(5, 4, -1)[2, 1, :] = 1
    assert dead_share(jnp.asarray(output)) == share


def test_norms_of_16_bits_are_taken_in_32() -> None:
    with Numerics("bfloat16").active():
        model = MLP(hidden=HIDDEN, generator=Generator(0), dtype="bfloat16")
        seen = probed(model, "bfloat16")
    assert {x.dtype for x in jax.tree.leaves(seen)} == {np.dtype("float32")}
