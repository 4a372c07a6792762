"""One call of a function: what it returns, its gradients and its draws.

PyTorch's float64 result is what is right, and the terms that went into each element are
found as for the losses: what it came to, and how far it swings in proportion as the
inputs and the cotangents are nudged. Whole numbers, such as the places of maxima, must
be equal; running statistics that PyTorch changes in place are compared with those that
our function returns; and after a call that draws both generators must stand at the same
number.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch

from jaxtrain import rng
from jaxtrain.nn import functional as F
from parity.difference import difference
from parity.proof.functional.cases import DType, FunctionCase, Recipe, tensor
from parity.proof.losses.judge import (
    FLOAT32_BOUND,
    FLOAT64_BOUND,
    NUDGE,
    UNITS,
    distance,
    finite,
    largest,
)
from parity.proof.verdict import Verdict
from parity.rounding import round_all

Arrays = dict[str, np.ndarray]
Function = Callable[..., Any]

SEED = 5
DRAW = ("rrelu", "gumbel_softmax")
SIDES = 2
"""PyTorch rounds, and so do we."""
UNIT = 2.0**-24
"""What a rounding to float32 moves at most."""
RUNS = 4
"""Of PyTorch's in float64, each operation moved as float32 may round it."""

# LLVM would take half of the time, and changes rounding at most, which float32 shows.
COMPILER_OPTIONS = {"float64": {"xla_backend_optimization_level": 0}}


REASONS = {
    "float64": "relative to the largest term: a few thousand roundings, no formula",
    "float32": (
        "8 units of the largest term, some ten roundings, or twice PyTorch's error, as "
        "both sides round"
    ),
}


def inputs_of(case: FunctionCase) -> Arrays:
    """The tensors of a call."""
    return {k: tensor(v) for k, v in case.args.items() if isinstance(v, Recipe)}


def _cotangent(shape: tuple[int, ...], place: int) -> np.ndarray:
    # Never the stream of an input: what is left of x · x may be rounding alone.
    values = np.random.default_rng([7, place, *shape]).standard_normal(shape)
    return values.astype(np.float32).astype(np.float64)


# PyTorch's side.


