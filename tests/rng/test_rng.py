"""`jaxtrain.rng` against `torch.Generator`: the same bits, at every draw of any kind.

Level of equality: bit for bit (values, dtypes, shapes and the state afterwards) on
PyTorch's AVX2 path, which AVX-512 machines run too. Only PyTorch's path without fused
multiply-adds has a tolerance, stated at its test.
"""

import json
import math
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from jaxtrain import rng
from jaxtrain.rng import Generator, _integers, _normal, _state

fused_path = pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"),
    reason="PyTorch rounds otherwise on this processor",
)

EDGES = [0, 1, -1, 2**31, 2**32 - 1, 2**32, -(2**63), 2**63 - 1, 2**63, 2**64 - 1]
HUNDRED_SEEDS = EDGES + [
    int(seed) for seed in np.random.default_rng(0).integers(-(2**63), 2**63 - 1, 90)
]
SIZES = [0, 1, 2, 15, 16, 17, 31, 32, 100, 623, 624, 625, 2000]
F32, F64 = np.float32, np.float64


class Draw(NamedTuple):
    """One draw, for both libraries: the method, the shape, and the rest by name."""

    method: str
    shape: Any
    arguments: Mapping[str, Any] = MappingProxyType({})

    def ours(self, generator: Generator) -> np.ndarray:
        return getattr(generator, self.method)(self.shape, **self.arguments)

    def theirs(self, generator: Any) -> np.ndarray:
        with warnings.catch_warnings():
            # random_ warns of ranges that a float dtype holds with gaps, and fills on.
            warnings.simplefilter("ignore", UserWarning)
            return self._tensor(generator).numpy()

    def _tensor(self, generator: Any) -> Any:
        if self.method == "randperm":
            return torch.randperm(self.shape, generator=generator)
        defaults = {"bernoulli": bool, "random_": np.int64}
        dtype = self.arguments.get("dtype", defaults.get(self.method, F32))
        tensor = torch.empty(self.shape, dtype=getattr(torch, np.dtype(dtype).name))
        bounds = {k: v for k, v in self.arguments.items() if k != "dtype"}
        if self.method == "random_":
            return tensor.random_(*integer_bounds(**bounds), generator=generator)
        names = {"low": "from", "high": "to"}
        bounds = {names.get(name, name): value for name, value in bounds.items()}
        fill = getattr(tensor, self.method.rstrip("_") + "_")
        return fill(**bounds, generator=generator)


def integer_bounds(low: int | None = None, high: int | None = None) -> tuple:
    """random_'s positional arguments: (), (to,) or (from, to)."""
    if low is None:
        return () if high is None else (high,)
    return (low, high)


def assert_same_bits(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    np.testing.assert_array_equal(
        ours.reshape(-1).view(np.uint8), theirs.reshape(-1).view(np.uint8)
    )


def assert_agree(ours: Generator, theirs: Any, *draws: Draw) -> None:
    """Each draw is the same, and so is the state that is left at the end."""
    for draw in draws:
        assert_same_bits(draw.ours(ours), draw.theirs(theirs))
    np.testing.assert_array_equal(ours.get_state(), theirs.get_state().numpy())


def torch_generator(seed: int) -> Any:
    return torch.Generator().manual_seed(seed)


# ---------------------------------------------------------------- the seeds

SHORT_OF_EACH = [
    Draw("uniform", 3, {"low": -0.03, "high": 0.03}),
    Draw("uniform", 3, {"low": -0.03, "high": 0.03, "dtype": F64}),
    Draw("random_", 3),
    Draw("bernoulli", 20, {"p": 0.3}),
    Draw("randperm", 11),
    Draw("normal", 3),
    Draw("normal", 33, {"std": 0.02}),
    Draw("normal", 18, {"std": 0.02, "dtype": F64}),
]


@fused_path
@pytest.mark.parametrize("seed", HUNDRED_SEEDS)
def test_seed(seed: int) -> None:
    ours, theirs = Generator(seed), torch_generator(seed)
    assert ours.initial_seed() == theirs.initial_seed()
    assert_agree(ours, theirs)
    assert_agree(ours, theirs, *SHORT_OF_EACH)
    assert ours.initial_seed() == theirs.initial_seed()


def test_default_generator_follows_torch_manual_seed() -> None:
    torch.manual_seed(5)
    assert rng.manual_seed(5) is rng.default_generator
    assert_agree(rng.default_generator, torch.default_generator, Draw("uniform", 9))


def test_generator_without_seed_is_torchs() -> None:
    assert_agree(Generator(), torch.Generator(), Draw("uniform", 9))


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1, 10**30])
def test_seed_out_of_range(seed: int) -> None:
    with pytest.raises((ValueError, RuntimeError)):
        torch_generator(seed)
    for begin in (Generator, Generator().manual_seed, rng.manual_seed):
        with pytest.raises(ValueError, match=str(seed)):
            begin(seed)


