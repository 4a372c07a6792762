"""One layer with one set of arguments through three training steps, against PyTorch's.

Both sides begin with PyTorch's state and take the same inputs, cotangents and dropout
seeds. At each step the outputs, the gradients of inputs and parameters, and the buffers
after it are compared, then every parameter moves against its gradient. In float64 the
difference from PyTorch is taken, in float32 that from PyTorch's float64 run on the same
float32 numbers. Either is relative to the tensor's largest element, which is no larger
than the largest term that went into it.
"""

import inspect
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx

from jaxtrain import nn, rng
from parity.difference import difference
from parity.proof.layers.cases import Input, LayerCase, LayerPart, make_arguments
from parity.proof.verdict import Verdict
from parity.rounding import round_all

Arrays = dict[str, np.ndarray]
Build = Callable[[LayerCase, str], nnx.Module]

STEPS = 3
RATE = 0.01
FLOAT64_BOUND = 1e-12
"""Relative: 4,500 roundings, where a sum here has some hundreds of terms at most."""
FLOAT32_BOUND = 4.0
"""Units in the last place of the largest element: both sides round now and then."""
SIDES = 2
"""PyTorch rounds, and so do we."""
RUNS = 4
"""Of PyTorch's with roundings of their own."""


REASONS = {
    "float64": "relative to the largest element: a few thousand roundings, no formula",
    "float32": (
        "units of the largest element: 4, or twice what moves as each operation is "
        "rounded at random, by no more than it may be on any machine"
    ),
}
UNITS = {"float64": "relative", "float32": "ulps"}

# LLVM would take half of the time, and changes rounding at most, which float32 shows.
COMPILER_OPTIONS = {"float64": {"xla_backend_optimization_level": 0}}

# What both sides are given.


def tensor(kind: Input, seed: int) -> np.ndarray:
    """An input of a case, in numbers that float32 can hold."""
    draw = np.random.default_rng([seed, *kind.shape])
    if kind.kind == "index":
        return draw.integers(0, kind.size, kind.shape)
    if kind.kind == "places":
        chances = draw.random((*kind.shape[: kind.planes], kind.size))
        count = math.prod(kind.shape[kind.planes :])
        return chances.argsort(-1)[..., :count].reshape(kind.shape)
    if kind.kind in ("offsets", "ends"):
        places = np.sort(draw.integers(0, kind.size + 1, kind.shape))
        places[0] = 0
        if kind.kind == "ends":
            places[-1] = kind.size
        return places
    if kind.kind == "bool":
        return draw.integers(0, 4, kind.shape) == 0
    values = draw.standard_normal(kind.shape)
    if kind.kind == "tied":
        values = np.round(values)
    elif kind.kind == "grid":
        values = draw.integers(-16, 17, kind.shape) / 2
    elif kind.kind == "wide":
        values *= 10.0 ** draw.uniform(-3, 2, kind.shape)
    return values.astype(np.float32).astype(np.float64)


def torch_layer(case: LayerCase, dtype: str = "float32") -> torch.nn.Module:
    """PyTorch's layer, as its default generator initialises it."""

    def make(value: Any) -> Any:
        if isinstance(value, LayerPart):
            return getattr(torch.nn, value.name)(**make_arguments(value.args, make))
        return torch.tensor(value, dtype=getattr(torch, dtype))

    with warnings.catch_warnings():
        # Of dropout that has no layer to come after, of nested tensors, and the like.
        warnings.simplefilter("ignore", UserWarning)
        layer = getattr(torch.nn, case.name)(**make_arguments(case.args, make))
    return layer.to(getattr(torch, dtype)).train(case.train)


def our_layer(
    case: LayerCase, dtype: str, generator: rng.Generator | None = None
) -> nnx.Module:
    """Our layer of the same arguments."""

    def make(value: Any) -> Any:
        if isinstance(value, LayerPart):
            cls = getattr(nn, value.name)
            return _make(cls, make_arguments(value.args, make), dtype, generator)
        return value

    cls, args = getattr(nn, case.name), make_arguments(case.args, make)
    layer = _make(cls, args, dtype, generator)
    layer.train() if case.train else layer.eval()
    return layer


def _make(
    cls: Any, args: Mapping[str, Any], dtype: str, generator: rng.Generator | None
) -> Any:
    parameters = inspect.signature(cls.__init__).parameters
    extra = {"dtype": jnp.dtype(dtype), "generator": generator}
    return cls(**args, **{k: v for k, v in extra.items() if k in parameters})


def start_state(case: LayerCase) -> Arrays:
    """A state in which no parameter is still zero or one."""
    torch.manual_seed(0)
    draw = np.random.default_rng(0)
    state = {}
    for name, value in torch_layer(case).state_dict().items():
        x = value.numpy()
        # Numbers given in the place of drawn ones have to stay between 0 and 1.
        if x.dtype.kind == "f" and name != "_random_samples":
            x = (x + 0.2 * draw.uniform(-1, 1, x.shape)).astype(np.float32)
        state[name] = x
    return state


