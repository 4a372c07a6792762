"""Bags of indices."""

from typing import Any

import numpy as np

from parity.proof.layers.cases.case import Input, LayerCase


def _bag(
    count: int,
    bags: int,
    kind: str = "offsets",
    with_weights: bool = False,
    **more: Any,
) -> LayerCase:
    """So many indices one after the other, and where so many bags begin."""
    inputs = [Input((count,), "index", 7), Input((bags,), kind, count)]
    inputs += [Input((count,))] * with_weights
    args = {"num_embeddings": 7, "embedding_dim": 3, **more}
    return LayerCase("EmbeddingBag", args, tuple(inputs))


def _even(shape: tuple[int, int], call: Any = None, **more: Any) -> LayerCase:
    """Bags of one size."""
    args = {"num_embeddings": 7, "embedding_dim": 3, **more}
    inputs = (Input(shape, "index", 7),)
    return LayerCase("EmbeddingBag", args, inputs, call=call or {})


WEIGHTS = {"per_sample_weights": np.linspace(-1, 2, 20, dtype=np.float32).reshape(4, 5)}

EMBEDDING_BAG = (
    *(_even((4, 5), mode=mode) for mode in ("sum", "mean", "max")),
    *(_bag(20, 6, mode=mode) for mode in ("sum", "mean", "max")),
    *(_bag(20, 6, mode=mode, padding_idx=2) for mode in ("sum", "mean", "max")),
    *(
        _bag(20, 6, "ends", mode=mode, include_last_offset=True, padding_idx=-1)
        for mode in ("sum", "mean", "max")
    ),
    *(_bag(30, 4, mode=mode, scale_grad_by_freq=True) for mode in ("sum", "mean")),
    _bag(20, 6, mode="sum", with_weights=True),
    _bag(20, 6, "ends", True, mode="sum", include_last_offset=True, padding_idx=0),
    _even((4, 5), WEIGHTS, mode="sum"),
    _even((4, 5), max_norm=1.0),
    _bag(20, 3, max_norm=0.8, norm_type=1.0, mode="sum"),
    _even((2, 9), max_norm=1.2, norm_type=3.0, mode="max", padding_idx=1),
    _even((1, 1), num_embeddings=9, embedding_dim=40),
)
