"""Causes that are one of PyTorch's functions computed otherwise."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from parity.doctor.evidence import Change, Evidence, Override
from parity.doctor.trial import Trial

Handlers = Mapping[str, Callable[..., Any]]
"""Function's name -> (original, *args, **kwargs) -> result."""


@dataclass(frozen=True)
class Variant:
    """One way to compute something otherwise."""

    cause: str
    text: str
    remedy: str
    handlers: Handlers
    enough: float = 1e-9
    share: float = 0.0
    """Of the output's departure that may be left, for variants that are roundings."""
    most: float = np.inf
    """Departure of the output that such a rounding can make."""


def try_variants(evidence: Evidence, variants: Iterator[Variant]) -> Iterator[Trial]:
    """Each variant in the whole model, then in the departing layer alone."""
    for variant in variants:
        if not evidence.functions & set(variant.handlers):
            continue
        enough = variant.enough
        if variant.share:
            departure = evidence.output_error
            # A larger one, or one of no size, is no rounding.
            if not departure < variant.most:
                continue
            enough = max(enough, variant.share * departure)
        whole = _override_all(variant.handlers)
        error = evidence.error(whole, enough=enough)
        text = variant.text
        if error > enough and evidence.first.kind == "output" and evidence.first.name:
            layer = evidence.first.name
            alone = evidence.error(_override_in(variant.handlers, layer), enough=enough)
            if alone < error:
                error, text = alone, f"in {layer!r}, {text}"
        yield Trial(variant.cause, text, variant.remedy, error, enough)


def _override_all(handlers: Handlers) -> Change:
    return lambda model: Override(dict(handlers))


def _override_in(handlers: Handlers, layer: str) -> Change:
    @contextmanager
    def change(model: torch.nn.Module) -> Iterator[None]:
        inside: list[bool] = []
        module = model.get_submodule(layer)
        hooks = [
            module.register_forward_pre_hook(lambda *_: inside.append(True)),
            module.register_forward_hook(lambda *_: inside.clear()),
        ]
        try:
            with Override(dict(handlers), lambda: bool(inside)):
                yield
        finally:
            for hook in hooks:
                hook.remove()

    return change


def with_arguments(names: tuple[str, ...], **changes: Any) -> Callable[..., Any]:
    """A handler that calls the original with some arguments changed.

    Args:
        names: of its positional arguments, in order.
        changes: those that change.

    Example:
        >>> with_arguments(("base", "exp"), exp=2)(pow, 3, 5)
        9
    """

    def handler(func: Any, *args: Any, **kwargs: Any) -> Any:
        positional, rest = list(args), dict(kwargs)
        for name, value in changes.items():
            place = names.index(name) if name in names else len(positional)
            if place < len(positional):
                positional[place] = value
            else:
                rest[name] = value
        return func(*positional, **rest)

    return handler
