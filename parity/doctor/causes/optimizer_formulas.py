"""Formulas of hand-written optimisers that are nearly PyTorch's."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from parity.doctor.evidence import Evidence
from parity.doctor.optimizer_steps import OptimizerSteps, Tensors, optimizer_steps
from parity.doctor.trial import Trial

KINDS = ("update",)

State = dict[str, Any]
Formula = Callable[
    [np.ndarray, np.ndarray, float, int, dict[str, Any], State], np.ndarray
]
"""(p, g, rate, number of the step from 1, hyper-parameters, state) -> update."""


def trials(evidence: Evidence) -> Iterator[Trial]:
    """Run each formula on PyTorch's recorded gradients."""
    steps = optimizer_steps(evidence)
    name = type(steps.optimizer).__name__
    for names, cause, text, remedy, formula in FORMULAS:
        if name in names.split():
            error = steps.error(_run(formula, steps))
            yield Trial(cause, f"the port {text}", remedy, error)


def _run(formula: Formula, steps: OptimizerSteps) -> list[Tensors]:
    states: dict[str, State] = {path: {} for path in steps.before[0]}
    updates = []
    for number, before in enumerate(steps.before):
        update = {}
        for path, p in before.items():
            g, place = steps.gradients[number].get(path), steps.groups.get(path)
            if g is None or place is None:
                update[path] = np.zeros_like(p)
                continue
            lr = float(steps.lrs[number][place])
            h = steps.hyper[place]
            with np.errstate(all="ignore"):
                update[path] = formula(p, g, lr, number + 1, h, states[path])
        updates.append(update)
    return updates


def _decay(p: np.ndarray, g: np.ndarray, h: dict[str, Any]) -> np.ndarray:
    return g + h.get("weight_decay", 0.0) * p


def _dampen_from_the_start(
    p: np.ndarray, g: np.ndarray, lr: float, t: int, h: dict[str, Any], s: State
) -> np.ndarray:
    s["b"] = h["momentum"] * s.get("b", 0.0) + (1 - h["dampening"]) * _decay(p, g, h)
    return -lr * s["b"]


def _average(
    p: np.ndarray, g: np.ndarray, lr: float, t: int, h: dict[str, Any], s: State
) -> np.ndarray:
    mu = h["momentum"]
    s["b"] = mu * s.get("b", 0.0) + (1 - mu) * _decay(p, g, h)
    return -lr * s["b"]


def _correct_average(
    p: np.ndarray, g: np.ndarray, lr: float, t: int, h: dict[str, Any], s: State
) -> np.ndarray:
    return _average(p, g, lr, t, h, s) / (1 - h["momentum"] ** t)


def _rate_in_the_buffer(
    p: np.ndarray, g: np.ndarray, lr: float, t: int, h: dict[str, Any], s: State
) -> np.ndarray:
    s["b"] = h["momentum"] * s.get("b", 0.0) - lr * _decay(p, g, h)
    return s["b"]


def _buffer_late(
    p: np.ndarray, g: np.ndarray, lr: float, t: int, h: dict[str, Any], s: State
) -> np.ndarray:
    before = s.get("b", np.zeros_like(p))
    s["b"] = h["momentum"] * before + _decay(p, g, h)
    return -lr * before


def _decouple(
    p: np.ndarray, g: np.ndarray, lr: float, t: int, h: dict[str, Any], s: State
) -> np.ndarray:
    s["b"] = h["momentum"] * s.get("b", 0.0) + g
    return -lr * (s["b"] + h["weight_decay"] * p)


def _moments(
    g: np.ndarray, h: dict[str, Any], s: State
) -> tuple[np.ndarray, np.ndarray]:
    b1, b2 = h["betas"]
    s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0.0) + (1 - b2) * g * g
    return s["m"], s["v"]


def _adam(
    form: Callable[..., np.ndarray], as_penalty: bool, decay: Callable[..., Any]
) -> Formula:
    def formula(
        p: np.ndarray, g: np.ndarray, lr: float, t: int, h: dict[str, Any], s: State
    ) -> np.ndarray:
        m, v = _moments(_decay(p, g, h) if as_penalty else g, h, s)
        b1, b2 = h["betas"]
        step = -lr * form(m, v, b1, b2, t, h["eps"])
        return step if as_penalty else step - decay(p, lr, h)

    return formula


