"""For each optimiser: the nearest thing in Optax, and what it does instead."""

from collections.abc import Callable
from dataclasses import dataclass

import optax


@dataclass(frozen=True)
class Nearest:
    """Optax's function with PyTorch's defaults where it has the arguments."""

    call: str
    make: Callable[[], optax.GradientTransformation] | None
    """None where Optax has nothing alike."""
    instead: str


NEAREST: dict[str, Nearest] = {
    "adadelta": Nearest(
        "adadelta(1.0)",
        lambda: optax.adadelta(1.0),
        "the same formula; no default rate",
    ),
    "adafactor": Nearest(
        "adafactor(1e-2, min_dim_size_to_factor=1)",
        lambda: optax.adafactor(1e-2, min_dim_size_to_factor=1),
        "factors from 128 rows on; no 1/sqrt(t) limit; ε 1e-30",
    ),
    "adagrad": Nearest(
        "adagrad(0.01)",
        lambda: optax.adagrad(0.01),
        "starts from 0.1; ε inside the root; no lr_decay",
    ),
    "adam": Nearest(
        "adam(1e-3)",
        lambda: optax.adam(1e-3),
        "bias correction in float32; amsgrad of corrected averages; no penalty",
    ),
    "adamax": Nearest(
        "adamax(2e-3)", lambda: optax.adamax(2e-3), "bias correction in float32"
    ),
    "adamw": Nearest(
        "adamw(1e-3, weight_decay=1e-2)",
        lambda: optax.adamw(1e-3, weight_decay=1e-2),
        "decays by 1e-4; bias correction in float32",
    ),
    "asgd": Nearest("", None, "nothing alike"),
    "lbfgs": Nearest(
        "lbfgs()",
        lambda: optax.lbfgs(),
        "one iteration in an update, by another line search; 10 pairs",
    ),
    "muon": Nearest(
        "contrib.muon(1e-3, weight_decay=0.1)",
        lambda: optax.contrib.muon(1e-3, weight_decay=0.1),
        "in the gradient's type, not bfloat16; bias corrected; Adam for the rest",
    ),
    "nadam": Nearest(
        "nadam(2e-3)", lambda: optax.nadam(2e-3), "no schedule of the momentum"
    ),
    "radam": Nearest(
        "radam(1e-3)", lambda: optax.radam(1e-3), "ε after the bias correction"
    ),
    "rmsprop": Nearest(
        "rmsprop(0.01, decay=0.99)",
        lambda: optax.rmsprop(0.01, decay=0.99),
        "ε inside the root; decay 0.9; the momentum holds the rate",
    ),
    "rprop": Nearest("rprop(0.01)", lambda: optax.rprop(0.01), "lags one step"),
    "sgd": Nearest("sgd(1e-3)", lambda: optax.sgd(1e-3), "no dampening, no maximize"),
    "sparse_adam": Nearest(
        "adam(1e-3)", lambda: optax.adam(1e-3), "moments of resting rows decay"
    ),
}
