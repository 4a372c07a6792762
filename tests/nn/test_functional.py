"""The face of the functions is PyTorch's: names, arguments, defaults."""

import inspect
import re
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from jaxtrain import losses, nn
from jaxtrain.nn import functional as F
from parity.proof.functional.cases import CASES

OWN = {
    "batch_norm_with_statistics",
    "embedding_renorm",
    "instance_norm_with_statistics",
}
LEFT_OUT = {"grouped_mm", "scaled_grouped_mm", "scaled_mm"}
LOSSES = {*losses.__all__} & {*F.__all__}
# Of PyTorch's own machinery, which stands in its module.
MACHINERY = (
    "assert_int_or_pair|boolean_dispatch|handle_torch_function|has_torch_function"
)


def functions_of_torch() -> set[str]:
    module = torch.nn.functional
    return {
        name
        for name in dir(module)
        if callable(getattr(module, name))
        and not inspect.isclass(getattr(module, name))
        and getattr(getattr(module, name), "__module__", "")
        not in ("typing", "torch._jit")
        and not name.startswith("_")
        and not re.match(MACHINERY, name)
    }


@pytest.mark.long
def test_every_function_of_pytorch_is_here_or_left_out() -> None:
    """A newer PyTorch may have more."""
    missing = {n for n in functions_of_torch() if n[0].islower()} - {*F.__all__}
    assert missing == LEFT_OUT


def test_every_function_has_cases() -> None:
    assert {case.name for case in CASES} == {*F.__all__} - OWN - LOSSES
    assert len(LOSSES) == 22


def test_losses_are_those_of_their_room() -> None:
    for name in LOSSES:
        assert getattr(F, name) is getattr(losses, name)


def signature_of(name: str) -> list[tuple[str, Any]]:
    """Names and defaults of PyTorch's arguments, where it shows them."""
    function = getattr(torch.nn.functional, name)
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:
        return []
    return (
        []
        if "args" in parameters
        else [(p.name, p.default) for p in parameters.values()]
    )


def test_arguments_are_pytorchs() -> None:
    different = []
    for name in {*F.__all__} - OWN - LOSSES:
        theirs = signature_of(name)
        ours = inspect.signature(getattr(F, name)).parameters.values()
        mine = [(p.name, p.default) for p in ours if p.name != "order"]
        if theirs and mine != theirs:
            different.append((name, mine, theirs))
    assert different == []


def test_places_of_the_largest_have_their_own_names() -> None:
    """`x_with_indices` is `x` with `return_indices=True`, whatever is asked for."""
    x = jnp.arange(32.0).reshape(1, 2, 4, 4)
    for name in ("max_pool2d", "adaptive_max_pool2d"):
        pair = getattr(F, f"{name}_with_indices")(x, 2)
        for one, other in zip(
            pair, getattr(F, name)(x, 2, return_indices=True), strict=True
        ):
            np.testing.assert_array_equal(one, other)


def test_an_empty_batch_leaves_the_statistics() -> None:
    layer = nn.BatchNorm1d(3)
    before = nn.state_dict(layer)
    assert layer(jnp.ones((0, 3))).shape == (0, 3)
    for name in ("running_mean", "running_var"):
        np.testing.assert_array_equal(nn.state_dict(layer)[name], before[name])


# What does not fit: (function, arguments, message).
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("linear", {"weight": jnp.ones((2, 3))}, r"Linear\(3, 2\).*\(4, 5\).*must be 3"),
    ("conv1d", {"weight": jnp.ones((2, 3))}, r"weight of conv1d.*3 dimensions"),
    ("conv1d", {"weight": jnp.ones((2, 3, 2))}, r"conv1d.*\(4, 5\).*0 must be 3"),
    ("conv1d", {"weight": jnp.ones((2, 4, 9))}, r"smaller than the kernel"),
    ("conv1d", {"weight": jnp.ones((2, 4, 2)), "groups": 0}, r"groups >= 1, got 0"),
    ("pad", {"pad": (1,)}, r"pad\(\(1,\)\).*two numbers"),
    ("pad", {"pad": (1, 1), "mode": "mirror"}, r"'mirror'"),
    ("pad", {"pad": (5, 1), "mode": "reflect"}, r"too small for reflect \(5, 1\)"),
    ("pad", {"pad": (1, 1), "mode": "reflect", "value": 2.0}, r"takes no value.*2.0"),
    ("normalize", {"out": jnp.ones((4, 5))}, r"out must be None"),
    ("pdist", {"p": -1.0}, r"p >= 0, got -1.0"),
    ("dropout", {"p": 1.5}, r"1\.5"),
    ("batch_norm", {"running_mean": None, "running_var": None}, r"needs running_mean"),
    ("group_norm", {"num_groups": 2}, r"num_channels \(5\).*\(2\)"),
    ("layer_norm", {"normalized_shape": (4,)}, r"\(4, 5\).*must be \(4,\)"),
    ("hardtanh", {"min_val": 2.0}, r"min_val <= max_val: 2.0, 1.0"),
    ("interpolate", {"size": 3}, r"\(4, 5\).*dimensions"),
    ("interpolate", {"size": 3, "antialias": True}, r"antialias=True.*'nearest'"),
    ("glu", {}, r"GLU\(-1\).*even"),
]


def test_what_does_not_fit_is_refused() -> None:
    """PyTorch refuses it, too."""
    quiet = []
    for name, arguments, message in REFUSED:
        try:
            getattr(F, name)(jnp.ones((4, 5)), **arguments)
            quiet.append(name)
        except ValueError as error:
            if not re.search(message, str(error)):
                quiet.append(f"{name}: {error}")
        given = {
            key: torch.tensor(np.asarray(x)) if hasattr(x, "shape") else x
            for key, x in arguments.items()
        }
        if name != "normalize":
            with pytest.raises(
                (ValueError, RuntimeError, TypeError, NotImplementedError)
            ):
                getattr(torch.nn.functional, name)(torch.ones(4, 5), **given)
    assert quiet == []


def test_attention_that_does_not_fit_is_refused() -> None:
    q = jnp.ones((2, 3, 4))
    attend = F.scaled_dot_product_attention
    for key, value, more, message in (
        (q[..., :3], q, {}, r"that of \(2, 3, 4\)"),
        (q, q[:, :2], {}, r"keys are \(2, 3, 4\)"),
        (
            q,
            q,
            {"is_causal": True, "attn_mask": jnp.ones((3, 3), bool)},
            "must be None",
        ),
        (jnp.ones((3, 3, 4)), q, {"enable_gqa": True}, "do not divide"),
    ):
        with pytest.raises(ValueError, match=message):
            attend(q, key, value, **more)
