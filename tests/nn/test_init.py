"""Initialisers draw PyTorch's very numbers."""

import warnings
from typing import Any

import numpy as np
import pytest

from jaxtrain import rng
from jaxtrain.nn import init
from jaxtrain.rng import Generator

torch = pytest.importorskip("torch")

SHAPES = [(512, 784), (10, 512), (1, 1), (8, 3, 5, 5), (4, 6, 3), (6, 2, 1, 2, 3)]
SEEDS = range(20)
NONLINEARITIES = [
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "selu",
]

# The broad ones keep more than 0.3 of the mass, the narrow ones less; the last of the
# latter has its mean outside.
BROAD = [{}, {"mean": 0.5, "std": 2.0, "a": -1.0, "b": 3.0}, {"std": 0.02}]
NARROW = [
    {"a": 2.0, "b": 3.0},
    {"std": 3.0, "a": -0.5, "b": 0.5},
    {"mean": -4.0, "std": 1.5, "a": 0.25, "b": 9.0},
]

ARGUMENTS: list[tuple[str, dict[str, Any]]] = [
    ("uniform", {}),
    ("uniform", {"a": -0.3, "b": 0.7}),
    ("normal", {}),
    ("normal", {"mean": 0.3, "std": 0.02}),
    ("xavier_uniform", {}),
    ("xavier_uniform", {"gain": 2.5}),
    ("xavier_normal", {}),
    ("xavier_normal", {"gain": 2.5}),
    ("kaiming_uniform", {"a": 5**0.5}),
    ("kaiming_uniform", {"mode": "fan_out", "nonlinearity": "relu"}),
    ("kaiming_normal", {"a": 0.2, "mode": "FAN_IN"}),
    ("kaiming_normal", {"mode": "fan_out", "nonlinearity": "tanh"}),
    *(("trunc_normal", arguments) for arguments in BROAD),
    ("constant", {"val": 0.3}),
    ("ones", {}),
    ("zeros", {}),
]


def theirs(name: str, shape: tuple[int, ...], dtype: str, **arguments: Any) -> Any:
    tensor = torch.empty(shape, dtype=getattr(torch, dtype))
    with warnings.catch_warnings():
        # `trunc_normal_` warns of a mean far outside.
        warnings.simplefilter("ignore", UserWarning)
        getattr(torch.nn.init, f"{name}_")(tensor, **arguments)
    return tensor.numpy()


def assert_generators_are_level() -> None:
    state = rng.default_generator.get_state()
    assert bytes(state) == bytes(torch.get_rng_state().numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "arguments"), ARGUMENTS, ids=str)
def test_values_are_pytorchs(name: str, arguments: dict[str, Any], dtype: str) -> None:
    # A truncated normal draws some twelve times over.
    for seed, shape in enumerate(SHAPES[name == "trunc_normal" :]):
        torch.manual_seed(seed)
        rng.manual_seed(seed)
        ours = getattr(init, name)(shape, **arguments, dtype=dtype)
        expected = theirs(name, shape, dtype, **arguments)
        np.testing.assert_array_equal(ours, expected, strict=True)
        assert_generators_are_level()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("arguments", NARROW, ids=str)
def test_narrow_truncated_normals(arguments: dict[str, Any], dtype: str) -> None:
    """20 seeds of 35 values: the odds of a logarithm that differs are 1e-4."""
    for seed in SEEDS:
        torch.manual_seed(seed)
        rng.manual_seed(seed)
        ours = init.trunc_normal((7, 5), **arguments, dtype=dtype)
        expected = theirs("trunc_normal", (7, 5), dtype, **arguments)
        np.testing.assert_array_equal(ours, expected, strict=True)
        assert arguments["a"] <= ours.min() <= ours.max() <= arguments["b"]
        assert_generators_are_level()


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (1, 7), (0, 3)])
def test_eye(shape: tuple[int, int]) -> None:
    np.testing.assert_array_equal(
        init.eye(shape), theirs("eye", shape, "float32"), strict=True
    )


@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("shape", [(6, 2, 3), (6, 4, 3, 2), (12, 2, 1, 5, 4)])
def test_dirac(shape: tuple[int, ...], groups: int) -> None:
    expected = theirs("dirac", shape, "float32", groups=groups)
    np.testing.assert_array_equal(init.dirac(shape, groups), expected, strict=True)
    assert expected.sum() > 0


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.91, 1.0])
def test_sparse(sparsity: float) -> None:
    for seed in SEEDS:
        torch.manual_seed(seed)
        rng.manual_seed(seed)
        ours = init.sparse((11, 6), sparsity, std=0.3)
        expected = theirs("sparse", (11, 6), "float32", sparsity=sparsity, std=0.3)
        np.testing.assert_array_equal(ours, expected, strict=True)
        assert_generators_are_level()