def _usual(m: Any, v: Any, b1: float, b2: float, t: int, eps: float) -> Any:
    return m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps)


def _no_correction(m: Any, v: Any, b1: float, b2: float, t: int, eps: float) -> Any:
    return m / (np.sqrt(v) + eps)


def _eps_hat(m: Any, v: Any, b1: float, b2: float, t: int, eps: float) -> Any:
    return m * np.sqrt(1 - b2**t) / (1 - b1**t) / (np.sqrt(v) + eps)


def _eps_inside(m: Any, v: Any, b1: float, b2: float, t: int, eps: float) -> Any:
    return m / (1 - b1**t) / np.sqrt(v / (1 - b2**t) + eps)


def _count_from_zero(m: Any, v: Any, b1: float, b2: float, t: int, eps: float) -> Any:
    return _usual(m, v, b1, b2, t + 1, eps)


def _count_late(m: Any, v: Any, b1: float, b2: float, t: int, eps: float) -> Any:
    return _usual(m, v, b1, b2, max(t - 1, 1), eps)


def _in_float32(m: Any, v: Any, b1: float, b2: float, t: int, eps: float) -> Any:
    one = np.float32(1)
    c1, c2 = (float(one - np.float32(b) ** np.float32(t)) for b in (b1, b2))
    return m / c1 / (np.sqrt(v / c2) + eps)


def _of_rate(p: Any, lr: float, h: dict[str, Any]) -> Any:
    return lr * h.get("weight_decay", 0.0) * p


def _without_rate(p: Any, lr: float, h: dict[str, Any]) -> Any:
    return h.get("weight_decay", 0.0) * p


SGD = "Use jaxtrain.optim.sgd."
ADAM = "Use jaxtrain.optim.adam or adamw."

FORMULAS: list[tuple[str, str, str, str, Formula]] = [
    (
        "SGD",
        "momentum buffer's start",
        "starts the momentum from zero and dampens the first gradient, too",
        f"PyTorch's first buffer is the gradient itself. {SGD}",
        _dampen_from_the_start,
    ),
    (
        "SGD",
        "momentum as an average",
        "multiplies the gradient by 1 - momentum as it enters the buffer",
        f"PyTorch's buffer is a sum unless dampening is given. {SGD}",
        _average,
    ),
    (
        "SGD",
        "momentum as an average",
        "keeps a bias-corrected average of the gradients as momentum",
        f"PyTorch's buffer is a sum. {SGD}",
        _correct_average,
    ),
    (
        "SGD",
        "learning rate before momentum",
        "multiplies the gradient by the rate before it enters the buffer",
        f"PyTorch multiplies the buffer: it differs when the rate changes. {SGD}",
        _rate_in_the_buffer,
    ),
    (
        "SGD",
        "momentum buffer's start",
        "steps along the buffer of the step before, which starts from zero",
        f"PyTorch's first step is along the first gradient. {SGD}",
        _buffer_late,
    ),
    (
        "SGD",
        "coupled or decoupled decay",
        "shrinks the weights outside the momentum",
        f"PyTorch adds weight_decay·p to the gradient first. {SGD}",
        _decouple,
    ),
]
for _cause, _text, _form in (
    ("no bias correction", "does not correct the bias of the averages", _no_correction),
    (
        "eps before the bias correction",
        "adds eps before the bias correction (TensorFlow's eps-hat)",
        _eps_hat,
    ),
    ("eps inside the root", "adds eps inside the root", _eps_inside),
    (
        "bias correction off by one",
        "counts the steps of the bias correction from 2",
        _count_from_zero,
    ),
    (
        "bias correction off by one",
        "counts the steps of the bias correction one late",
        _count_late,
    ),
    (
        "bias correction in float32",
        "computes the bias correction in float32",
        _in_float32,
    ),
):
    FORMULAS += [
        ("Adam", _cause, _text, ADAM, _adam(_form, True, _of_rate)),
        ("AdamW", _cause, _text, ADAM, _adam(_form, False, _of_rate)),
    ]
FORMULAS += [
    (
        "AdamW",
        "decay without the learning rate",
        "shrinks the weights by weight_decay, not by lr·weight_decay",
        ADAM,
        _adam(_usual, False, _without_rate),
    ),
]
