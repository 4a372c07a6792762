"""Three training steps of every layer, against PyTorch's."""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

torch = pytest.importorskip("torch")

from jaxtrain import nn
from jaxtrain.nn.activation.smooth import gru_step
from parity.proof.layers.cases import CASES, NAMES, LayerCase
from parity.proof.layers.judge import Build, judge, our_layer, tensor


def cases_of(name: str) -> list[LayerCase]:
    return [case for case in CASES if case.name == name]


@pytest.mark.parametrize("name", NAMES)
def test_at_least_ten_argument_sets(name: str) -> None:
    assert len(cases_of(name)) >= 10


def test_every_layer_has_cases() -> None:
    """Those that draw numbers have tests of their own."""
    others = {"GivenMasks", "KeyMasks", "RReLU", "PackedSequence"}
    containers = {"ModuleDict", "ModuleList", "ParameterDict", "ParameterList"}
    classes = {name for name in nn.__all__ if name[0].isupper()}
    assert classes - others - containers - {"Sequential"} == set(NAMES)


LOSSES = {n for n in torch.nn.modules.__all__ if n.endswith("Loss")} - set(NAMES)
LAZY = {name for name in torch.nn.modules.__all__ if name.startswith("Lazy")}
BASES = {"Container", "Module", "RNNBase", "RNNCellBase"}
# Of several machines; wrong in PyTorch; of losses, of which they are no layers.
LEFT_OUT = {"SyncBatchNorm", "CrossMapLRN2d", "LinearCrossEntropyOptions", "NLLLoss2d"}


@pytest.mark.long
def test_every_layer_of_pytorch_is_here_or_left_out() -> None:
    """A newer PyTorch may have more; `docs/layers.md` says what is left out."""
    missing = set(torch.nn.modules.__all__) - set(nn.__all__)
    assert missing == LOSSES | LAZY | BASES | LEFT_OUT


FAR = np.array([-np.inf, -1e30, -100.0, -0.0, 0.0, 100.0, 1e30], np.float32)


@pytest.mark.parametrize("name", ["ELU", "SELU", "CELU", "Hardswish", "Softplus"])
def test_far_out_nothing_overflows(name: str) -> None:
    """To a few float32 roundings, and to what XLA flushes to zero."""
    leaf = torch.tensor(FAR, requires_grad=True)
    expected = getattr(torch.nn, name)()(leaf)
    expected.sum().backward()
    layer = getattr(nn, name)()
    found = layer(jnp.asarray(FAR))
    slopes = jax.grad(lambda x: layer(x).sum())(jnp.asarray(FAR))
    np.testing.assert_allclose(found, expected.detach(), rtol=1e-6, atol=1e-37)
    np.testing.assert_allclose(slopes, leaf.grad, rtol=1e-6, atol=1e-37)


@pytest.mark.parametrize("name", ["Mish", "GELU", "SiLU", "Tanh", "Sigmoid"])
def test_far_out_smooth_functions_are_straight(name: str) -> None:
    leaf = torch.tensor(FAR[1:], requires_grad=True)
    getattr(torch.nn, name)()(leaf).sum().backward()
    layer = getattr(nn, name)()
    slopes = jax.grad(lambda x: layer(x).sum())(jnp.asarray(FAR[1:]))
    np.testing.assert_allclose(slopes, leaf.grad, rtol=1e-6, atol=1e-30)


# Broken twins: one wrong detail each, and the tensor that must tell.


def retyped(**arguments: Any) -> Build:
    """Our layer, built with other arguments."""

    def build(case: LayerCase, dtype: str) -> nnx.Module:
        return our_layer(replace(case, args={**case.args, **arguments}), dtype)

    return build


def assert_noticed(case: LayerCase, tensor: str, build: Build) -> None:
    with jax.enable_x64(True):
        assert all(m.passed for m in judge([case], "float64"))
        wrong = {m.tensor: m for m in judge([case], "float64", build)}
    assert not wrong[tensor].passed


TWINS = [
    ("GELU", "output 0", retyped(approximate="tanh")),
    ("LayerNorm", "output 0", retyped(eps=1e-6)),
    ("RMSNorm", "output 0", retyped(eps=1e-6)),
    ("GroupNorm", "output 0", retyped(eps=1e-6)),
    ("BatchNorm1d", "running_mean", retyped(momentum=0.9)),
    ("BatchNorm1d", "output 0", retyped(eps=1e-3)),
    ("InstanceNorm2d", "output 0", retyped(eps=1e-6)),
    ("LeakyReLU", "output 0", retyped(negative_slope=0.011)),
    ("Softplus", "output 0", retyped(threshold=2.0)),
    ("Conv1d", "output 0", retyped(padding_mode="circular", padding=1)),
]


@pytest.mark.parametrize(
    ("name", "tensor", "build"), TWINS, ids=lambda x: x if isinstance(x, str) else ""
)
def test_a_wrong_argument_is_noticed(name: str, tensor: str, build: Build) -> None:
    case = cases_of(name)[0]
    if name == "Softplus":
        case = next(c for c in cases_of(name) if c.inputs[0].kind == "grid")
    if name == "Conv1d":
        case = next(
            c for c in cases_of(name) if c.args.get("padding_mode") == "reflect"
        )
    assert_noticed(case, tensor, build)