@pytest.mark.parametrize("seed", [1.5, True, np.True_, None, "7", [1]])
def test_seed_of_another_type(seed: Any) -> None:
    with pytest.raises(TypeError) as caught:
        Generator(seed)
    assert repr(seed) in str(caught.value)


def test_numpy_integers_are_seeds() -> None:
    seed: Any = np.int8(-1)
    assert Generator(seed).initial_seed() == 2**64 - 1


# ---------------------------------------------------------------- the draws

INTERVALS = [
    (0.0, 1.0),
    (-0.03, 0.03),
    (-1 / 28, 1 / 28),
    (0.1, 0.7),
    (-3.0, 1e-7),
    (1e-3, 1e4),
    (1000.0, 1000.001),
    (5.0, 5.0000005),  # one float32 step: half of the values round to the bound
    (-1e-42, 1e-42),
    (-1.5e38, 1.5e38),
    (0.5, 0.5),
]


@fused_path
@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize(("low", "high"), INTERVALS)
def test_uniform_bounds(low: float, high: float, dtype: type) -> None:
    ours, theirs = Generator(1), torch_generator(1)
    bounds = {"low": low, "high": high, "dtype": dtype}
    assert_agree(ours, theirs, Draw("uniform", 40_000, bounds))


@fused_path
@pytest.mark.parametrize("method", ["uniform", "normal"])
@pytest.mark.parametrize("dtype", [F32, F64])
def test_sizes_and_shapes(method: str, dtype: type) -> None:
    ours, theirs = Generator(2), torch_generator(2)
    shapes = [*SIZES, (), (1,), (3, 0, 2), (2, 3), (4, 5, 7), (1, 40_000)]
    rest = {"dtype": dtype}
    assert_agree(ours, theirs, *(Draw(method, shape, rest) for shape in shapes))


@fused_path
@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize(
    ("mean", "std"),
    [(0.0, 1.0), (0.0, 0.02), (1.5, 3.0), (-7.0, 1e-4), (1e-9, 1.0), (2.0, 0.0)],
)
@pytest.mark.parametrize("size", [1, 15, 16, 1003])
def test_normal_parameters(mean: float, std: float, size: int, dtype: type) -> None:
    ours, theirs = Generator(3), torch_generator(3)
    draw = Draw("normal", size, {"mean": mean, "std": std, "dtype": dtype})
    assert_agree(ours, theirs, *[draw] * 5)


@fused_path
def test_a_million_normals() -> None:
    ours, theirs = Generator(4), torch_generator(4)
    assert_agree(ours, theirs, Draw("normal", 1_000_001, {"std": 0.02}))
    assert_agree(ours, theirs, Draw("normal", 100_001, {"dtype": F64}))


@pytest.mark.parametrize("p", [0, 1e-300, 2.0**-53, 0.1, 0.5, 0.8, 1 - 2.0**-53, 1])
@pytest.mark.parametrize("dtype", [bool, F32, F64, np.uint8, np.int64])
def test_bernoulli(p: float, dtype: type) -> None:
    ours, theirs = Generator(5), torch_generator(5)
    shapes = [*SIZES, (), (7, 300)]
    rest = {"p": p, "dtype": dtype}
    assert_agree(ours, theirs, *(Draw("bernoulli", s, rest) for s in shapes))


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9])
def test_bernoulli_is_the_mask_of_dropout(rate: float) -> None:
    torch.manual_seed(6)
    dropped = torch.nn.functional.dropout(torch.ones(64, 128), rate, training=True)
    generator = Generator(6)
    kept = generator.bernoulli((64, 128), 1 - rate)
    np.testing.assert_array_equal(kept, dropped.numpy() != 0)
    assert_agree(generator, torch.default_generator)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 624, 625, 60_000, 100_003])