def test_the_zeros_of_sparse_come_from_the_default_generator() -> None:
    torch.manual_seed(1)
    rng.manual_seed(1)
    ours = init.sparse((11, 6), 0.5, generator=Generator(2))
    given = torch.Generator().manual_seed(2)
    expected = theirs("sparse", (11, 6), "float32", sparsity=0.5, generator=given)
    np.testing.assert_array_equal(ours, expected)


# Twice what was seen, since every LAPACK rounds in its own order; float32's is
# PyTorch's own error, as our Q is rounded once.
ORTHOGONAL_BOUNDS = {"float32": 2e-6, "float64": 2e-15}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "shape", [(128, 64), (20, 50), (9, 9), (8, 3, 3, 3), (1, 4), (4, 1)]
)
def test_orthogonal(shape: tuple[int, ...], dtype: str) -> None:
    for seed in SEEDS:
        torch.manual_seed(seed)
        rng.manual_seed(seed)
        ours = init.orthogonal(shape, 1.5, dtype=dtype)
        expected = theirs("orthogonal", shape, dtype, gain=1.5)
        assert ours.dtype == expected.dtype
        bound = 1.5 * ORTHOGONAL_BOUNDS[dtype]
        np.testing.assert_allclose(ours, expected, rtol=0, atol=bound)
        assert_generators_are_level()


def test_orthogonal_without_the_signs_is_noticed() -> None:
    torch.manual_seed(0)
    expected = theirs("orthogonal", (9, 9), "float64")
    drawn = init.normal((9, 9), generator=Generator(0), dtype=np.float64)
    assert np.abs(np.linalg.qr(drawn)[0] - expected).max() > 0.1


def test_kaiming_with_the_other_fan_is_noticed() -> None:
    right, wrong = (
        init.kaiming_uniform((8, 3), mode=mode, generator=Generator(0))
        for mode in ("fan_in", "fan_out")
    )
    assert (right != wrong).all()


def test_clipping_instead_of_drawing_anew_is_noticed() -> None:
    torch.manual_seed(0)
    expected = theirs("trunc_normal", (100,), "float32")
    clipped = init.normal((100,), generator=Generator(0)).clip(-2, 2)
    assert (clipped != expected).any()


def test_calculate_gain() -> None:
    for name in NONLINEARITIES:
        assert init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    for slope in (0, 0.3, 2):
        expected = torch.nn.init.calculate_gain("leaky_relu", slope)
        assert init.calculate_gain("leaky_relu", slope) == expected


def test_nothing_to_initialise() -> None:
    state = bytes(rng.default_generator.get_state())
    for name in ("kaiming_uniform", "kaiming_normal", "orthogonal"):
        assert getattr(init, name)((0, 3)).shape == (0, 3)
    assert bytes(rng.default_generator.get_state()) == state


REFUSED: list[tuple[str, tuple[Any, ...], str]] = [
    ("kaiming_uniform", ((2, 2), 0.0, "fan_off"), "'fan_off'"),
    ("kaiming_normal", ((2, 2), 0.0, "fan_off"), "'fan_off'"),
    ("calculate_gain", ("gelu",), "'gelu'"),
    ("calculate_gain", ("leaky_relu", True), "True"),
    ("kaiming_uniform", ((3,),), r"\(3,\)"),
    ("xavier_normal", ((3,),), r"\(3,\)"),
    ("orthogonal", ((3,),), r"\(3,\)"),
    ("eye", ((3,),), r"\(3,\)"),
    ("sparse", ((3, 1, 1), 0.5), r"\(3, 1, 1\)"),
    ("dirac", ((3, 1),), r"\(3, 1\)"),
    ("dirac", ((3, 1, 1), 2), "groups=2"),
    ("uniform", ((3,), 1.0, 0.0), "low=1.0"),
    ("normal", ((3,), 0.0, -1.0), "-1.0"),
]


@pytest.mark.parametrize(("name", "given", "message"), REFUSED, ids=str)
def test_what_does_not_fit_is_refused(
    name: str, given: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(init, name)(*given)