def _inputs(case: LayerCase, step: int) -> list[np.ndarray]:
    return [tensor(g, 100 * step + i) for i, g in enumerate(case.inputs)]


def _cotangent(shape: tuple[int, ...], place: int) -> np.ndarray:
    # Never the stream of an input: of x · x what normalisation leaves is rounding.
    values = np.random.default_rng([7, place, *shape]).standard_normal(shape)
    return values.astype(np.float32).astype(np.float64)


# PyTorch's side.


def torch_steps(case: LayerCase, state: Arrays, dtype: str) -> list[Arrays]:
    """What PyTorch computes at each step."""
    layer = torch_layer(case, dtype)
    layer.load_state_dict({k: torch.tensor(v) for k, v in state.items()})
    return [_torch_step(case, layer, step, dtype) for step in range(STEPS)]


@lru_cache(maxsize=256)
def exact_steps(case: LayerCase) -> tuple[Arrays, list[Arrays]]:
    """A starting state, and what PyTorch makes of it in float64: right in any type."""
    state = start_state(case)
    return state, torch_steps(case, state, "float64")


@lru_cache(maxsize=256)
def round_steps(case: LayerCase) -> list[list[Arrays]]:
    """The float64 run some times over, each operation moved as float32 may round it."""
    state, _ = exact_steps(case)
    runs = []
    for seed in range(RUNS):
        with round_all(seed):
            runs.append(torch_steps(case, state, "float64"))
    return runs


def _torch_step(
    case: LayerCase, layer: torch.nn.Module, step: int, dtype: str
) -> Arrays:
    kind = getattr(torch, dtype)
    inputs = [
        torch.tensor(x, dtype=kind, requires_grad=True)
        if x.dtype.kind == "f"
        else torch.tensor(x)
        for x in _inputs(case, step)
    ]
    torch.manual_seed(step)
    call = _as_tensors(case.call, kind)
    with warnings.catch_warnings():
        # Of a softmax without a dimension, among others.
        warnings.simplefilter("ignore", UserWarning)
        arguments = case.arrange(inputs, torch.nn.utils.rnn.pack_padded_sequence)
        outputs = list(_tensors(layer(*arguments, **call)))
    loss = sum(
        (x * torch.tensor(_cotangent(tuple(x.shape), i), dtype=kind)).sum()
        for i, x in enumerate(outputs)
        if x.is_floating_point()
    )
    loss.backward()
    tensors = {f"output {i}": x.detach().numpy() for i, x in enumerate(outputs)}
    for i, x in enumerate(inputs):
        if x.requires_grad:
            grad = torch.zeros_like(x) if x.grad is None else x.grad
            tensors[f"d input {i}"] = grad.numpy()
    for name, parameter in layer.named_parameters():
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        tensors[f"d {name}"] = parameter.grad.numpy().copy()
        parameter.data -= RATE * parameter.grad
        parameter.grad = None
    tensors |= {name: x.numpy().copy() for name, x in layer.named_buffers()}
    return tensors


def _as_tensors(call: Mapping[str, Any], kind: torch.dtype) -> dict[str, Any]:
    return {
        key: torch.tensor(x, dtype=kind if x.dtype.kind == "f" else None)
        if isinstance(x, np.ndarray)
        else x
        for key, x in call.items()
    }


def _tensors(outputs: Any) -> Iterator[torch.Tensor]:
    if isinstance(outputs, torch.nn.utils.rnn.PackedSequence):
        yield torch.nn.utils.rnn.pad_packed_sequence(outputs)[0]
    elif isinstance(outputs, torch.Tensor):
        yield outputs
    elif outputs is not None:
        for part in outputs:
            yield from _tensors(part)


# Our side: all cases in one compilation.


def our_steps(
    cases: Sequence[LayerCase],
    states: Sequence[Arrays],
    dtype: str,
    build: Build = our_layer,
) -> list[list[Arrays]]:
    """What our layers compute at each step, case by case."""
    layers = [build(case, dtype) for case in cases]
    for layer, state in zip(layers, states, strict=True):
        nn.load_state_dict(layer, state)
    splits = [nnx.split(layer, nnx.Param, ...) for layer in layers]
    functions = [
        _our_step(case, graph) for case, (graph, *_) in zip(cases, splits, strict=True)
    ]

    @partial(jax.jit, compiler_options=COMPILER_OPTIONS.get(dtype))
    def together(trees: Any, inputs: Any) -> Any:
        return [f(*t, *g) for f, t, g in zip(functions, trees, inputs, strict=True)]

    trees = [tuple(rest) for _, *rest in splits]
    steps = []
    for step in range(STEPS):
        arguments = [
            _arguments(case, layer, step, dtype)
            for case, layer in zip(cases, layers, strict=True)
        ]
        results = together(trees, arguments)
        trees = [tree for tree, _ in results]
        steps.append([jax.tree.map(np.asarray, result) for _, result in results])
    return [list(one) for one in zip(*steps, strict=True)]