def test_randperm(n: int) -> None:
    assert_agree(Generator(7), torch_generator(7), Draw("randperm", n))


@pytest.mark.long
@pytest.mark.parametrize("beyond", [-1, 0])
def test_randperm_about_its_change_of_rule(beyond: int) -> None:
    n = _integers.INSIDE_OUT_FROM + beyond  # some 2 GB on either side
    assert_agree(Generator(7), torch_generator(7), Draw("randperm", n))


WIDTHS = [1, 2, 5, 2**28 - 1, 2**28, 2**32 - 1, 2**32, 2**53, 2**62, 2**63 - 1]
INTEGER_BOUNDS: list[dict[str, int]] = [
    {},
    *({"high": width} for width in [0, -3, 128, 129, 256, 257, 2**31, *WIDTHS]),
    *({"low": -width} for width in [2**24, 2**31, *WIDTHS]),
    *(
        {"low": low}
        for low in [0, 1, 127, 255, 256, 2**24 - 1, 2**24, 2**53, 2**63 - 1]
    ),
    *({"low": -3, "high": width - 3} for width in [0, *WIDTHS[:-1]]),
    *({"low": 2**24 + 1, "high": 2**24 + 1 + width} for width in (1, 2, 3, 4, 99)),
    *({"low": 2**53 + 1, "high": 2**53 + 1 + width} for width in (1, 2, 3, 4, 99)),
    {"low": -(2**24) - 3, "high": 2**24 + 3},
    {"low": -(2**63), "high": 2**63 - 1},
    {"low": -(2**63), "high": -(2**63) + 2},
    {"low": -(2**63)},
    {"low": 5, "high": 5},
]


def torch_refuses(draw: Draw) -> bool:
    if draw.arguments.get("low") == 2**63 - 1 and draw.arguments["dtype"].kind == "f":
        return True  # low + 1 overflows, and PyTorch never comes back
    try:
        draw.theirs(torch_generator(0))
    except (RuntimeError, NotImplementedError):
        return True
    return False


@pytest.mark.parametrize("dtype", sorted(_integers.DTYPES, key=str), ids=str)
def test_random_(dtype: np.dtype) -> None:
    """All forms in all dtypes: the same numbers, and errors for the same bounds."""
    ours, theirs = Generator(8), torch_generator(8)
    accepted = 0
    for bounds in INTEGER_BOUNDS:
        draw = Draw("random_", (2, 9), {**bounds, "dtype": dtype})
        if torch_refuses(draw):
            with pytest.raises(ValueError, match=str(next(iter(bounds.values())))):
                draw.ours(ours)
        else:
            assert_agree(ours, theirs, draw)
            accepted += 1
    assert accepted >= 4
    assert_agree(ours, theirs, Draw("random_", 0, {"dtype": dtype}))


# ---------------------------------------------------------------- streams

float_dtypes = st.sampled_from([F32, F64])
shapes = st.one_of(
    st.just(()),
    st.integers(0, 40),
    st.integers(600, 700),
    st.tuples(st.integers(0, 5), st.integers(1, 9)),
)
intervals = st.tuples(st.floats(-100, 100), st.floats(0, 100)).map(
    lambda pair: {"low": pair[0], "high": pair[0] + pair[1]}
)
parameters = st.fixed_dictionaries(
    {"mean": st.sampled_from([0.0, -1.25, 0.1]), "std": st.floats(0, 50)}
)
ranges = st.tuples(st.integers(-9, 9), st.integers(1, 2**40)).map(
    lambda pair: {"low": pair[0], "high": pair[0] + pair[1]}
)


