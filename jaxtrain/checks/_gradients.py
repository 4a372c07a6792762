"""Gradients of the first batches: whether they reach every layer."""

from collections.abc import Mapping

import numpy as np

from jaxtrain.checks._finding import Finding

GREATEST_SPREAD = 1e4
"""Of mean |gradient| between layers."""
GREATEST_DEAD = 0.5
"""Share of a layer's units that no input makes active."""


def gradients_reach(sizes: Mapping[str, np.ndarray]) -> Finding:
    """Whether every layer has gradients, finite and of a like size.

    A layer is judged by its largest parameter: a bias in front of a normalisation has
    no gradient, and that is right.

    Args:
        sizes: parameter's name -> |gradient|, value by value, in the model's order.
    """
    name = "gradients reach every layer"
    broken = [key for key, size in sizes.items() if not np.isfinite(size).all()]
    if broken:
        return Finding(name, False, f"not finite in {_listed(broken)}")
    layers = _layers(sizes)
    dead = [layer for layer, size in layers.items() if size == 0]
    if dead:
        return Finding(name, False, f"none in {_listed(dead)}{_cause(sizes)}")
    least, most = (
        min(layers, key=layers.__getitem__),
        max(layers, key=layers.__getitem__),
    )
    spread = layers[most] / layers[least]
    what = (
        f"mean |gradient| from {layers[least]:.1e} ({least}) to {layers[most]:.1e} "
        f"({most})"
    )
    if spread <= GREATEST_SPREAD:
        return Finding(name, True, what)
    return Finding(
        name,
        False,
        f"{what}, {spread:.0e} times as much: they vanish or explode on the way; use "
        "other initial weights, a normalisation, shortcuts, or fewer layers",
    )


def units_alive(sizes: Mapping[str, np.ndarray]) -> Finding:
    """Whether most units of every layer are active for some input.

    A unit with no gradient in its bias is one that no input of the sample makes active,
    as a ReLU whose input is negative for all of them.
    """
    name = "units are alive"
    shares = {
        key.rpartition(".")[0]: float((size == 0).mean())
        for key, size in sizes.items()
        if key.rpartition(".")[2] == "bias" and size.ndim == 1
    }
    if not shares:
        return Finding(name, True, "no layer has a bias to tell by", skipped=True)
    worst = max(shares, key=shares.__getitem__)
    what = f"at most {shares[worst]:.0%} of a layer's units without gradient"
    if shares[worst] <= GREATEST_DEAD:
        return Finding(name, True, what)
    dead = [f"{layer} ({x:.0%})" for layer, x in shares.items() if x > GREATEST_DEAD]
    return Finding(
        name,
        False,
        f"units without gradient: {_listed(dead)}; no input makes them active, as "
        "where biases are far below zero or inputs far too large: use other initial "
        "weights",
    )


def _layers(sizes: Mapping[str, np.ndarray]) -> dict[str, float]:
    layers: dict[str, float] = {}
    for key, size in sizes.items():
        layer = key.rpartition(".")[0] or key
        layers[layer] = max(layers.get(layer, 0.0), float(size.mean()))
    return layers


def _cause(sizes: Mapping[str, np.ndarray]) -> str:
    """Where the signal ends, if a layer gives itself away.

    A weight's gradient is that of the layer's output times the layer's input: where the
    bias has one and the weight has none, the input is zero.
    """
    for key, size in sizes.items():
        layer, _, kind = key.rpartition(".")
        bias = sizes.get(f"{layer}.bias")
        if kind == "weight" and bias is not None and bias.any() and not size.any():
            return (
                f"; all that enters {layer} is zero: every unit before it is dead, as "
                "where biases are far below zero, or dropped; use other initial weights"
            )
    return "; are they part of what the loss depends on?"


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"
