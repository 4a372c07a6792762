"""What rounding may do to PyTorch's operations, on whichever machine they run.

How far a float32 result is from the right one depends on the order of sums, on fused
multiply-adds and on vector lengths: PyTorch's own distance on one machine is one draw
of many. Here every operation of a float64 run, forwards and backwards, has its result
moved at random by as much as float32 may round it, half a unit in the last place, and
the rest of the run carries that along, or cancels it, as it would a real rounding. A
sum of n products rounds n times, in an order that only the machine knows; a function
that no standard rounds, such as tanh, is moved by what libraries miss it by; and a
number made on the host by as often as it may round where it is made on the device.

References: stochastic arithmetic, Vignes 1993, https://doi.org/10.1016/0378-4754(93)
90003-D; the root of n in a sum's error, Higham and Mary 2019,
https://doi.org/10.1137/18M1226312.
"""

import math
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten

HOST = 4
"""Roundings of a number that PyTorch makes on the host and rounds once: the longest
of our formulas in the parameters' type, lr / (1 + (t - 1)·decay), has four steps."""

FUNCTION = 8.0
"""Half units by which a function may be off: XLA's float32 tanh was seen 4.0 units
off (300,000 values), PyTorch's 0.51."""
FUNCTIONS = frozenset(
    """
    tanh sigmoid erf exp expm1 log log1p log2 pow sin cos atan2
    """.split()  # noqa: SIM905
)

EXACT = frozenset(
    """
    _to_copy abs adaptive_max_pool2d adaptive_max_pool3d amax amin argmax argmin
    bernoulli bitwise_not cat ceil clamp clamp_max clamp_min clone constant_pad_nd
    copy detach embedding empty empty_like empty_strided fill flip floor
    fractional_max_pool2d fractional_max_pool3d full full_like gather hardtanh
    im2col index index_put index_select lift_fresh masked_fill max
    max_pool2d_with_indices max_pool3d_with_indices max_unpool2d max_unpool3d
    maximum min minimum neg new_empty new_full new_zeros nonzero ones ones_like
    reflection_pad1d reflection_pad2d reflection_pad3d relu repeat replication_pad1d
    replication_pad2d replication_pad3d roll round scalar_tensor scatter
    select_backward select_scatter sgn sign slice_backward slice_scatter sort stack
    threshold topk uniform where zero zeros zeros_like
    """.split()  # noqa: SIM905
)
"""Operations that round nothing: their results are among what goes in, or its sign."""

NO_ARITHMETIC = frozenset((torch.Tag.nondeterministic_seeded, torch.Tag.inplace_view))

COMPOSITES = """
    _log_softmax _log_softmax_backward_data _softmax _softmax_backward_data
    _safe_softmax elu elu_backward gelu gelu_backward huber_loss huber_loss_backward
    log_sigmoid_backward log_sigmoid_forward logaddexp logsumexp mish mish_backward
    mse_loss mse_loss_backward native_batch_norm native_batch_norm_backward
    native_group_norm native_group_norm_backward native_layer_norm
    native_layer_norm_backward _fused_rms_norm _fused_rms_norm_backward rsub
    sigmoid_backward silu silu_backward smooth_l1_loss smooth_l1_loss_backward
    softplus softplus_backward tanh_backward var_mean
""".split()  # noqa: SIM905
"""Operations of which each step rounds, by PyTorch's own list of their steps."""

LINEAR = frozenset(("bmm", "convolution", "convolution_backward", "mm", "sum"))
"""Sums of products, or of one factor alone."""


def _times(x: Any, number: Any) -> Any:
    return x if number == 1 else x * number


def _addcmul(x: Any, a: Any, b: Any, *, value: Any = 1) -> Any:
    return x + _times(a, value) * b


def _addcdiv(x: Any, a: Any, b: Any, *, value: Any = 1) -> Any:
    return x + _times(a, value) / b


def _lerp(x: Any, end: Any, weight: Any) -> Any:
    # ATen/native/Lerp.h: from the nearer of the two, so that a weight of 1 gives the
    # end itself, however large the other is.
    near = abs(weight) < 0.5
    if not isinstance(near, bool):
        return torch.where(near, x + (end - x) * weight, end - (end - x) * (1 - weight))
    return x + (end - x) * weight if near else end - _times(end - x, 1 - weight)