def with_dtype(arguments: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(lambda a, d: {**a, "dtype": d}, arguments, float_dtypes)


draws = st.one_of(
    st.builds(Draw, st.just("uniform"), shapes, with_dtype(intervals)),
    st.builds(Draw, st.just("normal"), shapes, with_dtype(parameters)),
    st.builds(Draw, st.just("random_"), shapes, st.one_of(st.just({}), ranges)),
    st.builds(Draw, st.just("randperm"), st.integers(0, 700), st.just({})),
    st.builds(
        Draw,
        st.just("bernoulli"),
        shapes,
        st.fixed_dictionaries({"p": st.floats(0, 1)}),
    ),
)
seeds = st.one_of(st.sampled_from(EDGES), st.integers(-(2**63), 2**64 - 1))


def test_a_deviation_too_small_for_a_product_keeps_the_sign() -> None:
    generator, theirs = Generator(0), torch.Generator().manual_seed(0)
    for dtype in (np.float32, np.float64):
        ours = generator.normal((9,), std=5e-324, dtype=dtype)
        kind = torch.float32 if dtype == np.float32 else torch.float64
        expected = torch.empty(9, dtype=kind).normal_(0, 5e-324, generator=theirs)
        assert np.signbit(ours).any()
        assert ours.tobytes() == expected.numpy().tobytes()


@fused_path
@settings(max_examples=150, deadline=None)
@given(seed=seeds, first=st.lists(draws, max_size=6), then=st.lists(draws, max_size=4))
def test_any_program_of_draws(seed: int, first: list[Draw], then: list[Draw]) -> None:
    """Draws of all kinds in sequence, with the state handed both ways in mid-stream."""
    ours, theirs = Generator(seed), torch_generator(seed)
    assert_agree(ours, theirs, *first)
    exported = torch.Generator()
    exported.set_state(torch.from_numpy(ours.get_state()))
    imported = Generator().set_state(theirs.get_state())
    copied = ours.clone()
    for generator in (imported, copied, ours):
        assert_agree(generator, exported.clone_state(), *then)
    assert imported.initial_seed() == theirs.initial_seed()


@pytest.mark.parametrize("drawn", [0, 1, 623, 624, 625, 1248])
@pytest.mark.parametrize("normals", [0, 1, 2, 7])
def test_state_at_every_corner(drawn: int, normals: int) -> None:
    before = [Draw("normal", normals), Draw("uniform", drawn)]
    after = [Draw("normal", 2), Draw("uniform", 700), Draw("normal", 1)]
    ours, theirs = Generator(9), torch_generator(9)
    assert_agree(ours, theirs, *before)
    moved = Generator(1).set_state(theirs.get_state())
    assert_agree(moved, theirs, *after)


def test_state_of_anything_that_numpy_makes_uint8() -> None:
    bytes_ = Generator(10).get_state()
    for state in (bytes_, torch.from_numpy(bytes_), bytearray(bytes_), bytes_[None]):
        np.testing.assert_array_equal(Generator().set_state(state).get_state(), bytes_)


def test_state_is_a_copy() -> None:
    generator = Generator(0)
    state = generator.get_state()
    state[:] = 0
    np.testing.assert_array_equal(generator.get_state(), Generator(0).get_state())


def test_float_normal_that_torch_keeps_and_never_draws() -> None:
    state = Generator(11).get_state()
    state[5048:5053] = [*np.array([1.5], F32).view(np.uint8), 1]
    theirs = torch.Generator()
    theirs.set_state(torch.from_numpy(state))
    ours = Generator().set_state(state)
    assert_agree(ours, theirs, Draw("normal", 3))
    np.testing.assert_array_equal(ours.get_state()[5048:5053], state[5048:5053])


def changed(field: str, value: int) -> np.ndarray:
    state = Generator(12).get_state()
    state.view(_state._STATE)["legacy"][field] = value
    return state


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (np.zeros(5055, np.uint8), "5055"),
        (np.zeros(5057, np.uint8), "5057"),
        (np.zeros(0, np.uint8), "got 0"),
        (changed("seeded", 0), "seeded=0"),
        (changed("left", 0), "left=0"),
        (changed("left", 625), "left=625"),
        (changed("next", 625), "next=625"),
    ],
)
def test_invalid_state(state: np.ndarray, message: str) -> None:
    with pytest.raises(RuntimeError):
        torch.Generator().set_state(torch.from_numpy(state))
    generator = Generator(13)
    with pytest.raises(ValueError, match=message):
        generator.set_state(state)
    np.testing.assert_array_equal(generator.get_state(), Generator(13).get_state())


def test_state_that_no_generator_comes_into() -> None:
    """PyTorch would accept it, but 624 words do not hold left=9 after next=100."""
    state = changed("left", 9)
    state.view(_state._STATE)["legacy"]["next"] = 100
    with pytest.raises(ValueError, match="left=9, next=100"):
        Generator().set_state(state)


@pytest.mark.parametrize("dtype", [np.int64, F32, np.int8])
def test_state_of_another_dtype(dtype: type) -> None:
    with pytest.raises(TypeError, match=np.dtype(dtype).name):
        Generator().set_state(np.zeros(5056, dtype))