def torch_result(
    case: FunctionCase,
    inputs: Arrays,
    dtype: str,
    nudge: Callable[[np.ndarray], np.ndarray] = lambda x: x,
) -> Arrays:
    """What PyTorch returns, its gradients, and what it changed.

    Args:
        case: which function, with which other arguments.
        inputs: the tensors.
        dtype: of those whose type is that of the run.
        nudge: what becomes of the cotangents.
    """
    leaves = {key: _leaf(case, key, x, dtype) for key, x in inputs.items()}
    # A leaf may not be changed in place: PyTorch is given copies.
    given = {key: x * 1 if key in case.gradients else x for key, x in leaves.items()}
    others = {
        key: getattr(torch, x.name) if isinstance(x, DType) else x
        for key, x in case.args.items()
        if not isinstance(x, Recipe)
    }
    torch.manual_seed(SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        returned = getattr(torch.nn.functional, case.name)(**given, **others)
    outputs = [x for x in _flat(returned) if x is not None]
    result = {f"output {i}": x.detach().numpy().copy() for i, x in enumerate(outputs)}
    floats = [(i, x) for i, x in enumerate(outputs) if x.requires_grad]
    if case.gradients and floats:
        cotangents = [
            torch.tensor(nudge(_cotangent(tuple(x.shape), i)), dtype=x.dtype)
            for i, x in floats
        ]
        grads = torch.autograd.grad(
            [x for _, x in floats],
            [leaves[key] for key in case.gradients],
            cotangents,
            materialize_grads=True,
        )
        pairs = zip(case.gradients, grads, strict=True)
        result |= {f"d {key}": x.numpy() for key, x in pairs}
    return result | {key: given[key].detach().numpy().copy() for key in case.changes}


def _leaf(case: FunctionCase, key: str, x: np.ndarray, dtype: str) -> torch.Tensor:
    leaf = torch.tensor(x, dtype=getattr(torch, _type_of(case, key, dtype)))
    return leaf.requires_grad_(key in case.gradients)


def _type_of(case: FunctionCase, key: str, dtype: str) -> str:
    """The type of a tensor: its own, or that of the run."""
    kind: str = case.args[key].dtype
    return kind or dtype


def _flat(returned: Any) -> Iterator[Any]:
    if isinstance(returned, tuple | list):
        yield from returned
    else:
        yield returned


@dataclass(frozen=True)
class Reference:
    """What is right for one call, and how large the terms are that it is made of."""

    case: FunctionCase
    inputs: Arrays
    exact: Arrays
    """PyTorch's in float64."""
    terms: Arrays


@lru_cache(maxsize=1024)
def reference(case: FunctionCase) -> Reference:
    """PyTorch's float64 result on inputs that float32 can hold."""
    inputs = inputs_of(case)
    exact = torch_result(case, inputs, "float64")
    terms = {key: finite(x) for key, x in exact.items()}
    swung = partial(_swing, terms, exact)
    for place, (key, x) in enumerate(inputs.items()):
        if case.args[key].floating:
            moved = {**inputs, key: _nudge(x, place)}
            swung(torch_result(case, moved, "float64"))
    if case.gradients:
        nudge = partial(_nudge, place=len(inputs))
        swung(torch_result(case, inputs, "float64", nudge))
    for key, size in _weighed(case, inputs).items():
        if key in terms:
            terms[key] = np.maximum(terms[key], size)
    for seed in range(RUNS if all(x.size for x in inputs.values()) else 0):
        # What cancels within a formula shows as its parts are moved.
        with round_all(seed):
            swung(torch_result(case, inputs, "float64"), UNIT)
    return Reference(case, inputs, exact, terms)


def _weighed(case: FunctionCase, inputs: Arrays) -> dict[str, float]:
    """Terms of what is one operation of PyTorch's: a sum of weighed elements."""
    if not case.name.startswith(("grid_sample", "interpolate", "upsample")):
        return {}
    size = largest(inputs["input"])
    slope = size * max(inputs["input"].shape[2:]) / 2  # of its weights
    return {"output 0": size, "d input": 1.0, "d grid": slope}


def _nudge(x: np.ndarray, place: int) -> np.ndarray:
    # Signs of all kinds, so that no two effects cancel throughout.
    signs = np.random.default_rng([x.size, place]).choice([-1.0, 1.0], x.shape)
    return x * (1 + signs * NUDGE)


def _swing(terms: Arrays, exact: Arrays, other: Arrays, by: float = NUDGE) -> None:
    for key, x in exact.items():
        if x.shape == other[key].shape:
            swing = finite(difference(x, other[key])) / by
            terms[key] = np.maximum(terms[key], swing)


# Our side.


def our_results(
    cases: Sequence[FunctionCase], dtype: str, function: Callable[[FunctionCase], Any]
) -> list[Arrays]:
    """Ours: calls that draw as they are, all others in one compilation."""
    results: dict[int, Arrays] = {}
    plain = [i for i, case in enumerate(cases) if not _eager(case)]
    jobs = [_job(cases[i], function(cases[i])) for i in plain]

    @partial(jax.jit, compiler_options=COMPILER_OPTIONS.get(dtype))
    def together(inputs: Any) -> Any:
        return [job(x) for job, x in zip(jobs, inputs, strict=True)]

    found = together([_arrays(cases[i], dtype) for i in plain]) if jobs else []
    results |= dict(zip(plain, found, strict=True))
    for i, case in enumerate(cases):
        if i not in results:
            rng.manual_seed(SEED)
            results[i] = _job(case, function(case))(_arrays(case, dtype))
            if case.draws:
                results[i]["place"] = rng.default_generator.get_state()
    return [{k: np.asarray(x) for k, x in results[i].items()} for i in sorted(results)]


def _eager(case: FunctionCase) -> bool:
    # The host draws outside compiled functions alone, and there the classes are known.
    counts = case.name == "one_hot" and case.args.get("num_classes", -1) == -1
    return case.draws or case.name in DRAW or counts


def _arrays(case: FunctionCase, dtype: str) -> dict[str, jax.Array]:
    arrays = {}
    for key, x in inputs_of(case).items():
        kind = _type_of(case, key, dtype)
        arrays[key] = jnp.asarray(x, jax.dtypes.canonicalize_dtype(kind))
    return arrays


def _job(case: FunctionCase, function: Function) -> Callable[[Any], Any]:
    others = {
        key: jnp.dtype(x.name) if isinstance(x, DType) else x
        for key, x in case.args.items()
        if not isinstance(x, Recipe)
    }

    def job(inputs: dict[str, jax.Array]) -> dict[str, jax.Array]:
        leaves = {key: inputs[key] for key in case.gradients}

        def call(leaves: dict[str, jax.Array]) -> Any:
            returned = function(**{**inputs, **leaves}, **others)
            outputs = [jnp.asarray(x) for x in _flat(returned) if x is not None]
            judged = outputs[: len(outputs) - len(case.changes)]
            real = [x for x in judged if jnp.issubdtype(x.dtype, jnp.floating)]
            return real, outputs

        if not leaves:
            return _named(case, call({})[1])
        real, pull, outputs = jax.vjp(call, leaves, has_aux=True)
        judged = outputs[: len(outputs) - len(case.changes)]
        places = [
            i for i, x in enumerate(judged) if jnp.issubdtype(x.dtype, jnp.floating)
        ]
        cotangents = [
            jnp.asarray(_cotangent(x.shape, i), x.dtype)
            for i, x in zip(places, real, strict=True)
        ]
        result = _named(case, outputs)
        return result | {f"d {k}": x for k, x in pull(cotangents)[0].items()}

    return job


def _named(case: FunctionCase, outputs: list[jax.Array]) -> dict[str, jax.Array]:
    count = len(outputs) - len(case.changes)
    names = [*(f"output {i}" for i in range(count)), *case.changes]
    return dict(zip(names, outputs, strict=True))


def our_function(case: FunctionCase) -> Function:
    """Ours of that name, and what it leaves where PyTorch changes its arguments."""
    if case.changes == ("weight",):
        return partial(_with_table, getattr(F, case.name))
    if case.changes:
        case_function: Function = getattr(F, f"{case.name}_with_statistics")
        return case_function
    plain: Function = getattr(F, case.name)
    return plain


def _with_table(function: Function, norm_type: float = 2.0, **given: Any) -> Any:
    input, weight, bound = given["input"], given["weight"], given["max_norm"]
    table = F.embedding_renorm(weight, input, bound, norm_type)
    return function(norm_type=norm_type, **given), jax.lax.stop_gradient(table)


# The judgement.


def judge(
    cases: Sequence[FunctionCase],
    dtype: str,
    function: Callable[[FunctionCase], Function] = our_function,
) -> list[Verdict]:
    """Judge every tensor of some calls.

    Args:
        cases: compiled together, but for those that draw.
        dtype: float64 or float32.
        function: what is judged, given the case; another one makes a broken twin.
    """
    with warnings.catch_warnings(), jax.enable_x64(dtype == "float64"):
        # Of types that float32 runs do not have.
        warnings.filterwarnings("ignore", "Explicitly requested dtype", UserWarning)
        ours = our_results(cases, dtype, function)
    pairs = zip(cases, ours, strict=True)
    return [found for case, result in pairs for found in _judged(case, result, dtype)]


def _judged(case: FunctionCase, ours: Arrays, dtype: str) -> Iterator[Verdict]:
    right = reference(case)
    narrow = torch_result(case, right.inputs, dtype)
    if case.draws:
        place = torch.get_rng_state().numpy()
        yield _verdict(case, "place", dtype, float((ours.pop("place") != place).any()))
    if set(ours) != set(right.exact):
        raise ValueError(f"{case}: {sorted(right.exact)}, but {sorted(ours)}")
    # A call may ask for float32, in the midst of float64 too.
    single = dtype == "float32" or any(x.dtype == np.float32 for x in narrow.values())
    for key, exact in right.exact.items():
        if _of_another_type(ours[key], narrow[key], dtype):
            yield _verdict(case, key, dtype, np.inf)
            continue
        compared = partial(distance, right.terms[key], dtype="float32")
        if not single:
            apart = distance(right.terms[key], ours[key], exact, dtype)
            yield _verdict(case, key, dtype, apart)
            continue
        # Where a float32 overflows, PyTorch's tells which way.
        wanted = np.where(np.isfinite(narrow[key]), exact, narrow[key])
        if _draws_by_type(case):
            wanted = narrow[key]
        apart, own = (compared(x, wanted) for x in (ours[key], narrow[key]))
        yield _verdict(case, key, "float32", apart, own)


def _of_another_type(ours: np.ndarray, theirs: np.ndarray, dtype: str) -> bool:
    # Where JAX has 32 bits alone, all that has 64 elsewhere has as many.
    if dtype == "float32" and theirs.dtype.itemsize == 8:
        return ours.dtype.kind != theirs.dtype.kind
    return ours.dtype != theirs.dtype


def _draws_by_type(case: FunctionCase) -> bool:
    # PyTorch draws other numbers in float32 than in float64 here.
    return case.draws and case.name.startswith("fractional")


def _verdict(
    case: FunctionCase, key: str, dtype: str, value: float, own: float = 0.0
) -> Verdict:
    narrow = dtype == "float32"
    return Verdict(
        "functional",
        case.name,
        str(case).removeprefix(case.name),
        dtype,
        "one call",
        f"{key}, {UNITS[dtype]}",
        value,
        max(FLOAT32_BOUND, SIDES * own) if narrow else FLOAT64_BOUND,
        REASONS[dtype],
        rounding=own,
    )