class BiasedBatchNorm(nn.BatchNorm1d):
    """Flax's: the running variance is that of the normalisation."""

    def _count_and_track(self, mean: jax.Array, unbiased: jax.Array) -> None:
        n = 8
        super()._count_and_track(mean, unbiased * (n - 1) / n)


class ClippedHardtanh(nn.Hardtanh):
    """The obvious version, whose gradient at a bound is a half."""

    def __call__(self, input: jax.Array) -> jax.Array:
        return jnp.clip(input, self.min_val, self.max_val)


class CorrelatedTranspose(nn.ConvTranspose1d):
    """The kernel is not mirrored."""

    def _kernel(self) -> jax.Array:
        return super()._kernel()[..., ::-1]


class LearntPadding(nn.Embedding):
    """The padding row takes gradients."""

    def __call__(self, input: jax.Array) -> jax.Array:
        return self.weight[...][input]


def substitute(cls: type, **extra: Any) -> Build:
    def build(case: LayerCase, dtype: str) -> nnx.Module:
        return cls(**case.args, **extra, dtype=jnp.dtype(dtype))

    return build


def test_the_biased_running_variance_is_noticed() -> None:
    case = next(c for c in cases_of("BatchNorm1d") if c.inputs[0].shape == (8, 3))
    assert_noticed(case, "running_var", substitute(BiasedBatchNorm))


def test_a_gradient_at_the_bound_is_noticed() -> None:
    case = next(c for c in cases_of("Hardtanh") if c.inputs[0].kind == "grid")
    assert_noticed(case, "d input 0", lambda case, dtype: ClippedHardtanh())


def test_a_kernel_that_is_not_mirrored_is_noticed() -> None:
    case = cases_of("ConvTranspose1d")[0]
    assert_noticed(case, "output 0", substitute(CorrelatedTranspose))


def test_a_learnt_padding_row_is_noticed() -> None:
    case = next(c for c in cases_of("Embedding") if "padding_idx" in c.args)
    assert_noticed(case, "d weight", substitute(LearntPadding))


class OneBias(nn.LSTMCell):
    """Flax's: one bias, here the input's; the other one is never learnt."""

    def __call__(self, input: jax.Array, hx: Any = None) -> Any:
        kept = self.bias_hh
        self.bias_hh = nnx.Param(jax.lax.stop_gradient(kept[...]))
        found = super().__call__(input, hx)
        self.bias_hh = kept
        return found


class WeakState(nn.GRU):
    """The state counts a thousandth less."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.step = weak_step


def weak_step(x: jax.Array, h: jax.Array, state: Any) -> Any:
    return gru_step(x, h * 0.999, state)


def test_one_bias_is_noticed() -> None:
    case = cases_of("LSTMCell")[0]
    assert_noticed(case, "d bias_hh", substitute(OneBias))


def test_a_slightly_wrong_gate_is_noticed() -> None:
    case = cases_of("GRU")[0]
    assert_noticed(case, "output 0", substitute(WeakState))


class Unscaled(nn.MultiheadAttention):
    """Scores are not divided by sqrt(d)."""

    def _projected(self, *inputs: jax.Array) -> tuple[jax.Array, ...]:
        q, k, v = super()._projected(*inputs)
        return q * (self.embed_dim / self.num_heads) ** 0.5, k, v


def test_unscaled_scores_are_noticed() -> None:
    assert_noticed(cases_of("MultiheadAttention")[0], "output 0", substitute(Unscaled))


class BatchOrderedMasks(nn.TransformerEncoderLayer):
    """Masks are drawn in the order of the shape, not of PyTorch's memory."""

    def _dropped(self, dropout: nn.Dropout, x: jax.Array) -> jax.Array:
        return dropout(x)


def test_the_order_of_masks_is_noticed() -> None:
    case = next(
        c
        for c in cases_of("TransformerEncoderLayer")
        if c.args["dropout"] and c.args.get("batch_first")
    )
    assert_noticed(case, "output 0", substitute(BatchOrderedMasks))


class LaterTies(nn.MaxPool2d):
    """Of equal elements the last takes the gradient."""

    def __call__(self, input: jax.Array) -> Any:
        return super().__call__(input[..., ::-1, ::-1])[..., ::-1, ::-1]


def test_the_last_of_equal_elements_is_noticed() -> None:
    case = next(
        c
        for c in cases_of("MaxPool2d")
        if c.args == {"kernel_size": 3} and c.inputs[0].kind == "tied"
    )
    case = replace(case, inputs=(replace(case.inputs[0], shape=(2, 3, 6, 6)),))
    assert_noticed(case, "d input 0", lambda case, dtype: LaterTies(**case.args))