# ---------------------------------------------------------------- refusals

REFUSED = [
    Draw("uniform", 3, {"low": 1.0, "high": 0.25}),
    Draw("uniform", 0, {"low": 1.0, "high": 0.25}),
    Draw("uniform", 3, {"low": 0.0, "high": 1e39}),
    Draw("uniform", 3, {"low": -3e38, "high": 3e38}),
    Draw("uniform", 3, {"low": -math.inf, "high": 0.5}),
    Draw("uniform", 3, {"low": 0.5, "high": math.nan}),
    Draw("uniform", 3, {"low": -1e308, "high": 1e308, "dtype": F64}),
    Draw("normal", 3, {"std": -1.0}),
    Draw("normal", 0, {"std": -1.0}),
    Draw("normal", 3, {"std": math.nan}),
    Draw("bernoulli", 3, {"p": 1.5}),
    Draw("bernoulli", 0, {"p": -0.5}),
    Draw("bernoulli", 3, {"p": math.nan}),
    Draw("randperm", -1),
]


@pytest.mark.parametrize("draw", REFUSED, ids=str)
def test_refused_as_by_torch(draw: Draw) -> None:
    with pytest.raises(RuntimeError):
        draw.theirs(torch_generator(0))
    values = [v for v in draw.arguments.values() if isinstance(v, float)]
    with pytest.raises(ValueError, match=re.escape(str((values or [draw.shape])[0]))):
        draw.ours(Generator())


def test_refused_draws_leave_the_stream_alone() -> None:
    generator = Generator(14)
    for draw in REFUSED:
        with pytest.raises(ValueError, match=r"\d|nan"):
            draw.ours(generator)
    np.testing.assert_array_equal(generator.get_state(), Generator(14).get_state())


@pytest.mark.parametrize(
    ("draw", "value"),
    [
        (Draw("uniform", 3, {"dtype": np.int64}), "int64"),
        (Draw("uniform", 3, {"dtype": np.float16}), "float16"),
        (Draw("normal", 3, {"dtype": np.int32}), "int32"),
        (Draw("random_", 3, {"dtype": np.complex64}), "complex64"),
        (Draw("random_", 3, {"high": 2.5}), "2.5"),
        (Draw("random_", 3, {"low": True}), "True"),
        (Draw("randperm", 2.5), "2.5"),
        (Draw("randperm", True), "True"),
        (Draw("uniform", 3, {"low": "0"}), "'0'"),
        (Draw("normal", 3, {"std": None}), "None"),
        (Draw("bernoulli", (2, 1.5)), "1.5"),
    ],
    ids=str,
)
def test_another_type(draw: Draw, value: str) -> None:
    with pytest.raises(TypeError, match=value):
        draw.ours(Generator())


@pytest.mark.parametrize("bound", [2**63, -(2**63) - 1])
def test_integer_bounds_beyond_64_bits(bound: int) -> None:
    with pytest.raises(ValueError, match=str(bound)):
        Generator().random_(3, high=bound)


def test_negative_size() -> None:
    with pytest.raises(ValueError, match="-2"):
        Generator().uniform((3, -2))


# ---------------------------------------------------------------- rounding

float32s = st.floats(-(2.0**60), 2.0**60, width=32).filter(
    lambda v: v == 0 or abs(v) > 2.0**-60
)
float64s = st.floats(-(2.0**90), 2.0**90).filter(lambda v: v == 0 or abs(v) > 2.0**-90)


def rounded32(exact: Fraction) -> np.float32:
    """The float32 next to an exact value; from below and above, so rounded once."""
    near = np.float32(float(exact))
    around = [np.nextafter(near, F32(-np.inf)), near, np.nextafter(near, F32(np.inf))]
    return min(
        around,
        key=lambda v: (abs(Fraction(float(v)) - exact), int(v.view(np.int32)) & 1),
    )


def check_fused32(function: Callable, a: float, b: float, c: float) -> None:
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    assert function(np.array([a], F32), F32(b), F32(c))[0] == rounded32(exact)


def check_fused64(function: Callable, a: float, b: float, c: float) -> None:
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    assert function(np.array([a]), b, c)[0] == float(exact)


@settings(max_examples=300, deadline=None)
@given(a=float32s, b=float32s, c=float32s)
def test_multiply_add32_rounds_once(a: float, b: float, c: float) -> None:
    check_fused32(_normal.multiply_add32, a, b, c)


