"""PyTorch's own optimiser with other hyper-parameters, found by trying them."""

from collections.abc import Iterator
from typing import Any

import torch

from parity.doctor.evidence import Evidence
from parity.doctor.optimizer_steps import OptimizerSteps, optimizer_steps
from parity.doctor.trial import Trial

KINDS = ("update",)

BETAS = [
    (b1, b2)
    for b1 in (0.9, 0.95, 0.8, 0.5, 0.0, 0.99)
    for b2 in (0.999, 0.99, 0.98, 0.95, 0.9, 0.9999)
]
OTHERS: dict[str, list[Any]] = {
    "eps": [10.0**-n for n in (7, 8, 6, 5, 10, 9, 12, 15, 16, 4, 3)] + [0.0],
    "weight_decay": [0.0, 1e-4, 1e-2, 5e-4, 1e-3, 5e-2, 0.1, 5e-3, 1e-5],
    "momentum": [0.0, 0.9, 0.99, 0.95, 0.8, 0.5],
    "alpha": [0.9, 0.99, 0.95, 0.999],
    "rho": [0.9, 0.95, 0.99],
    "betas": BETAS,
    "lr_decay": [0.0],
    "momentum_decay": [0.0, 4e-3],
    "initial_accumulator_value": [0.0, 0.1, 1.0],
    "lambd": [0.0],
    "etas": [(0.5, 1.2)],
    "step_sizes": [(1e-6, 50), (1e-6, 0.1)],
    "nesterov": [True, False],
    "amsgrad": [True, False],
    "centered": [True, False],
    "maximize": [True, False],
}
CAUSES = {
    "eps": "eps of the optimiser",
    "weight_decay": "weight decay",
    "momentum": "momentum",
    "nesterov": "Nesterov momentum",
    "maximize": "maximize",
    "betas": "betas",
    "amsgrad": "AMSGrad",
    "alpha": "decay of the squares",
    "centered": "centred squares",
    "initial_accumulator_value": "accumulator's start",
}


def trials(evidence: Evidence) -> Iterator[Trial]:
    """One hyper-parameter changed, then the way in which weights decay."""
    steps = optimizer_steps(evidence)
    name = type(steps.optimizer).__name__
    yield from _decays(steps, name)
    yield from _change_one(steps, name)
    yield from _dampening(steps, name)


def _change_one(steps: OptimizerSteps, name: str) -> Iterator[Trial]:
    for key, values in OTHERS.items():
        own_values = [own[key] for own in steps.hyper if key in own]
        for value in values:
            if not own_values or all(value == one for one in own_values):
                continue
            yield Trial(
                CAUSES.get(key, f"{key} of the optimiser"),
                f"the port's updates are those of {name} with {key}={value}, not "
                f"{own_values[0]}",
                f"Give both optimisers {key}={own_values[0]}.",
                _error(steps, steps.change(**{key: value})),
            )


def _error(steps: OptimizerSteps, hyper: Any, kind: Any = None) -> float:
    try:
        return steps.error(steps.run(hyper, kind))
    except (ValueError, TypeError, RuntimeError):
        # PyTorch refuses some combinations.
        return float("inf")


def _dampening(steps: OptimizerSteps, name: str) -> Iterator[Trial]:
    momentum = steps.hyper[0].get("momentum", 0.0)
    if "dampening" not in steps.hyper[0]:
        return
    for value in (0.0, momentum):
        if value != steps.hyper[0]["dampening"]:
            yield Trial(
                "dampening",
                f"the port's updates are those of {name} with dampening={value}",
                "optax.trace has no dampening: use jaxtrain.optim.sgd.",
                _error(steps, steps.change(dampening=value, nesterov=False)),
            )


def _decays(steps: OptimizerSteps, name: str) -> Iterator[Trial]:
    decay = max(own.get("weight_decay", 0.0) for own in steps.hyper)
    if not decay:
        return
    yield Trial(
        "decay of every parameter",
        "the port decays all parameters, PyTorch has a group without decay",
        "Mask the decay: optax.adamw(mask=...), or jaxtrain.optim.param_groups.",
        _error(steps, steps.change(weight_decay=decay)),
    )
    yield Trial(
        "weight decay",
        "the port decays half or twice as much: the gradient of wd/2·p² is wd·p",
        "Give both the same weight_decay.",
        min(
            _error(steps, [{**own, **_scale(own, c)} for own in steps.hyper])
            for c in (0.5, 2.0)
        ),
    )
    swap = {"Adam": torch.optim.AdamW, "AdamW": torch.optim.Adam}.get(name)
    if swap:
        says = {
            "Adam": "shrinks the weights (AdamW)",
            "AdamW": "adds decay to the gradient",
        }
        yield Trial(
            "coupled or decoupled decay",
            f"the port {says[name]}, PyTorch's {name} does the other",
            "Adam's weight_decay is an L2 penalty's gradient: "
            f"jaxtrain.optim.{name.lower()}.",
            _error(steps, _without_decay(steps.hyper), swap),
        )


def _scale(own: dict[str, Any], factor: float) -> dict[str, Any]:
    return (
        {"weight_decay": own["weight_decay"] * factor} if "weight_decay" in own else {}
    )


def _without_decay(hyper: Any) -> Any:
    return [
        {k: v for k, v in own.items() if k != "decoupled_weight_decay"} for own in hyper
    ]
