"""A configuration of any JSON: taken and whole again, or refused in one line."""

import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxtrain.errors import ConfigError
from jaxtrain.run.config import Config, LossConfig, ModelConfig, OptimizerConfig
from jaxtrain.store import codec

FIELDS: list[tuple[str, str]] = [
    (part.name, field.name)
    for part in fields(Config)
    for field in fields(part.type)  # type: ignore[arg-type]
]
PARTS = sorted({part for part, _ in FIELDS})
NAMES = [
    *("adam", "sgd", "lbfgs", "muon", "mlp", "cnn", "cross_entropy", "step_lr"),
    *("random_crop(padding=4)", "auto", "torch", "epoch", "step", "float64", "inf"),
]
TEXT = st.text(max_size=9)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    TEXT,
    st.sampled_from([0, 1, 0.5, *NAMES]),
)
VALUES = st.recursive(
    SCALARS,
    lambda each: st.lists(each, max_size=3) | st.dictionaries(TEXT, each, max_size=3),
    max_leaves=5,
)


def nested(depth: int, value: Any = 1) -> Any:
    for _ in range(depth):
        value = [value]
    return value


def taken(content: Any) -> Config | None:
    """The configuration, which JSON does not change; None for a line that refuses."""
    line = ""
    try:
        config = Config.from_dict(content)
    except ConfigError as error:
        line = str(error)
    if line:
        assert line.isprintable()
        assert len(line) < 500
        return None
    content = codec.decode(codec.encode(config.to_dict()))
    assert Config.from_dict(content) == config
    return config


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, min_size=1, max_size=2))
def test_any_json_in_a_field_is_taken_or_refused(values: dict[Any, Any]) -> None:
    content: dict[str, dict[str, Any]] = {}
    for (part, name), value in values.items():
        content.setdefault(part, {})[name] = value
    taken(content)


@given(VALUES | st.dictionaries(st.sampled_from(PARTS), VALUES, max_size=2))
def test_any_json_at_all_is_taken_or_refused(content: Any) -> None:
    taken(content)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("loss", "args", {"weight": nested(500)}),
        ("loss", "args", {"weight": nested(100_000)}),
        ("loss", "args", {"weight": {}}),
        ("loss", "args", {"weight": math.nan}),
        ("model", "hidden", nested(100_000)),
        ("data", "augment", ["-" * 100_000 + "1"]),
        ("data", "augment", ["(" * 100_000]),
        ("data", "augment", ["a(b=" + "-" * 900 + "1)"]),
        ("data", "normalize", [10**5000, 1]),
        ("loop", "seed", -(10**5000)),
        ("optimizer", "lr", 10**400),
        ("optimizer", "weight_decay", 10**5000),
        ("optimizer", "name", nested(100_000)),
        ("records", "resume", "a\0b"),
        ("data", "source", "\ud800"),
    ],
    ids=lambda value: f"{value!s:.20}" if isinstance(value, str) else "",
)
def test_what_is_huge_or_deep_is_refused(part: str, name: str, value: Any) -> None:
    assert taken({part: {name: value}}) is None


@pytest.mark.parametrize(
    "content", [nested(100_000), {"loop": nested(100_000)}, {3: 1}]
)
def test_what_is_no_table_is_refused(content: Any) -> None:
    assert taken(content) is None


@given(st.sampled_from(FIELDS), st.data())
def test_a_field_holds_its_type(field: tuple[str, str], data: st.DataObject) -> None:
    """What is taken is of the declared type: no true for 1, no word for a number."""
    part, name = field
    config = taken({part: {name: data.draw(SCALARS)}})
    if config is not None:
        kinds = {each.name: each.type for each in fields(getattr(config, part))}
        value, kind = getattr(getattr(config, part), name), kinds[name]
        assert value is None or type(value) is kind or kind not in (int, float, str)
        if kind in (int | None, float | None):
            assert value is None or type(value) in kind.__args__
        if kind == Path | None:
            assert value is None or isinstance(value, Path)


def test_the_sample_is_of_both_sorts() -> None:
    assert taken({"optimizer": {"lr": 1}, "loss": {"args": {"weight": nested(8)}}})
    assert taken({"optimizer": {"lr": True}}) is None
    assert taken({"loss": {"args": {"weight": nested(9)}}}) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OptimizerConfig(lr="fast"), "--lr must be a number, but got 'fast'"),
        (lambda: OptimizerConfig(lr=True), "--lr must be a number, but got True"),
        (lambda: OptimizerConfig(lr=-1), "--lr must be from 0 to 1e+38, but got -1"),
        (lambda: OptimizerConfig(3), "--optimizer must be a word, but got 3"),
        (lambda: OptimizerConfig("sdg"), "unknown optimizer 'sdg': did you mean 'sgd'"),
        (lambda: ModelConfig(hidden=(8, 0.5)), "--hidden must be a whole number, but"),
        (
            lambda: LossConfig(args={"weight": {}}),
            "--loss-args weight cannot be {}: give numbers, words or lists of ",
        ),
    ],
)
def test_a_program_s_values_are_judged_as_the_command_line_s(
    make: Any, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make()
    assert str(caught.value).startswith(message)