@settings(max_examples=300, deadline=None)
@given(a=float64s, b=float64s, c=float64s)
def test_multiply_add64_rounds_once(a: float, b: float, c: float) -> None:
    check_fused64(_normal.multiply_add64, a, b, c)


# 1 + 2**-24 + 2**-57: in float64 the last term is lost and the rest lies half way.
HALF_WAY = (1 + 2.0**-11, (1 - 2.0**-11 + 2.0**-22) * 2.0**-24, 1.0)


def test_half_way_cases_are_told_apart() -> None:
    for a, b, c in [HALF_WAY, tuple(map(float, np.negative(HALF_WAY)))]:
        check_fused32(_normal.multiply_add32, a, abs(b), c)
    with pytest.raises(AssertionError):
        check_fused32(rounding_to_float64_first, *HALF_WAY)
    with pytest.raises(AssertionError):
        check_fused64(rounding_twice, 0.1, 10.0, -1.0)


def rounding_to_float64_first(a: Any, b: Any, c: Any) -> Any:
    return (np.multiply(a, b, dtype=F64) + c).astype(F32)


def rounding_twice(a: Any, b: Any, c: Any) -> Any:
    return a * b + c


# ---------------------------------------------------------------- broken twins


class RoundsTwice(Generator):
    def _uniform32(self, count: int, low: float, high: float) -> np.ndarray:
        x = super()._uniform32(count, 0.0, 1.0)
        return x * (F32(high) - F32(low)) + F32(low)

    def _uniform64(self, count: int, low: float, high: float) -> np.ndarray:
        return super()._uniform64(count, 0.0, 1.0) * (high - low) + low


class TakesHighBits(Generator):
    def _uniform32(self, count: int, low: float, high: float) -> np.ndarray:
        x = (self._words32(count) >> np.uint32(8)).astype(F64) * 2.0**-24
        return _normal.multiply_add32(x.astype(F32), F32(high - low), F32(low))

    def _uniform64(self, count: int, low: float, high: float) -> np.ndarray:
        x = (self._words64(count) >> np.uint64(11)).astype(F64) * 2.0**-53
        return _normal.multiply_add64(x, high - low, low)


class KeepsUpperBound(Generator):
    def _uniform32(self, count: int, low: float, high: float) -> np.ndarray:
        x = super()._uniform32(count, 0.0, 1.0)
        return _normal.multiply_add32(x, F32(high) - F32(low), F32(low))


class SwapsWords(Generator):
    def _words64(self, count: int) -> np.ndarray:
        words = super()._words64(count)
        return (words << np.uint64(32)) | (words >> np.uint64(32))


class MasksInFloat32(Generator):
    def bernoulli(self, shape: Any = (), p: Any = 0.5, dtype: Any = bool) -> np.ndarray:
        return self.uniform(shape) < p


class MasksUpToAndIncluding(Generator):
    def bernoulli(self, shape: Any = (), p: Any = 0.5, dtype: Any = bool) -> np.ndarray:
        return ~super().bernoulli(shape, 1 - p)


class TakesRemaindersByN(Generator):
    def randperm(self, n: int) -> np.ndarray:
        permutation = np.arange(n)
        for i, word in enumerate(self._words32(n - 1)):
            j = (i + word % n) % n
            permutation[[i, j]] = permutation[[j, i]]
        return permutation


class ShufflesInsideOut(Generator):
    def randperm(self, n: int) -> np.ndarray:
        return _integers.inside_out(n, self._words64)


class ShufflesFromTheEnd(Generator):
    def randperm(self, n: int) -> np.ndarray:
        permutation = np.arange(n)
        for i, word in zip(range(n - 1, 0, -1), self._words32(n - 1), strict=True):
            j = word % (i + 1)
            permutation[[i, j]] = permutation[[j, i]]
        return permutation


class Keeps64Bits(Generator):
    def random_(self, shape: Any = (), *_: Any, **__: Any) -> np.ndarray:
        return super().random_(shape, low=-(2**63))


class TakesShortWords(Generator):
    def random_(self, shape: Any = (), *_: Any, **rest: Any) -> np.ndarray:
        return (self._words32(shape) % np.uint32(rest["high"])).astype(np.int64)


