"""One loss on one set of inputs: the value and each gradient, against PyTorch's.

In float64 the difference from PyTorch is taken, in float32 that from PyTorch's float64
result on the same float32 inputs. Either is in units of the largest term that went into
the element: what it came to, how far it swings in proportion as the inputs are nudged,
the losses it is the sum of, and the constant of the formula. At a kink the swing of a
slope is 2**20 times its jump; float64 still sees a wrong slope there as 1e-6.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch

from jaxtrain import losses
from parity.difference import difference
from parity.proof.losses.cases import Content, LossCase
from parity.proof.losses.inputs import tensors
from parity.proof.verdict import Verdict
from parity.pytorch.losses import torch_loss

Arrays = dict[str, np.ndarray]
Loss = Callable[..., Any]

FLOAT64_BOUND = 1e-12
"""Relative: 4,500 roundings, where a sum here has a hundred terms at most."""
FLOAT32_BOUND = 8.0
"""Units in the last place: some ten roundings, in an order of our own."""


REASONS = {
    "float64": "relative to the largest term: a few thousand roundings, no formula",
    "float32": "8 units of the largest term, some ten roundings, or PyTorch's error",
}
UNITS = {"float64": "relative", "float32": "ulps"}

# PyTorch's side.

OUR_DISTANCES: dict[str, Loss] = {
    "squared": lambda x, y: jnp.square(x - y).sum(-1),
    "one minus the cosine": lambda x, y: (
        1 - (x * y).sum(-1) / jnp.sqrt(1 + (x * x).sum(-1) * (y * y).sum(-1))
    ),
}
TORCH_DISTANCES: dict[str, Loss] = {
    "squared": lambda x, y: (x - y).square().sum(-1),
    "one minus the cosine": lambda x, y: (
        1 - (x * y).sum(-1) / torch.sqrt(1 + (x * x).sum(-1) * (y * y).sum(-1))
    ),
}


def plain_arguments(case: LossCase, distances: Mapping[str, Loss]) -> dict[str, Any]:
    """The arguments that are no tensors."""
    plain = {k: v for k, v in case.args.items() if not isinstance(v, Content)}
    if "distance_function" in plain:
        plain["distance_function"] = distances[plain["distance_function"]]
    return plain


def torch_result(
    case: LossCase, inputs: Arrays, dtype: str, cotangent: np.ndarray | None = None
) -> Arrays:
    """PyTorch's value, and its gradients under a cotangent if one is given."""
    kind = getattr(torch, dtype)
    leaves = {
        key: torch.tensor(x, dtype=kind if x.dtype.kind == "f" else torch.int64)
        for key, x in inputs.items()
    }
    if cotangent is not None:
        for key in case.gradients:
            leaves[key].requires_grad_()
    with warnings.catch_warnings():
        # `kl_div` warns of what its mean will be one day.
        warnings.simplefilter("ignore")
        value = torch_loss(case.name)(
            **leaves, **plain_arguments(case, TORCH_DISTANCES)
        )
    result = {"value": value.detach().numpy()}
    if cotangent is not None and case.gradients:
        inputs_of_gradients = [leaves[key] for key in case.gradients]
        grads = torch.autograd.grad(
            value, inputs_of_gradients, torch.tensor(cotangent, dtype=kind)
        )
        result |= {
            key: grad.numpy() for key, grad in zip(case.gradients, grads, strict=True)
        }
    return result


# Our side: all cases of one type in one compilation.


def our_results(
    cases: Sequence[LossCase],
    inputs: Sequence[Arrays],
    cotangents: Sequence[np.ndarray],
    dtype: str,
    loss: Callable[[LossCase], Loss],
) -> list[Arrays]:
    """Our values and gradients, compiled together."""
    functions = [_with_gradients(case, loss(case)) for case in cases]

    @jax.jit
    def together(inputs: Any, cotangents: Any) -> Any:
        arguments = zip(functions, inputs, cotangents, strict=True)
        return [function(*values) for function, *values in arguments]

    argument_lists = [
        {
            key: jnp.asarray(x, dtype if x.dtype.kind == "f" else None)
            for key, x in case_inputs.items()
        }
        for case_inputs in inputs
    ]
    results = together(argument_lists, [jnp.asarray(c, dtype) for c in cotangents])
    return [{key: np.asarray(x) for key, x in one.items()} for one in results]


def _with_gradients(case: LossCase, loss: Loss) -> Loss:
    plain = plain_arguments(case, OUR_DISTANCES)

    def function(inputs: Any, cotangent: jax.Array) -> dict[str, jax.Array]:
        selection = {key: inputs[key] for key in case.gradients}
        if not selection:
            return {"value": loss(**inputs, **plain)}
        value, pull = jax.vjp(
            lambda selection: loss(**{**inputs, **selection}, **plain), selection
        )
        return {"value": value, **pull(cotangent.astype(value.dtype))[0]}

    return function


# The judgement.

NUDGE = 2.0**-20
"""Leaves a float64 difference the 33 bits that are as good as a derivative here."""


@dataclass(frozen=True)
class Reference:
    """What is right for one case, and how large the terms are that it is made of."""

    case: LossCase
    inputs: Arrays
    cotangent: np.ndarray
    exact: Arrays
    """PyTorch's in float64."""
    terms: Arrays


def reference(case: LossCase, dtype: str) -> Reference:
    """PyTorch's float64 result on inputs that a type can hold."""
    inputs = {
        key: x.astype(dtype).astype(np.float64) if x.dtype.kind == "f" else x
        for key, x in tensors(case).items()
    }
    shape = torch_result(case, inputs, "float64")["value"].shape
    cotangent = np.random.default_rng(len(case.args)).standard_normal(shape)
    cotangent = cotangent.astype(dtype).astype(np.float64)
    exact = torch_result(case, inputs, "float64", cotangent)
    return Reference(
        case, inputs, cotangent, exact, _terms(case, inputs, cotangent, exact)
    )