class PaddingCounts(nn.AvgPool2d):
    """What an incomplete window lacks counts in its mean."""

    def _divisor(self, spans: Any) -> Any:
        return np.array(self.kernel_size[0] * self.kernel_size[1])


def test_a_mean_over_what_is_not_there_is_noticed() -> None:
    case = next(c for c in cases_of("AvgPool2d") if "ceil_mode" in c.args)
    assert_noticed(case, "output 0", lambda case, dtype: PaddingCounts(**case.args))


# The same numbers in other surroundings.


def normed() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.GELU())


def test_nnx_jit_moves_running_statistics() -> None:
    plain, jitted = normed(), normed()
    nn.load_state_dict(jitted, nn.state_dict(plain))
    x = jax.random.normal(jax.random.key(0), (8, 4))
    expected = plain(x)
    found = nnx.jit(lambda model, x: model(x))(jitted, x)
    assert jnp.abs(found - expected).max() < 1e-6
    assert int(jitted[1].num_batches_tracked[...]) == 1
    moved = jitted[1].running_var[...]
    assert jnp.abs(moved - plain[1].running_var[...]).max() < 1e-6


def test_scan_moves_running_statistics() -> None:
    model = normed()
    graph, state = nnx.split(model)
    xs = jax.random.normal(jax.random.key(0), (3, 8, 4))

    def step(state: Any, x: jax.Array) -> tuple[Any, jax.Array]:
        copy = nnx.merge(graph, state, copy=True)
        y = copy(x)
        return nnx.state(copy), y

    last, ys = jax.jit(lambda s, xs: jax.lax.scan(step, s, xs))(state, xs)
    expected = [model(x) for x in xs]
    nnx.update(model, last)
    assert int(model[1].num_batches_tracked[...]) == 3
    assert jnp.abs(ys - jnp.stack(expected)).max() < 1e-6


def test_an_ensemble_by_vmap() -> None:
    models = [nn.LayerNorm(4) for _ in range(3)]
    for i, model in enumerate(models):
        model.weight[...] = model.weight[...] * (i + 1)
    graph, *_ = nnx.split(models[0])
    stacked = jax.tree.map(lambda *xs: jnp.stack(xs), *map(nnx.state, models))
    x = jax.random.normal(jax.random.key(0), (5, 4))
    found = jax.vmap(lambda state: nnx.merge(graph, state)(x))(stacked)
    for model, y in zip(models, found, strict=True):
        assert jnp.abs(model(x) - y).max() < 1e-6


def test_layers_mix_with_flax() -> None:
    class Mixed(nnx.Module):
        def __init__(self, rngs: nnx.Rngs):
            self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.BatchNorm1d(4)])
            self.head = nnx.Linear(4, 2, rngs=rngs)

        def __call__(self, x: jax.Array) -> jax.Array:
            for block in self.blocks:
                x = block(x)
            return self.head(x)

    model = Mixed(nnx.Rngs(0))
    optimiser_step = nnx.value_and_grad(lambda model, x: model(x).sum())
    _, grads = optimiser_step(model, jnp.arange(12.0).reshape(3, 4))
    assert set(nnx.to_flat_state(nnx.state(model, nnx.Param)).paths) == set(
        nnx.to_flat_state(grads).paths
    )
    model.eval()
    assert model.blocks[1].use_running_average
    model.train()
    assert not model.blocks[1].use_running_average


def test_evaluation_leaves_the_running_statistics() -> None:
    layer = nn.BatchNorm1d(3)
    layer.eval()
    before = nn.state_dict(layer)
    layer(jnp.ones((4, 3)))
    for name, value in nn.state_dict(layer).items():
        assert (value == before[name]).all()


HALF = [
    (nn.LayerNorm, (8,), (4, 8)),
    (nn.RMSNorm, (8,), (4, 8)),
    (nn.GroupNorm, (2, 8), (4, 8)),
    (nn.BatchNorm1d, (8,), (4, 8)),
    (nn.InstanceNorm1d, (4,), (4, 8)),
    (nn.Linear, (8, 3), (4, 8)),
    (nn.Conv1d, (4, 2, 3), (4, 8)),
]


@pytest.mark.parametrize(("cls", "arguments", "shape"), HALF, ids=str)
def test_bfloat16_stays_bfloat16(cls: Any, arguments: Any, shape: Any) -> None:
    takes_dtype = partial(cls, *arguments, dtype=jnp.bfloat16)
    x = jax.random.normal(jax.random.key(0), shape).astype(jnp.bfloat16)
    y = takes_dtype()(x)
    assert y.dtype == jnp.bfloat16
    assert jnp.isfinite(y.astype(jnp.float32)).all()


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("Identity", "Flatten")])
def test_numpy_float64_is_taken_as_float32(name: str) -> None:
    """Without a warning, which the settings would turn into an error."""
    case = cases_of(name)[0]
    layer = our_layer(case, "float32")
    outputs = layer(*case.arranged([tensor(given, 0) for given in case.inputs]))
    assert all(x.dtype.itemsize <= 4 for x in jax.tree.leaves(outputs))