class LeavesTailOf(Generator):
    def _normals(self, count: int, *rest: Any) -> np.ndarray:
        return super()._normals(-(-count // 16) * 16, *rest)[:count]


class ForgetsHalfPairs(Generator):
    def _standard_normals(self, count: int) -> np.ndarray:
        self._cached_normal = None
        return super()._standard_normals(count)


class PairsInFloat32(Generator):
    def _normals(self, count: int, mean: float, std: float, dtype: Any) -> np.ndarray:
        u = self._uniforms(count + count % 2, 0.0, 1.0, dtype).astype(F64)
        return _normal.normals_one_by_one(u)[:count].astype(F32)


class SaysFreshIsUsedUp(Generator):
    def get_state(self) -> np.ndarray:
        self._in_use = True
        return super().get_state()


LONG = 2000
WEIGHTS = {"low": -0.03, "high": 0.03}
BROKEN = [
    (RoundsTwice, [Draw("uniform", LONG, WEIGHTS)]),
    (RoundsTwice, [Draw("uniform", LONG, {**WEIGHTS, "dtype": F64})]),
    (TakesHighBits, [Draw("uniform", 1)]),
    (TakesHighBits, [Draw("uniform", 1, {"dtype": F64})]),
    (KeepsUpperBound, [Draw("uniform", LONG, {"low": 5.0, "high": 5.0000005})]),
    (SwapsWords, [Draw("bernoulli", 100)]),
    (SwapsWords, [Draw("uniform", 1, {"dtype": F64})]),
    (SwapsWords, [Draw("random_", 1)]),
    (SwapsWords, [Draw("normal", 1)]),
    (MasksInFloat32, [Draw("bernoulli", 100)]),
    (MasksUpToAndIncluding, [Draw("bernoulli", 100)]),
    (TakesRemaindersByN, [Draw("randperm", 100)]),
    (ShufflesInsideOut, [Draw("randperm", 100)]),
    (ShufflesFromTheEnd, [Draw("randperm", 100)]),
    (Keeps64Bits, [Draw("random_", 100)]),
    (TakesShortWords, [Draw("random_", 100, {"high": 2**28})]),
    (LeavesTailOf, [Draw("normal", 17)]),
    (LeavesTailOf, [Draw("normal", 33, {"dtype": F64})]),
    (ForgetsHalfPairs, [Draw("normal", 3), Draw("normal", 3)]),
    (PairsInFloat32, [Draw("normal", 2)]),
    (SaysFreshIsUsedUp, []),
]


@fused_path
@pytest.mark.parametrize(
    ("twin", "draws"),
    BROKEN,
    ids=lambda value: value.__name__ if isinstance(value, type) else str(value),
)
def test_broken_twin_is_told_apart(twin: type[Generator], draws: list[Draw]) -> None:
    assert_agree(Generator(15), torch_generator(15), *draws)
    with pytest.raises(AssertionError):
        assert_agree(twin(15), torch_generator(15), *draws)


def exact_blocks(u: np.ndarray, mean: float, std: float) -> np.ndarray:
    return _normal.normals64(u.astype(F64), mean, std).astype(F32)


def sine_first(u: np.ndarray) -> np.ndarray:
    return u.reshape(-1, 2, 8)[:, ::-1].reshape(-1)


BROKEN_PARTS: list[tuple[str, str, Any, type]] = [
    ("no contraction", "multiply_add32", rounding_twice, F32),
    ("exact logarithm, sine and cosine", "normals32", exact_blocks, F32),
    ("angles before radii", "_split", lambda u: np.split(sine_first(u), 2), F32),
    ("a logarithm short of a term", "_LOG", _normal._LOG[1:], F32),
    ("radii by log1p of the uniform", "_libm", lambda f, x: np.log1p(-x), F64),
    ("two roundings of the result", "multiply_add64", rounding_twice, F64),
]


@fused_path
@pytest.mark.parametrize(("name", "value", "dtype"), [row[1:] for row in BROKEN_PARTS])
def test_broken_box_muller_is_told_apart(name: str, value: Any, dtype: type) -> None:
    draw = Draw("normal", 4096, {"mean": 0.1, "std": 0.3, "dtype": dtype})
    with mock.patch.object(_normal, name, value), pytest.raises(AssertionError):
        assert_agree(Generator(16), torch_generator(16), draw)


def test_state_of_another_moment_is_told_apart() -> None:
    ours, theirs = Generator(17), torch_generator(17)
    Draw("normal", 1).ours(ours), Draw("normal", 2).theirs(theirs)  # the cached half
    with pytest.raises(AssertionError):
        assert_agree(ours, theirs)


# ---------------------------------------------------------------- torch's code paths

OTHER_PATH = """
import json, sys
import numpy as np, torch
generator = lambda: torch.Generator().manual_seed(18)
torch.manual_seed(18)
np.savez(
    sys.argv[1],
    capability=torch.backends.cpu.get_cpu_capability(),
    normal=torch.empty(200_000).normal_(generator=generator()),
    normal64=torch.empty(20_000).double().normal_(generator=generator()),
    few=torch.empty(15).normal_(generator=generator()),
    uniform=torch.empty(50_000).uniform_(-0.03, 0.03, generator=generator()),
    bernoulli=torch.empty(50_000).bernoulli_(0.8, generator=generator()),
    random_=torch.empty(50_000).random_(generator=generator()),
    randperm=torch.randperm(5_000, generator=generator()),
    dropout=torch.nn.functional.dropout(torch.ones(5_000), 0.1, training=True),
)
"""


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, np.ndarray]]:
    """What PyTorch draws when told to use one of its other code paths."""
    folder = tmp_path_factory.mktemp("paths")
    started = {
        path: subprocess.Popen(
            [sys.executable, "-c", OTHER_PATH, str(folder / f"{path}.npz")],
            env={**os.environ, "ATEN_CPU_CAPABILITY": path},
        )
        for path in ("avx2", "default")
    }
    assert all(process.wait(120) == 0 for process in started.values())
    return {path: dict(np.load(folder / f"{path}.npz")) for path in started}