def _add(x: Any, y: Any, *, alpha: Any = 1) -> Any:
    return x + _times(y, alpha)


def _sub(x: Any, y: Any, *, alpha: Any = 1) -> Any:
    return x - _times(y, alpha)


def _addmm(x: Any, a: Any, b: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    return _times(x, beta) + _times(a @ b, alpha)


def _mean(x: Any, dim: Any = None, keepdim: bool = False, **rest: Any) -> Any:
    total = x.sum() if dim is None else x.sum(dim, keepdim)
    return total / (x.numel() / max(total.numel(), 1))


def _norm(
    x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, **_: Any
) -> Any:
    if ord != 2:
        return NotImplemented
    square = x * x
    return (square.sum() if dim is None else square.sum(dim, keepdim)).sqrt()


STEPS: dict[str, Callable[..., Any]] = {
    "add": _add,
    "addcdiv": _addcdiv,
    "addcmul": _addcmul,
    "addmm": _addmm,
    "baddbmm": _addmm,
    "lerp": _lerp,
    "linalg_vector_norm": _norm,
    "mean": _mean,
    "sub": _sub,
}
"""Likewise, where numbers of the host take part, or sums that PyTorch has whole."""


@cache
def _compositions() -> dict[Any, Callable[..., Any]]:
    from torch._decomp import get_decompositions

    present = [getattr(aten, name) for name in COMPOSITES if hasattr(aten, name)]
    return dict(get_decompositions(present))


@contextmanager
def round_all(
    seed: int, rows: int = 0, numbers: Collection[float] = (), alike: int = 0
) -> Iterator[None]:
    """Within it, PyTorch rounds as `Rounder` does; attention is taken step by step."""
    with sdpa_kernel(SDPBackend.MATH), Rounder(seed, rows, numbers, alike):
        yield


class Rounder(TorchDispatchMode):
    """Operations on float64 tensors, each rounded to float32 in a random way.

    Args:
        seed: of the roundings.
        rows: how many independent runs lie along the first axis of the tensors: their
            numbers from the host round apart too. 0: one run.
        numbers: numbers that were not computed: they, and what they lack to 1, are
            rounded once.
        alike: how many lie along the second axis that are rounded by the same draws.

    Example:
        >>> x = torch.ones(1, dtype=torch.float64)
        >>> with Rounder(seed=0):
        ...     third = x / 3
        >>> 0 < abs(float(third) * 3 - 1) < 2**-22
        True
    """

    def __init__(
        self, seed: int, rows: int = 0, numbers: Collection[float] = (), alike: int = 0
    ):
        super().__init__()
        self._generator = torch.Generator().manual_seed(seed)
        self._rows = rows
        self._alike = (rows, alike) if alike else None
        self._constants = [*numbers, *(1 - number for number in numbers)]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Run an operation, and round its result."""
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        if _rounds_nothing(func, name, args):
            return func(*args, **kwargs)
        if func._schema.is_mutable:
            return self._in_place(func, name, args, kwargs)
        steps = STEPS.get(name) or _compositions().get(func)
        if steps is not None and not self._is_step(name, args, kwargs):
            with self:
                result = steps(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = func(*self._with_numbers(name, args), **kwargs)
        many = isinstance(result, tuple | list)
        errors = self._errors(func, name, args, kwargs, result if many else [result])
        moves = [self._move(*pair) for pair in errors]
        return type(result)(moves) if many else moves[0]

    def _in_place(self, func: Any, name: str, args: Any, kwargs: Any) -> Any:
        plain = getattr(aten, name.removesuffix("_"), None)
        if plain is None or not name.endswith("_") or name.startswith("_"):
            return func(*args, **kwargs)
        with self:
            result = plain(*args, **kwargs)
        exact, target = plain(*args, **kwargs), args[0]
        # What nothing was added to is not rounded.
        return target.copy_(torch.where(exact == target, target, result))

    @staticmethod
    def _is_step(name: str, args: Any, kwargs: Any) -> bool:
        """Whether a sum of two is that alone."""
        return name in ("add", "sub") and kwargs.get("alpha", 1) == 1

    def _with_numbers(self, name: str, args: Any) -> Any:
        """Arguments whose numbers are rounded as often as they may be elsewhere."""
        if name not in ("add", "sub", "mul", "div"):
            return args
        return [args[0], *(self._number(args[0], x) for x in args[1:])]

    def _number(self, beside: torch.Tensor, value: Any) -> Any:
        if not isinstance(value, float) or value.is_integer():
            return value
        in_rows = bool(beside.ndim) and beside.shape[0] == self._rows
        shape = (self._rows, *[1] * (beside.ndim - 1)) if in_rows else ()
        roundings = 1 if _is_among(abs(value), self._constants) else HOST
        draws = torch.stack([self._draw(shape) for _ in range(roundings)])
        result = value * (1 + 2.0**-24 * draws.sum(0))
        return result if in_rows else float(result)

    def _errors(
        self, func: Any, name: str, args: Any, kwargs: Any, results: list[Any]
    ) -> list[tuple[Any, Any]]:
        """Each result, and the size of its error before it is taken at random."""
        if name in LINEAR:
            # Of n products in any order, the partial sums grow like the root of n.
            squares = func(*(_square(x) for x in args), **kwargs)
            squares = squares if isinstance(squares, tuple | list) else [squares]
            count = _products(name, args, results[0])
            return [
                (x, _half(x) + _of_sum(x, square, count) if _is_float(x) else None)
                for x, square in zip(results, squares, strict=True)
            ]
        halves = FUNCTION if name in FUNCTIONS else 1.0
        return [(x, halves * _half(x) if _is_float(x) else None) for x in results]

    def _move(self, x: Any, error: Any) -> Any:
        if error is None:
            return x
        # Infinities, as masks have them, are exact.
        finite = torch.where(error.isfinite(), error, 0.0)
        return (x.double() + self._draw(x.shape) * finite).to(x.dtype)

    def _draw(self, shape: Any) -> torch.Tensor:
        if tuple(shape[:2]) == self._alike:
            return self._draw((shape[0], *shape[2:])).unsqueeze(1)
        uniform = torch.rand(shape, generator=self._generator, dtype=torch.float64)
        return 2 * uniform - 1


def _is_among(value: float, numbers: Collection[float]) -> bool:
    """Whether a number, or what it lacks to 1, is among those."""
    return any(math.isclose(value, one, rel_tol=1e-12) for one in numbers)


def _is_float(x: Any) -> bool:
    return _is_dense(x) and x.is_floating_point()


def _is_dense(x: Any) -> bool:
    return isinstance(x, torch.Tensor) and x.layout == torch.strided


def _rounds_nothing(func: Any, name: str, args: Any) -> bool:
    """Whether it draws, looks at, chooses or moves numbers, or is not of dense ones."""
    tensors = [x for x in args if isinstance(x, torch.Tensor)]
    return (
        name.removesuffix("_") in EXACT
        or func.is_view
        or not NO_ARITHMETIC.isdisjoint(func.tags)
        or not all(map(_is_dense, tensors))
    )


def _half(x: torch.Tensor) -> torch.Tensor:
    """Half the spacing of float32 at each element, or of a narrower type."""
    eps = max(torch.finfo(x.dtype).eps, 2.0**-23)
    mantissa, _ = torch.frexp(x.double())
    # |x| is the mantissa, from a half, times a power of 2.
    return torch.where(x == 0, 0.0, eps / 4 * (x / mantissa).double())


def _square(x: Any) -> Any:
    return x * x if _is_float(x) else x


def _of_sum(x: torch.Tensor, squares: torch.Tensor, count: float) -> torch.Tensor:
    """The error of a sum: of terms of all signs, or of one, whichever is more."""
    unit = 2.0**-24
    signs = math.sqrt(count / 2) * squares.abs().sqrt()
    return unit * torch.maximum(signs, math.sqrt(count / 3) * x.abs())


def _products(name: str, args: Any, result: Any) -> float:
    """How many products a sum has."""
    if name in ("mm", "bmm"):
        return args[0].shape[-1]
    if name == "convolution":
        return args[1][0].numel()
    if name == "convolution_backward":
        grad, _, weight = args[:3]
        return max(weight[:, 0].numel(), grad[:, 0].numel())
    return args[0].numel() / max(result.numel(), 1)
