"""Draws of a generator, one after another."""

from typing import Any

from parity.proof.data.cases.case import DrawCase


def _multinomial(
    weights: Any, number: int, replacement: bool = False, **more: Any
) -> DrawCase:
    args = {"input": weights, "num_samples": number, "replacement": replacement}
    return DrawCase("multinomial", args, **more)


# fmt: off
MANY = [float(1 + (7 * place) % 13) for place in range(50)]
DRAWS: tuple[DrawCase, ...] = (
    *(
        _multinomial(weights, number, replacement, dtype=dtype)
        for dtype in ("float32", "float64")
        for weights, number, replacement in (
            ([0.1, 0.2, 0.3, 0.4], 4, False),
            ([0.1, 0.2, 0.3, 0.4], 12, True),
            ([0.1, 0.2, 0.3, 0.4], 1, False),
            ([0.1, 0.2, 0.3, 0.4], 1, True),
            ([3.0, 5.0, 0.5], 2, False),
            ([3.0, 5.0, 0.5], 7, True),
            ([0.0, 1.0, 0.0, 3.0], 2, False),
            ([0.0, 1.0, 0.0, 3.0], 9, True),
            ([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]], 1, False),
            ([[1.0, 2.0, 3.0], [4.0, 1.0, 2.0]], 3, False),
            ([[1.0, 2.0, 3.0], [4.0, 0.0, 2.0]], 5, True),
            (MANY, 50, False),
            (MANY, 40, True),
            ([1e-30, 1.0, 1e30], 3, False),
            ([1e-30, 1.0, 1e30], 3, True),
            ([5.0], 1, False),
            ([5.0], 3, True),
        )
    ),
    _multinomial([1.0] * 17, 17, seed=3, times=3),
    _multinomial([0.0, 0.0, 1.0, 0.0, 0.0], 5, True),
    _multinomial([1.0, 2.0], 3, raises="RuntimeError"),
    _multinomial([0.0, 1.0], 2,
                 note="more than are left: PyTorch gives a zero's place"),
    _multinomial([0.0, 0.0], 1, True, raises="RuntimeError"),
    _multinomial([-1.0, 2.0], 1, raises="RuntimeError"),
    _multinomial([1.0, float("inf")], 1, raises="RuntimeError"),
    _multinomial([1.0, float("nan")], 1, raises="RuntimeError"),
    _multinomial([1.0, 2.0], 0, raises="RuntimeError"),
    _multinomial([], 1, raises="RuntimeError"),
    *(
        DrawCase("randint", {"low": low, "high": high, "size": size})
        for low, high, size in (
            (0, 10, (7,)), (-5, 5, (3, 4)), (3, 4, (5,)), (0, 2**31, (3,)),
            (0, 2**32 - 1, (3,)), (0, 2**32, (3,)), (0, 2**32 + 1, (3,)),
            (-(2**62), 2**62, (3,)), (0, 2**63 - 1, (3,)), (0, 2, (17,)), (0, 7, ()),
            (0, 7, (0,)), (100, 1000, (33,)),
        )
    ),
    DrawCase("randint", {"low": 0, "high": 9, "size": (5,)}, seed=2**63, times=3),
    DrawCase("randint", {"low": 5, "high": 5, "size": (2,)}, raises="RuntimeError"),
    DrawCase("randint", {"low": 5, "high": 1, "size": (2,)}, raises="RuntimeError"),
    *(
        DrawCase("exponential", {"lambd": rate, "size": size}, dtype)
        for dtype in ("float32", "float64")
        for rate, size in ((1.0, (1,)), (1.0, (7,)), (2.5, (3, 5)), (1e-3, (4,)),
                           (1.0, (0,)), (1.0, (33,)), (1e6, (2,)))
    ),
    DrawCase("exponential", {"lambd": 0.0, "size": (2,)}, raises="RuntimeError"),
    DrawCase("exponential", {"lambd": -1.0, "size": (2,)}, raises="RuntimeError"),
    *(DrawCase("randperm", {"n": size}) for size in (0, 1, 2, 17, 300)),
    *(
        DrawCase("bernoulli", {"p": p, "size": (9,)}, dtype)
        for dtype in ("float32", "float64") for p in (0.0, 0.3, 1.0)
    ),
)
# fmt: on
