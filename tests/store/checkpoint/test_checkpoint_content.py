"""Arrays and JSON come back to the last bit, or are refused when they are saved."""

import math
from pathlib import Path
from types import MappingProxyType
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from checkpoint_content import same
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from jaxtrain.store import codec
from jaxtrain.store.checkpoint import Store
from jaxtrain.store.checkpoint import tree as _arrays
from jaxtrain.store.codec import Damage

WORDS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
TYPES = [np.dtype(name) for name in ("?", "f2", "f4", "f8", *WORDS)]
TYPES.append(np.dtype(ml_dtypes.bfloat16))
SHAPES = [(), (1,), (0,), (3, 0, 2), (2, 3, 4)]


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with Store.open(tmp_path / "run") as store:
        yield store


def random_bits(dtype: np.dtype[Any], shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Any bits at all, so NaNs of every payload; of truth values, only 0 and 1."""
    generator = np.random.default_rng(seed)
    most = 2 if dtype == np.bool_ else 256
    size = math.prod(shape) * dtype.itemsize
    return generator.integers(0, most, size, np.uint8).view(dtype).reshape(shape)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_every_type_and_shape(store: Store, dtype: np.dtype[Any]) -> None:
    arrays = {f"a/{s}": random_bits(dtype, s, seed=1) for s in SHAPES}
    arrays["many"] = random_bits(dtype, (1000,), seed=2)
    store.save(1, arrays)
    found = store.latest()
    assert found is not None
    assert same(found.arrays, arrays)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ml_dtypes.bfloat16])
def test_nan_payloads_and_negative_zero(store: Store, dtype: Any) -> None:
    dtype = np.dtype(dtype)
    word = np.dtype(f"u{dtype.itemsize}")
    quiet = np.array([np.nan, -0.0, np.inf], dtype).view(word)
    bits = np.array([quiet[0] | 1, quiet[0] | 5, quiet[1], quiet[2] | 1], word)
    store.save(1, {"x": bits.view(dtype)})
    found = store.latest()
    assert found is not None
    assert found.arrays["x"].view(word).tolist() == bits.tolist()


@given(
    npst.arrays(
        npst.floating_dtypes(endianness="<") | npst.integer_dtypes(endianness="<"),
        npst.array_shapes(min_dims=0, min_side=0),
    ),
    st.text(),
)
def test_any_array_under_any_name(array: np.ndarray, name: str) -> None:
    assert same(_arrays.decode(_arrays.encode({name: array})), {name: array})


def test_memory_in_any_order() -> None:
    whole = np.arange(24.0).reshape(2, 3, 4)
    given = {
        "reversed": whole[::-1, :, ::2],
        "moved": whole.transpose(2, 0, 1),
        "broadcast": np.broadcast_to(np.float32(3), (2, 2)),
        "bool": (whole > 5)[:, ::2],
    }
    assert same(_arrays.decode(_arrays.encode(given)), given)


def test_no_array_at_all(store: Store) -> None:
    store.save(0, {})
    found = store.latest()
    assert found is not None
    assert (found.step, found.arrays, found.meta, found.score) == (0, {}, None, None)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.arange(3, dtype=">f4"), ">f4"),
        (np.arange(3, dtype=">i8"), ">i8"),
        (np.zeros(2, np.dtype(ml_dtypes.bfloat16).newbyteorder(">")), "bfloat16"),
        (np.array([{}]), "object"),
        (np.array(["a"]), "<U1"),
        (np.zeros(2, np.complex64), "complex64"),
        (np.zeros(2, "M8[s]"), "datetime64"),
        (np.zeros(2, [("a", "f4")]), r"\('a', '<f4'\)"),
        (np.zeros(2, ml_dtypes.float8_e4m3fn), "float8"),
        (np.zeros(2, ml_dtypes.int4), "int4"),
        (np.array([7], np.uint8).view(bool), "truth values"),
    ],
)
def test_other_types_are_refused(store: Store, array: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=rf"(?s)^'some/name' .*{reason}"):
        store.save(1, {"fine": np.zeros(2), "some/name": array})
    assert store.latest() is None


@pytest.mark.parametrize(
    "value", [1.0, [1.0], np.float32(1), np.ma.masked_array([1.0]), None]
)
def test_what_is_no_array_is_refused(store: Store, value: Any) -> None:
    with pytest.raises(TypeError, match=r"^'a' is of type .* NumPy array$"):
        store.save(1, {"a": value})


@pytest.mark.parametrize("name", ["__metadata__", "\ud800", 3, None])
def test_impossible_names_are_refused(store: Store, name: Any) -> None:
    with pytest.raises(ValueError, match=r"^an array cannot be named "):
        store.save(1, {name: np.zeros(2)})


def test_equal_content_is_equal_bytes() -> None:
    one = {"b": np.zeros(3), "a": np.ones(2, np.int8)}
    assert _arrays.encode(one) == _arrays.encode(dict(reversed(one.items())))


NUMBERS = st.floats(allow_nan=False) | st.integers(-(2**70), 2**70)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_any_json(tree: Any) -> None:
    found = codec.decode(codec.encode(tree))
    assert found == tree
    assert repr(found) == repr(tree)  # 1 is not 1.0, nor 0.0 -0.0


def test_numbers_that_json_has_not() -> None:
    tree = {"a": [math.inf, -math.inf, math.nan, "inf", "nan"], "b": {"c": math.nan}}
    assert repr(codec.decode(codec.encode(tree))) == repr(tree)


def test_tuples_and_mappings_become_what_json_has() -> None:
    tree = MappingProxyType({"a": (1, (2.0,))})
    assert codec.decode(codec.encode(tree)) == {"a": [1, [2.0]]}


def endless() -> list[Any]:
    tree: list[Any] = []
    tree.append(tree)
    return tree


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        ({"a": [0, {1: 2}]}, r"^meta\.a\[1\] has the key 1"),
        ({"a": {"$float": 1}}, r"^meta\.a has the key '\$float'"),
        ({"a": {"b": np.int64(3)}}, r"^meta\.a\.b is of type int64"),
        (np.zeros(2), r"^meta is of type ndarray"),
        ({"a": {1, 2}}, r"^meta\.a is of type set"),
        (endless(), r"^the JSON is nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused(store: Store, tree: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        store.save(1, {}, tree)
    assert store.latest() is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"a": 1, "a": 1}',
        b'{"a": {"b": 1, "c": 2, "b": 1}}',
        b'{"a": NaN}',
        b"-Infinity",
        b'{"$float": "1"}',
        b'{"$float": ["inf"]}',
        b'{"$float": "inf", "a": 1}',
        b'"\xc3\xa9"',
        b"\xef\xbb\xbf1",
        b"[" * 100_000,
        b"1" * 5000,
        b"1 2",
    ],
    ids=lambda text: text[:20],
)
def test_other_json_is_refused(text: bytes) -> None:
    with pytest.raises(Damage, match=r"^(is no JSON|has a )"):
        codec.decode(text)


@pytest.mark.parametrize("step", [-1, 1.0, True, "1", np.int64(1)])
def test_a_step_is_a_whole_number(store: Store, step: Any) -> None:
    with pytest.raises(ValueError, match="step must be a whole number from 0"):
        store.save(step, {})


@pytest.mark.parametrize("keep", [0, -1, 1.5, True])
def test_keep_is_at_least_one(tmp_path: Path, keep: Any) -> None:
    with (
        pytest.raises(ValueError, match="keep must be a whole number from 1"),
        Store.open(tmp_path / "other", keep),
    ):
        pass
    assert not (tmp_path / "other").exists()