def _terms(
    case: LossCase, inputs: Arrays, cotangent: np.ndarray, exact: Arrays
) -> Arrays:
    """The size of the largest term that went into each element."""
    parts, share = _parts(case, inputs)
    slope = case.term if case.slope is None else case.slope
    constant = {key: slope * largest(cotangent) * share for key in case.gradients}
    constant["value"] = max(case.term * share, largest(parts) * share)
    terms = {key: np.maximum(finite(exact[key]), constant[key]) for key in exact}
    for name, x in inputs.items():
        if x.dtype.kind == "f":
            # Signs of all kinds, so that no two effects cancel throughout.
            signs = np.random.default_rng(x.size).choice([-1.0, 1.0], x.shape)
            value = x * (1 + signs * NUDGE)
            if str(case.args[name]) in ("probability", "bit"):
                value = np.minimum(value, 1.0)
            there = {**inputs, name: value}
            other = torch_result(case, there, "float64", cotangent)
            for key in exact:
                swing = finite(difference(exact[key], other[key])) / NUDGE
                terms[key] = np.maximum(terms[key], swing)
    return terms


def _parts(case: LossCase, inputs: Arrays) -> tuple[np.ndarray, float]:
    """The losses before they are reduced, and what each counts for in the result."""
    if "reduction" not in case.args or case.args["reduction"] == "none":
        return np.zeros(1), 1.0
    alone = LossCase(case.name, {**case.args, "reduction": "none"}, ())
    parts = torch_result(alone, inputs, "float64")["value"]
    mean = case.args["reduction"] in ("mean", "batchmean")
    return parts, 1 / max(parts.size, 1) if mean else 1.0


def finite(values: np.ndarray) -> np.ndarray:
    """Sizes, 0 where there is none.

    Example:
        >>> finite(np.array([-1.0, np.inf]))
        array([1., 0.])
    """
    return np.where(np.isfinite(values), np.abs(values), 0.0)


def largest(values: np.ndarray) -> float:
    """The largest size.

    Example:
        >>> largest(np.array([-1.0, np.inf]))
        1.0
    """
    return float(finite(values).max(initial=0.0))


def judge(
    cases: Sequence[LossCase],
    dtype: str,
    loss: Callable[[LossCase], Loss] | None = None,
) -> list[Verdict]:
    """Judge the value and every gradient of some cases.

    Args:
        cases: compiled together.
        dtype: float64 or float32.
        loss: what is judged, given the case; ours of that name if not given.
    """
    loss_of = loss or (lambda case: getattr(losses, case.name))
    right = [reference(case, dtype) for case in cases]
    with jax.enable_x64(dtype == "float64"):
        inputs = [one.inputs for one in right]
        cotangents = [one.cotangent for one in right]
        ours = our_results(cases, inputs, cotangents, dtype, loss_of)
    pairs = zip(right, ours, strict=True)
    return [
        measure for one, results in pairs for measure in _judged(one, results, dtype)
    ]


def _judged(right: Reference, ours: Arrays, dtype: str) -> Iterator[Verdict]:
    def compared(key: str, value: np.ndarray, target: np.ndarray) -> float:
        return distance(right.terms[key], value, target, dtype)

    if dtype == "float64":
        for key, exact in right.exact.items():
            apart = compared(key, ours[key], exact)
            yield _verdict(right.case, key, dtype, apart, FLOAT64_BOUND)
        return
    narrow = torch_result(right.case, right.inputs, dtype, right.cotangent)
    for key, exact in right.exact.items():
        # Where a float32 overflows, PyTorch's tells which way.
        wanted = np.where(np.isfinite(narrow[key]), exact, narrow[key])
        worst, own = (compared(key, x, wanted) for x in (ours[key], narrow[key]))
        bound = max(FLOAT32_BOUND, own)
        yield _verdict(right.case, key, dtype, worst, bound, own)


def _verdict(
    case: LossCase, key: str, dtype: str, value: float, bound: float, own: float = 0.0
) -> Verdict:
    tensor = "value" if key == "value" else f"d {key}"
    return Verdict(
        "losses",
        case.name,
        str(case).removeprefix(case.name),
        dtype,
        "one call",
        f"{tensor}, {UNITS[dtype]}",
        value,
        bound,
        REASONS[dtype],
        rounding=own,
    )


def distance(
    terms: np.ndarray, value: np.ndarray, target: np.ndarray, dtype: str
) -> float:
    """The worst difference in a tensor, relative to its terms or in units of them.

    Args:
        terms: the size of the largest term that went into each element.
        value: what is judged.
        target: what is right.
        dtype: float64 for a share, float32 for units in the last place.

    Example:
        >>> distance(np.ones(1), np.ones(1) + 2.0**-22, np.ones(1), "float32")
        2.0
    """
    kind = np.finfo(dtype)
    apart = difference(target, value)
    # XLA's CPU code takes subnormal numbers for 0.
    size = np.clip(terms, kind.tiny, kind.max)
    apart = np.where(apart < kind.tiny, 0.0, apart)
    if dtype == "float64":
        with np.errstate(over="ignore"):
            return float((apart / size).max(initial=0.0))
    # The spacing at the largest number of all overflows.
    with np.errstate(over="ignore"):
        unit = np.spacing(size.astype(dtype)).astype(np.float64)
    return float((apart / unit).max(initial=0.0))