def _arguments(case: LayerCase, layer: nnx.Module, step: int, dtype: str) -> Any:
    inputs = [
        jnp.asarray(x, dtype if x.dtype.kind == "f" else None)
        for x in _inputs(case, step)
    ]
    generator = rng.Generator(step)
    masks = (
        [
            generator.bernoulli(*draw)
            for draw in nn.dropout_draws(
                lambda *xs: _call(case, _copy(layer), xs), *inputs
            )
        ]
        if case.draws
        else []
    )
    return inputs, masks


def _call(case: LayerCase, layer: Any, inputs: Sequence[Any]) -> Any:
    return layer(*case.arrange(inputs, nn.pack_padded_sequence), **case.call)


def _copy(layer: nnx.Module) -> Any:
    return nnx.merge(*nnx.split(layer), copy=True)


def _our_step(case: LayerCase, graph: Any) -> Callable[..., Any]:
    def loss(params: Any, floats: Any, rest: Any, inputs: Any, masks: Any) -> Any:
        layer = nnx.merge(graph, params, rest, copy=True)
        arguments = [floats.get(i, x) for i, x in enumerate(inputs)]
        with nn.dropout_source(nn.GivenMasks(masks)):
            outputs = _arrays(_call(case, layer, arguments))
        total = sum(
            (x * _cotangent(x.shape, i).astype(x.dtype)).sum()
            for i, x in enumerate(outputs)
            if jnp.issubdtype(x.dtype, jnp.floating)
        )
        # A call may have changed the parameters as well: `max_norm` does.
        return total, (outputs, *nnx.state(layer, nnx.Param, ...))

    def step(params: Any, rest: Any, inputs: Any, masks: Any) -> Any:
        floats = {
            i: x for i, x in enumerate(inputs) if jnp.issubdtype(x.dtype, jnp.floating)
        }
        grads, (outputs, params, rest) = jax.grad(loss, argnums=(0, 1), has_aux=True)(
            params, floats, rest, inputs, masks
        )
        tensors = {f"output {i}": x for i, x in enumerate(outputs)}
        tensors |= {f"d input {i}": x for i, x in grads[1].items()}
        tensors |= {f"d {name}": x for name, x in _by_name(grads[0])}
        tensors |= dict(_by_name(rest))
        after = jax.tree.map(lambda p, g: p - RATE * g, params, grads[0])
        return (after, rest), tensors

    return step


def _arrays(outputs: Any) -> list[jax.Array]:
    def is_packed(x: Any) -> bool:
        return isinstance(x, nn.PackedSequence)

    leaves = jax.tree.leaves(outputs, is_leaf=is_packed)
    return [x.data if is_packed(x) else x for x in leaves]


def _by_name(state: Any) -> Iterator[tuple[str, jax.Array]]:
    for path, variable in nnx.to_flat_state(state):
        yield ".".join(map(str, path)), variable[...]


# The judgement.


def judge(
    cases: Sequence[LayerCase], dtype: str, build: Build = our_layer
) -> list[Verdict]:
    """Judge every tensor of some cases at its worst step.

    Args:
        cases: of one layer or several, compiled together.
        dtype: `"float64"` or `"float32"`.
        build: makes our layer of a case; another one makes a broken twin.
    """
    states = [exact_steps(case)[0] for case in cases]
    with jax.enable_x64(dtype == "float64"):
        ours = our_steps(cases, states, dtype, build)
    judged: list[Verdict] = []
    for case, found in zip(cases, ours, strict=True):
        judged += _judge(case, dtype, exact_steps(case)[1], found)
    return judged


def _judge(
    case: LayerCase,
    dtype: str,
    exact: list[Arrays],
    ours: list[Arrays],
) -> Iterator[Verdict]:
    for right, tensors in zip(exact, ours, strict=True):
        if set(right) != set(tensors):
            raise ValueError(f"{case}: {sorted(right)}, but {sorted(tensors)}")
    for name in exact[0]:
        apart = partial(_apart, case, name, dtype, exact)
        worst, rounding = apart(ours), 0.0
        if dtype == "float32" and worst > FLOAT32_BOUND:
            # Looked for where the least bound does not do: it costs more than the rest.
            rounding = max(apart(run) for run in round_steps(case))
        narrow = max(FLOAT32_BOUND, SIDES * rounding)
        yield Verdict(
            "layers",
            case.name,
            str(case).removeprefix(case.name),
            dtype,
            "one call",
            f"{name}, {UNITS[dtype]}",
            worst,
            narrow if dtype == "float32" else FLOAT64_BOUND,
            REASONS[dtype],
            rounding=rounding,
        )


def _apart(
    case: LayerCase, name: str, dtype: str, exact: list[Arrays], values: list[Arrays]
) -> float:
    """How far a tensor is from the right one, at its worst step."""
    unit = 1.0 if dtype == "float64" else float(np.finfo(np.float32).eps)
    worst = 0.0
    for right, other in zip(exact, values, strict=True):
        # Of a whole tensor of zeros, such as a gradient that is cut, none is left.
        scale = max(np.abs(right[name]).max(initial=0.0), case.term(name)) or 1.0
        apart = difference(right[name], other[name]).max(initial=0.0)
        worst = max(worst, float(apart) / (float(scale) * unit))
    return worst