@pytest.mark.parametrize("path", ["avx2", "default"])
def test_integers_and_masks_on_every_path(paths: Any, path: str) -> None:
    drawn = paths[path]
    assert_same_bits(Generator(18).bernoulli(50_000, 0.8, F32), drawn["bernoulli"])
    assert_same_bits(Generator(18).random_(50_000, dtype=F32), drawn["random_"])
    assert_same_bits(Generator(18).randperm(5_000), drawn["randperm"])
    assert_same_bits(Generator(18).normal(15), drawn["few"])
    assert_same_bits(Generator(18).normal(20_000, dtype=F64), drawn["normal64"])
    assert_same_bits(Generator(18).bernoulli(5_000, 0.9), drawn["dropout"] != 0)


@fused_path
def test_floats_on_the_avx2_path(paths: Any) -> None:
    assert paths["avx2"]["capability"] == "AVX2"
    assert_same_bits(Generator(18).normal(200_000), paths["avx2"]["normal"])
    uniform = Generator(18).uniform(50_000, -0.03, 0.03)
    assert_same_bits(uniform, paths["avx2"]["uniform"])


def assert_near(
    ours: np.ndarray, theirs: np.ndarray, equal: float, most: float
) -> None:
    """At least so large a share is equal, and no value is further away."""
    assert np.mean(ours == theirs) >= equal
    assert np.max(np.abs(ours.astype(F64) - theirs)) <= most


def test_normal_bounds_on_the_default_path(paths: Any) -> None:
    """The C library's functions there: 62 % equal, at most 20 ulp of 1 away."""
    theirs = paths["default"]["normal"]
    assert_near(Generator(18).normal(200_000), theirs, equal=0.6, most=2.4e-6)
    short = _normal._COS[1:]
    with mock.patch.object(_normal, "_COS", short), pytest.raises(AssertionError):
        assert_near(Generator(18).normal(200_000), theirs, equal=0.6, most=2.4e-6)


def test_uniform_bounds_on_the_default_path(paths: Any) -> None:
    """Rounded twice there: half equal, at most one rounding of a term away."""
    theirs = paths["default"]["uniform"]
    half_ulp = float(np.spacing(F32(0.06))) / 2
    ours = Generator(18).uniform(50_000, -0.03, 0.03)
    assert_near(ours, theirs, equal=0.4, most=half_ulp)
    assert_same_bits(RoundsTwice(18).uniform(50_000, -0.03, 0.03), theirs)
    with pytest.raises(AssertionError):
        assert_near(ours + F32(0.06 * 2**-24), theirs, equal=0.4, most=half_ulp)


def test_imports_numpy_alone() -> None:
    code = "import json, sys, jaxtrain.rng; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    roots = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not roots & {"torch", "jax", "flax", "optax", "parity"}
